//! What a checkpoint is called, and how it is told from a user's step of the same name.

use std::fmt;

use blake2::digest::consts::U16;
use blake2::{Blake2b, Blake2b512, Digest};

use crate::ids::{parse_sixteen, render_hex16};

/// What the name of every checkpoint begins with; a number follows.
pub const NAME_PREFIX: &str = "_datadog_";

/// The N of `_datadog_N`: 0 to 2^53-1, what JavaScript, which reads these names too, can count.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CheckpointNumber(u64);

impl CheckpointNumber {
    /// The highest number: `Number.MAX_SAFE_INTEGER`.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// Returns the number, or `None` above [`CheckpointNumber::MAX`].
    pub const fn new(number: u64) -> Option<Self> {
        if number > Self::MAX.0 {
            None
        } else {
            Some(Self(number))
        }
    }

    /// Reads a whole name: [`NAME_PREFIX`], then a decimal without sign and without leading zeros.
    pub fn parse_name(name: &str) -> Option<Self> {
        let digits = name.strip_prefix(NAME_PREFIX)?;
        if digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        crate::decimal::parse_digits(digits).and_then(Self::new)
    }

    /// Returns the number, 0 to 2^53-1.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the number after this one; `None` after the last.
    pub const fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }
}

/// The checkpoint's name, `_datadog_N`.
impl fmt::Display for CheckpointNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME_PREFIX}{}", self.0)
    }
}

/// Returns the `Id` under which a checkpoint is written: the lower-case hex of `BLAKE2b` with a
/// 16-byte digest over `name:arn`, 32 digits.
///
/// WIRE: the same as `ddtrace`'s, so that of two libraries in one execution neither takes the
/// other's checkpoint for a user's step.
pub fn checkpoint_id(name: &str, arn: &str) -> String {
    let mut hash = Blake2b::<U16>::new();
    feed(&mut hash, name, arn);
    to_hex(&hash.finalize())
}

