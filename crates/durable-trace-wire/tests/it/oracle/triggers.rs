//! `triggers.jsonl`: events of 29 carriers, and what `datadog-lambda` extracted from them.

use durable_trace_wire::{
    CarrierRules, Context, Invocation, extract_from_client_context, extract_from_event,
    extract_from_xray, first_complete, read,
};
use serde_json::Value;

use super::codec::{Shape, shape};
use super::{Row, rows};
use crate::compatibility::Differences;

#[test]
fn events_carry_what_datadog_finds_in_them() {
    let Some(rows) = rows("triggers.jsonl") else {
        return;
    };
    let mut differences = Differences::default();
    for row in rows {
        let extracted = extract(&row);
        let ours = extracted
            .as_ref()
            .map(|(context, source)| (shape(context), *source));
        let theirs = reference(&row.fields["extracted"]);
        if ours.as_ref().map(|ours| &ours.0) != theirs.as_ref() {
            let id = row.fields["id"].as_str().unwrap();
            let difference = explain(&row.fields, ours.as_ref(), theirs.as_ref());
            let line = format!("{id}: ours {ours:?}, theirs {theirs:?}");
            let group = row.fields["carrier"].as_str().unwrap();
            differences.add("triggers", group, difference, &line);
        }
    }
    differences.check("triggers");
}

/// What an invocation may carry a context in, in order: a checkpoint, the event, the Lambda context.
fn extract(row: &Row) -> Option<(Context, &'static str)> {
    let rules = CarrierRules::default();
    let event = row.raw["event"].get();
    let invocation = Invocation::parse(event).unwrap();
    let event = match &invocation {
        Some(invocation) => {
            if let Some(found) = read(&invocation.arn, &invocation.operations).found {
                return Some((found.context, "checkpoint"));
            }
            invocation.input()
        }
        None => Some(event.into()),
    };
    let xray = row.fields["env"]["_X_AMZN_TRACE_ID"].as_str();
    let carried = first_complete([
        event.and_then(|event| extract_from_event(&event, &rules)),
        extract_from_client_context(row.raw["client_context"].get(), &rules, None),
        xray.and_then(extract_from_xray),
    ])?;
    Some((carried.context, carried.source.as_str()))
}

/// What the reference found. `AWSTraceHeader` has a float for a priority there.
fn reference(extracted: &Value) -> Option<Shape> {
    let tags = extracted["meta"].as_object().into_iter().flatten();
    let priority = &extracted["sampling_priority"];
    let priority = priority.as_i64().or_else(|| {
        (-1..=2)
            .find(|whole| priority.as_f64() == Some(f64::from(*whole)))
            .map(i64::from)
    });
    Some((
        extracted["trace_id_hex_with_tid"].as_str()?.to_owned(),
        extracted["span_id"].as_str()?.to_owned(),
        priority,
        extracted["origin"]
            .as_str()
            .filter(|origin| !origin.is_empty())
            .map(str::to_owned),
        tags.filter(|(name, _)| *name != "_dd.p.tid")
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect(),
    ))
}

fn explain(
    row: &Value,
    ours: Option<&(Shape, &'static str)>,
    theirs: Option<&Shape>,
) -> Option<&'static str> {
    match (ours, theirs) {
        (Some((ours, source)), None) => explain_more(row, ours, source),
        (Some((ours, _)), Some(theirs)) => explain_other(row, ours, theirs),
        (None, Some(theirs)) => explain_less(row, theirs),
        (None, None) => None,
    }
}

/// Ours is a context, theirs is none.
fn explain_more(row: &Value, ours: &Shape, source: &str) -> Option<&'static str> {
    let carrier = row["carrier"].as_str().unwrap();
    match source {
        _ if ["fixture-rs", "negative", "not-an-object"].contains(&carrier) => None,
        "checkpoint" => Some("falls-back"),
        _ if carrier == "durable-envelope" => Some("input-payload"),
        _ if ours.2.is_none() => Some("no-priority"),
        "datadog" | "map" => Some("direct"),
        "step-functions" => Some("step-functions"),
        _ if row["partial"].is_object() => Some("hidden"),
        _ if is_batch(&row["event"]) => Some("first-record"),
        _ => by_name(
            row,
            &[
                ("attribute-types", &["type-"]),
                ("base64", &["no-padding", "urlsafe"]),
                (
                    "json-types",
                    &["number", "tags-null", "origin-null", "nested", "stage"],
                ),
                ("schedule", &["aws-events-source", "categories"]),
                ("trace-header-keys", &["reordered", "self-first"]),
                ("utf8", &["utf8"]),
                (
                    "hidden",
                    &[
                        "attr",
                        "broken",
                        "datadog-null",
                        "empty",
                        "fallback",
                        "headers",
                        "hides",
                        "nopar",
                        "noprio",
                        "request",
                        "too",
                    ],
                ),
            ],
        ),
    }
}

/// Both are contexts, of which some part differs.
fn explain_other(row: &Value, ours: &Shape, theirs: &Shape) -> Option<&'static str> {
    let is_derived = row["event"].to_string().contains("StateMachine");
    let same_span = (&ours.0, &ours.1) == (&theirs.0, &theirs.1);
    match theirs.2 {
        Some(priority) if !(-1..=2).contains(&priority) => return Some("priority-range"),
        _ if is_derived && same_span => return Some("upstream-kept"),
        _ if same_span && ours.2 == theirs.2 && ours.3 == theirs.3 => return Some("tags-each"),
        _ => {}
    }
    by_name(
        row,
        &[
            ("json-types", &["counts-"]),
            ("n-canonical", &["underscore-number"]),
            ("sampled", &["sampled"]),
            ("step-functions", &["sfn-", "input-"]),
            ("tracestate-fields", &["ts-", "tracestate"]),
            ("whole-trace-id", &["badtid", "tp128"]),
            ("number-digits", &["long-", "root-over", "short-", "tid-"]),
        ],
    )
}

/// Ours is none, theirs is a context.
fn explain_less(row: &Value, theirs: &Shape) -> Option<&'static str> {
    if theirs.1.parse::<u64>().unwrap_or_default() == 0 {
        return Some("parent-range");
    }
    by_name(
        row,
        &[
            ("n-canonical", &["checkpoint-"]),
            ("number-digits", &["trace-", "short-root", "parent-"]),
            ("state-unnamed", &["state-empty", "entered-null"]),
        ],
    )
}

/// A row's id says what it is about.
fn by_name(row: &Value, table: &[(&'static str, &[&str])]) -> Option<&'static str> {
    let (_, name) = row["id"].as_str().unwrap().split_once('/').unwrap();
    let named = table
        .iter()
        .find(|(_, parts)| parts.iter().any(|part| name.contains(part)));
    named.map(|(difference, _)| *difference)
}

fn is_batch(event: &Value) -> bool {
    event["Records"]
        .as_array()
        .is_some_and(|records| records.len() > 1)
}
