//! The `dd` member of W3C's `tracestate`: `dd=s:2;o:rum;p:00f067aa0ba902b7;t.dm:-4`.
//!
//! `s` is the sampling priority, `o` the origin, `p` the last Datadog span, `t.X` the tag
//! `_dd.p.X`; `=` is written `~`. <https://www.w3.org/TR/trace-context/#tracestate-header>

use crate::context::Context;
use crate::datadog::{is_printable, parse_origin};
use crate::decimal::{parse_like_python, strip};
use crate::ids::SpanId;
use crate::sampling::SamplingPriority;
use crate::tags::{self, Tags};

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

/// Returns the `tracestate` of a context: its `dd` member alone.
///
/// Tags that would make it longer than 256 characters are left out. The two that every library reads, and an origin,
/// may make it longer, but not longer than the 512 that every vendor passes on.
pub(crate) fn render(context: &Context) -> String {
    let mut member = String::from(MEMBER);
    if let Some(priority) = context.sampling_priority {
        push(&mut member, &format!("s:{}", priority.value()));
    }
    let parent = format!("p:{}", context.parent_id.to_hex());
    let origin = context.origin.as_deref().and_then(parse_origin);
    let origin = origin.map(|origin| format!("o:{}", encode(&origin, Place::Value)));
    let limit = HEADER_LIMIT - 1 - parent.len();
    if let Some(origin) = origin.filter(|origin| fits(&member, origin, limit)) {
        push(&mut member, &origin);
    }
    push(&mut member, &parent);
    let (first, others): (Vec<_>, Vec<_>) = fields_of(&context.tags)
        .into_iter()
        .partition(|(name, _)| FIRST.contains(&name.as_str()));
    let limited = [(first, HEADER_LIMIT), (others, MEMBER_LIMIT)];
    for (fields, limit) in limited {
        for (name, value) in fields {
            let field = format!("{name}:{value}");
            if fits(&member, &field, limit) {
                push(&mut member, &field);
            }
        }
    }
    // A member does not end with a space.
    member.truncate(member.trim_end_matches(' ').len());
    member
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
/// Who made the decision, and the user that the trace was made for, encoded.
const FIRST: [&str; 2] = ["t.dm", "t.usr.id"];

fn members(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(strip)
        .filter(|member| !member.is_empty())
}

/// Returns the fields of the last `dd` member, if every member is printable ASCII.
fn last_member(text: &str) -> Option<&str> {
    let ours = members(text).filter_map(|member| member.strip_prefix(MEMBER));
    let mut others = members(text).filter(|member| !member.starts_with(MEMBER));
    ours.last()
        .filter(|last| is_printable(last) && others.all(is_printable))
}

/// Of a repeated field the last counts.
fn parse_member(fields: &str) -> Option<DatadogMember> {
    let mut priority = None;
    let mut origin = "";
    let mut tags = Vec::new();
    for field in fields.split(';') {
        match field.split_once(':')? {
            ("s", number) => priority = Some(number),
            ("o", text) => origin = text,
            (name, value) => {
                let tag = name.strip_prefix("t.");
                tags.extend(tag.map(|tag| (format!("{}{tag}", tags::PREFIX), decode(value))));
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
        tags: Tags::from_pairs(tags),
    })
}

fn replace_parent(fields: &str, parent: SpanId) -> String {
    let mut replaced = String::from(MEMBER);
    let mut written = false;
    for field in fields.split(';') {
        if !field.starts_with("p:") {
            push(&mut replaced, field);
        } else if !written {
            push(&mut replaced, &format!("p:{}", parent.to_hex()));
            written = true;
        }
    }
    if !written {
        push(&mut replaced, &format!("p:{}", parent.to_hex()));
    }
    replaced
}

/// Returns the names and values of the fields that tags become. Two names may become one: then the last value counts, as
/// in [`Tags`].
fn fields_of(tags: &Tags) -> Vec<(String, String)> {
    let names = tags.iter().map(|(name, value)| {
        let name = name.strip_prefix(tags::PREFIX).unwrap_or(name);
        let name = format!("{}{}", tags::PREFIX, encode(name, Place::Name));
        (name, encode(value, Place::Value))
    });
    let field = |(name, value): (&str, &str)| {
        let name = name.strip_prefix(tags::PREFIX).unwrap_or(name);
        (format!("t.{name}"), value.to_owned())
    };
    Tags::from_pairs(names).iter().map(field).collect()
}

fn fits(member: &str, field: &str, limit: usize) -> bool {
    member.len() + 1 + field.len() <= limit
}

fn push(member: &mut String, field: &str) {
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

/// Writes `=` as `~`, and `_` for what a member, or a field's name, cannot hold.
fn encode(text: &str, place: Place) -> String {
    let sign = |sign: char| match (place, sign) {
        (_, ',' | ';' | '~') | (Place::Name, ' ' | '=' | ':') => '_',
        (_, '=') => '~',
        (_, ' '..='~') => sign,
        _ => '_',
    };
    text.chars().map(sign).collect()
}

fn decode(text: &str) -> String {
    text.replace('~', "=")
}

#[cfg(test)]
mod tests;