/// Whether `id` is one that a tracing library gives the checkpoint `name`: ours, which is
/// `ddtrace`'s, or that of `dd-trace` for JavaScript, the first 64 hex digits of BLAKE2b-512.
pub fn known_derivation(id: &str, name: &str, arn: &str) -> bool {
    match id.len() {
        // It is hashed once for each checkpoint of a log.
        _ if arn.len() > MAX_ARN_BYTES => false,
        32 => {
            let mut hash = Blake2b::<U16>::new();
            feed(&mut hash, name, arn);
            is_hex_of(id, &hash.finalize())
        }
        64 => {
            let mut hash = Blake2b512::new();
            feed(&mut hash, name, arn);
            is_hex_of(id, &hash.finalize())
        }
        _ => false,
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_Execution.html>
const MAX_ARN_BYTES: usize = 1024;

fn feed(hash: &mut impl Digest, name: &str, arn: &str) {
    hash.update(name);
    hash.update(":");
    hash.update(arn);
}

/// Whether a text is the lower-case hex of the first bytes of a digest.
fn is_hex_of(text: &str, digest: &[u8]) -> bool {
    let (sixteens, rest) = text.as_bytes().as_chunks();
    let (eights, _) = digest.as_chunks();
    let same = |(digits, bytes): (&[u8; 16], &[u8; 8])| {
        parse_sixteen(digits) == Some(u64::from_be_bytes(*bytes))
    };
    rest.is_empty() && sixteens.len() <= eights.len() && sixteens.iter().zip(eights).all(same)
}

/// Returns the lower-case hex of a digest, whose length is a multiple of eight.
fn to_hex(digest: &[u8]) -> String {
    let mut text = Vec::with_capacity(digest.len() * 2);
    for bytes in digest.as_chunks().0 {
        text.extend_from_slice(&render_hex16(u64::from_be_bytes(*bytes)));
    }
    String::from_utf8(text).unwrap_or_default() // digits are UTF-8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_prefix_and_a_canonical_decimal() {
        for (name, want, why) in [
            ("_datadog_0", Some(0), "the first"),
            ("_datadog_10", Some(10), "two digits"),
            (
                "_datadog_9007199254740991",
                Some(CheckpointNumber::MAX.get()),
                "the last",
            ),
            (
                "_datadog_9007199254740992",
                None,
                "beyond JavaScript's integers",
            ),
            ("_datadog_99999999999999999999", None, "beyond 64 bits"),
            ("_datadog_", None, "no number"),
            ("_datadog_00", None, "a leading zero"),
            ("_datadog_01", None, "a leading zero"),
            ("_datadog_-0", None, "a sign"),
            ("_datadog_+5", None, "a sign"),
            ("_datadog_5 ", None, "white space"),
            ("_datadog_1_0", None, "an underscore"),
            ("_datadog_1.0", None, "a fraction"),
            ("_datadog_\u{661}", None, "another script"),
            ("_DATADOG_5", None, "upper case"),
            (" _datadog_5", None, "white space first"),
            ("datadog_5", None, "another name"),
        ] {
            let number = CheckpointNumber::parse_name(name);
            assert_eq!(number.map(CheckpointNumber::get), want, "{why}: {name:?}");
            if let Some(number) = number {
                assert_eq!(number.to_string(), name);
            }
        }
    }

    #[test]
    fn numbers_end_where_javascript_stops_counting() {
        assert_eq!(
            CheckpointNumber::new(1).unwrap().next(),
            CheckpointNumber::new(2)
        );
        assert_eq!(CheckpointNumber::MAX.next(), None);
        assert_eq!(CheckpointNumber::new(u64::MAX), None);
    }

    const ARN: &str =
        "arn:aws:lambda:us-west-2:123456789012:function:fn:$LATEST/durable-execution/name-1/id-1";

    #[test]
    fn ids_are_those_that_ddtrace_gives() {
        for (name, arn, want) in [
            ("_datadog_0", ARN, "59ba7605e3769c0aa9280f5892dfd63f"),
            ("_datadog_1", ARN, "56e15e590d7ba4c19b3f1a4790930407"),
            (
                "_datadog_0",
                "uuid/uuid",
                "5f8965e757db199b230a8fab5428153d",
            ),
            (
                "_datadog_0",
                "arn:é/durable-execution/名/識",
                "a6f5e73dff01c16ce98939322b916d1a",
            ),
        ] {
            assert_eq!(checkpoint_id(name, arn), want);
            assert!(known_derivation(want, name, arn));
        }
    }

    #[test]
    fn no_checkpoint_is_of_an_execution_whose_arn_is_longer_than_any() {
        for (length, known) in [(1024, true), (1025, false)] {
            let arn = "a".repeat(length);
            let id = checkpoint_id("_datadog_0", &arn);
            assert_eq!(known_derivation(&id, "_datadog_0", &arn), known, "{length}");
        }
    }

    #[test]
    fn a_known_id_belongs_to_one_name_of_one_execution() {
        let python = "59ba7605e3769c0aa9280f5892dfd63f";
        let javascript = "b0ceab21f36527c9ee94e6ac001d9716da0add6102c16f1f2ee74e76993e9e14";
        assert!(known_derivation(javascript, "_datadog_0", ARN));
        for (id, name, arn, why) in [
            (python, "_datadog_1", ARN, "another name"),
            (python, "_datadog_0", "other", "another execution"),
            (javascript, "_datadog_1", ARN, "another name"),
            (&python.to_uppercase(), "_datadog_0", ARN, "upper case"),
            (&python[..30], "_datadog_0", ARN, "cut short"),
            (
                &javascript[..32],
                "_datadog_0",
                ARN,
                "JavaScript's cut to Python's length",
            ),
            ("", "_datadog_0", ARN, "none"),
        ] {
            assert!(!known_derivation(id, name, arn), "{why}");
        }
    }
}
