//! Datadog's own headers: `x-datadog-*`, and the tagset of `_dd.p.*` in `x-datadog-tags`.
//!
//! <https://docs.datadoghq.com/tracing/trace_collection/trace_context_propagation/>

use std::borrow::Cow;

use crate::context::Context;
use crate::decimal::{parse_digits, parse_like_python, strip};
use crate::headers::Headers;
use crate::ids::{SpanId, TraceId, parse_hex16};
use crate::sampling::SamplingPriority;
use crate::tags::{self, Tags};

/// The default of `DD_TRACE_X_DATADOG_TAGS_MAX_LENGTH`, and the most `ddtrace` reads, in bytes.
pub const DEFAULT_TAGS_MAX_LENGTH: usize = 512;

/// By whose rules Datadog's headers are read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rules {
    /// A caller's: as `ddtrace` reads them, so that every library sees one and the same context.
    /// Numbers as Python reads them; a priority that is no number, and one malformed tag, cost all.
    Caller,
    /// A checkpoint's: ids are plain decimals, and whatever else is malformed costs itself alone.
    Checkpoint,
    /// Those of the event that started an execution: as a checkpoint's, but tags that no library
    /// would write are dropped one by one, for they come from anywhere and go on to our own headers.
    Event,
}

/// Reads a context, or `None` if the ids are not both there and valid.
pub(crate) fn parse(headers: &Headers<'_>, rules: Rules) -> Option<Context> {
    let low = parse_id(headers.trace_id()?, rules)?;
    let parent_id = SpanId::new(parse_id(headers.parent_id()?, rules)?)?;
    let sampling_priority = match headers.sampling_priority() {
        Some(number) => parse_priority(number, rules).ok()?,
        None => None,
    };
    let tagset = match headers.tags() {
        Some(text) => Tagset::parse(text, rules),
        None => Tagset::default(),
    };
    Some(Context {
        // `low` alone must not be zero: there a zero stands for "no trace".
        trace_id: TraceId::from_halves(tagset.trace_id_high.unwrap_or(0), low)?,
        parent_id,
        sampling_priority,
        origin: headers.origin().and_then(parse_origin),
        tags: tagset.tags,
    })
}

/// Writes a context; tags that are too long or not encodable shrink to those that keep the trace whole.
pub(crate) fn render(context: &Context, tags_max_length: usize) -> Headers<'static> {
    let own = |text: String| Some(Cow::Owned(text));
    Headers {
        trace_id: own(context.trace_id.low().to_string()),
        parent_id: own(context.parent_id.to_string()),
        sampling_priority: context
            .sampling_priority
            .and_then(|priority| own(priority.value().to_string())),
        origin: context
            .origin
            .as_deref()
            .and_then(parse_origin)
            .map(Cow::Owned),
        tags: render_tags(context, tags_max_length).map(Cow::Owned),
        ..Headers::default()
    }
}

/// Whether a reader of the most lenient rules takes a text for an id.
pub(crate) fn is_id(text: &str) -> bool {
    parse_id(text, Rules::Caller).is_some()
}

/// Returns the id, zero included where it is one half of a trace id.
fn parse_id(text: &str, rules: Rules) -> Option<u64> {
    let id = match rules {
        Rules::Caller => u64::try_from(parse_like_python(text)?).ok()?,
        Rules::Checkpoint | Rules::Event => parse_digits(text)?,
    };
    (id != 0).then_some(id)
}

/// Returns an error if the header is so malformed that the others must not be believed either.
fn parse_priority(text: &str, rules: Rules) -> Result<Option<SamplingPriority>, Malformed> {
    let number = parse_like_python(text);
    if number.is_none() && rules == Rules::Caller {
        return Err(Malformed);
    }
    let number = number.and_then(|number| i64::try_from(number).ok());
    Ok(number.and_then(SamplingPriority::from_i64))
}

/// A header that makes the others worthless.
struct Malformed;

/// An origin is printable ASCII of a bearable length, or none at all.
pub(crate) fn parse_origin(text: &str) -> Option<String> {
    let is_origin = is_printable(text) && (1..=MAX_ORIGIN_BYTES).contains(&text.len());
    is_origin.then(|| text.to_owned())
}

/// As much as `x-datadog-tags` may have. Origins are words; what is longer is somebody's payload, and would go on to
/// every service from here.
const MAX_ORIGIN_BYTES: usize = DEFAULT_TAGS_MAX_LENGTH;

/// Whether every byte is one of ASCII's printable signs, the space included.
pub(crate) fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// The content of `x-datadog-tags`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tagset {
    /// The value of `_dd.p.tid`, if it is valid; never zero.
    pub(crate) trace_id_high: Option<u64>,
    pub(crate) tags: Tags,
}

impl Tagset {
    pub(crate) fn parse(text: &str, rules: Rules) -> Self {
        match rules {
            Rules::Caller => Self::parse_strict(text).unwrap_or_default(),
            Rules::Checkpoint => Self::parse_each(text),
            Rules::Event => {
                let Self {
                    trace_id_high,
                    tags,
                } = Self::parse_each(text);
                let tags = sound_tags(&tags);
                Self {
                    trace_id_high,
                    tags,
                }
            }
        }
    }

