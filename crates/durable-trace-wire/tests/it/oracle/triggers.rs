//! `triggers.jsonl`: events of 29 carriers, and what `datadog-lambda` extracted from them.

use std::collections::{BTreeMap, BTreeSet};

use durable_trace_wire::{
    CarrierRules, Context, Invocation, Trigger, extract_from_client_context, extract_from_event,
    extract_from_xray, first_complete, read, trigger_of,
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

#[test]
fn triggers_are_told_as_datadog_tells_them() {
    let Some(rows) = rows("triggers.jsonl") else {
        return;
    };
    let mut differences = Differences::default();
    for row in rows {
        let function = row.fields["invoked_function_arn"].as_str().unwrap();
        let ours = trigger_of(row.raw["event"].get(), function);
        let ours = ours.as_ref().map(tags).unwrap_or_default();
        let theirs = row.fields["trigger_tags"].as_object().unwrap();
        let mut names: BTreeSet<&str> = ours.keys().copied().collect();
        names.extend(theirs.keys().map(String::as_str));
        for name in names {
            let (ours, theirs) = (
                ours.get(name).map(String::as_str),
                theirs.get(name).and_then(Value::as_str),
            );
            // Every span of a function is of kind `server`.
            if ours == theirs || name == "span.kind" {
                continue;
            }
            let line = format!(
                "{}: {name}: ours {ours:?}, theirs {theirs:?}",
                row.fields["id"]
            );
            let group = row.fields["carrier"].as_str().unwrap();
            differences.add(
                "trigger tags",
                group,
                explain_tag(name, ours, theirs),
                &line,
            );
        }
    }
    differences.check("trigger tags");
}

fn tags(trigger: &Trigger) -> BTreeMap<&'static str, String> {
    let http = trigger.http.clone().unwrap_or_default();
    let tags = [
        (
            "function_trigger.event_source",
            Some(trigger.event_source.to_owned()),
        ),
        (
            "function_trigger.event_source_arn",
            trigger.event_source_arn.clone(),
        ),
        ("http.method", http.method),
        ("http.referer", http.referer),
        ("http.route", http.route),
        ("http.url", http.url),
        ("http.useragent", http.user_agent),
    ];
    tags.into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn explain_tag(name: &str, ours: Option<&str>, theirs: Option<&str>) -> Option<&'static str> {
    match (name, ours, theirs) {
        ("raises", None, Some(_)) => Some("raises"),
        ("function_trigger.event_source" | "function_trigger.event_source_arn", Some(_), None) => {
            Some("more-sources")
        }
        ("function_trigger.event_source_arn", Some(ours), Some(theirs)) => {
            (ours == theirs.replace("/restapis/", "/apis/")).then_some("api-arns")
        }
        ("function_trigger.event_source_arn", None, Some(theirs)) => {
            let is_made_up = theirs.contains("/None/");
            let is_group = theirs.starts_with("arn:aws:logs:");
            is_made_up
                .then_some("api-arns")
                .or(is_group.then_some("log-groups"))
        }
        ("http.route", None, Some("$default")) => Some("url-route"),
        ("http.url", Some(_), None) => Some("host-case"),
        ("http.useragent", Some(_), None) => Some("user-agent"),
        _ => None,
    }
}
