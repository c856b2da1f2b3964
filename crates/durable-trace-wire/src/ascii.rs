//! ASCII, eight bytes at a time: what most headers are made of.
//!
//! Words are read little end first, so that the first byte of a text is the lowest.

/// The same byte eight times.
pub(crate) const fn eight(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

const HIGH_BITS: u64 = eight(0x80);

/// Returns ASCII as a text whose length the compiler knows, for it to be copied without a call; `None` for other bytes.
#[inline]
pub(crate) fn as_text<const N: usize>(bytes: &[u8; N]) -> Option<&str> {
    str::from_utf8(bytes).ok()?.get(..N)
}

/// Whether every byte is one of ASCII's printable signs, the space included.
#[inline]
pub(crate) fn is_printable(text: &str) -> bool {
    every_word(text, |word| unprintable(word) == 0)
}

/// Whether every byte is a letter, a digit, or one of `-./@[\]^_{|}` and the backtick: no syntax of any header.
#[inline]
pub(crate) fn is_plain(text: &str) -> bool {
    every_word(text, |word| {
        let from = |byte: u8| word.wrapping_add(eight(0x80 - byte));
        let others = word | !from(b'-') | (from(b':') & !from(b'@')) | from(b'~');
        others & HIGH_BITS == 0
    })
}

/// Whether `is` holds of each eight bytes; some may be seen twice, and to a shorter text letters are added.
#[inline]
fn every_word(text: &str, is: impl Fn(u64) -> bool) -> bool {
    let bytes = text.as_bytes();
    let (words, _) = bytes.as_chunks();
    let is = |bytes: &[u8; 8]| is(u64::from_le_bytes(*bytes));
    match bytes.last_chunk() {
        Some(last) => words.iter().all(&is) && is(last),
        None => is(&short(bytes)),
    }
}

/// Returns up to seven bytes and letters.
fn short(bytes: &[u8]) -> [u8; 8] {
    let mut word = [b'a'; 8];
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let [low, high] = [u32::from_le_bytes(*first), u32::from_le_bytes(*last)].map(u64::from);
        return (low | (high << 32)).to_le_bytes();
    }
    for (place, byte) in word.iter_mut().zip(bytes) {
        *place = *byte;
    }
    word
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

/// Calls `take` with the place of each `,`, `=` and space, in their order, until it gives `None`, or `None` is given here:
/// for a text with a sign that is not printable.
pub(crate) fn marks(text: &str, mut take: impl FnMut(usize, u8) -> Option<()>) -> Option<()> {
    let mut each = |start: usize, word: u64| {
        if unprintable(word) != 0 {
            return None;
        }
        let mut found = equal(word, b',') | equal(word, b'=') | equal(word, b' ');
        while found != 0 {
            let place = found.trailing_zeros() / 8;
            let [byte, ..] = (word >> (8 * place)).to_le_bytes();
            take(start + place as usize, byte)?;
            found &= found - 1;
        }
        Some(())
    };
    let bytes = text.as_bytes();
    let (words, rest) = bytes.as_chunks();
    let mut start = 0;
    for word in words {
        each(start, u64::from_le_bytes(*word))?;
        start += 8;
    }
    if rest.is_empty() {
        return Some(());
    }
    // Letters are put behind the rest.
    let rest = if let Some(last) = bytes.last_chunk() {
        let seen = 64 - 8 * rest.len();
        (u64::from_le_bytes(*last) >> seen) | (eight(b'a') << (8 * rest.len()))
    } else {
        let push = |word, byte: &u8| (word << 8) | u64::from(*byte);
        rest.iter().rev().fold(eight(b'a'), push)
    };
    each(start, rest)
}

/// Marks the bytes that are not printable by their high bits; a byte above one may be marked as well.
const fn unprintable(word: u64) -> u64 {
    let below = word.wrapping_sub(eight(b' '));
    let above = word.wrapping_add(eight(0x7f - b'~'));
    (word | below | above) & HIGH_BITS
}

/// Marks the bytes that are `wanted` by their high bits, in a word of ASCII.
const fn equal(word: u64, wanted: u8) -> u64 {
    let zero_if_equal = word ^ eight(wanted);
    !zero_if_equal.wrapping_add(eight(0x7f)) & HIGH_BITS
}

/// Marks the bytes that are zero by their highest bit; those above the lowest that is may be marked wrongly.
/// <https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord>
pub(crate) const fn zeroes(word: u64) -> u64 {
    word.wrapping_sub(eight(1)) & !word & HIGH_BITS
}

fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
    let (words, rest) = bytes.as_chunks();
    for (number, word) in words.iter().enumerate() {
        let equal = zeroes(u64::from_le_bytes(*word) ^ eight(wanted));
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
            let is_plain_sign = |byte| matches!(byte, b'-'..=b'9' | b'@'..=b'}');
            prop_assert_eq!(is_plain(&text), text.bytes().all(is_plain_sign));
            prop_assert_eq!(cut(&text, at), text.split_once(sign));
            prop_assert!(split(&text, at).eq(text.split(sign)));

            let mut found = Vec::new();
            let all = marks(&text, |at, byte| {
                found.push((at, char::from(byte)));
                Some(())
            });
            prop_assert_eq!(all.is_some(), is_printable(&text));
            if all.is_some() {
                let wanted: Vec<_> = text.match_indices([',', '=', ' ']).collect();
                prop_assert!(wanted.iter().map(|(at, sign)| (*at, sign.chars().next().unwrap())).eq(found));
            }
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
                assert_eq!(
                    is_plain(&text),
                    matches!(byte, b'-'..=b'9' | b'@'..=b'}'),
                    "{byte}"
                );
                let first = if byte == b'a' { 0 } else { place };
                assert_eq!(cut(&text, byte).unwrap().0.len(), first, "{byte}");
            }
        }
    }
}
