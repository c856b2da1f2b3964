//! The example as it is, each invocation a process of its own, and an HTTP service that says what it was sent.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod booking;
#[path = "../../../order/tests/it/intake.rs"]
mod intake;

use durable_trace_local::{Config, ExecutionStatus, Function, Service};

use crate::booking::{Asked, Booking};
use crate::intake::{Intake, Span};

/// Runs an execution to its end: what the booking service was asked, and the spans that the agent received.
async fn booked() -> (Vec<Asked>, Vec<Span>) {
    let (booking, intake) = (Booking::start().await, Intake::start());
    let service = Service::start(Config::default()).await.unwrap();
    // Another build of it, where there is one: `examples/build`.
    let program = std::env::var("EXAMPLE_PROGRAM");
    let program = program.unwrap_or_else(|_| env!("CARGO_BIN_EXE_outbound").to_owned());
    let function = Function::process(program, [] as [&str; 0])
        .env("DD_TRACE_AGENT_URL", intake.url())
        // The client would heed a proxy of the developer's.
        .env("NO_PROXY", "127.0.0.1")
        .fresh();
    service.register("booking", function);
    let input = format!(r#"{{"room":"R-1","url":"{}"}}"#, booking.url());
    let arn = service
        .start_execution("booking", Some(input), None)
        .await
        .unwrap();
    let ended = service.ended(&arn).await;
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    assert_eq!(
        ended.result.as_deref(),
        Some(r#"{"reserve":"R-1 at /reserve","confirm":"R-1 at /confirm"}"#)
    );
    (booking.asked(), intake.spans())
}

/// The span of the step that is called so.
fn step<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut named = spans
        .iter()
        .filter(|span| span.name == "aws.durable.step" && span.resource == name);
    let found = named.next().unwrap();
    assert!(named.next().is_none(), "{name} ran once: {spans:?}");
    found
}

#[tokio::test]
async fn each_request_carries_the_step_that_made_it() {
    let (asked, spans) = booked().await;
    let paths: Vec<_> = asked.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["/reserve", "/confirm"], "a replay asks nothing");

    let root = spans.iter().find(|span| span.parent_id == 0).unwrap();
    for ((path, headers), name, why) in [
        (&asked[0], "reserve", "in the first invocation"),
        (&asked[1], "confirm", "in the invocation after the wait"),
    ] {
        let header = |name: &str| headers.get(name).map(String::as_str);
        let step = step(&spans, name);
        let (trace_id, span_id) = (root.trace_id.to_string(), step.span_id.to_string());
        assert_eq!(
            header("x-datadog-trace-id"),
            Some(trace_id.as_str()),
            "{why}: the trace of {path}"
        );
        assert_eq!(
            header("x-datadog-parent-id"),
            Some(span_id.as_str()),
            "{why}: the parent of {path}"
        );

        // The upper half of the id is a tag in Datadog's headers: https://docs.datadoghq.com/tracing/trace_collection/trace_context_propagation/
        let mut tags = header("x-datadog-tags").unwrap().split(',');
        let upper = tags.find_map(|tag| tag.strip_prefix("_dd.p.tid=")).unwrap();
        let traceparent = format!("00-{upper}{:016x}-{:016x}-01", root.trace_id, step.span_id);
        assert_eq!(
            header("traceparent"),
            Some(traceparent.as_str()),
            "{why}: the traceparent of {path}"
        );
    }
    let upper_half = |index: usize| asked[index].1["traceparent"][..35].to_owned();
    assert_eq!(upper_half(0), upper_half(1), "one 128-bit trace id");
}

#[tokio::test]
async fn the_two_steps_are_of_two_invocations() {
    let (_, spans) = booked().await;
    let (reserve, confirm) = (step(&spans, "reserve"), step(&spans, "confirm"));
    let execute = |id| spans.iter().find(|span| span.span_id == id).unwrap();
    let (first, second) = (execute(reserve.parent_id), execute(confirm.parent_id));
    assert_ne!(first.span_id, second.span_id);
    for execute in [first, second] {
        assert_eq!(execute.name, "aws.durable.execute");
    }
}
