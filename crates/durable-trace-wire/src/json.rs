//! Reading JSON that somebody else wrote: a member of an unexpected type counts as absent, and no
//! text is decoded before it is known to matter.
//!
//! A text is checked once, by `serde_json`; what is known to be JSON is then walked from front to
//! back, each byte looked at once and nothing copied. `derive(Deserialize)` does not serve here: it
//! fails on a wrong type, on a repeated member and on a name with a lone surrogate, and one of these
//! in a corner must not cost the whole event.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::value::RawValue;

use crate::ascii::{cut, is_printable};

mod scan;

/// A place in a text that is JSON.
///
/// Whatever reads a value leaves the cursor behind it. In a text that is not JSON nothing panics
/// and everything ends; what is read there means nothing.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Begins before the one value of a text that is known to be JSON.
    pub(crate) fn new(json: &'a str) -> Self {
        Self { text: json, at: 0 }
    }

    /// Begins before the one value of `text`.
    ///
    /// # Errors
    ///
    /// `serde_json`'s, if the text is not JSON.
    pub(crate) fn check(text: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str::<&RawValue>(text).map(|json| Self::new(json.get()))
    }

    /// Reads an object: `take` is called for each member, the cursor before its value, and may leave
    /// it there. Returns whether it is an object; another value is passed over.
    pub(crate) fn members(&mut self, mut take: impl FnMut(&[u8], &mut Self)) -> bool {
        if self.peek() != b'{' {
            self.skip();
            return false;
        }
        self.at += 1;
        while self.peek() == b'"' {
            let start = self.at;
            let bytes = self.text.as_bytes();
            let (quote, escaped) = scan::closing_quote(bytes, start + 1);
            self.at = quote + 1;
            if self.peek() == b':' {
                self.at += 1;
            }
            if escaped {
                let name = self.decoded(start..quote + 1);
                // A name with a lone surrogate is none that anybody looks for: it comes as a byte that no text holds.
                let name = name.as_ref().map_or(&[0xFF][..], |name| name.as_bytes());
                self.one(|cursor| take(name, cursor));
            } else {
                let name = bytes.get(start + 1..quote).unwrap_or_default();
                self.one(|cursor| take(name, cursor));
            }
        }
        self.at += 1;
        true
    }

    /// Reads an array: `take` is called before each item, and may leave the cursor there. Returns
    /// whether it is an array; another value is passed over.
    pub(crate) fn items(&mut self, mut take: impl FnMut(&mut Self)) -> bool {
        if self.peek() != b'[' {
            self.skip();
            return false;
        }
        self.at += 1;
        while !matches!(self.peek(), b']' | scan::END) {
            self.one(&mut take);
        }
        self.at += 1;
        true
    }

    /// Reads one value of several, and the comma behind it.
    fn one(&mut self, take: impl FnOnce(&mut Self)) {
        let before = self.at;
        take(self);
        if self.at == before {
            self.skip();
        }
        if self.peek() == b',' {
            self.at += 1;
        }
    }

    /// Reads the values of an object, or the items of an array, as [`Cursor::items`].
    pub(crate) fn values(&mut self, mut take: impl FnMut(&mut Self)) {
        if self.peek() == b'{' {
            self.members(|_, cursor| take(cursor));
        } else {
            self.items(take);
        }
    }

    /// Reads any value as it stands.
    pub(crate) fn any(&mut self) -> &'a str {
        self.peek();
        let start = self.at;
        self.skip();
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Reads any value as it stands; `null` counts as absent.
    pub(crate) fn raw(&mut self) -> Option<&'a str> {
        Some(self.any()).filter(|raw| *raw != "null")
    }

    /// Reads a text; `None` for another type, or if it holds a lone surrogate.
    pub(crate) fn text(&mut self) -> Option<Cow<'a, str>> {
        if self.peek() == b'"' {
            return self.string();
        }
        self.skip();
        None
    }

    /// Reads a whole number below 10^15 that is not negative; the cursor stays before anything else.
    pub(crate) fn whole_number(&mut self) -> Option<u64> {
        self.peek();
        let (number, end) = scan::whole_number(self.text.as_bytes(), self.at)?;
        self.at = end;
        Some(number)
    }

    /// Reads the string that begins here; `None` if it holds a lone surrogate.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        let start = self.at;
        let (quote, escaped) = scan::closing_quote(self.text.as_bytes(), start + 1);
        self.at = quote + 1;
        if escaped {
            return self.decoded(start..self.at).map(Cow::Owned);
        }
        self.text.get(start + 1..quote).map(Cow::Borrowed)
    }

    /// The text of a string with escapes; `None` if it holds a lone surrogate.
    #[cold]
    fn decoded(&self, string: Range<usize>) -> Option<String> {
        serde_json::from_str(self.text.get(string)?).ok()
    }

    /// The first byte of what comes next.
    fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        let byte = scan::byte(bytes, self.at);
        if byte > b' ' {
            return byte;
        }
        self.at = scan::past_white_space(bytes, self.at);
        scan::byte(bytes, self.at)
    }

    /// Passes over one value.
    pub(crate) fn skip(&mut self) {
        self.peek();
        self.at = scan::past_value(self.text.as_bytes(), self.at);
    }

    /// How many bytes are still to be read.
    pub(crate) fn rest(&self) -> usize {
        self.text.len().saturating_sub(self.at)
    }
}

/// Returns the text of a JSON string; `None` for another type, or if it holds a lone surrogate.
pub(crate) fn text(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        let text = unescape(inner).or_else(|| serde_json::from_str(raw).ok());
        return text.map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

/// Returns the text of a JSON string's inside; `None` if there is more in it than JSON within JSON has as a rule:
/// printable ASCII, quotes and backslashes.
fn unescape(inner: &str) -> Option<String> {
    let is_plain = |text| is_printable(text) && cut(text, b'"').is_none();
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((before, escape)) = cut(rest, b'\\') {
        if !is_plain(before) {
            return None;
        }
        text.push_str(before);
        let (sign, behind) = escape.split_at_checked(1)?;
        if !matches!(sign, "\"" | "\\") {
            return None;
        }
        text.push_str(sign);
        rest = behind;
    }
    text.push_str(rest);
    is_plain(rest).then_some(text)
}

/// Appends a text as a JSON string.
pub(crate) fn push_text(json: &mut String, text: &str) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        // Memory takes whatever is written: it does not fail.
        json.push_str(&serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned()));
    }
}

/// Returns the text of a JSON string, or the digits of a JSON integer.
pub(crate) fn text_or_integer(raw: &str) -> Option<Cow<'_, str>> {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Cow::Borrowed(raw));
    }
    text(raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_text_is_decoded_and_encoded_as_by_serde(
            inner in prop_oneof![r#"([ -!#-\[\]-~]|\\"|\\\\){0,20}"#, r#"([ -~\x1f\x7fé]|\\["\\/nu]){0,20}"#],
        ) {
            let raw = format!("\"{inner}\"");
            let decoded = serde_json::from_str::<String>(&raw).ok();
            if inner.contains('\\') {
                prop_assert_eq!(text(&raw), decoded.map(Cow::Owned), "{}", raw);
            }
            let mut encoded = String::new();
            push_text(&mut encoded, &inner);
            prop_assert_eq!(encoded, serde_json::to_string(&inner).unwrap());
        }
    }
}
