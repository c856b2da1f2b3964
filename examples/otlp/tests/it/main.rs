//! The example as it is, each invocation a process of its own, and a Collector that says what reached it.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod collector;

use std::collections::HashSet;

use durable_trace_local::{Config, ExecutionStatus, Function, OperationRecord, Service};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::collector::{Collector, Received};

/// Runs an execution to its end: the spans that the Collector received, by start, and the checkpoints in the log.
async fn onboarded() -> (Vec<Received>, Vec<OperationRecord>) {
    onboarded_in("datadog").await
}

/// The same in a view.
async fn onboarded_in(view: &str) -> (Vec<Received>, Vec<OperationRecord>) {
    let collector = Collector::start();
    let service = Service::start(Config::default()).await.unwrap();
    // Another build of it, where there is one: `examples/build`.
    let program = std::env::var("EXAMPLE_PROGRAM");
    let program = program.unwrap_or_else(|_| env!("CARGO_BIN_EXE_otlp").to_owned());
    let function = Function::process(program, [] as [&str; 0])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .env("OTEL_SERVICE_NAME", "onboarding")
        .env("DURABLE_TRACE_VIEW", view)
        .without_xray()
        .fresh();
    service.register("onboarding", function);
    let input = r#"{"email":"a@example.com"}"#.to_owned();
    let arn = service
        .start_execution("onboarding", Some(input), None)
        .await
        .unwrap();
    let ended = service.ended(&arn).await;
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    assert_eq!(
        ended.result.as_deref(),
        Some(r#"{"welcome":"welcome to a@example.com","reminder":"reminder to a@example.com"}"#)
    );
    let mut log = service.operations(&arn);
    log.retain(|operation| {
        operation
            .name
            .as_deref()
            .is_some_and(|name| name.starts_with("_datadog_"))
    });
    (collector.received(), log)
}

/// One line a span: children below their parent, with the name of the operation.
fn tree(spans: &[Received], parent: &[u8], depth: usize) -> String {
    let mut lines = String::new();
    for child in spans.iter().filter(|s| s.span.parent_span_id == parent) {
        let operation = child
            .attribute("aws.durable.operation_name")
            .unwrap_or_default();
        let line = format!("{} {operation}", child.span.name);
        lines.extend(["  ".repeat(depth).as_str(), line.trim_end(), "\n"]);
        lines += &tree(spans, &child.span.span_id, depth + 1);
    }
    lines
}

#[tokio::test]
async fn two_invocations_reach_the_collector_as_one_tree() {
    let (spans, _) = onboarded().await;
    let traces: HashSet<_> = spans.iter().map(|s| &s.span.trace_id).collect();
    assert_eq!(traces.len(), 1, "one trace");
    let want = "\
aws.lambda
  aws.durable.execute
    aws.durable.step welcome
      mail.send
    aws.lambda
      aws.durable.execute
        aws.durable.wait trial
        aws.durable.step reminder
          mail.send
";
    let got = tree(&spans, &[], 0);
    assert_eq!(got, want);
    assert_eq!(
        spans.len(),
        want.lines().count(),
        "and no span without a parent"
    );
}

#[tokio::test]
async fn each_of_awss_views_reaches_the_collector_as_one_tree_and_nothing_is_written() {
    let execution = "\
Workflow
  trial
  Invocation
  welcome
    welcome attempt 1
      mail.send
  Invocation
  reminder
    reminder attempt 1
      mail.send
";
    let invocation = "\
Workflow
  Invocation
    welcome
      welcome attempt 1
        mail.send
    trial
  Invocation
    trial
    reminder
      reminder attempt 1
        mail.send
";
    for (view, want) in [("execution", execution), ("invocation", invocation)] {
        let (spans, checkpoints) = onboarded_in(view).await;
        let lines = |tree: &str| -> Vec<String> {
            let mut lines: Vec<_> = tree.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        // By line: what began in the same millisecond by two clocks has no order.
        assert_eq!(lines(&tree(&spans, &[], 0)), lines(want), "{view}");
        let workflow = spans.iter().find(|s| s.span.name == "Workflow").unwrap();
        let service = workflow.service.as_deref();
        assert_eq!(service, Some("onboarding"), "{view}");
        let arn = workflow.attribute("durable.execution.arn").unwrap();
        let is_of_it = |s: &&Received| s.attribute("durable.execution.arn") == Some(arn.clone());
        let durable = spans.iter().filter(|s| s.span.name != "mail.send");
        assert!(durable.clone().all(|s| is_of_it(&s)), "{view}");
        assert!(
            checkpoints.is_empty(),
            "{view}: ids follow from the execution"
        );
    }
}

#[tokio::test]
async fn one_checkpoint_holds_the_trace_and_the_first_execute_span() {
    let (spans, checkpoints) = onboarded().await;
    let execute = spans.iter().find(|s| s.span.name == "aws.durable.execute");
    let execute = &execute.unwrap().span;
    let decimal = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().unwrap());
    let (high, low) = execute.trace_id.split_at(8);
    let want = format!(
        r#"{{"x-datadog-trace-id":"{}","x-datadog-parent-id":"{}","x-datadog-sampling-priority":"1","x-datadog-tags":"_dd.p.tid={:016x}"}}"#,
        decimal(low),
        decimal(&execute.span_id),
        decimal(high),
    );
    let got: Vec<_> = checkpoints.iter().map(|c| c.result.as_deref()).collect();
    assert_eq!(got, [Some(want.as_str())]);
}

#[tokio::test]
async fn tags_are_attributes() {
    let (spans, _) = onboarded().await;
    for (name, nth, key, want, why) in [
        (
            "aws.lambda",
            0,
            "aws.durable.first_invocation",
            "true",
            "it began the execution",
        ),
        (
            "aws.lambda",
            1,
            "aws.durable.first_invocation",
            "false",
            "it resumed it",
        ),
        (
            "aws.lambda",
            0,
            "aws.durable.execution_status",
            "PENDING",
            "it suspended",
        ),
        (
            "aws.lambda",
            1,
            "aws.durable.execution_status",
            "SUCCEEDED",
            "it ended the execution",
        ),
        (
            "aws.lambda",
            1,
            "cold_start",
            "true",
            "each invocation is a process of its own",
        ),
        (
            "aws.lambda",
            0,
            "resource_names",
            "onboarding",
            "the function",
        ),
        (
            "aws.durable.execute",
            0,
            "aws.durable.invocation_status",
            "pending",
            "it suspended",
        ),
        (
            "aws.durable.execute",
            1,
            "aws.durable.replayed",
            "true",
            "a step was replayed",
        ),
        (
            "aws.durable.step",
            0,
            "aws.durable.operation_name",
            "welcome",
            "the first step",
        ),
        (
            "aws.durable.step",
            1,
            "aws.durable.operation_attempt",
            "0",
            "the first attempt",
        ),
        (
            "aws.durable.step",
            1,
            "aws.durable.replayed",
            "false",
            "it ran",
        ),
        (
            "aws.durable.step",
            1,
            "component",
            "aws_durable_execution_sdk_rust",
            "who made the span",
        ),
        (
            "aws.durable.wait",
            0,
            "aws.durable.operation_name",
            "trial",
            "the wait",
        ),
        ("mail.send", 0, "template", "welcome", "the user's own"),
    ] {
        let span = spans.iter().filter(|s| s.span.name == name).nth(nth);
        let got = span.unwrap().attribute(key);
        assert_eq!(got.as_deref(), Some(want), "{why}: {key} of {name} {nth}");
    }
}

#[tokio::test]
async fn kinds_and_the_service_are_opentelemetrys_own() {
    for Received { service, span } in onboarded().await.0 {
        let want = match span.name.as_str() {
            "aws.lambda" => SpanKind::Server,
            _ => SpanKind::Internal,
        };
        assert_eq!(span.kind(), want, "{}", span.name);
        assert_eq!(service.as_deref(), Some("onboarding"), "{}", span.name);
        assert!(
            span.end_time_unix_nano >= span.start_time_unix_nano,
            "{}",
            span.name
        );
        assert!(
            span.status.is_none_or(|status| status.code == 0),
            "nothing failed"
        );
    }
}
