//! JSON as Python's `json.dumps` writes it.
//!
//! The service hands a workflow's result on as the text that the function wrote. The workflows that have a twin in
//! Python say the same in the same letters, so that the two can be compared as they are.

use std::io;

use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::{ser::Formatter, value::RawValue};

/// Serialises to JSON with a space behind each comma and each colon.
#[derive(Debug)]
pub(super) struct SpacedJson<T>(pub(super) T);

impl<T: Serialize> Serialize for SpacedJson<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        let mut spaced = serde_json::Serializer::with_formatter(&mut bytes, Spaced);
        self.0.serialize(&mut spaced).map_err(S::Error::custom)?;
        let text = String::from_utf8(bytes).map_err(S::Error::custom)?;
        let raw = RawValue::from_string(text).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

#[derive(Debug)]
struct Spaced;

impl Spaced {
    fn separate<W: io::Write + ?Sized>(writer: &mut W, first: bool) -> io::Result<()> {
        if first {
            Ok(())
        } else {
            writer.write_all(b", ")
        }
    }
}

impl Formatter for Spaced {
    fn begin_array_value<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        Self::separate(writer, first)
    }

    fn begin_object_key<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        Self::separate(writer, first)
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn commas_and_colons_are_followed_by_a_space() {
        for (value, want, why) in [
            (
                json!({ "a": { "a": 1 }, "b": { "b": 2 } }),
                r#"{"a": {"a": 1}, "b": {"b": 2}}"#,
                "objects",
            ),
            (json!([1, [], {}, 21]), "[1, [], {}, 21]", "arrays"),
            (json!("a,b:c"), r#""a,b:c""#, "not within a text"),
            (json!(null), "null", "nothing"),
        ] {
            let got = serde_json::to_string(&SpacedJson(value)).unwrap();
            assert_eq!(got, want, "{why}");
        }
    }
}
