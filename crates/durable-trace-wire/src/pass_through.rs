//! What W3C's headers carry beside the trace itself, and whoever goes on with it passes on.
//!
//! <https://www.w3.org/TR/trace-context/#mutating-the-tracestate-field>, <https://www.w3.org/TR/baggage/#propagation>

use crate::ascii::{is_printable, split, strip};
use crate::headers::Headers;
use crate::tracestate;

/// Other vendors' part of the caller's headers.
///
/// # Examples
///
/// ```
/// use durable_trace_wire::{Headers, PassThrough};
///
/// let caller = Headers::from_pairs([("tracestate", "dd=s:1,es=s:0.5"), ("baggage", "tenant=7")]);
/// let ours = Headers::from_pairs([("tracestate", "dd=s:2")]);
/// let passed = ours.with_pass_through(&PassThrough::of(&caller));
/// assert_eq!(passed.tracestate(), Some("dd=s:2,es=s:0.5"));
/// assert_eq!(passed.baggage(), Some("tenant=7"));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PassThrough {
    /// The whole `tracestate`, Datadog's member included: at most 512 bytes and 32 members, the last ones left out.
    pub tracestate: Option<String>,
    /// `baggage` as it came, if it is a list of at most 64 members and 8,192 bytes.
    pub baggage: Option<String>,
}

impl PassThrough {
    /// Returns what `headers` hold of it. What is malformed is nothing.
    pub fn of(headers: &Headers<'_>) -> Self {
        let mut members = String::new();
        if let Some(list) = headers.tracestate() {
            tracestate::push_members(&mut members, list, |_| true);
        }
        let baggage = headers.baggage().filter(|list| is_baggage(list));
        Self {
            tracestate: (!members.is_empty()).then_some(members),
            baggage: baggage.map(str::to_owned),
        }
    }

    /// Whether there is nothing to pass on.
    pub fn is_empty(&self) -> bool {
        self.tracestate.is_none() && self.baggage.is_none()
    }
}

/// Whether a text is a list that every service passes on. <https://www.w3.org/TR/baggage/#limits>
fn is_baggage(list: &str) -> bool {
    let mut members = 0;
    list.len() <= MAX_BAGGAGE_BYTES
        && is_printable(list)
        && !list.contains(['"', '\\'])
        && split(list, b',').all(|member| {
            members += 1;
            strip(member)
                .split_once('=')
                .is_some_and(|(key, _)| !key.is_empty())
        })
        && members <= MAX_BAGGAGE_MEMBERS
}

const MAX_BAGGAGE_BYTES: usize = 8_192;
const MAX_BAGGAGE_MEMBERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(tracestate: &str, baggage: &str) -> (Option<String>, Option<String>) {
        let headers = Headers::from_pairs([("tracestate", tracestate), ("baggage", baggage)]);
        let PassThrough {
            tracestate,
            baggage,
        } = PassThrough::of(&headers);
        (tracestate, baggage)
    }

    #[test]
    fn baggage_is_passed_on_as_it_came_or_not_at_all() {
        let many = |count| vec!["a=1"; count].join(",");
        let long = |length: usize| format!("a={}", "x".repeat(length - 2));
        for (list, is_passed, why) in [
            ("a=1".to_owned(), true, "one"),
            (
                "a=1, b = 2;p=x,c=%20".to_owned(),
                true,
                "white space, properties",
            ),
            (many(64), true, "as many as all pass on"),
            (many(65), false, "more"),
            (long(8_192), true, "as long as all pass on"),
            (long(8_193), false, "longer"),
            ("two bags".to_owned(), false, "somebody's own word"),
            ("a=1,,b=2".to_owned(), false, "an empty member"),
            ("=1".to_owned(), false, "no key"),
            ("a=\u{e9}".to_owned(), false, "not ASCII"),
            ("a=1\nb=2".to_owned(), false, "two lines"),
            (r#"a="1""#.to_owned(), false, "a quote"),
            (r"a=\1".to_owned(), false, "a backslash"),
            (String::new(), false, "nothing"),
        ] {
            assert_eq!(passed("", &list).1, is_passed.then_some(list), "{why}");
        }
    }

    #[test]
    fn the_first_members_of_a_tracestate_are_passed_on() {
        let list = |count: usize, length| {
            let member = |n: usize| format!("k{n:02}={}", "x".repeat(length));
            (0..count).map(member).collect::<Vec<_>>().join(",")
        };
        for (given, want, why) in [
            (
                "es=s:1 , dd=s:2,b=3".to_owned(),
                "es=s:1,dd=s:2,b=3".to_owned(),
                "in their order",
            ),
            ("a=1,,b".to_owned(), "a=1".to_owned(), "what is no member"),
            (
                "a=1,b=\u{e9},c=3".to_owned(),
                "a=1,c=3".to_owned(),
                "not ASCII",
            ),
            (list(40, 1), list(32, 1), "32"),
            (list(3, 200), list(2, 200), "512 bytes"),
        ] {
            assert_eq!(passed(&given, "").0, Some(want), "{why}");
        }
        assert_eq!(passed("x", "").0, None);
    }
}
