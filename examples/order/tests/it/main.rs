//! The example as it is, under the local service, called by AWS's own client.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod intake;
mod served;

use std::path::Path;

use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use serde_json::{Value, json};

use crate::intake::Intake;
use crate::served::Served;

#[tokio::test]
async fn the_function_completes_and_its_spans_are_one_trace() {
    let intake = Intake::start();
    let served = Served::start(Path::new(env!("CARGO_BIN_EXE_order")), intake.url());

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
    let served = Served::start(Path::new(env!("CARGO_BIN_EXE_order")), intake.url());
    let output = order(&served, r#"{"id":"A-2","amount":0}"#).await;
    assert!(output.function_error().is_some(), "{output:?}");
    let payload = String::from_utf8(output.payload().unwrap().as_ref().to_vec()).unwrap();
    assert!(payload.contains("nothing to pay for"), "{payload}");
}

/// Calls the function with an order and gives its answer.
async fn order(served: &Served, payload: &str) -> InvokeOutput {
    let call = served.client().invoke().function_name("order");
    call.payload(Blob::new(payload)).send().await.unwrap()
}
