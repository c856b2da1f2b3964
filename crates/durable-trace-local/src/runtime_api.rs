//! The Lambda Runtime API, one server for each process:
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::engine::lock;
use crate::function::XRay;
use crate::host::is_for_loopback;
use crate::process::Job;
use crate::refusal::ErrorRecord;
use crate::state::{Outcome, Run, hex_digits};
use crate::time::UnixMillis;

/// More than Lambda takes from a function: 6 MiB and what JSON adds.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// The desk at which a process asks for work and hands it back.
#[derive(Clone, Debug)]
pub(crate) struct RuntimeApi {
    desk: Arc<Desk>,
}

#[derive(Debug)]
struct Desk {
    address: SocketAddr,
    offers: mpsc::UnboundedSender<Job>,
    queue: tokio::sync::Mutex<mpsc::UnboundedReceiver<Job>>,
    current: Mutex<Option<Current>>,
    asked: Notify,
    init_failed: Notify,
    init_error: Mutex<Option<ErrorRecord>>,
}

#[derive(Debug)]
struct Current {
    request_id: String,
    ended: Option<oneshot::Sender<Outcome>>,
}

/// What a runtime reports of an error.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ReportedError {
    error_message: Option<String>,
    error_type: Option<String>,
    stack_trace: Option<Vec<serde_json::Value>>,
}

/// A request of the API.
#[derive(Debug, Eq, PartialEq)]
enum Ask<'a> {
    Error(&'a str),
    InitError,
    Next,
    Response(&'a str),
}

impl RuntimeApi {
    /// Takes a free port on 127.0.0.1.
    pub(crate) async fn bind() -> std::io::Result<(Self, TcpListener)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (offers, queue) = mpsc::unbounded_channel();
        let desk = Desk {
            address: listener.local_addr()?,
            offers,
            queue: tokio::sync::Mutex::new(queue),
            current: Mutex::default(),
            asked: Notify::new(),
            init_failed: Notify::new(),
            init_error: Mutex::default(),
        };
        Ok((
            Self {
                desk: Arc::new(desk),
            },
            listener,
        ))
    }

    /// What `AWS_LAMBDA_RUNTIME_API` says.
    pub(crate) fn address(&self) -> String {
        self.desk.address.to_string()
    }

    /// Serves until dropped.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let app = axum::Router::new().fallback(handle).with_state(self.desk);
        if let Err(error) = axum::serve(listener, app).await {
            tracing::debug!(%error, "a Runtime API ended");
        }
    }

    /// Puts a job where the process finds it.
    pub(crate) fn offer(&self, job: Job) {
        // The receiver lives as long as the desk.
        let _ = self.desk.offers.send(job);
    }

    /// Waits until the process has said that it cannot begin.
    pub(crate) async fn init_error(&self) -> ErrorRecord {
        loop {
            self.desk.init_failed.notified().await;
            if let Some(error) = lock(&self.desk.init_error).take() {
                return error;
            }
        }
    }

    /// Waits until the process asks for work again.
    pub(crate) async fn asked_again(&self) {
        self.desk.asked.notified().await;
    }
}

async fn handle(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if !is_for_loopback(&parts) {
        return (StatusCode::FORBIDDEN, "not for this host").into_response();
    }
    let error_type = parts
        .headers
        .get("lambda-runtime-function-error-type")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "too large").into_response();
    };
    match parse(&parts.method, parts.uri.path()) {
        None => (StatusCode::NOT_FOUND, "no such path").into_response(),
        Some(Ask::Next) => desk.next().await,
        Some(Ask::InitError) => {
            *lock(&desk.init_error) = Some(read_error(&body, error_type));
            desk.init_failed.notify_one();
            StatusCode::ACCEPTED.into_response()
        }
        Some(Ask::Response(request_id)) => desk.end(
            request_id,
            Outcome::Answered(String::from_utf8_lossy(&body).into_owned()),
        ),
        Some(Ask::Error(request_id)) => {
            desk.end(request_id, Outcome::Faulted(read_error(&body, error_type)))
        }
    }
}

fn parse<'a>(method: &Method, path: &'a str) -> Option<Ask<'a>> {
    let rest = path.strip_prefix("/2018-06-01/runtime/")?;
    if *method == Method::GET {
        return (rest == "invocation/next").then_some(Ask::Next);
    }
    if rest == "init/error" {
        return Some(Ask::InitError);
    }
    match rest.strip_prefix("invocation/")?.split_once('/')? {
        (request_id, "response") => Some(Ask::Response(request_id)),
        (request_id, "error") => Some(Ask::Error(request_id)),
        _ => None,
    }
}

