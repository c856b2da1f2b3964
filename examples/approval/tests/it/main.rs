//! The example as it is, under the local service, called and answered by AWS's own client.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../../../order/tests/it/intake.rs"]
mod intake;
#[path = "../../../order/tests/it/served.rs"]
mod served;

use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::EventType;
use serde_json::{Value, json};

use crate::intake::{Intake, Span};
use crate::served::Served;

/// Asks for an expense to be settled; answers when it is.
async fn settle(client: &Client) -> InvokeOutput {
    let call = client.invoke().function_name("approval");
    let expense = r#"{"id":"E-1","amount":4200}"#;
    call.payload(Blob::new(expense)).send().await.unwrap()
}

/// Answers the callback of the only execution when that sleeps on it.
async fn decide(client: &Client, decision: Value) {
    let callback_id = loop {
        if let Some(callback_id) = asked(client).await {
            break callback_id;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    client
        .send_durable_execution_callback_success()
        .callback_id(callback_id)
        .result(Blob::new(decision.to_string()))
        .send()
        .await
        .unwrap();
}

/// The id of the callback that it sleeps on, as the history tells it.
async fn asked(client: &Client) -> Option<String> {
    let list = client.list_durable_executions_by_function();
    let listed = list.function_name("approval").send().await.unwrap();
    let arn = listed.durable_executions().first()?.durable_execution_arn();
    let history = client.get_durable_execution_history();
    let history = history.durable_execution_arn(arn).send().await.unwrap();
    let events = history.events();
    if *events.last()?.event_type()? != EventType::InvocationCompleted {
        return None;
    }
    let mut details = events
        .iter()
        .filter_map(|event| event.callback_started_details());
    Some(details.next()?.callback_id().to_owned())
}

fn answer(output: &InvokeOutput) -> Value {
    assert_eq!(output.function_error(), None, "{output:?}");
    serde_json::from_slice(output.payload().unwrap().as_ref()).unwrap()
}

#[tokio::test]
async fn what_a_person_decides_is_done() {
    for (decision, want) in [
        (
            json!({ "approved": true, "by": "Kim" }),
            "4200 paid, approved by Kim",
        ),
        (json!({ "approved": false, "by": "Kim" }), "declined by Kim"),
    ] {
        let intake = Intake::start();
        let served = Served::start(env!("CARGO_BIN_EXE_approval"), intake.url(), "real");
        let client = served.client();
        let (output, ()) = tokio::join!(settle(&client), decide(&client, decision));
        assert_eq!(
            answer(&output),
            json!({ "expense": "E-1", "outcome": want })
        );
    }
}

#[tokio::test]
async fn the_invocation_after_the_decision_is_in_the_same_trace() {
    let intake = Intake::start();
    let served = Served::start(env!("CARGO_BIN_EXE_approval"), intake.url(), "real");
    let client = served.client();
    let decision = json!({ "approved": true, "by": "Kim" });
    let (_, ()) = tokio::join!(settle(&client), decide(&client, decision));

    let spans = intake.spans();
    assert!(
        spans.iter().all(|span| span.trace_id == spans[0].trace_id),
        "one trace: {spans:?}"
    );
    let named =
        |name: &str| -> Vec<&Span> { spans.iter().filter(|span| span.name == name).collect() };
    let parent = |span: &Span| {
        let above = spans.iter().find(|above| above.span_id == span.parent_id);
        above.map(|above| above.name.as_str())
    };
    let above: Vec<_> = named("aws.lambda").into_iter().map(parent).collect();
    assert_eq!(above, [None, Some("aws.durable.execute")], "{spans:?}");
    assert_eq!(named("aws.durable.create_callback").len(), 1, "{spans:?}");
    // One step submitted the callback, the other paid.
    let steps = named("aws.durable.step");
    assert_eq!(steps.len(), 2, "{spans:?}");
    assert_eq!(steps[1].resource, "payout");
    assert_eq!(parent(steps[1]), Some("aws.durable.execute"));
}

#[tokio::test]
async fn when_nobody_decides_in_time_nothing_is_paid() {
    let intake = Intake::start();
    // Time is skipped, and with it the two days.
    let served = Served::start(env!("CARGO_BIN_EXE_approval"), intake.url(), "skip");
    let output = settle(&served.client()).await;
    let want = json!({ "expense": "E-1", "outcome": "nobody decided" });
    assert_eq!(answer(&output), want);
    let warned = served.end().into_iter().find(|line| line.contains("WARN"));
    assert_eq!(warned, None, "nothing is wrong with the set-up");
}
