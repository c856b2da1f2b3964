//! A durable function whose spans go to an OpenTelemetry Collector. What is about tracing is in `main`.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use durable_trace::{DurableTracerProvider, Options};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

/// Who signed up.
#[derive(Deserialize)]
struct Customer {
    email: String,
}

/// What was sent.
#[derive(Serialize)]
struct Mails {
    welcome: String,
    reminder: String,
}

async fn onboard(customer: Customer, ctx: DurableContext) -> Result<Mails, BoxError> {
    let to = customer.email.clone();
    let welcome = ctx
        .step(move |_| async move { Ok(send("welcome", &to).await) })
        .name("welcome")
        .await?;

    // The function ends here and is invoked again, in another process, a week later.
    ctx.wait(Duration::from_hours(7 * 24)).name("trial").await?;

    let reminder = ctx
        .step(move |_| async move { Ok(send("reminder", &customer.email).await) })
        .name("reminder")
        .await?;
    Ok(Mails { welcome, reminder })
}

async fn send(template: &str, to: &str) -> String {
    // An ordinary `tracing` span: it shows under the step whose body opens it.
    let span = tracing::info_span!("mail.send", template);
    tokio::time::sleep(Duration::from_millis(2))
        .instrument(span)
        .await;
    format!("{template} to {to}")
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    // Where to: OTEL_EXPORTER_OTLP_ENDPOINT, else http://localhost:4318, where the Collector's layer listens.
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .build()?;
    // The service's name: OTEL_SERVICE_NAME. The end of each invocation flushes, before Lambda freezes the process.
    let builder = SdkTracerProvider::builder().with_batch_exporter(exporter);
    // A plain provider serves Datadog's view alone; AWS's, which DURABLE_TRACE_VIEW may ask for, need this one.
    let provider = DurableTracerProvider::new(builder);
    let options = Options::builder()
        .durable_tracer_provider(&provider)
        .propagator(TraceContextPropagator::new())
        .build()?;
    durable_trace::run_with_options(onboard, options).await
}
