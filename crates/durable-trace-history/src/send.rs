//! Sends traces over HTTP: to a Datadog agent, or to a collector that takes OTLP.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use thiserror::Error;

use crate::encode::{Identity, to_datadog_payloads, to_otlp_requests};
use crate::trace::Trace;

/// How long the other side may take for one request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where traces go.
///
/// ```
/// use durable_trace_history::Destination;
///
/// let collector = Destination::otlp("http://localhost:4318")?;
/// assert_eq!(collector.to_string(), "http://localhost:4318/v1/traces");
/// # Ok::<(), durable_trace_history::ParseDestinationError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Destination {
    uri: Uri,
    protocol: Protocol,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Protocol {
    Datadog,
    Otlp,
}

/// It is no `http` URL.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{url:?} is no http URL such as {example}")]
pub struct ParseDestinationError {
    url: String,
    example: &'static str,
}

/// Why a request did not arrive; its message says where it was to go.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct SendError(#[from] Reason);

#[derive(Debug, Error)]
enum Reason {
    #[error("{uri} answered {status}{said}")]
    Refused {
        uri: Uri,
        status: http::StatusCode,
        said: String,
    },
    #[error("{uri} did not answer within {TIMEOUT:?}")]
    Silent { uri: Uri },
    #[error("nobody could be reached at {uri}")]
    Unreachable {
        uri: Uri,
        source: hyper_util::client::legacy::Error,
    },
}

impl Destination {
    /// A Datadog agent, by its URL such as `http://localhost:8126`.
    ///
    /// # Errors
    ///
    /// If it is no `http` URL: agents at a socket, and TLS, are not spoken to.
    pub fn agent(url: &str) -> Result<Self, ParseDestinationError> {
        let uri = format!("{}/v0.4/traces", url.trim_end_matches('/'));
        Self::parse(url, &uri, Protocol::Datadog, "http://localhost:8126")
    }

    /// A collector that takes OTLP over HTTP, by its URL such as `http://localhost:4318`; without a path, `/v1/traces` is added.
    ///
    /// # Errors
    ///
    /// If it is no `http` URL: TLS is not spoken.
    pub fn otlp(url: &str) -> Result<Self, ParseDestinationError> {
        let has_path = Uri::from_str(url).is_ok_and(|uri| uri.path().len() > 1);
        let uri = if has_path {
            url.to_owned()
        } else {
            format!("{}/v1/traces", url.trim_end_matches('/'))
        };
        Self::parse(url, &uri, Protocol::Otlp, "http://localhost:4318")
    }

    fn parse(
        url: &str,
        uri: &str,
        protocol: Protocol,
        example: &'static str,
    ) -> Result<Self, ParseDestinationError> {
        let uri = Uri::from_str(uri).ok();
        let uri = uri.filter(|uri| uri.scheme_str() == Some("http") && uri.host().is_some());
        uri.map(|uri| Self { uri, protocol })
            .ok_or_else(|| ParseDestinationError {
                url: url.to_owned(),
                example,
            })
    }

    /// Returns whether it is a Datadog agent.
    pub fn is_agent(&self) -> bool {
        self.protocol == Protocol::Datadog
    }

    fn requests(&self, traces: &[Trace], identity: &Identity) -> Vec<Request<Bytes>> {
        let uri = || Request::builder().uri(self.uri.clone());
        // All parts are known to be good: a request that cannot be made is none.
        match self.protocol {
            Protocol::Datadog => to_datadog_payloads(traces, identity)
                .into_iter()
                .filter_map(|payload| {
                    uri()
                        .method("PUT")
                        .header("content-type", "application/msgpack")
                        .header("x-datadog-trace-count", payload.trace_count)
                        .body(payload.body.into())
                        .ok()
                })
                .collect(),
            Protocol::Otlp => to_otlp_requests(traces, identity)
                .into_iter()
                .filter_map(|request| {
                    uri()
                        .method("POST")
                        .header("content-type", "application/json")
                        .body(request.into())
                        .ok()
                })
                .collect(),
        }
    }
}

/// The URL that requests go to.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

/// Sends over connections that it keeps.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Default for Sender {
    fn default() -> Self {
        Self::new()
    }
}

impl Sender {
    /// Has no connection yet.
    pub fn new() -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Sends traces, in as many requests as they take, and returns how many those were.
    ///
    /// # Errors
    ///
    /// At the first request that does not arrive, or is refused; those before it have arrived.
    pub async fn send_traces(
        &self,
        destination: &Destination,
        traces: &[Trace],
        identity: &Identity,
    ) -> Result<usize, SendError> {
        let requests = destination.requests(traces, identity);
        let count = requests.len();
        for request in requests {
            self.send(request).await?;
        }
        Ok(count)
    }

    /// Sends one request, and takes any answer of 2xx for a good one.
    ///
    /// # Errors
    ///
    /// If nobody answers within 10 seconds, or with another status.
    pub async fn send(&self, request: Request<Bytes>) -> Result<(), SendError> {
        let uri = request.uri().clone();
        let sent = self.client.request(request.map(Full::new));
        match tokio::time::timeout(TIMEOUT, sent).await {
            Ok(Ok(answer)) if answer.status().is_success() => Ok(()),
            Ok(Ok(answer)) => {
                let status = answer.status();
                let said = said(answer.into_body()).await;
                Err(Reason::Refused { uri, status, said }.into())
            }
            Ok(Err(source)) => Err(Reason::Unreachable { uri, source }.into()),
            Err(_) => Err(Reason::Silent { uri }.into()),
        }
    }
}

/// The beginning of an answer, for a message.
async fn said<B>(body: B) -> String
where
    B: http_body_util::BodyExt<Data = Bytes> + Send + Unpin,
{
    let mut body = body;
    let frame = tokio::time::timeout(TIMEOUT, body.frame()).await;
    let data = match frame {
        Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        _ => return String::new(),
    };
    let text = String::from_utf8_lossy(&data);
    let line: String = text.trim().chars().take(200).collect();
    if line.is_empty() {
        String::new()
    } else {
        format!(": {line}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_http_urls() {
        for (url, want, why) in [
            ("http://a:4318", Some("http://a:4318/v1/traces"), "no path"),
            (
                "http://a:4318/",
                Some("http://a:4318/v1/traces"),
                "the root",
            ),
            (
                "http://a/otlp/v1/traces",
                Some("http://a/otlp/v1/traces"),
                "a path",
            ),
            ("https://a", None, "TLS"),
            ("a:4318", None, "no scheme"),
            ("", None, "nothing"),
        ] {
            let parsed = Destination::otlp(url).ok().map(|it| it.to_string());
            assert_eq!(parsed.as_deref(), want, "{why}");
        }
        for (url, want, why) in [
            (
                "http://a:8126/",
                Some("http://a:8126/v0.4/traces"),
                "an agent",
            ),
            ("unix:///var/run/datadog/apm.socket", None, "a socket"),
            ("https://localhost:8126", None, "agents speak plain http"),
            ("http://", None, "no host"),
            ("a b", None, "no URL"),
        ] {
            let parsed = Destination::agent(url).ok().map(|it| it.to_string());
            assert_eq!(parsed.as_deref(), want, "{why}");
        }
    }
}
