//! `codec.jsonl`: header maps that `ddtrace` read, and contexts that it wrote.

use std::collections::BTreeMap;

use durable_trace_wire::{
    Context, DEFAULT_TAGS_MAX_LENGTH, Headers, SamplingPriority, SpanId, Tags,
};
use serde_json::{Value, json};

use super::{Row, tags_of};
use crate::compatibility::Differences;

#[test]
fn headers_are_read_as_ddtrace_reads_them() {
    let Some(rows) = super::rows("codec.jsonl") else {
        return;
    };
    let mut differences = Differences::default();
    let rows = rows.iter().filter(|row| row.fields["kind"] == "extract");
    for Row { fields: row, raw } in rows {
        let json = raw["headers_in"].get();
        let headers = Headers::from_json(json).unwrap();
        for (ours, theirs) in [
            (
                Context::extract(&headers).map(|(context, _)| context),
                &row["extracted"],
            ),
            (Context::extract_datadog(&headers), &row["datadog_only"]),
            (
                Context::extract_tracecontext(&headers),
                &row["tracecontext_only"],
            ),
        ] {
            let (ours, theirs) = (ours.as_ref().map(shape), reference(theirs));
            if ours != theirs {
                let difference =
                    explain_extract(&row["headers_in"], ours.as_ref(), theirs.as_ref());
                let line = format!("{json}: ours {ours:?}, theirs {theirs:?}");
                differences.add(
                    "codec extract",
                    row["group"].as_str().unwrap(),
                    difference,
                    &line,
                );
            }
        }
    }
    differences.check("codec extract");
}

#[test]
fn contexts_are_written_as_ddtrace_writes_them() {
    let Some(rows) = super::rows("codec.jsonl") else {
        return;
    };
    let mut differences = Differences::default();
    let rows = rows.iter().filter(|row| row.fields["kind"] == "inject");
    for Row { fields: row, raw } in rows {
        let given = &row["context"];
        let context = context(given, tags_of(&raw["context"], "meta"));
        let datadog = context
            .as_ref()
            .map(|context| context.to_datadog(DEFAULT_TAGS_MAX_LENGTH).to_json());
        let ours = datadog.map_or(json!({}), |json| serde_json::from_str(&json).unwrap());
        let theirs = &row["datadog"]["injected_headers"];
        if ours != *theirs {
            let line = format!("{given}: ours {ours}, theirs {theirs}");
            let difference = explain_inject(given, &ours, theirs);
            differences.add(
                "codec inject",
                row["group"].as_str().unwrap(),
                difference,
                &line,
            );
        }
        let w3c = context
            .as_ref()
            .map(Context::to_tracecontext)
            .unwrap_or_default();
        let ours = (
            w3c.traceparent(),
            member(w3c.tracestate().unwrap_or_default()),
        );
        let headers = &row["tracecontext"]["injected_headers"];
        let theirs = (
            headers["traceparent"].as_str(),
            member(headers["tracestate"].as_str().unwrap_or_default()),
        );
        if ours != theirs {
            let line = format!("{given}: ours {ours:?}, theirs {theirs:?}");
            let difference = explain_inject_w3c(given);
            differences.add(
                "codec inject",
                row["group"].as_str().unwrap(),
                difference,
                &line,
            );
        }
    }
    differences.check("codec inject");
}

/// Trace id, parent, priority, origin, tags.
pub(super) type Shape = (
    String,
    String,
    Option<i64>,
    Option<String>,
    BTreeMap<String, String>,
);

pub(super) fn shape(context: &Context) -> Shape {
    (
        context.trace_id.to_string(),
        context.parent_id.to_string(),
        context
            .sampling_priority
            .map(|priority| priority.value().into()),
        context.origin.clone(),
        context
            .tags
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    )
}