fn read_error(body: &Bytes, error_type: Option<String>) -> ErrorRecord {
    let reported: ReportedError = serde_json::from_slice(body).unwrap_or_default();
    let as_text = |frame: serde_json::Value| match frame {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    ErrorRecord {
        error_type: reported
            .error_type
            .or(error_type)
            .or_else(|| Some("Runtime.Unknown".to_owned())),
        error_message: reported.error_message.or_else(|| Some(String::new())),
        error_data: None,
        stack_trace: reported
            .stack_trace
            .filter(|frames| !frames.is_empty())
            .map(|frames| frames.into_iter().map(as_text).collect()),
    }
}

impl Desk {
    async fn next(&self) -> Response {
        self.asked.notify_one();
        let Some(job) = self.queue.lock().await.recv().await else {
            return StatusCode::GONE.into_response();
        };
        let deadline = UnixMillis::read_machine_clock().after(job.timeout);
        let xray = (job.xray == XRay::Unsampled).then(|| unsampled(&job.run));
        let mut response = Response::new(Body::from(job.run.payload));
        let headers = [
            ("content-type", Some("application/json".to_owned())),
            (
                "lambda-runtime-aws-request-id",
                Some(job.run.request_id.clone()),
            ),
            (
                "lambda-runtime-deadline-ms",
                Some(deadline.as_millis().to_string()),
            ),
            (
                "lambda-runtime-invoked-function-arn",
                Some(job.function_arn),
            ),
            ("lambda-runtime-trace-id", xray),
            ("lambda-runtime-client-context", job.run.client_context),
            ("lambda-runtime-aws-tenant-id", job.run.tenant_id),
        ];
        for (name, value) in headers {
            if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
                response.headers_mut().insert(name, value);
            }
        }
        *lock(&self.current) = Some(Current {
            request_id: job.run.request_id,
            ended: job.ended,
        });
        if let Some(taken) = job.taken {
            let _ = taken.send(());
        }
        response
    }

    fn end(&self, request_id: &str, outcome: Outcome) -> Response {
        let mut current = lock(&self.current);
        let Some(waiting) = current
            .as_mut()
            .filter(|current| current.request_id == request_id)
        else {
            return (StatusCode::BAD_REQUEST, "not the invocation in hand").into_response();
        };
        if let Some(ended) = waiting.ended.take() {
            let _ = ended.send(outcome);
        }
        StatusCode::ACCEPTED.into_response()
    }
}

/// An X-Ray header that says: not sampled.
fn unsampled(run: &Run) -> String {
    let parent = hex_digits::<16>(&run.request_id);
    format!("Root={};Parent={parent};Sampled=0", run.xray_root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::FunctionRef;
    use crate::state::{Purpose, xray_root};

    #[test]
    fn requests_are_known_by_method_and_path() {
        for (method, path, want) in [
            (
                Method::GET,
                "/2018-06-01/runtime/invocation/next",
                Some(Ask::Next),
            ),
            (
                Method::POST,
                "/2018-06-01/runtime/invocation/r-1/response",
                Some(Ask::Response("r-1")),
            ),
            (
                Method::POST,
                "/2018-06-01/runtime/invocation/r-1/error",
                Some(Ask::Error("r-1")),
            ),
            (
                Method::POST,
                "/2018-06-01/runtime/init/error",
                Some(Ask::InitError),
            ),
            (
                Method::POST,
                "/2018-06-01/runtime/invocation/r-1/other",
                None,
            ),
            (Method::GET, "/", None),
        ] {
            assert_eq!(parse(&method, path), want, "{method} {path}");
        }
    }

    #[test]
    fn an_error_report_keeps_its_class_from_body_or_header() {
        let body =
            Bytes::from(r#"{"errorType":"Boom","errorMessage":"oh","stackTrace":["a",["b"]]}"#);
        let read = read_error(&body, Some("Header".to_owned()));
        assert_eq!(read.error_type.as_deref(), Some("Boom"));
        assert_eq!(read.stack_trace.unwrap(), ["a", "[\"b\"]"]);
        let read = read_error(&Bytes::from("not json"), Some("Header".to_owned()));
        assert_eq!(read.error_type.as_deref(), Some("Header"));
    }

    #[test]
    fn the_trace_header_has_the_form_of_x_ray() {
        let id = "01234567-89ab-cdef-0123-456789abcdef";
        let run = Run {
            purpose: Purpose::Direct,
            function: FunctionRef::parse("f", None).unwrap(),
            request_id: id.to_owned(),
            payload: String::new(),
            client_context: None,
            tenant_id: None,
            xray_root: xray_root(UnixMillis::new(1_000_000), id),
        };
        assert_eq!(
            unsampled(&run),
            "Root=1-000003e8-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0"
        );
    }
}
