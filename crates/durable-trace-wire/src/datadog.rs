//! Datadog's own headers: `x-datadog-*`, and the tagset of `_dd.p.*` in `x-datadog-tags`.
//!
//! <https://docs.datadoghq.com/tracing/trace_collection/trace_context_propagation/>

use crate::ascii::{as_text, cut, is_printable, marks, split, strip, trim};
use crate::context::Context;
use crate::decimal::{self, parse_digits, parse_like_python};
use crate::headers::{Headers, Value, text_for};
use crate::ids::{SpanId, TraceId, parse_hex16, render_hex16};
use crate::sampling::SamplingPriority;
use crate::tags::{self, Gathered, Tags};

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
    let high = context.trace_id.high();
    let origin = context.origin.as_deref().filter(|text| is_origin(text));
    let origin = origin.unwrap_or_default();
    let tags_length = context.tags.as_str().len().min(tags_max_length);
    let mut text = text_for(origin.len() + tags_length + NUMBERS);
    text.push_str(origin);
    let start = text.len();
    let high_length = if high == 0 { 0 } else { HIGH };
    push_tags(
        &mut text,
        &context.tags,
        tags_max_length.saturating_sub(high_length),
    );
    let end = text.len();

    // Behind one another, and a multiple of 16 bytes, for these are checked and copied fastest.
    let mut numbers = [b' '; NUMBERS];
    numbers[..11].copy_from_slice(HIGH_NAME);
    numbers[11..HIGH].copy_from_slice(&render_hex16(high));
    let (digits, trace_id_zeros) = decimal::render(context.trace_id.low());
    numbers[HIGH..LOW].copy_from_slice(&digits);
    let (digits, parent_id_zeros) = decimal::render(context.parent_id.get());
    numbers[LOW..PARENT].copy_from_slice(&digits);

    let Some(numbers) = as_text(&numbers) else {
        return Headers::default(); // never: they are ASCII
    };
    text.push_str(numbers);

    // Without tags before it, the upper half has no comma before it.
    let tags = start + usize::from(start == end)..end + high_length;
    Headers::new(
        text,
        [
            Value::within_short(end + HIGH + trace_id_zeros..end + LOW),
            Value::within_short(end + LOW + parent_id_zeros..end + PARENT),
            match context.sampling_priority {
                Some(priority) => Value::Borrowed(priority.as_str()),
                None => Value::ABSENT,
            },
            Value::within_some(0..start),
            Value::within_some(tags),
            Value::ABSENT,
            Value::ABSENT,
            Value::ABSENT,
        ],
    )
}

/// What stands before the upper half of the trace id.
const HIGH_NAME: &[u8; 11] = b",_dd.p.tid=";
/// Where it ends; where the lower half ends, and the parent's id.
const HIGH: usize = 11 + 16;
const LOW: usize = HIGH + decimal::WIDTH;
const PARENT: usize = LOW + decimal::WIDTH;
const NUMBERS: usize = PARENT.next_multiple_of(16);

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
    is_origin(text).then(|| text.to_owned())
}

#[inline]
pub(crate) fn is_origin(text: &str) -> bool {
    (1..=MAX_ORIGIN_BYTES).contains(&text.len()) && is_printable(text)
}

/// As much as `x-datadog-tags` may have. Origins are words; what is longer is somebody's payload, and would go on to
/// every service from here.
const MAX_ORIGIN_BYTES: usize = DEFAULT_TAGS_MAX_LENGTH;

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
        let mut trace_id_high = None;
        let mut gathered = Gathered::default();
        for pair in split(text, b',') {
            let Some((name, value)) = cut(pair, b'=') else {
                continue;
            };
            let (name, trimmed) = (trim(name), trim(value));
            if name == tags::TRACE_ID_HIGH {
                trace_id_high = parse_trace_id_high(value).or(trace_id_high);
            } else if let Some(key) = name.strip_prefix(tags::PREFIX)
                && !trimmed.is_empty()
            {
                gathered.push(key, trimmed, text.len() - pair.len());
            }
        }
        Self {
            trace_id_high,
            tags: gathered.into_tags(),
        }
    }

    /// Takes all pairs or, if one is malformed, none.
    fn parse_strict(text: &str) -> Option<Self> {
        if text.len() > DEFAULT_TAGS_MAX_LENGTH {
            return None;
        }
        let text = text.strip_suffix(',').unwrap_or(text);
        let mut pairs = StrictPairs {
            text,
            trace_id_high: None,
            is_maker_sound: true,
            gathered: Gathered::within(text),
        };
        let (mut start, mut equals) = (0, None);
        marks(text, |at, mark| {
            match mark {
                b',' => {
                    pairs.take(start, equals?, at)?;
                    (start, equals) = (at + 1, None);
                }
                b'=' => equals = equals.or(Some(at)),
                _ => _ = equals?, // no space in a name
            }
            Some(())
        })?;
        pairs.take(start, equals?, text.len())?;
        let mut tags = pairs.gathered.into_tags();
        if !pairs.is_maker_sound {
            tags = Tags::from_pairs(tags.iter().filter(|pair| pair.0 != tags::DECISION_MAKER));
        }
        Some(Self {
            trace_id_high: pairs.trace_id_high,
            tags,
        })
    }
}

