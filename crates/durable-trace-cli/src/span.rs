//! Spans as a tracer sends them to an agent: the v0.4 trace payload.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

/// One span of a v0.4 payload.
///
/// The trace id on the wire is the lower half; [`trace_ids`] finds the upper one. Field names and types:
/// <https://docs.datadoghq.com/tracing/guide/send_traces_to_agent_by_api/>
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the names of the wire")]
pub(crate) struct Span {
    pub(crate) trace_id: u64,
    pub(crate) span_id: u64,
    /// 0 for a span without a parent.
    pub(crate) parent_id: u64,
    pub(crate) name: Nullable<String>,
    pub(crate) resource: Nullable<String>,
    pub(crate) service: Nullable<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Nullable<String>,
    /// 0 or 1.
    pub(crate) error: i32,
    /// Nanoseconds since 1970.
    pub(crate) start: i64,
    /// Nanoseconds.
    pub(crate) duration: i64,
    pub(crate) meta: Nullable<BTreeMap<String, String>>,
    pub(crate) metrics: Nullable<BTreeMap<String, f64>>,
}

impl Span {
    /// The value of a text tag.
    pub(crate) fn tag(&self, key: &str) -> Option<&str> {
        self.meta.0.get(key).map(String::as_str)
    }
}

/// A value for which tracers may send nil: that is its default.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Nullable<T>(pub(crate) T);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::deserialize(deserializer)?.unwrap_or_default()))
    }
}

/// Decodes the body of a `PUT /v0.4/traces`: a list of traces, each a list of spans.
///
/// # Errors
///
/// When the body is not that.
pub(crate) fn decode_payload(body: &[u8]) -> Result<Vec<Span>, rmp_serde::decode::Error> {
    let traces: Vec<Vec<Span>> = rmp_serde::from_slice(body)?;
    Ok(traces.into_iter().flatten().collect())
}

/// The 128-bit trace id of each lower half among `spans`.
///
/// Tracers send the upper half once for a chunk of spans, as the tag `_dd.p.tid`, so that it is looked for on all spans
/// of a trace; the OpenTelemetry-based ones send the whole id as `otel.trace_id` as well.
pub(crate) fn trace_ids(spans: &[Span]) -> HashMap<u64, u128> {
    let mut ids = HashMap::new();
    for span in spans {
        let id = ids
            .entry(span.trace_id)
            .or_insert(u128::from(span.trace_id));
        if *id >> 64 == 0
            && let Some(upper_half) = upper_half(span)
        {
            *id |= u128::from(upper_half) << 64;
        }
    }
    ids
}

fn upper_half(span: &Span) -> Option<u64> {
    let hex = span
        .tag("_dd.p.tid")
        .or_else(|| span.tag("otel.trace_id")?.get(..16))?;
    u64::from_str_radix(hex, 16).ok()
}

#[cfg(test)]
mod tests {
    use rmpv::Value;

    use super::*;

    fn encode(value: &Value) -> Vec<u8> {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, value).unwrap();
        bytes
    }

    fn map(members: Vec<(&str, Value)>) -> Value {
        Value::Map(members.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }

    #[test]
    fn payloads_decode() {
        let full = map(vec![
            ("service", "shop".into()),
            ("name", "aws.lambda".into()),
            ("resource", "order".into()),
            ("trace_id", u64::MAX.into()),
            ("span_id", 2.into()),
            ("parent_id", 1.into()),
            ("start", 1_700_000_000_000_000_000_i64.into()),
            ("duration", 5.into()),
            ("error", 1.into()),
            ("meta", map(vec![("k", "v".into())])),
            ("metrics", map(vec![("m", 1.5.into())])),
            ("type", "serverless".into()),
            ("meta_struct", map(vec![("b", Value::Binary(vec![1]))])),
        ]);
        let sparse = map(vec![
            ("span_id", 3.into()),
            ("service", Value::Nil),
            ("meta", Value::Nil),
            ("type", Value::Nil),
        ]);
        let body = encode(&Value::Array(vec![
            Value::Array(vec![full]),
            Value::Array(vec![sparse]),
        ]));
        let spans = decode_payload(&body).unwrap();
        assert_eq!(spans.len(), 2, "one of each trace");
        assert_eq!(spans[0].trace_id, u64::MAX);
        assert_eq!(spans[0].kind.0, "serverless");
        assert_eq!(spans[0].tag("k"), Some("v"));
        assert_eq!(spans[0].metrics.0, BTreeMap::from([("m".to_owned(), 1.5)]));
        let want = Span {
            span_id: 3,
            ..Span::default()
        };
        assert_eq!(spans[1], want, "nil and absent are the default");
    }

    #[test]
    fn what_is_no_payload_is_an_error() {
        for (body, why) in [
            (encode(&"text".into()), "a string"),
            (
                encode(&Value::Array(vec![map(vec![])])),
                "spans without a trace",
            ),
            (vec![0x91, 0x91, 0xde], "cut off"),
            (vec![], "empty"),
        ] {
            assert!(decode_payload(&body).is_err(), "{why}");
        }
    }

    #[test]
    fn the_upper_half_of_a_trace_id_is_found_on_any_span() {
        let span = |trace_id, key: &str, value: &str| Span {
            trace_id,
            meta: Nullable(BTreeMap::from([(key.to_owned(), value.to_owned())])),
            ..Span::default()
        };
        let ids = trace_ids(&[
            span(1, "x", "y"),
            span(1, "_dd.p.tid", "000000000000000a"),
            span(2, "otel.trace_id", "000000000000000b0000000000000002"),
            span(3, "_dd.p.tid", "no hex"),
        ]);
        assert_eq!(ids[&1], (0xa << 64) | 1, "on the second span");
        assert_eq!(ids[&2], (0xb << 64) | 2, "from the OpenTelemetry id");
        assert_eq!(ids[&3], 3, "nowhere: an id of 64 bits");
    }
}
