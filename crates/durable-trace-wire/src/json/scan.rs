//! Where the parts of a JSON text end. Whatever the bytes, nothing panics and no place lies more
//! than one byte behind the end.

use crate::ascii::{eight, zeroes};
use crate::decimal::parse_eight;

/// What stands behind the end of a text.
pub(super) const END: u8 = 0;

/// The byte at `at`.
pub(super) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(END)
}

/// JSON's white space. <https://www.rfc-editor.org/rfc/rfc8259#section-2>
pub(super) fn past_white_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(byte(bytes, at), b' ' | b'\t' | b'\n' | b'\r') {
        at += 1;
    }
    at
}

/// Where the value that begins at `at` ends.
pub(super) fn past_value(bytes: &[u8], at: usize) -> usize {
    match byte(bytes, at) {
        b'"' => past_string(bytes, at),
        b'{' | b'[' => past_container(bytes, at),
        _ => past_scalar(bytes, at),
    }
}

/// A number, `true`, `false` or `null`.
fn past_scalar(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while !matches!(
        byte(bytes, at),
        b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r' | END
    ) {
        at += 1;
    }
    at.min(bytes.len())
}

fn past_string(bytes: &[u8], at: usize) -> usize {
    closing_quote(bytes, at + 1).0 + 1
}

fn past_container(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < bytes.len() {
        match byte(bytes, at) {
            b'"' => {
                at = past_string(bytes, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Where the quote stands that closes the string whose text begins at `at`, and whether the text holds an escape.
pub(super) fn closing_quote(bytes: &[u8], mut at: usize) -> (usize, bool) {
    let mut escaped = false;
    loop {
        at = next_mark(bytes, at);
        match byte(bytes, at) {
            b'\\' => {
                escaped = true;
                at += 2;
            }
            // A quote, or the end.
            _ => return (at.min(bytes.len()), escaped),
        }
    }
}

/// Where the next quote or backslash stands, or the end. Eight bytes are looked at at once.
fn next_mark(bytes: &[u8], mut at: usize) -> usize {
    let Some(rest) = bytes.get(at..) else {
        return at;
    };
    let (words, _) = rest.as_chunks();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let marks = zeroes(word ^ eight(b'"')) | zeroes(word ^ eight(b'\\'));
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while !matches!(byte(bytes, at), b'"' | b'\\') && at < bytes.len() {
        at += 1;
    }
    at
}

/// A whole number of up to 15 digits that begins at `at`, and where it ends.
pub(super) fn whole_number(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let (mut number, mut end) = (0, at);
    // Times have 13 digits.
    if let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk)
        && let Some(first) = parse_eight(u64::from_le_bytes(*eight))
    {
        (number, end) = (first, at + 8);
    }
    while let digit @ b'0'..=b'9' = byte(bytes, end) {
        number = number * 10 + u64::from(digit - b'0');
        end += 1;
        if end - at > 15 {
            return None;
        }
    }
    let is_whole = end > at && !matches!(byte(bytes, end), b'.' | b'e' | b'E');
    is_whole.then_some((number, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_wherever_it_stands() {
        for length in 0..40 {
            for at in 0..length {
                for (mark, other) in [(b'"', b'#'), (b'\\', b']'), (b'"', b'!'), (b'\\', b'[')] {
                    // Neighbours by value, which a carry could take for marks.
                    let mut bytes = vec![other; length];
                    bytes[at] = mark;
                    assert_eq!(next_mark(&bytes, 0), at);
                    assert_eq!(next_mark(&bytes, at + 1), length, "none after it");
                }
            }
        }
    }

    #[test]
    fn only_whole_numbers_of_15_digits_are_whole() {
        for (text, want) in [
            ("0,", Some((0, 1))),
            ("1763800000000}", Some((1_763_800_000_000, 13))),
            ("999999999999999", Some((999_999_999_999_999, 15))),
            ("1000000000000000", None),
            ("1.5", None),
            ("1e3", None),
            ("1E3", None),
            ("-1", None),
            ("\"1\"", None),
            ("", None),
        ] {
            assert_eq!(whole_number(text.as_bytes(), 0), want, "{text}");
        }
    }

    #[test]
    fn eight_digits_are_read_at_once_just_if_they_are_digits() {
        for number in [0, 1, 12_345_678, 99_999_999, 10_000_000, 90_909_090] {
            let text = format!("{number:08}");
            let word = u64::from_le_bytes(*text.as_bytes().first_chunk().unwrap());
            assert_eq!(parse_eight(word), Some(number), "{text}");
        }
        for place in 0..8 {
            for other in (0..=255_u8).filter(|byte| !byte.is_ascii_digit()) {
                let mut bytes = *b"90909090";
                bytes[place] = other;
                assert_eq!(parse_eight(u64::from_le_bytes(bytes)), None, "{bytes:?}");
            }
        }
    }

    #[test]
    fn no_place_is_too_far_behind_the_end() {
        for text in [
            "", "\"", "\"\\", "\"\\\"", "{", "[\"", "{\"a", "1", "\\", "}", "[[]", "[}",
        ] {
            let bytes = text.as_bytes();
            for at in 0..=bytes.len() {
                assert!(past_value(bytes, at) <= bytes.len() + 1, "{text} from {at}");
            }
        }
    }
}
