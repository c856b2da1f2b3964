//! Sends received payloads on to a real Datadog agent.

use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::{
    body::Body,
    http::{HeaderName, Request, Uri},
};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

use crate::intake::Payload;

/// How long an agent may take for one payload.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Parses the address of an agent and gives where its traces go.
///
/// # Errors
///
/// When it is not an `http` URL.
pub(crate) fn parse_traces_uri(agent: &str) -> anyhow::Result<Uri> {
    let uri = format!("{}/v0.4/traces", agent.trim_end_matches('/'))
        .parse()
        .ok()
        .filter(|uri: &Uri| uri.scheme_str() == Some("http") && uri.host().is_some());
    uri.with_context(|| format!("{agent:?} is no http URL such as http://localhost:8126"))
}

/// Sends each payload to `traces`, as it was received.
///
/// # Errors
///
/// At the first payload that does not arrive.
pub(crate) async fn send_payloads(traces: &Uri, payloads: Vec<Payload>) -> anyhow::Result<()> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    for payload in payloads {
        let mut request = Request::put(traces).body(Body::from(payload.body))?;
        for (name, value) in &payload.headers {
            if is_about_traces(name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        match tokio::time::timeout(TIMEOUT, client.request(request)).await {
            Ok(Ok(response)) if response.status().is_success() => {}
            Ok(Ok(response)) => bail!("the agent at {traces} answered {}", response.status()),
            Ok(Err(error)) => {
                return Err(error)
                    .with_context(|| format!("no agent could be reached at {traces}"));
            }
            Err(_) => bail!("the agent at {traces} did not answer within {TIMEOUT:?}"),
        }
    }
    Ok(())
}

/// Headers that belong to the payload, not to the connection that it came on.
fn is_about_traces(name: &HeaderName) -> bool {
    let name = name.as_str();
    name == "content-type" || name.starts_with("datadog-") || name.starts_with("x-datadog-")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;
    use crate::intake::Intake;

    fn payload() -> Payload {
        let mut headers = HeaderMap::new();
        headers.insert("x-datadog-trace-count", "1".parse().unwrap());
        headers.insert("host", "elsewhere".parse().unwrap());
        Payload {
            headers,
            body: b"\x90"[..].into(),
        }
    }

    #[tokio::test]
    async fn payloads_arrive_as_they_were() {
        let agent = Intake::start().await.unwrap();
        let uri = parse_traces_uri(&format!("{}/", agent.url())).unwrap();
        send_payloads(&uri, vec![payload()]).await.unwrap();
        let received = agent.payloads();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].body, payload().body);
        assert_eq!(received[0].headers["x-datadog-trace-count"], "1");
        assert_ne!(
            received[0].headers["host"], "elsewhere",
            "that was about the other connection"
        );
    }

    #[tokio::test]
    async fn an_absent_agent_is_named() {
        // Port 1 is reserved and nothing listens there.
        let uri = parse_traces_uri("http://127.0.0.1:1").unwrap();
        let error = send_payloads(&uri, vec![payload()]).await.unwrap_err();
        assert!(
            error.to_string().contains("http://127.0.0.1:1"),
            "{error:#}"
        );
    }

    #[test]
    fn only_http_urls_are_agents() {
        for (agent, why) in [
            ("https://localhost:8126", "agents speak plain http"),
            ("localhost:8126", "no scheme"),
            ("http://", "no host"),
            ("/var/run/apm.socket", "a path"),
            ("a b", "no URL"),
            ("", "nothing"),
        ] {
            assert!(parse_traces_uri(agent).is_err(), "{why}: {agent:?}");
        }
    }
}
