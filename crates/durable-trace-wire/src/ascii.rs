//! ASCII, eight bytes at a time: what most headers are made of.
//!
//! Words are read little end first, so that the first byte of a text is the lowest.

/// The same byte eight times.
const fn eight(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

const HIGH_BITS: u64 = eight(0x80);

/// Whether every byte is one of ASCII's printable signs, the space included.
pub(crate) fn is_printable(text: &str) -> bool {
    // The high bit of a byte is set in one of the three, if not by itself then by a neighbour that is not printable.
    let are_printable = |bytes: &[u8; 8]| {
        let word = u64::from_le_bytes(*bytes);
        let below = word.wrapping_sub(eight(b' '));
        let above = word.wrapping_add(eight(0x7f - b'~'));
        (word | below | above) & HIGH_BITS == 0
    };
    let bytes = text.as_bytes();
    let (words, _) = bytes.as_chunks();
    match bytes.last_chunk() {
        Some(last) => words.iter().all(are_printable) && are_printable(last),
        None => bytes.iter().all(|byte| matches!(byte, b' '..=b'~')),
    }
}

/// Returns what stands before the first such byte, and what stands behind it.
pub(crate) fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    debug_assert!(at.is_ascii());
    let (before, rest) = text.split_at_checked(find(text.as_bytes(), at)?)?;
    Some((before, rest.get(1..)?))
}

/// Returns the parts between such bytes: at least one, as [`str::split`].
pub(crate) fn split(text: &str, at: u8) -> impl Iterator<Item = &str> + Clone {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (part, behind) = match cut(text, at) {
            Some((part, behind)) => (part, Some(behind)),
            None => (text, None),
        };
        rest = behind;
        Some(part)
    })
}

fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
    let (words, rest) = bytes.as_chunks();
    for (number, word) in words.iter().enumerate() {
        let zero_if_equal = u64::from_le_bytes(*word) ^ eight(wanted);
        // The lowest high bit set is that of the lowest zero byte.
        let equal = zero_if_equal.wrapping_sub(eight(1)) & !zero_if_equal & HIGH_BITS;
        if equal != 0 {
            return Some(number * 8 + equal.trailing_zeros() as usize / 8);
        }
    }
    let place = rest.iter().position(|byte| *byte == wanted)?;
    Some(words.len() * 8 + place)
}

/// Returns the text without white space around it, as Rust sees it: that of Unicode.
pub(crate) fn trim(text: &str) -> &str {
    if is_bare(text) { text } else { text.trim() }
}

/// Returns the text without white space around it, as Python's `str.strip` sees it, though `int`
/// does not: Unicode's, and the four ASCII separators.
pub(crate) fn strip(text: &str) -> &str {
    if is_bare(text) {
        return text;
    }
    text.trim_matches(|sign: char| sign.is_whitespace() || matches!(sign, '\x1c'..='\x1f'))
}

/// Whether the text begins and ends with a visible sign of ASCII: there is nothing to strip.
fn is_bare(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_visible = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    is_visible(bytes.first()) && is_visible(bytes.last())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Texts of any length around a word's, of signs that matter and their neighbours.
    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ -~]{0,40}",
            "[\0\x1b-!,=~-\u{81}]{0,20}",
            "[ ,]{0,3}[+-<,\u{1ff}\u{2003}]{0,20}",
            "[ -~]{0,20}\\PC[ -~]{0,20}",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn eight_at_a_time_is_one_at_a_time(text in texts(), at in prop::sample::select(vec![b',', b'=', 0, 0x7f])) {
            let sign = char::from(at);
            prop_assert_eq!(is_printable(&text), text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            prop_assert_eq!(cut(&text, at), text.split_once(sign));
            prop_assert!(split(&text, at).eq(text.split(sign)));
        }

        #[test]
        fn what_is_bare_is_stripped_of_nothing(text in texts()) {
            let space = |sign: char| sign.is_whitespace() || matches!(sign, '\x1c'..='\x1f');
            prop_assert_eq!(strip(&text), text.trim_matches(space));
            prop_assert_eq!(trim(&text), text.trim());
        }
    }

    #[test]
    fn every_byte_is_told_apart_at_every_place() {
        for byte in 0..=0x7f {
            for place in 0..20 {
                let mut bytes = vec![b'a'; 20];
                bytes[place] = byte;
                let text = String::from_utf8(bytes).unwrap();
                assert_eq!(is_printable(&text), (b' '..=b'~').contains(&byte), "{byte}");
                let first = if byte == b'a' { 0 } else { place };
                assert_eq!(cut(&text, byte).unwrap().0.len(), first, "{byte}");
            }
        }
    }
}
