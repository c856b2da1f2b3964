//! W3C's `traceparent`: `version "-" trace-id "-" parent-id "-" trace-flags`.
//!
//! <https://www.w3.org/TR/trace-context/#traceparent-header>

use std::ops::Range;

use crate::ascii::strip;
use crate::ids::{SpanId, TraceId, parse_sixteen, parse_two, render_hex16};

/// The fields of a `traceparent`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Traceparent<'a> {
    version: u8,
    pub(crate) trace_id: TraceId,
    pub(crate) parent_id: SpanId,
    flags: u8,
    pub(crate) sampled: bool,
    /// What a version after 00 adds, without its dash.
    future: Option<&'a str>,
}

/// Parses a `traceparent`, white space around it allowed as around any HTTP header.
///
/// Strict: exact widths, lower case, ids that are not zero, nothing after the flags in version 00.
/// A later version may go on after a dash, and its first four fields are read, as W3C asks.
pub(crate) fn parse(text: &str) -> Option<Traceparent<'_>> {
    let text = strip(text);
    let (&[v, w, b'-'], rest) = text.as_bytes().split_first_chunk()? else {
        return None;
    };
    let (trace_id, rest) = rest.split_first_chunk()?;
    let (&[b'-'], rest) = rest.split_first_chunk()? else {
        return None;
    };
    let (parent_id, rest) = rest.split_first_chunk()?;
    let (&[b'-', f, g], rest) = rest.split_first_chunk()? else {
        return None;
    };
    let (version, flags) = (parse_two([v, w])?, parse_two([f, g])?);
    let future = match rest {
        [] => None,
        [b'-', _, ..] if version != 0 => text.get(LENGTH + 1..),
        _ => return None,
    };
    if version == 0xff || future.is_some_and(|rest| rest.contains('\n')) {
        return None;
    }
    Some(Traceparent {
        version,
        trace_id: TraceId::from_hex(trace_id).ok()?,
        parent_id: SpanId::new(parse_sixteen(parent_id)?)?,
        flags,
        sampled: flags & SAMPLED != 0,
        future,
    })
}

/// Returns the `traceparent`, version 00, of a span.
#[inline]
pub(crate) fn render(trace_id: TraceId, parent_id: SpanId, sampled: bool) -> [u8; LENGTH] {
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    text[3..19].copy_from_slice(&render_hex16(trace_id.high()));
    text[19..35].copy_from_slice(&render_hex16(trace_id.low()));
    text[PARENT_ID].copy_from_slice(&render_hex16(parent_id.get()));
    text[LENGTH - 1] += u8::from(sampled);
    text
}

/// Where the parent's id stands.
pub(crate) const PARENT_ID: Range<usize> = 36..52;

/// That of the four fields and the dashes between them.
pub(crate) const LENGTH: usize = 2 + 1 + 32 + 1 + 16 + 1 + 2;

/// Returns `text` with another parent, or `None` if it is no valid `traceparent`.
pub(crate) fn with_parent_id(text: &str, parent: SpanId) -> Option<String> {
    let Traceparent {
        version,
        trace_id,
        flags,
        future,
        ..
    } = parse(text)?;
    let mut replaced = format!("{version:02x}-{trace_id}-{}-{flags:02x}", parent.to_hex());
    if let Some(future) = future {
        replaced.push('-');
        replaced.push_str(future);
    }
    Some(replaced)
}

/// Whether two values differ in nothing but the parent's id.
pub(crate) fn same_but_parent(one: &str, other: &str) -> bool {
    match (parse(one), parse(other)) {
        (Some(one), Some(other)) => {
            Traceparent {
                parent_id: other.parent_id,
                ..one
            } == other
        }
        _ => one == other,
    }
}

