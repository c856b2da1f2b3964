//! A Datadog agent on loopback that keeps what it receives.

use std::{
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::HeaderMap,
    routing::{any, get, post},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::span::{self, Span};

/// A payload of traces as it came.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A running intake; it ends with the process.
#[derive(Debug)]
pub(crate) struct Intake {
    url: String,
    payloads: Payloads,
    requests: Requests,
}

type Payloads = Arc<Mutex<Vec<Payload>>>;

/// What came as OTLP/JSON, each an `ExportTraceServiceRequest`.
type Requests = Arc<Mutex<Vec<Value>>>;

impl Intake {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let payloads = Payloads::default();
        let requests = Requests::default();
        let router = router(Arc::clone(&payloads)).merge(otlp_router(Arc::clone(&requests)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            url,
            payloads,
            requests,
        })
    }

    /// What to set `DD_TRACE_AGENT_URL` to.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// All payloads so far, in the order of their coming.
    pub(crate) fn payloads(&self) -> Vec<Payload> {
        self.payloads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What came as OTLP/JSON so far, in the order of its coming.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The spans of all payloads so far.
    ///
    /// # Errors
    ///
    /// When one of the payloads is no v0.4 payload.
    pub(crate) fn spans(&self) -> Result<Vec<Span>, rmp_serde::decode::Error> {
        let mut spans = Vec::new();
        for payload in self.payloads() {
            spans.extend(span::decode_payload(&payload.body)?);
        }
        Ok(spans)
    }
}

fn router(payloads: Payloads) -> Router {
    Router::new()
        .route("/info", get(info))
        .route("/v0.4/traces", post(keep).put(keep))
        .fallback(any(|| async { Json(json!({})) }))
        .layer(DefaultBodyLimit::disable())
        .with_state(payloads)
}

/// Says what this agent takes. It does not offer to compute on client-side stats, for then a tracer would keep
/// unsampled traces to itself.
async fn info() -> Json<Value> {
    Json(json!({ "version": "7.0.0", "endpoints": ["/v0.4/traces"], "client_drop_p0s": false }))
}

/// OTLP over HTTP: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>
fn otlp_router(requests: Requests) -> Router {
    Router::new()
        .route("/v1/traces", post(keep_request))
        .layer(DefaultBodyLimit::disable())
        .with_state(requests)
}

async fn keep_request(State(requests): State<Requests>, Json(body): Json<Value>) -> Json<Value> {
    requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(body);
    Json(json!({}))
}

async fn keep(State(payloads): State<Payloads>, headers: HeaderMap, body: Bytes) -> Json<Value> {
    payloads
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Payload { headers, body });
    Json(json!({ "rate_by_service": {} }))
}

#[cfg(test)]
mod tests {
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};

    use super::*;

    #[tokio::test]
    async fn traces_are_kept_and_everything_else_is_answered() {
        let intake = Intake::start().await.unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        for (method, path, body) in [
            ("GET", "/info", &b""[..]),
            ("PUT", "/v0.4/traces", b"\x90"),
            ("POST", "/v0.4/traces", b"\x91\x91\x80"),
            ("POST", "/telemetry/proxy/api/v2/apmtelemetry", b"{}"),
            ("POST", "/v0.7/config", b"{}"),
            ("POST", "/v1/traces", b"{\"resourceSpans\":[]}"),
        ] {
            let request = axum::http::Request::builder()
                .method(method)
                .uri(format!("{}{path}", intake.url()))
                .header("content-type", "application/json")
                .body(axum::body::Body::from(body))
                .unwrap();
            let status = client.request(request).await.unwrap().status();
            assert_eq!(status, 200, "{method} {path}");
        }
        assert_eq!(intake.payloads().len(), 2, "put and posted");
        assert_eq!(intake.spans().unwrap(), [Span::default()]);
        assert_eq!(intake.requests(), [json!({ "resourceSpans": [] })]);
    }
}