struct StrictPairs<'t> {
    text: &'t str,
    trace_id_high: Option<u64>,
    /// Whether the last one is.
    is_maker_sound: bool,
    gathered: Gathered<'t>,
}

impl StrictPairs<'_> {
    /// Takes a pair of printable signs; `None` if it is malformed.
    fn take(&mut self, start: usize, equals: usize, end: usize) -> Option<()> {
        let name = self.text.get(start..equals)?;
        let whole = self.text.get(equals + 1..end)?;
        let value = strip(whole);
        if name.is_empty() || value.is_empty() {
            return None;
        }
        let Some(key) = name.strip_prefix(tags::PREFIX) else {
            return Some(());
        };
        match name {
            tags::TRACE_ID_HIGH => {
                self.trace_id_high = parse_trace_id_high(value);
                return Some(());
            }
            UPSTREAM_SERVICES => return Some(()),
            tags::DECISION_MAKER => self.is_maker_sound = is_decision_maker(value),
            _ => {}
        }
        if whole.starts_with(value) {
            self.gathered.add(start, equals, equals + 1 + value.len());
        } else {
            self.gathered.push(key, value, 0);
        }
        Some(())
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

/// Appends every tag; if they are longer than `room` or one is not encodable, `_dd.p.dm` alone if it fits.
fn push_tags(text: &mut String, tags: &Tags, room: usize) {
    if tags.are_plain() && tags.as_str().len() <= room {
        text.push_str(tags.as_str());
        return;
    }
    let is_encodable = |(name, value): (&str, &str)| is_name(name) && is_value(value);
    let is_bare = |tag: (&str, &str)| is_encodable(tag) && strip(tag.1).len() == tag.1.len();
    // As they will stand there, so that two that become one, or one that becomes `_dd.p.tid`, are seen as that.
    let stripped;
    let tags = if tags.iter().all(is_bare) {
        tags
    } else {
        let pairs = tags.iter().map(|(name, value)| (strip(name), strip(value)));
        stripped = Tags::from_pairs(pairs);
        &stripped
    };
    let tags = tags.iter().filter(|(name, value)| is_read(name, value));
    let maker = tags
        .clone()
        .filter(|(name, _)| *name == tags::DECISION_MAKER);
    if !(tags.clone().all(is_encodable) && push_pairs(text, tags, room)) {
        push_pairs(text, maker, room);
    }
}

/// Appends the pairs or, if they are longer than `room`, nothing, and returns `false`.
fn push_pairs<'t>(
    text: &mut String,
    pairs: impl Iterator<Item = (&'t str, &'t str)>,
    room: usize,
) -> bool {
    let start = text.len();
    for (name, value) in pairs {
        let comma = if text.len() == start { "" } else { "," };
        if text.len() - start + comma.len() + name.len() + 1 + value.len() > room {
            text.truncate(start);
            return false;
        }
        for part in [comma, name, "=", value] {
            text.push_str(part);
        }
    }
    true
}

/// Whether a caller's reader takes a well-formed pair, so that writing it is of use.
pub(crate) fn is_read(name: &str, value: &str) -> bool {
    name != UPSTREAM_SERVICES && (name != tags::DECISION_MAKER || is_decision_maker(value))
}

/// Never read from a caller: it grows with every service and is no longer written.
const UPSTREAM_SERVICES: &str = "_dd.p.upstream_services";

fn is_name(text: &str) -> bool {
    let is_sign = |byte| matches!(byte, b'!'..=b'+' | b'-'..=b'<' | b'>'..=b'~');
    !text.is_empty() && text.bytes().all(is_sign)
}

fn is_value(text: &str) -> bool {
    let is_sign = |byte| matches!(byte, b' '..=b'+' | b'-'..=b'~');
    !text.is_empty() && text.bytes().all(is_sign)
}

/// `-` and the number of a sampling mechanism, as in `-4`.
fn is_decision_maker(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|number| {
        number == "0" || (!number.starts_with('0') && parse_digits(number).is_some())
    })
}

#[cfg(test)]
mod tests;