/// The one flag defined. <https://www.w3.org/TR/trace-context/#sampled-flag>
const SAMPLED: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "6b02ac840000000050d5c87ec1d5bfe7";
    const SPAN: &str = "e1f0a5f3b1c2d3e5";

    #[test]
    fn rejects_what_the_specification_rejects() {
        for (text, why) in [
            (format!("ff-{TRACE}-{SPAN}-01"), "version ff is forbidden"),
            (format!("zz-{TRACE}-{SPAN}-01"), "a version that is not hex"),
            (format!("0-{TRACE}-{SPAN}-01"), "a short version"),
            (
                format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
                "upper case",
            ),
            (
                format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
                "upper case span",
            ),
            (format!("00-{}-{SPAN}-01", "0".repeat(32)), "trace id zero"),
            (format!("00-{TRACE}-{}-01", "0".repeat(16)), "span id zero"),
            (
                format!("00-+{}-{SPAN}-01", &TRACE[1..]),
                "a sign for a digit",
            ),
            (
                format!("00-{TRACE}-+{}-01", &SPAN[1..]),
                "a sign in the span",
            ),
            (format!("00-{TRACE}-{SPAN}-+1"), "a sign in the flags"),
            (format!("00-{TRACE}-{SPAN}-1"), "short flags"),
            (format!("00-{TRACE}-{SPAN}"), "no flags"),
            (
                format!("00-{TRACE}-{SPAN}-01-"),
                "version 00 ends at the flags",
            ),
            (
                format!("00-{TRACE}-{SPAN}-01-x"),
                "version 00 ends at the flags",
            ),
            (
                format!("01-{TRACE}-{SPAN}-01-"),
                "a dash that leads nowhere",
            ),
            (
                format!("01-{TRACE}-{SPAN}-01x"),
                "a later version goes on after a dash",
            ),
            (
                format!("00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01"),
                "two headers in one",
            ),
            ("00-\u{ff11}\u{ff11}-1-01".into(), "wide digits"),
            (String::new(), "empty"),
        ] {
            assert_eq!(parse(&text), None, "{why}: {text:?}");
        }
    }

    #[test]
    fn reads_every_field() {
        for (text, sampled, why) in [
            (format!("00-{TRACE}-{SPAN}-01"), true, "plain"),
            (format!("00-{TRACE}-{SPAN}-00"), false, "not sampled"),
            (format!("00-{TRACE}-{SPAN}-02"), false, "another flag alone"),
            (format!("00-{TRACE}-{SPAN}-ff"), true, "every flag"),
            (
                format!(" \t00-{TRACE}-{SPAN}-01\n"),
                true,
                "white space around",
            ),
            (format!("01-{TRACE}-{SPAN}-01"), true, "a later version"),
            (
                format!("cc-{TRACE}-{SPAN}-01-what-else"),
                true,
                "a later version that goes on",
            ),
        ] {
            let got = parse(&text).unwrap_or_else(|| panic!("{why}: {text:?}"));
            assert_eq!(got.trace_id.to_string(), TRACE, "{why}");
            assert_eq!(got.parent_id.to_hex(), SPAN, "{why}");
            assert_eq!(got.sampled, sampled, "{why}");
        }
    }

    #[test]
    fn another_parent_leaves_the_rest() {
        let parent = SpanId::new(10).unwrap();
        for (text, want) in [
            (
                format!("00-{TRACE}-{SPAN}-01"),
                format!("00-{TRACE}-000000000000000a-01"),
            ),
            (
                format!("01-{TRACE}-{SPAN}-03-x-y"),
                format!("01-{TRACE}-000000000000000a-03-x-y"),
            ),
        ] {
            assert_eq!(with_parent_id(&text, parent), Some(want.clone()));
            assert!(same_but_parent(&text, &want));
        }
        assert_eq!(with_parent_id("junk", parent), None);
    }

    #[test]
    fn any_other_field_makes_a_difference() {
        let one = format!("00-{TRACE}-{SPAN}-01");
        for (other, why) in [
            (format!("00-{TRACE}-{SPAN}-00"), "flags"),
            (format!("01-{TRACE}-{SPAN}-01"), "version"),
            (format!("00-{}-{SPAN}-01", "1".repeat(32)), "trace"),
            ("junk".into(), "not a traceparent"),
        ] {
            assert!(!same_but_parent(&one, &other), "{why}");
        }
        assert!(same_but_parent("junk", "junk"));
    }
}