/// What `ddtrace` read; nothing without both ids, as its wrapper has it.
pub(super) fn reference(read: &Value) -> Option<Shape> {
    let tags = tags(&read["meta"]).filter(|(name, _)| *name != "_dd.p.tid");
    Some((
        read["trace_id_hex"].as_str()?.to_owned(),
        read["span_id"].as_str()?.to_owned(),
        read["sampling_priority"].as_i64(),
        read["origin"]
            .as_str()
            .filter(|origin| !origin.is_empty())
            .map(str::to_owned),
        tags.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    ))
}

fn tags(meta: &Value) -> impl Iterator<Item = (&str, &str)> {
    let pairs = meta.as_object().into_iter().flatten();
    pairs
        .filter(|(name, _)| name.starts_with("_dd.p."))
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
}

fn context(given: &Value, tags: Vec<(String, String)>) -> Option<Context> {
    Some(Context {
        trace_id: given["trace_id_hex"].as_str()?.parse().ok()?,
        parent_id: given["span_id"].as_str()?.parse::<SpanId>().ok()?,
        sampling_priority: given["sampling_priority"]
            .as_i64()
            .and_then(SamplingPriority::from_i64),
        origin: given["origin"].as_str().map(str::to_owned),
        tags: Tags::from_pairs(tags),
    })
}

/// The fields of the `dd` member that say something that no other header says.
fn member(tracestate: &str) -> BTreeMap<&str, &str> {
    let member = tracestate
        .split(',')
        .find_map(|member| member.strip_prefix("dd="));
    let fields = member
        .unwrap_or_default()
        .split(';')
        .filter_map(|field| field.split_once(':'));
    fields
        .filter(|(name, _)| !["p", "t.tid"].contains(name))
        .collect()
}

fn explain_extract(
    headers: &Value,
    ours: Option<&Shape>,
    theirs: Option<&Shape>,
) -> Option<&'static str> {
    let text = |name: &str| headers[name].as_str();
    let odd_tid = text("x-datadog-tags").is_some_and(|tags| tags.contains("_dd.p.tid="));
    match (ours, theirs) {
        (Some(_), None)
            if headers
                .as_object()?
                .values()
                .any(|value| !value.is_string()) =>
        {
            Some("json-types")
        }
        (Some(_), None) if headers["traceparent"].is_string() => Some("traceparent-beside"),
        (Some(ours), Some(theirs))
            if ours.0 != theirs.0 && ours.0.starts_with("0000000000000000") && odd_tid =>
        {
            Some("tid-digits")
        }
        (Some(ours), Some(theirs)) if ours.2.is_none() && !(-1..=2).contains(&theirs.2?) => {
            Some("priority-range")
        }
        (None, Some(theirs)) if theirs.1.parse::<u64>().is_err() => Some("parent-range"),
        _ => None,
    }
}

fn explain_inject(given: &Value, ours: &Value, theirs: &Value) -> Option<&'static str> {
    let meta = &given["meta"];
    if has_zero_id(given) {
        return Some("zero-id");
    }
    if SamplingPriority::from_i64(given["sampling_priority"].as_i64()?).is_none() {
        return Some("priority-range");
    }
    if !meta["_dd.p.tid"].is_null() {
        return Some("tid-twice");
    }
    if !meta["_dd.propagation_error"].is_null() {
        return Some("past-error");
    }
    let kept = ours["x-datadog-tags"]
        .as_str()
        .is_some_and(|tags| tags.starts_with("_dd.p.tid="));
    (kept && theirs["x-datadog-tags"].is_null()).then_some("tags-over-limit")
}

fn explain_inject_w3c(given: &Value) -> Option<&'static str> {
    if has_zero_id(given) {
        return Some("zero-id");
    }
    if !given["meta"]["traceparent"].is_null() {
        return Some("foreign-members");
    }
    if tags(&given["meta"]).any(|(_, value)| value.ends_with(' ')) {
        return Some("space-at-end");
    }
    SamplingPriority::from_i64(given["sampling_priority"].as_i64()?)
        .is_none()
        .then_some("priority-range")
}

fn has_zero_id(given: &Value) -> bool {
    given["span_id"] == "0" || given["trace_id"] == "0"
}
