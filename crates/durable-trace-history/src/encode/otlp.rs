//! OTLP in its JSON encoding, which collectors take over HTTP as they take protobuf.
//!
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>: ids are hex, numbers of 64 bits are text.

use durable_trace_wire::ExecutionArn;
use serde_json::{Value, json};

use super::{Identity, REQUEST_BYTES, split};
use crate::trace::{Attribute, Span, SpanKind, SpanStatus, Trace};

/// Renders traces as one `ExportTraceServiceRequest`.
pub fn to_otlp_json(traces: &[Trace], identity: &Identity) -> String {
    let resources: Vec<Value> = traces
        .iter()
        .map(|trace| resource(trace, identity, &spans(trace)))
        .collect();
    request(&resources)
}

/// Renders traces as one or more such requests, none much larger than a collector takes.
pub fn to_otlp_requests(traces: &[Trace], identity: &Identity) -> Vec<String> {
    requests(traces, identity, REQUEST_BYTES)
}

fn requests(traces: &[Trace], identity: &Identity, limit: usize) -> Vec<String> {
    let resources: Vec<Value> = traces
        .iter()
        .flat_map(|trace| {
            let runs = split(spans(trace), limit, |span| span.to_string().len());
            runs.into_iter()
                .map(|spans| resource(trace, identity, &spans))
        })
        .collect();
    split(resources, limit, |resource| resource.to_string().len())
        .iter()
        .map(|run| request(run))
        .collect()
}

fn request(resources: &[Value]) -> String {
    json!({ "resourceSpans": resources }).to_string()
}

/// <https://opentelemetry.io/docs/specs/semconv/resource/faas/>, <https://opentelemetry.io/docs/specs/semconv/resource/cloud/>
fn resource(trace: &Trace, identity: &Identity, spans: &[Value]) -> Value {
    let mut attributes = vec![
        text("service.name", identity.service_of(trace)),
        text("cloud.provider", "aws"),
        text("cloud.platform", "aws_lambda"),
        text("faas.name", &trace.function),
    ];
    if let Some(env) = &identity.env {
        attributes.push(text("deployment.environment.name", env));
    }
    if let Some(arn) = ExecutionArn::parse(&trace.arn) {
        let known = [
            ("cloud.region", arn.region()),
            ("cloud.account.id", arn.account()),
            ("faas.version", arn.qualifier()),
        ];
        let known = known.into_iter();
        attributes.extend(known.filter_map(|(key, value)| Some(text(key, value?))));
    }
    json!({
        "resource": { "attributes": attributes },
        "scopeSpans": [{ "scope": { "name": "durable-trace-history" }, "spans": spans }],
    })
}

fn spans(trace: &Trace) -> Vec<Value> {
    trace.spans.iter().map(|it| span(trace, it)).collect()
}

fn span(trace: &Trace, span: &Span) -> Value {
    // How Datadog's intake names spans that come by OTLP, as live tracing sets them.
    let mut attributes = vec![
        text("operation.name", &span.name),
        text("resource.name", &span.resource),
        text("span.type", "serverless"),
    ];
    attributes.extend(span.attributes.iter().map(|(key, value)| match value {
        Attribute::Flag(flag) => json!({ "key": key, "value": { "boolValue": flag } }),
        Attribute::Number(number) => {
            json!({ "key": key, "value": { "intValue": number.to_string() } })
        }
        Attribute::Text(value) => text(key, value),
    }));
    // STATUS_CODE_OK and STATUS_CODE_ERROR
    let status = match span.status {
        SpanStatus::Error => {
            json!({ "code": 2, "message": span.error_message().unwrap_or_default() })
        }
        SpanStatus::Ok => json!({ "code": 1 }),
        SpanStatus::Unset => json!({}),
    };
    let links: Vec<Value> = span
        .links
        .iter()
        .map(|id| json!({ "traceId": trace.trace_id.to_string(), "spanId": id.to_hex() }))
        .collect();
    json!({
        "traceId": trace.trace_id.to_string(),
        "spanId": span.id.to_hex(),
        "parentSpanId": span.parent.map_or_else(String::new, durable_trace_wire::SpanId::to_hex),
        "name": span.name,
        "kind": kind(span.kind),
        "startTimeUnixNano": span.start.as_nanos().to_string(),
        "endTimeUnixNano": span.end.as_nanos().to_string(),
        "attributes": attributes,
        "links": links,
        "status": status,
    })
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// The enum `SpanKind`, as a number.
const fn kind(kind: SpanKind) -> u8 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::sample;

    #[test]
    fn a_large_trace_goes_in_several_requests() {
        let trace = sample();
        let requests = requests(std::slice::from_ref(&trace), &Identity::default(), 2_000);
        assert!(requests.len() > 2, "{}", requests.len());
        let mut ids = Vec::new();
        for request in &requests {
            let request: Value = serde_json::from_str(request).unwrap();
            for resource in request["resourceSpans"].as_array().unwrap() {
                let spans = resource["scopeSpans"][0]["spans"].as_array().unwrap();
                ids.extend(
                    spans
                        .iter()
                        .map(|span| span["spanId"].as_str().unwrap().to_owned()),
                );
            }
        }
        let want: Vec<String> = trace.spans.iter().map(|span| span.id.to_hex()).collect();
        assert_eq!(ids, want, "every span once, in order");
    }

    #[test]
    fn a_span_is_what_the_specification_says() {
        let trace = sample();
        let request: Value = serde_json::from_str(&to_otlp_json(
            std::slice::from_ref(&trace),
            &Identity::default().service("shop").env("prod"),
        ))
        .unwrap();
        let resource = &request["resourceSpans"][0];
        let attributes = resource["resource"]["attributes"].as_array().unwrap();
        for (key, want) in [
            ("service.name", "shop"),
            ("deployment.environment.name", "prod"),
            ("faas.name", "order"),
            ("cloud.region", "us-east-1"),
        ] {
            assert!(attributes.contains(&text(key, want)), "{key}");
        }
        let spans = resource["scopeSpans"][0]["spans"].as_array().unwrap();
        assert_eq!(spans[0]["traceId"], trace.trace_id.to_string());
        assert_eq!(spans[0]["parentSpanId"], "", "a root");
        let failed = spans
            .iter()
            .find(|span| span["status"]["code"] == 2)
            .unwrap();
        let attempt =
            json!({ "key": "aws.durable.operation_attempt", "value": { "intValue": "0" } });
        assert!(failed["attributes"].as_array().unwrap().contains(&attempt));
        assert!(
            failed["status"]["message"]
                .as_str()
                .unwrap()
                .contains("try again")
        );
    }
}
