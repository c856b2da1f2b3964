//! The example as it is, under the local service, called by AWS's own client.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod intake;
mod served;

use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use serde_json::{Value, json};

use crate::intake::{Intake, Span};
use crate::served::Served;

#[tokio::test]
async fn the_function_completes_and_its_spans_are_one_trace() {
    let intake = Intake::start();
    let served = Served::start(env!("CARGO_BIN_EXE_order"), intake.url(), "skip");

    let output = order(&served, r#"{"id":"A-1","amount":4200}"#).await;
    assert_eq!(output.function_error(), None, "{output:?}");
    assert_eq!(output.status_code(), 200);
    let result: Value = serde_json::from_slice(output.payload().unwrap().as_ref()).unwrap();
    let want =
        json!({ "order": "A-1", "receipt": "4200 paid for A-1", "parcel": "parcel for A-1" });
    assert_eq!(result, want);

    let spans = intake.spans();
    let ids = |name: &str| -> Vec<(u64, u64)> {
        let named = spans.iter().filter(|span| span.name == name);
        named.map(|span| (span.span_id, span.parent_id)).collect()
    };
    let (invocations, executes) = (ids("aws.lambda"), ids("aws.durable.execute"));
    assert_eq!((invocations.len(), executes.len()), (2, 2), "{spans:?}");
    assert!(
        spans.iter().all(|span| span.trace_id == spans[0].trace_id),
        "one trace: {spans:?}"
    );
    let first = invocations.iter().find(|(_, parent)| *parent == 0).unwrap();
    let anchor = executes.iter().find(|(_, parent)| *parent == first.0);
    assert!(
        invocations
            .iter()
            .any(|(_, parent)| *parent == anchor.unwrap().0),
        "the second invocation hangs on the first's execute span: {spans:?}"
    );
    let charge = spans
        .iter()
        .find(|span| span.resource == "card.charge")
        .unwrap();
    let payment = spans
        .iter()
        .find(|span| span.span_id == charge.parent_id)
        .unwrap();
    assert_eq!(
        (payment.name.as_str(), payment.resource.as_str()),
        ("aws.durable.step", "payment"),
        "the user's span hangs on its step"
    );
}

#[tokio::test]
async fn an_order_without_an_amount_fails() {
    let intake = Intake::start();
    let served = Served::start(env!("CARGO_BIN_EXE_order"), intake.url(), "skip");
    let output = order(&served, r#"{"id":"A-2","amount":0}"#).await;
    assert!(output.function_error().is_some(), "{output:?}");
    let payload = String::from_utf8(output.payload().unwrap().as_ref().to_vec()).unwrap();
    assert!(payload.contains("nothing to pay for"), "{payload}");
}

/// A line of the function's, but for what it says itself.
#[derive(Debug, PartialEq)]
struct Line {
    message: String,
    service: String,
    /// The lower half.
    trace_id: u64,
    span_id: u64,
}

impl Line {
    /// `None` where it is no JSON, such as what `serve` itself says, and of warnings.
    fn parse(line: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap();
        if text("level") != "INFO" {
            return None;
        }
        let message = line.pointer("/fields/message").and_then(Value::as_str);
        assert!(text("executionArn").contains(":function:order:"), "{line}");
        assert!(!text("requestId").is_empty(), "{line}");
        Some(Self {
            message: message.unwrap().to_owned(),
            service: text("dd.service").to_owned(),
            trace_id: u64::from_str_radix(text("dd.trace_id").get(16..).unwrap(), 16).unwrap(),
            span_id: text("dd.span_id").parse().unwrap(),
        })
    }
}

#[tokio::test]
async fn log_lines_name_the_spans_that_the_agent_received() {
    for (replayed, takes) in [("emit", 2), ("omit", 1)] {
        let intake = Intake::start();
        let variables = [
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
            ("DURABLE_TRACE_REPLAYED_LOGS", replayed),
        ];
        let built = env!("CARGO_BIN_EXE_order");
        let served = Served::start_with(built, intake.url(), "skip", &variables);
        order(&served, r#"{"id":"A-1","amount":4200}"#).await;
        let lines = served.end();
        let lines: Vec<_> = lines.iter().filter_map(|line| Line::parse(line)).collect();
        let spans = intake.spans();
        let line_of = |message: &str, span: &Span| Line {
            message: message.to_owned(),
            service: "order".to_owned(),
            trace_id: span.trace_id,
            span_id: span.span_id,
        };
        let payment = spans.iter().find(|span| span.resource == "payment");
        let mut executes: Vec<_> = spans
            .iter()
            .filter(|span| span.name == "aws.durable.execute")
            .collect();
        // The first hangs on the span that began the trace.
        executes.sort_by_key(|execute| {
            let lambda = spans.iter().find(|span| span.span_id == execute.parent_id);
            lambda.unwrap().parent_id != 0
        });
        let mut want = vec![
            line_of("takes an order", executes[0]),
            line_of("paid", payment.unwrap()),
            line_of("takes an order", executes[1]),
        ];
        want.truncate(1 + takes);
        assert_eq!(lines, want, "{replayed}");
    }
}

/// Calls the function with an order and gives its answer.
async fn order(served: &Served, payload: &str) -> InvokeOutput {
    let call = served.client().invoke().function_name("order");
    call.payload(Blob::new(payload)).send().await.unwrap()
}
