//! `writer.jsonl`: logs and current contexts, and the updates that `ddtrace` sent for them.

use std::borrow::Cow;

use durable_trace_wire::{
    Context, DEFAULT_TAGS_MAX_LENGTH, Decision, Operation, OperationType, Payload,
    SamplingPriority, SpanId, Tags, WriteRules, checkpoint_id, decide, read,
};
use serde_json::{Value, json};

use super::{Row, tags_of};
use crate::compatibility::Differences;

#[test]
fn checkpoints_are_written_as_the_reference_writes_them() {
    let Some(rows) = super::rows("writer.jsonl") else {
        return;
    };
    let mut differences = Differences::default();
    for row in &rows {
        let ours = updates(row);
        let theirs: Vec<_> = row.fields["updates"]
            .as_array()
            .unwrap()
            .iter()
            .map(unpacked)
            .collect();
        if ours != theirs {
            let difference = explain(&row.fields, &ours, &theirs);
            let line = format!("{}: ours {ours:?}, theirs {theirs:?}", row.fields);
            differences.add(
                "writer",
                row.fields["group"].as_str().unwrap(),
                difference,
                &line,
            );
        }
    }
    differences.check("writer");
}

/// What we would send, each as often as the reference was asked.
fn updates(row: &Row) -> Vec<Value> {
    let arn = row.fields["arn"].as_str().unwrap();
    let log: Vec<_> = row.fields["prior_ops"]
        .as_array()
        .unwrap()
        .iter()
        .map(|op| operation(arn, op))
        .collect();
    let reading = read(arn, &log);
    let span = &row.fields["span"];
    let mut tags = Tags::from_pairs(tags_of(&row.raw["span"], "meta"));
    let mut priority = span["sampling_priority"].as_i64();
    if priority.is_none() {
        // The reference samples before it writes; here the tracer has done so already.
        priority = Some(1);
        tags.insert("_dd.p.dm", "-0");
    }
    let anchor: SpanId = span["span_id"].as_str().unwrap().parse().unwrap();
    let context = Context {
        trace_id: span["trace_id_hex"].as_str().unwrap().parse().unwrap(),
        parent_id: anchor,
        sampling_priority: priority.and_then(SamplingPriority::from_i64),
        origin: span["origin"].as_str().map(str::to_owned),
        tags,
    };
    let injected = context.to_datadog(DEFAULT_TAGS_MAX_LENGTH);
    let next = reading.next_number();
    let calls = row.fields["calls_made"].as_u64().unwrap();
    let decisions = (0..calls).map(|call| {
        let number = next.map(|next| next + call);
        decide(
            arn,
            reading.found.as_ref(),
            &injected,
            anchor,
            number,
            log.len(),
            &WriteRules::default(),
        )
    });
    let written = decisions.filter_map(|decision| match decision {
        Decision::Write(checkpoint) => Some(unpacked(&json!({
            "Id": checkpoint.id, "Name": checkpoint.name, "Payload": checkpoint.payload,
            "Type": "STEP", "Action": "SUCCEED", "SubType": "Step",
        }))),
        _ => None,
    });
    written.collect()
}

fn operation<'a>(arn: &str, given: &'a Value) -> Operation<'a> {
    let name = given["name"].as_str().unwrap();
    let result = given["result"].as_str().filter(|result| *result != "NOSD");
    Operation {
        id: Cow::Owned(checkpoint_id(name, arn)),
        kind: OperationType::Step,
        name: Some(name.into()),
        result: result.map(|result| Payload::Text(result.into())),
        ..Operation::default()
    }
}

/// The update with its payload as a value.
fn unpacked(update: &Value) -> Value {
    let mut update = update.clone();
    update["Payload"] = serde_json::from_str(update["Payload"].as_str().unwrap()).unwrap();
    update
}

fn explain(row: &Value, ours: &[Value], theirs: &[Value]) -> Option<&'static str> {
    let tags = |updates: &[Value]| {
        updates
            .first()
            .map(|update| update["Payload"]["x-datadog-tags"].clone())
    };
    if !row["context_parent_id"].is_null() {
        return Some("no-parent");
    }
    if row["group"] == "diff-tag-order" && ours.is_empty() {
        return Some("tag-order");
    }
    if row["group"] == "names" {
        return Some("n-canonical");
    }
    if row["group"] == "malformed" || (theirs.is_empty() && !ours.is_empty()) {
        return Some("falls-back");
    }
    let kept = tags(ours).is_some_and(|tags| {
        tags.as_str()
            .is_some_and(|tags| tags.starts_with("_dd.p.tid="))
    });
    (kept && tags(theirs).is_some_and(|tags| tags.is_null())).then_some("tags-over-limit")
}
