//! The `dd` member of W3C's `tracestate`: `dd=s:2;o:rum;p:00f067aa0ba902b7;t.dm:-4`.
//!
//! `s` is the sampling priority, `o` the origin, `p` the last Datadog span, `t.X` the tag
//! `_dd.p.X`; `=` is written `~`. <https://www.w3.org/TR/trace-context/#tracestate-header>

use std::borrow::Cow;

use crate::ascii::{cut, is_plain, is_printable, split, strip};
use crate::context::Context;
use crate::datadog::{is_origin, parse_origin};
use crate::decimal::parse_like_python;
use crate::ids::SpanId;
use crate::sampling::SamplingPriority;
use crate::tags::{self, Gathered, Tags};

/// What the `dd` member tells.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct DatadogMember {
    /// `s`, any integer; beyond -1 to 2 it is no priority.
    priority: Option<i128>,
    pub(crate) origin: Option<String>,
    pub(crate) tags: Tags,
}

impl DatadogMember {
    /// Returns the priority of a trace whose `traceparent` carries this `sampled` flag.
    ///
    /// The flag wins: `s` only says how strongly. The one exception is `ddtrace`'s: browser
    /// sessions (`rum`) set the flag without having decided.
    pub(crate) fn priority(&self, sampled: bool) -> Option<SamplingPriority> {
        let stated = self.priority.filter(|number| *number != 0);
        if stated.is_none() && self.origin.as_deref() == Some("rum") {
            return self.priority.map(|_| SamplingPriority::AutoReject);
        }
        let agrees = stated
            .filter(|number| (*number > 0) == sampled)
            .and_then(|number| SamplingPriority::from_i64(i64::try_from(number).ok()?));
        Some(agrees.unwrap_or(if sampled {
            SamplingPriority::AutoKeep
        } else {
            SamplingPriority::AutoReject
        }))
    }
}

/// Returns what the last `dd` member of a `tracestate` tells: nothing if there is none, if it holds
/// a field without `:` or an `s` that is no integer, or if it or another vendor's member is not
/// printable ASCII.
pub(crate) fn parse(text: &str) -> DatadogMember {
    last_member(text).and_then(parse_member).unwrap_or_default()
}

/// The same, but a malformed field costs itself alone.
pub(crate) fn parse_each(text: &str) -> DatadogMember {
    let Some(fields) = last_member(text) else {
        return DatadogMember::default();
    };
    let sound = |field: &&str| match field.split_once(':') {
        Some(("s", number)) => parse_like_python(number).is_some(),
        found => found.is_some(),
    };
    let fields: Vec<_> = fields.split(';').filter(sound).collect();
    parse_member(&fields.join(";")).unwrap_or_default()
}

/// Appends the `tracestate` of a context: its `dd` member alone.
///
/// Tags that would make it longer than 256 characters are left out. The two that every library reads, and an origin,
/// may make it longer, but not longer than the 512 that every vendor passes on.
///
/// `parent_id` is the context's, in hex.
#[inline]
pub(crate) fn push(text: &mut String, context: &Context, parent_id: &str) {
    let start = text.len();
    text.push_str(match context.sampling_priority {
        Some(SamplingPriority::AutoKeep) => "dd=s:1;",
        Some(SamplingPriority::AutoReject) => "dd=s:0;",
        Some(SamplingPriority::UserKeep) => "dd=s:2;",
        Some(SamplingPriority::UserReject) => "dd=s:-1;",
        None => MEMBER,
    });
    let fits = |text: &String, length, limit| text.len() - start + length <= limit;
    let origin = context.origin.as_deref().unwrap_or_default();
    let as_it_is = is_plain(origin);
    if !origin.is_empty()
        && (as_it_is || is_origin(origin))
        && fits(
            text,
            "o:;".len() + origin.len() + PARENT_LENGTH,
            HEADER_LIMIT,
        )
    {
        text.push_str("o:");
        push_value(text, origin, as_it_is);
        text.push(';');
    }
    text.push_str("p:");
    text.push_str(parent_id);

    let are_plain = context.tags.are_plain();
    let encoded;
    let tags = if are_plain {
        &context.tags
    } else {
        encoded = encode_names(&context.tags);
        &encoded
    };
    let mut left = tags.len();
    for (are_first, limit) in [(true, HEADER_LIMIT), (false, MEMBER_LIMIT)] {
        if left == 0 {
            break;
        }
        for (name, value) in tags.iter() {
            let key = key(name);
            if FIRST.contains(&key) != are_first {
                continue;
            }
            left -= 1;
            let signs = if are_plain {
                value.len()
            } else {
                value.chars().count() // each is a byte when encoded
            };
            if fits(text, ";t.:".len() + key.len() + signs, limit) {
                text.push_str(";t.");
                text.push_str(key);
                text.push(':');
                push_value(text, value, are_plain);
            }
        }
    }
    // A member does not end with a space.
    while text.ends_with(' ') {
        text.pop();
    }
}

