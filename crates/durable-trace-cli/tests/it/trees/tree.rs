//! A tree of spans whose ids and times are gone: what is left is the same in every run.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

/// What is compared of a span.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Node {
    /// Its invocation, and the names from the root down to it.
    pub(super) place: String,
    pub(super) name: String,
    /// `resource`, and the tags of [`TAGS`] that it has.
    pub(super) fields: BTreeMap<&'static str, String>,
}

/// The tags that are compared, with the names that `docs/span-differences.md` calls them by.
const TAGS: [(&str, &str); 8] = [
    ("attempt", "aws.durable.operation_attempt"),
    ("error message", "error.message"),
    ("error type", "error.type"),
    ("execution status", "aws.durable.execution_status"),
    ("first invocation", "aws.durable.first_invocation"),
    ("invocation status", "aws.durable.invocation_status"),
    ("kind", "span.kind"),
    ("replayed", "aws.durable.replayed"),
];

/// The spans of a recorded run.
pub(super) fn recorded(run: &Value) -> Vec<Node> {
    let mut spans = Vec::new();
    for (index, invocation) in run["invocations"].as_array().unwrap().iter().enumerate() {
        let of_invocation = invocation["spans"].as_array().unwrap().iter();
        spans.extend(of_invocation.map(|span| (index, span)));
    }
    nodes(&spans)
}

/// The spans that `demo --format json` prints.
pub(super) fn demonstrated(report: &Value) -> Vec<Node> {
    let spans: Vec<_> = report["spans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|span| {
            (
                usize::try_from(span["invocation"].as_u64().unwrap()).unwrap(),
                span,
            )
        })
        .collect();
    nodes(&spans)
}

fn nodes(spans: &[(usize, &Value)]) -> Vec<Node> {
    let by_id: HashMap<String, &Value> = spans
        .iter()
        .map(|(_, span)| (id(span, "span_id"), *span))
        .collect();
    spans
        .iter()
        .map(|(invocation, span)| Node {
            place: format!("invocation {invocation}: {}", path(span, &by_id)),
            name: span["name"].as_str().unwrap().to_owned(),
            fields: fields(span),
        })
        .collect()
}

/// Ids are numbers in the recordings and texts in the report.
fn id(span: &Value, key: &str) -> String {
    span[key].to_string().trim_matches('"').to_owned()
}

fn path(span: &Value, by_id: &HashMap<String, &Value>) -> String {
    let name = span["name"].as_str().unwrap();
    let own = match span["meta"]["aws.durable.operation_name"].as_str() {
        Some(operation) => format!("{name}[{operation}]"),
        None => name.to_owned(),
    };
    let parent = id(span, "parent_id");
    if parent == "0" {
        return own;
    }
    match by_id.get(&parent) {
        Some(parent) => format!("{} > {own}", path(parent, by_id)),
        None => format!("orphan > {own}"),
    }
}

fn fields(span: &Value) -> BTreeMap<&'static str, String> {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::Number(number) => Some(number.as_f64().unwrap().to_string()),
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let mut fields: BTreeMap<_, _> = TAGS
        .iter()
        .filter_map(|(name, key)| {
            let value = text(&span["meta"][key]).or_else(|| text(&span["metrics"][key]))?;
            Some((*name, value))
        })
        .collect();
    for (name, key) in [
        ("resource", "resource"),
        ("error", "error"),
        ("type", "type"),
    ] {
        fields.extend(text(&span[key]).map(|value| (name, value)));
    }
    fields
}
