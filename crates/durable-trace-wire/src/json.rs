//! Reading JSON that somebody else wrote: a member of an unexpected type counts as absent, and no
//! text is decoded before it is known to matter.
//!
//! `derive(Deserialize)` does not serve here: it fails on a wrong type, on a repeated member and on a
//! name with a lone surrogate, and one of these in a corner must not cost the whole event.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// How nested objects and arrays are entered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pace {
    /// Each is cut out before it is looked into: slower by one scan a level, takes every valid document.
    Careful,
    /// In place, in one pass. Where a container is expected, a number beyond `f64` or a text with a
    /// lone surrogate is an error, for `serde_json` decodes a value before a visitor can refuse it.
    Fast,
}

/// What is taken from an object's members.
pub(crate) trait Members<'a> {
    /// Takes the value of the member `name` from `map`. `Ok(false)`: unknown, not taken.
    fn take<A: MapAccess<'a>>(
        &mut self,
        name: &[u8],
        pace: Pace,
        map: &mut A,
    ) -> Result<bool, A::Error>;
}

/// Reads the whole of `text` as one JSON value into `members`; `Ok(false)` if it is no object.
pub(crate) fn read_object<'a>(
    text: &'a str,
    pace: Pace,
    members: &mut impl Members<'a>,
) -> serde_json::Result<bool> {
    if !text.trim_start_matches(WHITE_SPACE).starts_with('{') {
        return serde_json::from_str::<IgnoredAny>(text).map(|_| false);
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    (&mut deserializer).deserialize_map(Object { members, pace })?;
    deserializer.end()?;
    Ok(true)
}

/// JSON's white space. <https://www.rfc-editor.org/rfc/rfc8259#section-2>
const WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// A seed that gives an object's members to `members`, and tells whether it was an object.
#[derive(Debug)]
pub(crate) struct Object<'m, M> {
    pub(crate) members: &'m mut M,
    pub(crate) pace: Pace,
}

impl<'a, M: Members<'a>> DeserializeSeed<'a> for Object<'_, M> {
    type Value = bool;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<bool, D::Error> {
        match self.pace {
            Pace::Careful => {
                let raw = <&RawValue>::deserialize(deserializer)?.get();
                read_object(raw, self.pace, self.members).map_err(de::Error::custom)
            }
            Pace::Fast => deserializer.deserialize_any(self),
        }
    }
}

impl<'a, M: Members<'a>> Visitor<'a> for Object<'_, M> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<bool, A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            if !self.members.take(&name, self.pace, &mut map)? {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<bool, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(false)
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}

/// A member's name as bytes: `serde_json` checks surrogates only where it must give a `str`.
///
/// Cut out first, for where it gives bytes at once it lets control characters pass that no JSON text may hold.
#[derive(Debug)]
pub(crate) struct Name<'a>(pub(crate) Cow<'a, [u8]>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let mut inner = serde_json::Deserializer::from_str(raw);
        let name = inner.deserialize_bytes(NameVisitor);
        name.map(Name).map_err(de::Error::custom)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Cow<'de, [u8]>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_borrowed_bytes<E>(self, name: &'de [u8]) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_bytes<E>(self, name: &[u8]) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_vec()))
    }
}

/// Returns the text of a JSON string; `None` for another type, or if it holds a lone surrogate.
pub(crate) fn text(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str(raw).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

/// Returns the text of a JSON string, or the digits of a JSON integer.
pub(crate) fn text_or_integer(raw: &str) -> Option<Cow<'_, str>> {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Cow::Borrowed(raw));
    }
    text(raw)
}

/// Returns the raw text of a member's value but for `null`, which counts as absent.
pub(crate) fn raw<'a, A: MapAccess<'a>>(map: &mut A) -> Result<Option<&'a str>, A::Error> {
    let raw = map.next_value::<&RawValue>()?.get();
    Ok((raw != "null").then_some(raw))
}
