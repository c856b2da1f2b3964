//! Where the parts of a JSON text end. Whatever the bytes, nothing panics and no place lies more
//! than one byte behind the end.

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
        b'"' => past_string(bytes, at).0,
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

fn past_container(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < bytes.len() {
        match byte(bytes, at) {
            b'"' => {
                at = past_string(bytes, at).0;
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

/// Where the string that begins at `at` ends, and whether it holds an escape.
pub(super) fn past_string(bytes: &[u8], at: usize) -> (usize, bool) {
    let mut at = at + 1;
    let mut escaped = false;
    loop {
        at = next_mark(bytes, at);
        match byte(bytes, at) {
            b'"' => return (at + 1, escaped),
            b'\\' => {
                escaped = true;
                at += 2;
            }
            _ => return (bytes.len(), escaped),
        }
    }
}

/// Where the next quote or backslash stands, or the end. Eight bytes are looked at at once.
fn next_mark(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        let marks = zeroes(word ^ each(b'"')) | zeroes(word ^ each(b'\\'));
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

/// The same byte eight times.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Marks the bytes that are zero by their highest bit; those above the lowest that is may be marked wrongly.
/// <https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord>
const fn zeroes(word: u64) -> u64 {
    word.wrapping_sub(each(0x01)) & !word & each(0x80)
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