    /// Takes each pair by itself.
    fn parse_each(text: &str) -> Self {
        let mut tagset = Self::default();
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        for high in pairs
            .clone()
            .filter(|(name, _)| name.trim() == tags::TRACE_ID_HIGH)
        {
            tagset.trace_id_high = parse_trace_id_high(high.1).or(tagset.trace_id_high);
        }
        let pairs = pairs.map(|(name, value)| (name.trim(), value.trim()));
        tagset.tags = Tags::from_pairs(pairs.filter(|(_, value)| !value.is_empty()));
        tagset
    }

    /// Takes all pairs or, if one is malformed, none.
    fn parse_strict(text: &str) -> Option<Self> {
        if text.len() > DEFAULT_TAGS_MAX_LENGTH {
            return None;
        }
        let mut pairs = Vec::new();
        let mut trace_id_high = None;
        for pair in text.strip_suffix(',').unwrap_or(text).split(',') {
            let (name, value) = pair.split_once('=')?;
            let (text, value) = (value, strip(value));
            if !is_name(name) || !is_value(text) || value.is_empty() {
                return None;
            }
            match name {
                tags::TRACE_ID_HIGH => trace_id_high = parse_trace_id_high(value),
                UPSTREAM_SERVICES => {}
                _ => pairs.push((name, value)),
            }
        }
        let last_maker = pairs.iter().rfind(|pair| pair.0 == tags::DECISION_MAKER);
        if !last_maker.is_none_or(|pair| is_decision_maker(pair.1)) {
            pairs.retain(|pair| pair.0 != tags::DECISION_MAKER);
        }
        Some(Self {
            trace_id_high,
            tags: Tags::from_pairs(pairs),
        })
    }
}

/// Returns the tags that can be written again, as they will be, without a decision maker that is none.
pub(crate) fn sound_tags(tags: &Tags) -> Tags {
    let is_sound =
        |(name, value): &(&str, &str)| is_name(name) && is_value(value) && is_read(name, value);
    let tags = tags.iter().map(|(name, value)| (name, strip(value)));
    Tags::from_pairs(tags.filter(is_sound))
}

fn parse_trace_id_high(text: &str) -> Option<u64> {
    parse_hex16(text).filter(|high| *high != 0)
}

/// Returns `x-datadog-tags`: every tag, `_dd.p.tid` last; if that is too long or not encodable
/// `_dd.p.tid` alone, with `_dd.p.dm` if it fits. Without the former the trace would fall in two.
fn render_tags(context: &Context, max_length: usize) -> Option<String> {
    let high = context.trace_id.high();
    let high = (high != 0).then(|| format!("{}={high:016x}", tags::TRACE_ID_HIGH));
    let fits = |text: &String| text.len() <= max_length;

    // As they will stand there, so that two that become one, or one that becomes `_dd.p.tid`, are seen as that.
    let tags = context.tags.iter();
    let tags = Tags::from_pairs(tags.map(|(name, value)| (strip(name), strip(value))));
    let read = || tags.iter().filter(|(name, value)| is_read(name, value));
    let all = render_pairs(read(), high.as_deref()).filter(fits);
    let maker = || {
        let maker = read().filter(|(name, _)| *name == tags::DECISION_MAKER);
        render_pairs(maker, high.as_deref()).filter(fits)
    };
    let tags = all.or_else(maker).or(high.clone())?;
    (!tags.is_empty()).then_some(tags)
}

/// Returns the pairs and `last`, or `None` if a pair cannot be encoded.
fn render_pairs<'t>(
    pairs: impl IntoIterator<Item = (&'t str, &'t str)>,
    last: Option<&str>,
) -> Option<String> {
    let mut text = String::new();
    for (name, value) in pairs {
        if !is_name(name) || !is_value(value) {
            return None;
        }
        for part in [name, "=", value, ","] {
            text.push_str(part);
        }
    }
    match last {
        Some(last) => text.push_str(last),
        None => _ = text.pop(),
    }
    Some(text)
}

/// Whether a caller's reader takes a well-formed pair, so that writing it is of use.
fn is_read(name: &str, value: &str) -> bool {
    name != UPSTREAM_SERVICES && (name != tags::DECISION_MAKER || is_decision_maker(value))
}

/// Never read from a caller: it grows with every service and is no longer written.
const UPSTREAM_SERVICES: &str = "_dd.p.upstream_services";

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| matches!(byte, b'!'..=b'~') && !b",=".contains(&byte))
}

fn is_value(text: &str) -> bool {
    !text.is_empty() && is_printable(text) && !text.contains(',')
}

/// `-` and the number of a sampling mechanism, as in `-4`.
fn is_decision_maker(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|number| {
        number == "0" || (!number.starts_with('0') && parse_digits(number).is_some())
    })
}

#[cfg(test)]
mod tests;
