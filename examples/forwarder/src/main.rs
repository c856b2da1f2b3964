//! Sends the trace of each durable execution that ends, from its history: whichever language it was written in, without a line in it.
//!
//! Lambda tells of each change of an execution's status by an event of EventBridge; see `template.yaml`.

mod settings;

use aws_config::BehaviorVersion;
use durable_trace_history::{
    CheckpointState, Destination, FetchErrorKind, Identity, Reader, Sender, Trace, TraceRules,
};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::Deserialize;

use crate::settings::Settings;

/// Detail type `Durable Execution Status Change`, source `aws.lambda`.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html>
#[derive(Debug, Deserialize)]
struct StatusChange {
    detail: Detail,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    durable_execution_arn: String,
    status: String,
}

struct Forwarder {
    reader: Reader,
    sender: Sender,
    destination: Destination,
    identity: Identity,
    rules: TraceRules,
}

impl Forwarder {
    async fn new(settings: Settings) -> Self {
        let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
        Self {
            reader: Reader::new(aws_sdk_lambda::Client::new(&config)).paced(settings.interval),
            sender: Sender::new(),
            destination: settings.destination,
            identity: settings.identity,
            rules: settings.rules,
        }
    }

    /// Sends the trace of the execution that the event is about. An error lets Lambda try again; the same spans come of it.
    async fn forward(&self, event: StatusChange) -> Result<(), Error> {
        let Detail {
            durable_execution_arn: arn,
            status,
        } = event.detail;
        if status == "RUNNING" {
            return Ok(());
        }
        let history = match self.reader.history(&arn, |_| ()).await {
            Ok(history) => history,
            Err(error) if error.kind() == FetchErrorKind::NotFound => {
                tracing::warn!(arn, %error, "gone before it was read");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let trace = Trace::of(&history, &self.rules)?;
        if trace.checkpoint == CheckpointState::Unreadable {
            tracing::warn!(
                arn,
                "its checkpoints cannot be read, so its trace is not known"
            );
            return Ok(());
        }
        let traces = std::slice::from_ref(&trace);
        let sent = self
            .sender
            .send_traces(&self.destination, traces, &self.identity);
        let requests = sent.await?;
        let spans = trace.spans.len();
        tracing::info!(arn, status, spans, requests, trace_id = %trace.trace_id, "sent");
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let settings = Settings::from_variables(|name| std::env::var(name).ok())?;
    let forwarder = &Forwarder::new(settings).await;
    let handle = |event: LambdaEvent<StatusChange>| forwarder.forward(event.payload);
    lambda_runtime::run(service_fn(handle)).await
}
