//! `status.jsonl`: responses, and the status that `datadog-lambda` saw in them.

use durable_trace_wire::{Invocation, response_status};

use crate::compatibility::Differences;

#[test]
fn a_response_has_the_status_that_the_reference_sees() {
    let Some(rows) = super::rows("status.jsonl") else {
        return;
    };
    let mut differences = Differences::default();
    for row in &rows {
        let durable = Invocation::parse(row.raw["event"].get()).unwrap().is_some();
        let seen = response_status(&row.fields["response"]).filter(|_| durable);
        let ours = seen.map(|seen| seen.status.as_str());
        let theirs = row.fields["status"].as_str();
        if ours != theirs {
            let null = row.fields["event"]
                .get("DurableExecutionArn")
                .is_some_and(serde_json::Value::is_null);
            let line = format!("{:?}: ours {ours:?}, theirs {theirs:?}", row.fields);
            differences.add("status", "arn", null.then_some("arn-text"), &line);
        }
    }
    differences.check("status");
}
