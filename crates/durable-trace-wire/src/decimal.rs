//! Decimal integers: as Datadog's specification writes them, and as `ddtrace` reads them.

/// Returns the value of ASCII digits alone; `u64::from_str` would take a `+` as well.
pub(crate) fn parse_digits(text: &str) -> Option<u64> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Returns what Python's `int(text)` gives, bounded to ±`i128::MAX`.
///
/// `ddtrace` reads the numbers of a caller's headers with it, so this decides
/// which callers it continues: white space around, one sign, single underscores
/// between digits, decimal digits of any script.
/// <https://docs.python.org/3/library/functions.html#int>
pub(crate) fn parse_like_python(text: &str) -> Option<i128> {
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

/// Returns the text without white space around it, as Python's `str.strip` sees it, though `int`
/// does not: Unicode's, and the four ASCII separators.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(|sign: char| sign.is_whitespace() || matches!(sign, '\x1c'..='\x1f'))
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