/// Appends the members of `list` that are `wanted`, as far as the whole stays within the 512 bytes and 32 members that every vendor
/// passes on; those that are none are left out.
pub(crate) fn push_members(text: &mut String, list: &str, wanted: impl Fn(&str) -> bool) {
    let left = MEMBERS.saturating_sub(members(text).count());
    let is_member = |member: &&str| is_printable(member) && member.contains('=') && wanted(member);
    for member in members(list).filter(is_member).take(left) {
        let comma = if text.is_empty() { "" } else { "," };
        if text.len() + comma.len() + member.len() > HEADER_LIMIT {
            return;
        }
        text.push_str(comma);
        text.push_str(member);
    }
}

/// Whether a member is Datadog's.
pub(crate) fn is_ours(member: &str) -> bool {
    member.starts_with(MEMBER)
}

/// Returns how many bytes [`push`] needs at the most.
pub(crate) fn max_length(context: &Context) -> usize {
    let origin = context.origin.as_deref().map_or(0, str::len);
    let tags = context.tags.as_str().len();
    let length = "dd=s:-1;o:;".len() + origin + PARENT_LENGTH + tags;
    length.min(HEADER_LIMIT)
}

/// Returns `text` with another `p:` in every `dd` member; a member without one gets one at its end.
/// `None` if there is no `dd` member, or if no reader takes it: another parent would make it one that is taken.
pub(crate) fn with_parent_id(text: &str, parent: SpanId) -> Option<String> {
    last_member(text).and_then(parse_member)?;
    let replaced: Vec<String> = members(text)
        .map(|member| match member.strip_prefix(MEMBER) {
            None => member.to_owned(),
            Some(fields) => replace_parent(fields, parent),
        })
        .collect();
    Some(replaced.join(","))
}

/// Whether two lists differ in nothing but the `dd` member's `p:` and the order of its fields.
pub(crate) fn same_but_parent(one: &str, other: &str) -> bool {
    fn fields(member: &str) -> Vec<&str> {
        let mut fields: Vec<_> = match member.strip_prefix(MEMBER) {
            Some(fields) => fields
                .split(';')
                .filter(|field| !field.starts_with("p:"))
                .collect(),
            None => return vec![member],
        };
        fields.sort_unstable();
        fields.insert(0, MEMBER);
        fields
    }
    members(one).map(fields).eq(members(other).map(fields))
}

/// The key of Datadog's member.
const MEMBER: &str = "dd=";
/// W3C asks to propagate members up to this length; `ddtrace` stops there.
const MEMBER_LIMIT: usize = 256;
/// W3C asks to propagate this much of a whole header. <https://www.w3.org/TR/trace-context/#tracestate-limits>
const HEADER_LIMIT: usize = 512;
/// W3C's limit. <https://www.w3.org/TR/trace-context/#list>
const MEMBERS: usize = 32;
/// Of `p:` and a span id.
const PARENT_LENGTH: usize = 2 + 16;
/// Who made the decision, and the user that the trace was made for.
const FIRST: [&str; 2] = ["dm", "usr.id"];

