//! The spans of an `ExportTraceServiceRequest`, as a requirement looks at them.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value, json};

/// Spans of one or several traces.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) spans: Vec<Span>,
}

/// A span.
#[derive(Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "the names of the wire")]
pub(super) struct Span {
    pub(super) trace_id: String,
    pub(super) span_id: String,
    /// Empty for none.
    pub(super) parent_id: String,
    /// Nanoseconds since 1970.
    pub(super) start: u64,
    pub(super) end: u64,
    /// Trace and span.
    pub(super) links: Vec<(String, String)>,
    /// Name, kind, status, service, parent and attributes, under the names that requirements use.
    pub(super) properties: Value,
}

impl Span {
    pub(super) fn name(&self) -> &str {
        self.properties["name"].as_str().unwrap()
    }

    pub(super) fn attribute(&self, key: &str) -> Option<&Value> {
        self.properties["attributes"].get(key)
    }
}

impl Trace {
    pub(super) fn read(request: &Value) -> Self {
        let mut spans = Vec::new();
        for resource in request["resourceSpans"].as_array().unwrap() {
            let of_resource = attributes(&resource["resource"]);
            for scope in resource["scopeSpans"].as_array().unwrap() {
                let found = scope["spans"].as_array().unwrap().iter();
                spans.extend(found.map(|span| read(span, &of_resource)));
            }
        }
        Self { spans }
    }

    /// How many traces there are.
    pub(super) fn ids(&self) -> usize {
        let ids: HashSet<_> = self.spans.iter().map(|span| &span.trace_id).collect();
        ids.len()
    }

    /// How many executions the spans are of.
    pub(super) fn executions(&self) -> usize {
        self.arns().len()
    }

    pub(super) fn arns(&self) -> BTreeSet<&str> {
        let arns = self
            .spans
            .iter()
            .filter_map(|span| span.attribute("durable.execution.arn"));
        arns.map(|arn| arn.as_str().unwrap()).collect()
    }

    /// Spans without a parent.
    pub(super) fn roots(&self) -> usize {
        self.spans
            .iter()
            .filter(|span| span.parent_id.is_empty())
            .count()
    }

    /// Spans whose parent or link is none of the others.
    pub(super) fn strays(&self) -> Vec<&str> {
        let ids: HashSet<_> = self
            .spans
            .iter()
            .map(|span| span.span_id.as_str())
            .collect();
        let is_stray = |span: &&Span| {
            let lost = |id: &str| !ids.contains(id);
            (!span.parent_id.is_empty() && lost(&span.parent_id))
                || span.links.iter().any(|(_, id)| lost(id))
        };
        self.spans.iter().filter(is_stray).map(Span::name).collect()
    }
}

fn read(span: &Value, of_resource: &Map<String, Value>) -> Span {
    let text = |key: &str| span[key].as_str().unwrap_or_default().to_owned();
    let nanos = |key: &str| span[key].as_str().unwrap().parse().unwrap();
    let mut all = of_resource.clone();
    all.extend(attributes(span));
    let parent = Some(text("parentSpanId")).filter(|parent| !parent.is_empty());
    let kinds = [
        "UNSPECIFIED",
        "INTERNAL",
        "SERVER",
        "CLIENT",
        "PRODUCER",
        "CONSUMER",
    ];
    let statuses = ["UNSET", "OK", "ERROR"];
    let index = |value: &Value| usize::try_from(value.as_u64().unwrap_or_default()).unwrap();
    Span {
        trace_id: text("traceId"),
        span_id: text("spanId"),
        parent_id: text("parentSpanId"),
        start: nanos("startTimeUnixNano"),
        end: nanos("endTimeUnixNano"),
        links: span["links"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|link| {
                let text = |key: &str| link[key].as_str().unwrap().to_owned();
                (text("traceId"), text("spanId"))
            })
            .collect(),
        properties: json!({
            "name": span["name"],
            "kind": kinds[index(&span["kind"])],
            "status": statuses[index(&span["status"]["code"])],
            "service_name": of_resource.get("service.name"),
            "parent_span_id": parent,
            "attributes": all,
        }),
    }
}

fn attributes(of: &Value) -> Map<String, Value> {
    let all = of["attributes"].as_array().into_iter().flatten();
    all.map(|attribute| {
        let (kind, value) = attribute["value"]
            .as_object()
            .unwrap()
            .iter()
            .next()
            .unwrap();
        let value = match (kind.as_str(), value.as_str()) {
            ("intValue", Some(text)) => json!(text.parse::<i64>().unwrap()),
            _ => value.clone(),
        };
        (attribute["key"].as_str().unwrap().to_owned(), value)
    })
    .collect()
}
