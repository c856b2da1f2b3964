//! The example as it is, under the local service, called by AWS's own client.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../../../order/tests/it/intake.rs"]
mod intake;
#[path = "../../../order/tests/it/served.rs"]
mod served;

use std::collections::BTreeMap;

use aws_sdk_lambda::primitives::Blob;
use serde_json::{Value, json};

use crate::intake::{Intake, Span};
use crate::served::Served;

/// Has a book of seven chapters translated: the answer, and the spans that the agent received.
async fn translated() -> (Value, Vec<Span>) {
    let intake = Intake::start();
    let served = Served::start(env!("CARGO_BIN_EXE_fan-out"), intake.url(), "skip");
    let book = json!({ "title": "T", "chapters": ["1", "2", "3", "4", "5", "6", "7"] });
    let call = served.client().invoke().function_name("fan-out");
    let output = call
        .payload(Blob::new(book.to_string()))
        .send()
        .await
        .unwrap();
    assert_eq!(output.function_error(), None, "{output:?}");
    let answer = serde_json::from_slice(output.payload().unwrap().as_ref()).unwrap();
    let warned = served.end().into_iter().find(|line| line.contains("WARN"));
    assert_eq!(warned, None, "nothing is wrong with the set-up");
    (answer, intake.spans())
}

#[tokio::test]
async fn all_chapters_come_back_in_their_order() {
    let (answer, _) = translated().await;
    let chapters: Vec<String> = (1..=7).map(|n| format!("{n}, translated")).collect();
    assert_eq!(answer, json!({ "title": "T", "chapters": chapters }));
}

#[tokio::test]
async fn what_every_chapter_did_is_in_one_trace_under_the_map() {
    let (_, spans) = translated().await;
    assert!(
        spans.iter().all(|span| span.trace_id == spans[0].trace_id),
        "one trace: {spans:?}"
    );
    let name_of: BTreeMap<u64, &str> = spans
        .iter()
        .map(|span| (span.span_id, span.name.as_str()))
        .collect();
    let under_the_map = |name: &str| {
        let named = spans.iter().filter(|span| span.name == name);
        named
            .filter(|span| name_of.get(&span.parent_id) == Some(&"aws.durable.map"))
            .count()
    };
    // Each chapter's step before its wait, the wait, and the step after it, told of once each.
    assert_eq!(under_the_map("aws.durable.step"), 14, "{spans:?}");
    assert_eq!(under_the_map("aws.durable.wait"), 7, "{spans:?}");
}

#[tokio::test]
async fn no_more_than_three_chapters_are_under_way_at_once() {
    let (_, spans) = translated().await;
    let parent: BTreeMap<u64, u64> = spans
        .iter()
        .map(|span| (span.span_id, span.parent_id))
        .collect();
    // Which map span, and with it which invocation, a request was made under.
    let mut handed_in = BTreeMap::<u64, usize>::new();
    let requests = spans
        .iter()
        .filter(|span| span.resource == "translator.request");
    for request in requests {
        *handed_in
            .entry(parent[&parent[&request.span_id]])
            .or_default() += 1;
    }
    assert_eq!(handed_in.values().sum::<usize>(), 7, "{spans:?}");
    assert!(handed_in.values().all(|count| *count <= 3), "{handed_in:?}");
}
