//! `inject`: which headers does each context become?

use std::{fmt, io};

use durable_trace_wire::{Context, SamplingPriority, SpanId, Tags, TraceId};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{args::InjectArgs, lines, outcome::Outcome, settings};

/// Answers each line of stdin with the headers that carry it on.
pub(crate) fn run(_: &InjectArgs) -> anyhow::Result<Outcome> {
    let tags_max_length = settings::write_rules().tags_max_length;
    lines::answer_each(
        io::stdin().lock(),
        io::stdout().lock(),
        io::stderr(),
        |line| inject(line, tags_max_length),
    )
}

fn inject(line: &str, tags_max_length: usize) -> Result<String, String> {
    serde_json::from_str::<IgnoredAny>(line).map_err(|error| format!("JSON: {error}"))?;
    if !line.trim_ascii_start().starts_with('{') {
        return Ok("null".to_owned());
    }
    let fields: Fields<'_> = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let context = parse_context(&fields)?;
    Ok(context.to_datadog(tags_max_length).to_json())
}

fn parse_context(fields: &Fields<'_>) -> Result<Context, String> {
    let trace_id = fields
        .present("trace_id")
        .and_then(parse_trace_id)
        .ok_or("trace_id to be 32 hex digits or a decimal, and not zero")?;
    let parent_id = fields
        .present("span_id")
        .and_then(|raw| digits(raw)?.parse::<SpanId>().ok())
        .ok_or("span_id to be a decimal of 64 bits, and not zero")?;
    let sampling_priority = match fields.present("sampling_priority") {
        // A priority that no tracer knows is none, as it is to the reader.
        Some(raw) => SamplingPriority::from_i64(
            serde_json::from_str(raw.get()).map_err(|_| "sampling_priority to be an integer")?,
        ),
        None => None,
    };
    let origin = match fields.present("origin") {
        Some(raw) => Some(text(raw).ok_or("origin to be a string")?),
        None => None,
    };
    let pairs: Fields<'_> = match fields.present("tags") {
        Some(raw) => serde_json::from_str(raw.get()).map_err(|_| "tags to be an object")?,
        None => Fields::default(),
    };
    let (tags, upper_half) = parse_tags(&pairs)?;
    Ok(Context {
        trace_id: with_upper_half(trace_id, upper_half),
        parent_id,
        sampling_priority,
        origin,
        tags,
    })
}

/// The `_dd.p.*` tags, and apart from them the upper half of the trace id that `_dd.p.tid` gives.
fn parse_tags(pairs: &Fields<'_>) -> Result<(Tags, Option<u64>), String> {
    let mut tags = Tags::default();
    let mut upper_half = None;
    for (key, raw) in &pairs.0 {
        if !key.starts_with("_dd.p.") {
            continue;
        }
        let value = text(raw).ok_or_else(|| format!("tag {key} to be a string"))?;
        if key == "_dd.p.tid" {
            let is_hex = value.len() == 16 && value.bytes().all(|b| b.is_ascii_hexdigit());
            upper_half = is_hex
                .then(|| u64::from_str_radix(&value, 16).ok())
                .flatten();
        } else {
            tags.insert(key.clone(), value);
        }
    }
    Ok((tags, upper_half))
}

/// A trace id of 64 bits is often the lower half of one whose upper half is in `_dd.p.tid`, as in a Datadog span.
fn with_upper_half(trace_id: TraceId, upper_half: Option<u64>) -> TraceId {
    match upper_half {
        Some(upper_half) if trace_id.high() == 0 => {
            TraceId::from_u128(u128::from(upper_half) << 64 | trace_id.as_u128())
                .unwrap_or(trace_id)
        }
        _ => trace_id,
    }
}

fn parse_trace_id(raw: &RawValue) -> Option<TraceId> {
    if let Some(hex) = text(raw).filter(|text| text.len() == 32) {
        return hex.to_ascii_lowercase().parse().ok();
    }
    TraceId::from_u128(digits(raw)?.parse().ok()?)
}

/// The decimal digits of a JSON string or number. Taken from the source text: JSON numbers of 128 bits fit no
/// number type of the parser.
fn digits(raw: &RawValue) -> Option<String> {
    let digits = text(raw).unwrap_or_else(|| raw.get().to_owned());
    let is_decimal = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_decimal.then_some(digits)
}

fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// The members of a JSON object, in order, their values as they stand.
#[derive(Debug, Default)]
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// The last member of this name, unless it is null.
    fn present(&self, name: &str) -> Option<&'a RawValue> {
        let (_, raw) = self.0.iter().rev().find(|(key, _)| key == name)?;
        (raw.get() != "null").then_some(*raw)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "6b02ac840000000050d5c87ec1d5bfe7";

    #[test]
    fn contexts_become_datadog_headers() {
        for (line, want, why) in [
            (
                format!(r#"{{"trace_id":"{HEX}","span_id":"5"}}"#),
                r#"{"x-datadog-trace-id":"5824782139817050087","x-datadog-parent-id":"5","x-datadog-tags":"_dd.p.tid=6b02ac8400000000"}"#,
                "the rest is optional",
            ),
            (
                r#"{"trace_id":142241279175272348031994679857494999015,"span_id":18446744073709551615,"sampling_priority":-1}"#.into(),
                r#"{"x-datadog-trace-id":"5824782139817050087","x-datadog-parent-id":"18446744073709551615","x-datadog-sampling-priority":"-1","x-datadog-tags":"_dd.p.tid=6b02ac8400000000"}"#,
                "JSON integers of 128 and 64 bits",
            ),
            (
                r#"{"trace_id":"77","span_id":"5","sampling_priority":2,"origin":"rum","tags":{"_dd.p.z":"1","_dd.p.tid":"1111111111111111","x":"y","_dd.p.a":"2"}}"#.into(),
                r#"{"x-datadog-trace-id":"77","x-datadog-parent-id":"5","x-datadog-sampling-priority":"2","x-datadog-origin":"rum","x-datadog-tags":"_dd.p.z=1,_dd.p.a=2,_dd.p.tid=1111111111111111"}"#,
                "tags keep their order, the upper half comes last, others are no tags",
            ),
            (
                r#"{"trace_id":"77","span_id":"5","sampling_priority":3,"origin":null,"tags":null}"#.into(),
                r#"{"x-datadog-trace-id":"77","x-datadog-parent-id":"5"}"#,
                "null is missing, an unknown priority is none",
            ),
            (
                r#"{"trace_id":"1","trace_id":"77","span_id":"5"}"#.into(),
                r#"{"x-datadog-trace-id":"77","x-datadog-parent-id":"5"}"#,
                "the last of two counts",
            ),
            ("[1]".into(), "null", "JSON without a context"),
            ("null".into(), "null", "what extract gives where nothing is"),
        ] {
            assert_eq!(inject(&line, 512).as_deref(), Ok(want), "{why}: {line}");
        }
    }

    #[test]
    fn bad_data_is_refused_with_what_was_expected() {
        let ids = r#""trace_id":"7","span_id":"9""#;
        for (line, part, why) in [
            ("{".to_owned(), "JSON: ", "cut off"),
            ("{}".into(), "trace_id", "missing ids"),
            (r#"{"trace_id":"7"}"#.into(), "span_id", "missing span id"),
            (
                r#"{"trace_id":"0","span_id":"9"}"#.into(),
                "trace_id",
                "zero",
            ),
            (
                format!(r#"{{"trace_id":"{:032}","span_id":"9"}}"#, 0),
                "trace_id",
                "zero in hex",
            ),
            (r#"{"trace_id":"7","span_id":0}"#.into(), "span_id", "zero"),
            (
                r#"{"trace_id":"+7","span_id":"9"}"#.into(),
                "trace_id",
                "a sign",
            ),
            (
                r#"{"trace_id":7.0,"span_id":"9"}"#.into(),
                "trace_id",
                "a fraction",
            ),
            (
                r#"{"trace_id":1e3,"span_id":"9"}"#.into(),
                "trace_id",
                "an exponent",
            ),
            (
                r#"{"trace_id":"7","span_id":"18446744073709551616"}"#.into(),
                "span_id",
                "65 bits",
            ),
            (
                r#"{"trace_id":"340282366920938463463374607431768211456","span_id":"9"}"#.into(),
                "trace_id",
                "129 bits",
            ),
            (
                format!(r#"{{{ids},"sampling_priority":"1"}}"#),
                "sampling_priority",
                "a string",
            ),
            (format!(r#"{{{ids},"origin":1}}"#), "origin", "a number"),
            (format!(r#"{{{ids},"tags":[]}}"#), "tags", "an array"),
            (
                format!(r#"{{{ids},"tags":{{"_dd.p.a":1}}}}"#),
                "_dd.p.a",
                "a number",
            ),
        ] {
            let refused = inject(&line, 512).unwrap_err();
            assert!(refused.contains(part), "{why}: {line} gave {refused}");
        }
    }
}
