//! Spans of AWS's views, which came as OTLP/JSON.
//!
//! Shapes: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::{Invocation, LinkRecord, SpanRecord};

/// The name of the span that stands for one invocation.
const INVOCATION_SPAN: &str = "Invocation";

/// The spans of all `requests`, each with the invocation that sent it, by invocation, then start.
pub(crate) fn spans_of(requests: &[Value], invocations: &[Invocation]) -> Vec<SpanRecord> {
    let indices: HashMap<&str, usize> = invocations
        .iter()
        .map(|invocation| (invocation.request_id.as_str(), invocation.index))
        .collect();
    let mut records = Vec::new();
    for request in requests {
        let own = records_of(request);
        // A function flushes at the end of each invocation, so that what comes together is of one.
        let invocation = own.iter().find_map(|record| {
            let id = record.meta.get("faas.invocation_id")?;
            (record.name == INVOCATION_SPAN).then(|| indices.get(id.as_str()).copied())?
        });
        records.extend(own.into_iter().map(|record| SpanRecord {
            invocation,
            ..record
        }));
    }
    records.sort_by_key(|record| {
        let depth = usize::from(record.parent_id != "0");
        (record.invocation.unwrap_or(usize::MAX), record.start, depth)
    });
    records
}

fn records_of(request: &Value) -> Vec<SpanRecord> {
    let mut records = Vec::new();
    for resource in list(request, "resourceSpans") {
        let attributes = resource.get("resource").map(attributes).unwrap_or_default();
        let service = attributes.0.get("service.name").cloned();
        let service = service.unwrap_or_default();
        let scopes = list(resource, "scopeSpans");
        let spans = scopes.flat_map(|scope| list(scope, "spans"));
        records.extend(spans.filter_map(|span| record(span, &service)));
    }
    records
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    let items = value.get(key).and_then(Value::as_array);
    items.into_iter().flatten()
}

/// `None` for what is no span.
fn record(span: &Value, service: &str) -> Option<SpanRecord> {
    let text = |key: &str| span.get(key).and_then(Value::as_str).unwrap_or_default();
    let (mut meta, metrics) = attributes(span);
    let status = span.get("status");
    let code = status.and_then(|status| status.get("code")?.as_u64());
    let message = status.and_then(|status| status.get("message")?.as_str());
    match code {
        Some(1) => meta.insert("otel.status_code".to_owned(), "OK".to_owned()),
        Some(2) => meta.insert("otel.status_code".to_owned(), "ERROR".to_owned()),
        _ => None,
    };
    if let Some(message) = message.filter(|message| !message.is_empty()) {
        meta.insert("error.message".to_owned(), message.to_owned());
    }
    let start: i64 = text("startTimeUnixNano").parse().ok()?;
    let end: i64 = text("endTimeUnixNano").parse().ok()?;
    Some(SpanRecord {
        invocation: None,
        trace_id: text("traceId").to_owned(),
        span_id: decimal(text("spanId"))?,
        parent_id: decimal(text("parentSpanId")).unwrap_or_else(|| "0".to_owned()),
        name: text("name").to_owned(),
        resource: text("name").to_owned(),
        service: service.to_owned(),
        kind: String::new(),
        error: i32::from(code == Some(2)),
        start,
        duration: end.saturating_sub(start),
        meta,
        metrics,
        links: list(span, "links").filter_map(link).collect(),
    })
}

fn link(link: &Value) -> Option<LinkRecord> {
    Some(LinkRecord {
        trace_id: link.get("traceId")?.as_str()?.to_owned(),
        span_id: decimal(link.get("spanId")?.as_str()?)?,
    })
}

/// The id in decimal, as Datadog writes it; `None` for no id.
fn decimal(hex: &str) -> Option<String> {
    Some(u64::from_str_radix(hex, 16).ok()?.to_string())
}

/// Texts, and truth values as texts; numbers.
fn attributes(of: &Value) -> (BTreeMap<String, String>, BTreeMap<String, f64>) {
    let (mut texts, mut numbers) = (BTreeMap::new(), BTreeMap::new());
    for attribute in list(of, "attributes") {
        let Some(key) = attribute.get("key").and_then(Value::as_str) else {
            continue;
        };
        let value = |kind: &str| attribute.get("value").and_then(|value| value.get(kind));
        if let Some(text) = value("stringValue").and_then(Value::as_str) {
            texts.insert(key.to_owned(), text.to_owned());
        } else if let Some(flag) = value("boolValue").and_then(Value::as_bool) {
            texts.insert(key.to_owned(), flag.to_string());
        } else if let Some(number) = value("doubleValue").and_then(Value::as_f64) {
            numbers.insert(key.to_owned(), number);
        } else if let Some(number) = value("intValue") {
            // A number of 64 bits is a text in JSON.
            let number = number.as_str().and_then(|text| text.parse().ok());
            numbers.extend(number.map(|number| (key.to_owned(), number)));
        }
    }
    (texts, numbers)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn invocation(request_id: &str) -> Invocation {
        Invocation {
            index: 3,
            execution_arn: "arn".into(),
            request_id: request_id.into(),
            status: "SUCCEEDED".into(),
            context: None,
            api_calls: Vec::new(),
            checkpoint_written: None,
            checkpoint_by: None,
        }
    }

    #[test]
    fn what_comes_together_is_of_one_invocation() {
        let span = |name: &str, id: &str, attributes: Value| {
            json!({
                "traceId": "0000000000000000000000000000002a", "spanId": id, "parentSpanId": "",
                "name": name, "startTimeUnixNano": "5", "endTimeUnixNano": "7",
                "attributes": attributes, "status": {"code": 2, "message": "boom"},
                "links": [{"traceId": "0000000000000000000000000000002a", "spanId": "00000000000000ff"}],
            })
        };
        let attributes = json!([
            {"key": "faas.invocation_id", "value": {"stringValue": "r"}},
            {"key": "durable.invocation.first", "value": {"boolValue": true}},
            {"key": "durable.attempt.number", "value": {"intValue": "2"}},
        ]);
        let request = json!({"resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "order"}}]},
            "scopeSpans": [{"spans": [
                span("Invocation", "000000000000000a", attributes),
                span("Workflow", "000000000000000b", json!([])),
            ]}],
        }]});
        let records = spans_of(&[request], &[invocation("r")]);
        assert_eq!(records.len(), 2);
        for record in &records {
            assert_eq!(record.invocation, Some(3), "{}", record.name);
            assert_eq!(record.service, "order");
            assert_eq!((record.parent_id.as_str(), record.error), ("0", 1));
            assert_eq!((record.start, record.duration), (5, 2));
            assert_eq!(record.links[0].span_id, "255");
            assert_eq!(record.meta["error.message"], "boom");
        }
        let first = records
            .iter()
            .find(|record| record.span_id == "10")
            .unwrap();
        assert_eq!(first.meta["durable.invocation.first"], "true");
        assert_eq!(first.metrics["durable.attempt.number"].to_string(), "2");
    }

    #[test]
    fn what_is_no_request_has_no_spans() {
        for value in [
            json!(null),
            json!([]),
            json!({"resourceSpans": 1}),
            json!({"resourceSpans": [{"scopeSpans": [{"spans": [{}]}]}]}),
        ] {
            assert!(
                spans_of(std::slice::from_ref(&value), &[]).is_empty(),
                "{value}"
            );
        }
    }
}
