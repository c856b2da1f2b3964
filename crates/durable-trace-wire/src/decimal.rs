//! Decimal integers: as Datadog's specification writes them, and as `ddtrace` reads them.

/// Returns the value of ASCII digits alone; `u64::from_str` would take a `+` as well.
pub(crate) fn parse_digits(text: &str) -> Option<u64> {
    let (few, eights) = text.as_bytes().as_rchunks();
    let mut value: u64 = 0;
    for digit in few {
        value = value * 10 + u64::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    for eight in eights {
        let eight = parse_eight(u64::from_le_bytes(*eight))?;
        value = value.checked_mul(100_000_000)?.checked_add(eight)?;
    }
    (!text.is_empty()).then_some(value)
}

/// Returns the value of eight digits: of neighbours pairs are made, of these fours, of these eight.
pub(crate) fn parse_eight(signs: u64) -> Option<u64> {
    let ones = signs.wrapping_sub(ZEROS_OF_ASCII);
    // Above `9` the sum reaches the high bit, below `0` the difference does.
    if (signs.wrapping_add(0x4646_4646_4646_4646) | ones) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    let tens = ones.wrapping_mul(10).wrapping_add(ones >> 8);
    let outer = (tens & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let inner = ((tens >> 16) & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    Some(outer.wrapping_add(inner) >> 32)
}

/// How many signs [`render`] gives.
pub(crate) const WIDTH: usize = 24;

/// Returns a number's digits behind zeros, and how many of the signs are such zeros.
#[inline]
pub(crate) fn render(number: u64) -> ([u8; WIDTH], usize) {
    const EIGHT: u64 = 100_000_000;
    let top = number / EIGHT / EIGHT;
    let middle = number / EIGHT - top * EIGHT;
    let (high, middle, low) = (cut(top), cut(middle), cut(number % EIGHT));
    let first = |ones: u64| ones.trailing_zeros() as usize / 8;
    let zeros = match (high, middle) {
        (0, 0) => 16 + first(low | (1 << 56)), // of zero one digit is left
        (0, _) => 8 + first(middle),
        _ => first(high),
    };
    let mut digits = [0; WIDTH];
    for (eight, ones) in digits.as_chunks_mut().0.iter_mut().zip([high, middle, low]) {
        *eight = (ones + ZEROS_OF_ASCII).to_le_bytes();
    }
    (digits, zeros)
}

/// Returns the values of the eight digits of a number below 10^8, the first in the lowest byte: it is cut into fours,
/// these into pairs, these into ones, where division is multiplication by a reciprocal that is exact in these bounds.
fn cut(number: u64) -> u64 {
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let pairs = hundreds | ((fours - 100 * hundreds) << 16);
    let tens = ((pairs * 103) >> 10) & 0x000F_000F_000F_000F;
    tens | ((pairs - 10 * tens) << 8)
}

const ZEROS_OF_ASCII: u64 = u64::from_ne_bytes([b'0'; 8]);

/// Returns what Python's `int(text)` gives, bounded to ±`i128::MAX`.
///
/// `ddtrace` reads the numbers of a caller's headers with it, so this decides
/// which callers it continues: white space around, one sign, single underscores
/// between digits, decimal digits of any script.
/// <https://docs.python.org/3/library/functions.html#int>
#[inline]
pub(crate) fn parse_like_python(text: &str) -> Option<i128> {
    match parse_digits(text) {
        Some(number) => Some(number.into()),
        None => parse_sign_by_sign(text),
    }
}

fn parse_sign_by_sign(text: &str) -> Option<i128> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut value: i128 = 0;
    let mut after_digit = false;
    for sign in digits.chars() {
        if sign == '_' {
            if !after_digit {
                return None;
            }
            after_digit = false;
            continue;
        }
        let digit = digit_of_any_script(sign)?;
        value = value.saturating_mul(10).saturating_add(digit.into());
        after_digit = true;
    }
    if !after_digit {
        return None; // nothing at all, or an underscore at the end
    }
    Some(if negative { -value } else { value })
}

fn digit_of_any_script(sign: char) -> Option<u32> {
    if sign.is_ascii() {
        return sign.to_digit(10);
    }
    let code = u32::from(sign);
    let after = ZEROS.partition_point(|zero| *zero <= code);
    let zero = ZEROS.get(after.checked_sub(1)?)?;
    let digit = code - zero;
    (digit < 10).then_some(digit)
}

/// The digit zero of each script in Unicode's category Nd but ASCII's; the nine others follow it.
/// <https://www.unicode.org/Public/14.0.0/ucd/extracted/DerivedNumericType.txt>
#[rustfmt::skip]
const ZEROS: [u32; 65] = [
    0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66,
    0x0ce6, 0x0d66, 0x0de6, 0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0, 0x1810,
    0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0,
    0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950,
    0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec,
    0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rendered(number: u64) -> String {
        let (digits, zeros) = render(number);
        String::from_utf8(digits[zeros..].to_vec()).unwrap()
    }

    #[test]
    fn reads_what_python_reads() {
        for (text, want, why) in [
            ("12", Some(12), "plain"),
            (" 12\n", Some(12), "white space"),
            ("\u{a0}12\u{2003}", Some(12), "white space of Unicode"),
            (
                "\x1f12\x1c",
                None,
                "ASCII separators: no white space to `int`",
            ),
            ("+7", Some(7), "plus"),
            ("-7", Some(-7), "minus"),
            ("-0", Some(0), "minus zero"),
            ("007", Some(7), "leading zeros"),
            ("1_000", Some(1000), "an underscore between digits"),
            ("\u{661}\u{662}\u{663}", Some(123), "Arabic-Indic"),
            ("\u{ff11}\u{ff12}", Some(12), "full width"),
            ("\u{1d7d9}", Some(1), "mathematical"),
            ("\u{1fbf9}", Some(9), "the last digit of the table"),
            (
                "99999999999999999999999999999999999999999999",
                Some(i128::MAX),
                "bounded",
            ),
            ("", None, "empty"),
            (" ", None, "white space alone"),
            ("+", None, "a sign alone"),
            ("--1", None, "two signs"),
            ("+ 1", None, "white space after the sign"),
            ("1__0", None, "two underscores"),
            ("_1", None, "an underscore first"),
            ("1_", None, "an underscore last"),
            ("1.0", None, "a fraction"),
            ("0x10", None, "hex"),
            ("\u{b2}", None, "a superscript is no decimal digit"),
            (
                "\u{66a}",
                None,
                "the sign after the last Arabic-Indic digit",
            ),
            ("12\0", None, "a control character"),
            ("\u{feff}12", None, "a byte order mark is not white space"),
        ] {
            assert_eq!(parse_like_python(text), want, "{why}: {text:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn eight_at_a_time_is_one_at_a_time(
            text in prop_oneof!["[0-9]{0,30}", "[0-9/:]{0,20}", "0{0,20}[0-9]{18,21}", any::<u64>().prop_map(|number| number.to_string())],
        ) {
            let is_ascii = text.bytes().all(|byte| byte.is_ascii_digit());
            prop_assert_eq!(parse_digits(&text), is_ascii.then(|| text.parse().ok()).flatten());
            prop_assert_eq!(parse_like_python(&text), parse_sign_by_sign(&text));
        }

        #[test]
        fn digits_are_those_of_the_standard_library(bits: u64, shift in 0_u32..64) {
            let number = bits >> shift;
            prop_assert_eq!(rendered(number), number.to_string());
        }
    }

    #[test]
    fn eight_digits_are_cut_without_a_rest() {
        for number in 0..10_000 {
            for number in [number, number * 10_000, number * 10_001] {
                let signs = cut(number) + ZEROS_OF_ASCII;
                assert_eq!(signs.to_le_bytes(), *format!("{number:08}").as_bytes());
                assert_eq!(parse_eight(signs), Some(number));
            }
        }
        for number in [0, 9, 10, 99_999_999, 100_000_000, u64::MAX] {
            assert_eq!(rendered(number), number.to_string());
        }
    }

    #[test]
    fn digits_alone_are_ascii() {
        for (text, want) in [
            ("12", Some(12)),
            ("+1", None),
            ("\u{661}", None),
            ("", None),
        ] {
            assert_eq!(parse_digits(text), want, "{text:?}");
        }
    }

    #[test]
    fn zeros_are_ten_apart_and_sorted() {
        assert!(ZEROS.windows(2).all(|pair| pair[0] + 10 <= pair[1]));
    }
}
