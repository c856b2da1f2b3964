//! `reader.jsonl`: events, the context that `datadog-lambda` read from them, and its durable tags.

use durable_trace_wire::{ExecutionArn, Invocation, Reading, read};
use serde_json::{Value, json};

use super::codec::{reference, shape};
use crate::compatibility::Differences;

#[test]
fn checkpoints_are_read_as_the_reference_reads_them() {
    let Some(rows) = super::rows("reader.jsonl") else {
        return;
    };
    let mut differences = Differences::default();
    for row in &rows {
        let event = row.raw["event"].get();
        let reading = match Invocation::parse(event).unwrap() {
            Some(invocation) => read(&invocation.arn, &invocation.operations),
            None => Reading::default(),
        };
        let ours = reading.found.as_ref().map(|found| shape(&found.context));
        let theirs = reference(&row.fields["extracted"]);
        if ours != theirs {
            let raises = !row.fields["extracted"]["raises"].is_null();
            let difference = match (&ours, &theirs) {
                (_, Some(_)) if !reading.skipped.is_empty() => Some("n-canonical"),
                (Some(_), None) if !reading.skipped.is_empty() => Some("falls-back"),
                (Some(_), None) if event.contains(r#"-id\":1"#) => Some("json-types"),
                (None, None) if raises => Some("raises"),
                _ => None,
            };
            let line = format!(
                "{event}: ours {ours:?} {:?}, theirs {theirs:?}",
                reading.skipped
            );
            differences.add(
                "reader",
                row.fields["group"].as_str().unwrap(),
                difference,
                &line,
            );
        }
    }
    differences.check("reader");
}

#[test]
fn durable_tags_are_those_of_the_reference() {
    let Some(rows) = super::rows("reader.jsonl") else {
        return;
    };
    let mut differences = Differences::default();
    for row in &rows {
        let event = row.raw["event"].get();
        let invocation = Invocation::parse(event).unwrap();
        let tags = invocation.as_ref().and_then(|invocation| {
            let arn = ExecutionArn::parse(&invocation.arn)?;
            Some(json!({
                "aws.durable.execution_name": arn.execution_name(),
                "aws.durable.execution_id": arn.execution_id(),
                "aws.durable.first_invocation": (invocation.operation_count == 1).to_string(),
            }))
        });
        let ours = tags.unwrap_or(json!({}));
        let theirs = &row.fields["durable_function_tags"];
        if ours != *theirs {
            let difference = explain_tags(&row.fields["event"], theirs);
            let line = format!("{event}: ours {ours}, theirs {theirs}");
            differences.add(
                "durable tags",
                row.fields["group"].as_str().unwrap(),
                difference,
                &line,
            );
        }
    }
    differences.check("durable tags");
}

fn explain_tags(event: &Value, theirs: &Value) -> Option<&'static str> {
    let operations = &event["InitialExecutionState"]["Operations"];
    match operations {
        _ if !theirs["raises"].is_null() => Some("raises"),
        Value::String(_) => Some("text-has-length"),
        _ => None,
    }
}
