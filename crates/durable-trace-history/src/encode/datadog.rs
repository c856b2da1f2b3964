//! Datadog's v0.4 traces: msgpack for an agent, the same as JSON for a file.
//!
//! Field names and types: <https://docs.datadoghq.com/tracing/guide/send_traces_to_agent_by_api/>

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Identity, Payload, REQUEST_BYTES, split};
use crate::trace::{Attribute, CheckpointState, Span, SpanKind, Trace};

#[derive(Debug, Serialize)]
struct DatadogSpan<'a> {
    trace_id: u64,
    span_id: u64,
    /// 0 for a span without a parent.
    parent_id: u64,
    name: &'a str,
    resource: &'a str,
    service: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    error: i32,
    /// Nanoseconds since 1970.
    start: i64,
    /// Nanoseconds.
    duration: i64,
    meta: BTreeMap<&'a str, &'a str>,
    metrics: BTreeMap<&'a str, f64>,
}

/// Renders traces as one JSON list of lists of spans, as an agent's `/v0.4/traces` takes it.
pub fn to_datadog_json(traces: &[Trace], identity: &Identity) -> String {
    let high: Vec<String> = traces.iter().map(high_half).collect();
    let traces: Vec<Vec<DatadogSpan<'_>>> = traces
        .iter()
        .zip(&high)
        .map(|(trace, high)| {
            let spans = trace.spans.iter().enumerate();
            spans
                .map(|(index, span)| render(trace, span, identity, (index == 0).then_some(high)))
                .collect()
        })
        .collect();
    // Maps with text for keys, and finite numbers: nothing that JSON cannot say.
    serde_json::to_string(&traces).unwrap_or_default()
}

/// Renders traces as msgpack bodies for an agent's `/v0.4/traces`, none much larger than an agent takes.
pub fn to_datadog_payloads(traces: &[Trace], identity: &Identity) -> Vec<Payload> {
    payloads(traces, identity, REQUEST_BYTES)
}

fn payloads(traces: &[Trace], identity: &Identity, limit: usize) -> Vec<Payload> {
    let chunks: Vec<Vec<u8>> = traces
        .iter()
        .flat_map(|trace| chunks(trace, identity, limit))
        .collect();
    split(chunks, limit, Vec::len)
        .into_iter()
        .map(|run| Payload {
            trace_count: run.len(),
            body: array(&run),
        })
        .collect()
}

/// A trace as msgpack, in as many chunks as it takes. What is true of the whole trace stands on the first span of each.
fn chunks(trace: &Trace, identity: &Identity, limit: usize) -> Vec<Vec<u8>> {
    let high = high_half(trace);
    let encode = |span: &Span, high: Option<&String>| {
        rmp_serde::to_vec_named(&render(trace, span, identity, high)).unwrap_or_default()
    };
    let spans: Vec<&Span> = trace.spans.iter().collect();
    split(spans, limit, |span| encode(span, Some(&high)).len())
        .into_iter()
        .map(|run| {
            let first = Some(&high);
            let spans = run.into_iter().enumerate();
            let spans: Vec<Vec<u8>> = spans
                .map(|(index, span)| encode(span, first.filter(|_| index == 0)))
                .collect();
            array(&spans)
        })
        .collect()
}

/// <https://github.com/msgpack/msgpack/blob/master/spec.md#array-format-family>: `array 32`.
fn array(items: &[Vec<u8>]) -> Vec<u8> {
    let length = u32::try_from(items.len()).unwrap_or(u32::MAX);
    let mut bytes = vec![0xdd];
    bytes.extend(length.to_be_bytes());
    bytes.extend(items.iter().flatten());
    bytes
}

/// The upper 64 bits of the trace id.
fn high_half(trace: &Trace) -> String {
    format!("{:016x}", trace.trace_id.high())
}

fn render<'a>(
    trace: &'a Trace,
    span: &'a Span,
    identity: &'a Identity,
    head: Option<&'a String>,
) -> DatadogSpan<'a> {
    let mut meta = BTreeMap::new();
    let mut metrics = BTreeMap::new();
    for (key, value) in &span.attributes {
        match value {
            Attribute::Flag(flag) => {
                meta.insert(*key, if *flag { "true" } else { "false" });
            }
            Attribute::Text(text) => {
                meta.insert(*key, text.as_str());
            }
            #[expect(clippy::cast_precision_loss, reason = "counts, far below 2^53")]
            Attribute::Number(number) => {
                metrics.insert(*key, *number as f64);
            }
        }
    }
    meta.insert("_dd.origin", &trace.origin);
    meta.insert("span.kind", kind(span.kind));
    if let Some(env) = &identity.env {
        meta.insert("env", env);
    }
    // Statistics of what live tracing has sent would count it twice.
    if trace.is_whole && trace.checkpoint != CheckpointState::Read {
        metrics.insert("_dd.measured", 1.0);
    }
    if let Some(high) = head {
        meta.extend(trace.tags.iter());
        meta.insert("_dd.p.tid", high);
        let priority = trace.sampling_priority.value();
        metrics.insert("_sampling_priority_v1", priority.into());
    }
    DatadogSpan {
        trace_id: trace.trace_id.low(),
        span_id: span.id.get(),
        parent_id: span.parent.map_or(0, durable_trace_wire::SpanId::get),
        name: &span.name,
        resource: &span.resource,
        service: identity.service_of(trace),
        kind: "serverless",
        error: span.is_error().into(),
        start: span.start.as_nanos(),
        duration: span.end.since(span.start).saturating_mul(1_000),
        meta,
        metrics,
    }
}

const fn kind(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Client => "client",
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::trace::sample;

    #[test]
    fn a_large_trace_goes_in_parts_each_of_which_says_what_is_true_of_all() {
        let trace = sample();
        let identity = Identity::default().service("shop").env("prod");
        let payloads = payloads(std::slice::from_ref(&trace), &identity, 700);
        assert!(payloads.len() > 2, "{}", payloads.len());
        let mut ids = Vec::new();
        for payload in &payloads {
            let traces: Vec<Vec<Value>> = rmp_serde::from_slice(&payload.body).unwrap();
            assert_eq!(traces.len(), payload.trace_count);
            for spans in &traces {
                let head = &spans[0];
                assert_eq!(head["metrics"]["_sampling_priority_v1"], 1.0);
                let high = format!("{:016x}", trace.trace_id.high());
                assert_eq!(head["meta"]["_dd.p.tid"], high);
                assert!(
                    spans[1..]
                        .iter()
                        .all(|span| span["meta"]["_dd.p.tid"].is_null())
                );
                ids.extend(spans.iter().map(|span| span["span_id"].as_u64().unwrap()));
            }
        }
        let want: Vec<u64> = trace.spans.iter().map(|span| span.id.get()).collect();
        assert_eq!(ids, want, "every span once");
    }

    #[test]
    fn a_span_is_what_an_agent_takes() {
        let trace = sample();
        let json = to_datadog_json(&[trace], &Identity::default().env("prod"));
        let traces: Value = serde_json::from_str(&json).unwrap();
        let root = &traces[0][0];
        assert_eq!(root["parent_id"], 0);
        assert_eq!(
            root["service"], "order",
            "the function, unless another is named"
        );
        assert_eq!(root["type"], "serverless");
        assert_eq!(root["duration"], 3_000_000_000_i64);
        assert_eq!(root["meta"]["env"], "prod");
        assert_eq!(root["meta"]["_dd.origin"], "lambda");
        assert_eq!(root["metrics"]["_dd.measured"], 1.0);
    }
}
