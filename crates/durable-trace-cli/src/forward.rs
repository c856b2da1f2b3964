//! Sends received payloads on to a real Datadog agent.

use axum::http::{HeaderName, Request};
use durable_trace_history::{Destination, Sender};

use crate::intake::Payload;

/// Sends each payload to the agent, as it was received.
///
/// # Errors
///
/// At the first payload that does not arrive.
pub(crate) async fn send_payloads(
    agent: &Destination,
    payloads: Vec<Payload>,
) -> anyhow::Result<()> {
    let sender = Sender::new();
    for payload in payloads {
        let mut request = Request::put(agent.to_string()).body(payload.body)?;
        for (name, value) in &payload.headers {
            if is_about_traces(name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        sender.send(request).await?;
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
        let uri = Destination::agent(&format!("{}/", agent.url())).unwrap();
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
        let uri = Destination::agent("http://127.0.0.1:1").unwrap();
        let error = send_payloads(&uri, vec![payload()]).await.unwrap_err();
        assert!(
            error.to_string().contains("http://127.0.0.1:1"),
            "{error:#}"
        );
    }
}