fn members(text: &str) -> impl Iterator<Item = &str> {
    split(text, b',')
        .map(strip)
        .filter(|member| !member.is_empty())
}

/// Returns the fields of the last `dd` member, if every member is printable ASCII.
fn last_member(text: &str) -> Option<&str> {
    let ours = members(text).filter_map(|member| member.strip_prefix(MEMBER));
    if is_printable(text) {
        return ours.last();
    }
    let mut others = members(text).filter(|member| !member.starts_with(MEMBER));
    ours.last()
        .filter(|last| is_printable(last) && others.all(is_printable))
}

/// Of a repeated field the last counts.
fn parse_member(fields: &str) -> Option<DatadogMember> {
    let mut priority = None;
    let mut origin = "";
    let mut gathered = Gathered::default();
    for field in split(fields, b';') {
        match cut(field, b':')? {
            ("s", number) => priority = Some(number),
            ("o", text) => origin = text,
            (name, value) => {
                if let Some(key) = name.strip_prefix("t.") {
                    gathered.push(key, &decode(value), fields.len() - field.len());
                }
            }
        }
    }
    let priority = match priority {
        Some(number) => Some(parse_like_python(number)?),
        None => None,
    };
    Some(DatadogMember {
        priority,
        origin: parse_origin(&decode(origin)),
        tags: gathered.into_tags(),
    })
}

fn replace_parent(fields: &str, parent: SpanId) -> String {
    let mut replaced = String::from(MEMBER);
    let mut written = false;
    for field in fields.split(';') {
        if !field.starts_with("p:") {
            push_field(&mut replaced, field);
        } else if !written {
            push_field(&mut replaced, &format!("p:{}", parent.to_hex()));
            written = true;
        }
    }
    if !written {
        push_field(&mut replaced, &format!("p:{}", parent.to_hex()));
    }
    replaced
}

/// Returns the tags with their names as fields have them. Two names may become one: then the last value counts, as in
/// [`Tags`].
fn encode_names(tags: &Tags) -> Cow<'_, Tags> {
    let is_encoded = |(name, _)| {
        let key = key(name);
        encode(key, Place::Name).eq(key.chars())
    };
    if tags.iter().all(is_encoded) {
        return Cow::Borrowed(tags);
    }
    let mut gathered = Gathered::default();
    for (name, value) in tags.iter() {
        let key: String = encode(key(name), Place::Name).collect();
        gathered.push(&key, value, 0);
    }
    Cow::Owned(gathered.into_tags())
}

/// Returns a tag's name without its prefix.
fn key(name: &str) -> &str {
    name.strip_prefix(tags::PREFIX).unwrap_or(name)
}

fn push_field(member: &mut String, field: &str) {
    if member != MEMBER {
        member.push(';');
    }
    member.push_str(field);
}

#[derive(Clone, Copy)]
enum Place {
    Name,
    Value,
}

#[inline]
fn push_value(text: &mut String, value: &str, as_it_is: bool) {
    if as_it_is {
        text.push_str(value);
    } else {
        text.extend(encode(value, Place::Value));
    }
}

/// Writes `=` as `~`, and `_` for what a member, or a field's name, cannot hold.
fn encode(text: &str, place: Place) -> impl Iterator<Item = char> {
    text.chars().map(move |sign| match (place, sign) {
        (_, ',' | ';' | '~') | (Place::Name, ' ' | '=' | ':') => '_',
        (_, '=') => '~',
        (_, ' '..='~') => sign,
        _ => '_',
    })
}

fn decode(text: &str) -> Cow<'_, str> {
    match cut(text, b'~') {
        Some(_) => Cow::Owned(text.replace('~', "=")),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests;
