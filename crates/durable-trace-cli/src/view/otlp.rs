//! A report as one OTLP/JSON `ExportTraceServiceRequest`.
//!
//! Shapes: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::report::{Report, SpanRecord};

/// Renders the spans, a resource for each service.
pub(crate) fn render_otlp_json(report: &Report) -> String {
    let mut services: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for record in &report.spans {
        services
            .entry(&record.service)
            .or_default()
            .push(span(record));
    }
    let resources: Vec<Value> = services
        .into_iter()
        .map(|(service, spans)| {
            json!({
                "resource": { "attributes": [attribute("service.name", service)] },
                "scopeSpans": [{ "scope": { "name": "durable-trace" }, "spans": spans }],
            })
        })
        .collect();
    format!("{:#}\n", json!({ "resourceSpans": resources }))
}

/// Renders spans that came as OTLP/JSON as one request.
pub(crate) fn render_requests(report: &Report) -> String {
    let resources: Vec<&Value> = report
        .requests
        .iter()
        .filter_map(|request| request.get("resourceSpans")?.as_array())
        .flatten()
        .collect();
    format!("{:#}\n", json!({ "resourceSpans": resources }))
}

fn span(record: &SpanRecord) -> Value {
    let mut attributes = vec![
        attribute("resource.name", &record.resource),
        attribute("span.type", &record.kind),
    ];
    attributes.extend(record.meta.iter().map(|(key, value)| attribute(key, value)));
    attributes.extend(
        record
            .metrics
            .iter()
            .map(|(key, value)| json!({ "key": key, "value": { "doubleValue": value } })),
    );
    let end = record.start.saturating_add(record.duration);
    json!({
        "traceId": record.trace_id,
        "spanId": hex_id(&record.span_id),
        "parentSpanId": hex_id(&record.parent_id),
        "name": record.name,
        "kind": kind(record.meta.get("span.kind").map_or("", String::as_str)),
        "startTimeUnixNano": record.start.to_string(),
        "endTimeUnixNano": end.to_string(),
        "attributes": attributes,
        "status": status(record),
    })
}

fn attribute(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// 16 hex digits; empty for no span.
fn hex_id(decimal: &str) -> String {
    match decimal.parse::<u64>() {
        Ok(0) | Err(_) => String::new(),
        Ok(id) => format!("{id:016x}"),
    }
}

/// The enum `SpanKind`, as a number.
fn kind(name: &str) -> u8 {
    match name {
        "server" => 2,
        "client" => 3,
        "producer" => 4,
        "consumer" => 5,
        _ => 1,
    }
}

/// `STATUS_CODE_ERROR` is 2; a span without an error says nothing about its status.
fn status(record: &SpanRecord) -> Value {
    if record.error == 0 {
        return json!({});
    }
    let message = record.meta.get("error.message").map_or("", String::as_str);
    json!({ "code": 2, "message": message })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tree::sample;

    #[test]
    fn requests_become_one() {
        let mut report = sample();
        report.requests = vec![
            json!({"resourceSpans": [1]}),
            json!({}),
            json!({"resourceSpans": [2, 3]}),
        ];
        let request: Value = serde_json::from_str(&render_requests(&report)).unwrap();
        assert_eq!(request, json!({"resourceSpans": [1, 2, 3]}));
    }

    #[test]
    fn spans_are_grouped_by_service_and_keep_their_ids() {
        let request: Value = serde_json::from_str(&render_otlp_json(&sample())).unwrap();
        let resources = request["resourceSpans"].as_array().unwrap();
        assert_eq!(resources.len(), 1);
        let attributes = &resources[0]["resource"]["attributes"];
        assert_eq!(attributes[0]["value"]["stringValue"], "order");
        let spans = resources[0]["scopeSpans"][0]["spans"].as_array().unwrap();
        assert_eq!(spans.len(), sample().spans.len());
        assert_eq!(spans[0]["traceId"], "6b02ae0600000000000000000000002a");
        assert_eq!(spans[0]["spanId"], "0000000000000001");
        assert_eq!(spans[0]["parentSpanId"], "", "a root");
        assert_eq!(spans[1]["parentSpanId"], "0000000000000001");
        assert_eq!(spans[0]["kind"], 2);
        assert_eq!(spans[0]["endTimeUnixNano"], "1041200000");
        assert_eq!(spans[0]["status"], json!({}));
        assert_eq!(spans[2]["status"]["code"], 2);
    }
}
