//! JSON within JSON, in texts and in base64, with bounds.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::json::{self, Cursor};

/// The longest text, escaped or in base64, that is decoded: the largest message of SQS, SNS and
/// EventBridge. <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
pub(crate) const MAX_DECODED_BYTES: usize = 256 * 1024;

/// Returns the values of an object's members with these names, as they stand: of two with the same
/// name the last, `null` as absent. `None` if `raw` is no JSON object.
pub(crate) fn members<'a, const N: usize>(
    raw: &'a str,
    names: [&str; N],
) -> Option<[Option<&'a str>; N]> {
    let mut values = [None; N];
    let is_object = Cursor::check(raw).ok()?.members(|name, value| {
        let place = names.iter().position(|it| it.as_bytes() == name);
        if let Some(found) = place.and_then(|place| values.get_mut(place)) {
            *found = value.raw();
        }
    });
    is_object.then_some(values)
}

/// Returns the value of one member.
pub(crate) fn member<'a>(raw: &'a str, name: &str) -> Option<&'a str> {
    let [value] = members(raw, [name])?;
    value
}

/// Returns the first items of an array, as they stand; none if `raw` is no JSON array.
pub(crate) fn items(raw: &str, at_most: usize) -> Vec<&str> {
    let mut items = Vec::new();
    if let Ok(mut cursor) = Cursor::check(raw) {
        cursor.items(|item| {
            if items.len() < at_most {
                items.push(item.any());
            }
        });
    }
    items
}

/// Whether a value, known to be JSON, is an object.
pub(crate) fn is_object(raw: &str) -> bool {
    raw.starts_with('{')
}

/// Returns the text of a JSON string that is not too long.
pub(crate) fn text(raw: &str) -> Option<Cow<'_, str>> {
    (raw.len() <= MAX_DECODED_BYTES)
        .then(|| json::text(raw))
        .flatten()
}

/// Returns the text of a JSON string, if there is any in it.
pub(crate) fn filled_text(raw: Option<&str>) -> Option<Cow<'_, str>> {
    text(raw?).filter(|text| !text.is_empty())
}

/// What the type of an SQS or SNS attribute says about its value; a label of the user's may follow it
/// (`String.json`).
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AttributeType {
    Binary,
    Number,
    /// A text, or anything else.
    Text,
}

impl AttributeType {
    pub(crate) fn parse(raw: Option<&str>) -> Self {
        let name = raw.and_then(text).unwrap_or_default();
        let name = name.split('.').next().unwrap_or_default();
        if name.eq_ignore_ascii_case("Binary") {
            Self::Binary
        } else if name.eq_ignore_ascii_case("Number") {
            Self::Number
        } else {
            Self::Text
        }
    }
}

/// Returns what a JSON string in base64 holds, if that is a text.
///
/// Both alphabets are understood, with and without padding; signs of neither, such as the line
/// breaks of MIME, are passed over. <https://www.rfc-editor.org/rfc/rfc2045#section-6.8>
pub(crate) fn base64_text(raw: &str) -> Option<String> {
    let encoded = text(raw)?;
    let digits = encoded.bytes().filter_map(|byte| match byte {
        b'-' => Some(b'+'),
        b'_' => Some(b'/'),
        b'+' | b'/' => Some(byte),
        byte => byte.is_ascii_alphanumeric().then_some(byte),
    });
    let decoded = LENIENT.decode(digits.collect::<Vec<u8>>()).ok()?;
    String::from_utf8(decoded).ok()
}

/// Without padding, which is dropped before; trailing bits need not be zero.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str) -> String {
        serde_json::to_string(text).unwrap()
    }

    #[test]
    fn members_are_found_whatever_stands_around_them() {
        for (json, want, why) in [
            (
                r#"{"a":1,"b":{"a":2}}"#,
                Some(Some("1")),
                "not those within",
            ),
            (
                r#"{"a":1,"a":"x"}"#,
                Some(Some(r#""x""#)),
                "the last of two",
            ),
            (r#"{"a":null}"#, Some(None), "null is absent"),
            (r#"{"\u0061":1}"#, Some(Some("1")), "an escape in the name"),
            (
                r#"{"\ud800":1,"b":1e999,"a":1}"#,
                Some(Some("1")),
                "odd corners",
            ),
            (r#"{"A":1}"#, Some(None), "another case"),
            (r"[1]", None, "no object"),
            (r#"{"a":1"#, None, "cut off"),
            (r#"{"a":1} x"#, None, "something after it"),
            ("", None, "nothing"),
        ] {
            assert_eq!(members(json, ["a"]), want.map(|it| [it]), "{why}: {json}");
        }
    }

    #[test]
    fn items_are_bounded_and_the_rest_must_still_be_json() {
        for (json, want, why) in [
            ("[1, {} ,3,4]", &["1", "{}", "3"][..], "the first three"),
            ("[1]", &["1"], "fewer"),
            ("[]", &[], "none"),
            ("[1,2,3,4", &[], "cut off"),
            ("[1] 2", &[], "something after it"),
            (r#"{"a":1}"#, &[], "an object"),
            ("5", &[], "a number"),
        ] {
            assert_eq!(items(json, 3), want, "{why}: {json}");
        }
    }

    #[test]
    fn base64_is_read_as_it_comes() {
        for (encoded, want, why) in [
            (
                "eyJhIjoifn4/Pz8ifQ==",
                Some(r#"{"a":"~~???"}"#),
                "as it should be",
            ),
            ("eyJhIjoifn4/Pz8ifQ", Some(r#"{"a":"~~???"}"#), "no padding"),
            ("eyJhIjoifn4_Pz8ifQ", Some(r#"{"a":"~~???"}"#), "URL-safe"),
            (
                "eyJhIjoi\r\nfn4/Pz8ifQ==",
                Some(r#"{"a":"~~???"}"#),
                "line breaks",
            ),
            (
                "eyJhIjoi*fn4/Pz8ifQ====",
                Some(r#"{"a":"~~???"}"#),
                "other signs",
            ),
            ("YR", Some("a"), "bits left over"),
            ("", Some(""), "nothing"),
            ("YWJjZ", None, "six bits alone"),
            ("/w==", None, "no UTF-8"),
        ] {
            let decoded = base64_text(&quoted(encoded));
            assert_eq!(decoded.as_deref(), want, "{why}: {encoded}");
        }
        assert_eq!(base64_text("5"), None, "no text");
    }

    #[test]
    fn what_is_too_long_is_not_decoded() {
        let fits = quoted(&"A".repeat(MAX_DECODED_BYTES - 2));
        let too_long = quoted(&"A".repeat(MAX_DECODED_BYTES - 1));
        assert!(text(&fits).is_some() && base64_text(&fits).is_some());
        assert!(text(&too_long).is_none() && base64_text(&too_long).is_none());
    }
}
