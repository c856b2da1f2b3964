//! Identifiers of traces and spans: parsed once, never zero.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};
use std::str::FromStr;

use crate::ascii::eight;

/// A trace id of 128 bits, never zero. See <https://www.w3.org/TR/trace-context/#trace-id>.
///
/// Datadog headers carry it in two parts: the low half as a decimal in
/// `x-datadog-trace-id`, the high half as hex in the tag `_dd.p.tid`. The low
/// half alone can be zero only in an id that came in a `traceparent`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TraceId(NonZeroU128);

impl TraceId {
    /// Returns the id with these bits, or `None` for zero.
    pub const fn from_u128(bits: u128) -> Option<Self> {
        match NonZeroU128::new(bits) {
            Some(bits) => Some(Self(bits)),
            None => None,
        }
    }

    /// Returns the id with these two halves, or `None` if both are zero.
    pub const fn from_halves(high: u64, low: u64) -> Option<Self> {
        Self::from_u128(((high as u128) << 64) | low as u128)
    }

    /// Returns all 128 bits; never zero.
    pub const fn as_u128(self) -> u128 {
        self.0.get()
    }

    /// Returns the upper 64 bits: what `_dd.p.tid` carries; zero for a 64-bit id.
    pub const fn high(self) -> u64 {
        (self.0.get() >> 64) as u64
    }

    /// Returns the lower 64 bits: what `x-datadog-trace-id` carries.
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
    pub const fn low(self) -> u64 {
        self.0.get() as u64
    }

    pub(crate) fn from_hex(digits: &[u8; 32]) -> Result<Self, ParseTraceIdError> {
        let halves = match digits.as_chunks() {
            ([high, low], []) => parse_sixteen(high).zip(parse_sixteen(low)),
            _ => None,
        };
        let (high, low) = halves.ok_or(ParseTraceIdError::Malformed)?;
        Self::from_halves(high, low).ok_or(ParseTraceIdError::Zero)
    }
}

/// 32 lower-case hex digits.
impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Takes exactly 32 lower-case hex digits.
impl FromStr for TraceId {
    type Err = ParseTraceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.as_bytes().try_into();
        let digits = digits.map_err(|_| ParseTraceIdError::Malformed)?;
        Self::from_hex(digits)
    }
}

/// Why a text is no trace id.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseTraceIdError {
    /// Not 32 lower-case hex digits.
    #[error("expected 32 lower-case hex digits")]
    Malformed,
    /// All digits are zero, which W3C reserves.
    #[error("a trace id is never zero")]
    Zero,
}

impl From<NonZeroU128> for TraceId {
    fn from(bits: NonZeroU128) -> Self {
        Self(bits)
    }
}

/// A span id of 64 bits, never zero. See <https://www.w3.org/TR/trace-context/#parent-id>.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SpanId(NonZeroU64);

impl SpanId {
    /// Returns the id with these bits, or `None` for zero.
    pub const fn new(bits: u64) -> Option<Self> {
        match NonZeroU64::new(bits) {
            Some(bits) => Some(Self(bits)),
            None => None,
        }
    }

    /// Returns the 64 bits; never zero.
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// Returns the 16 lower-case hex digits that W3C headers carry.
    pub fn to_hex(self) -> String {
        let digits = render_hex16(self.get());
        str::from_utf8(&digits).unwrap_or_default().to_owned() // digits are UTF-8
    }
}

impl From<NonZeroU64> for SpanId {
    fn from(bits: NonZeroU64) -> Self {
        Self(bits)
    }
}

/// The decimal that Datadog headers carry.
impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Takes ASCII decimal digits alone: no sign, no white space.
impl FromStr for SpanId {
    type Err = ParseSpanIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bits = crate::decimal::parse_digits(text).ok_or(ParseSpanIdError::Malformed)?;
        Self::new(bits).ok_or(ParseSpanIdError::Zero)
    }
}

/// Why a text is no span id.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseSpanIdError {
    /// Not a decimal of at most 64 bits.
    #[error("expected a decimal number below 2^64")]
    Malformed,
    /// The number is zero, which stands for "no span".
    #[error("a span id is never zero")]
    Zero,
}

/// Returns the value of exactly 16 lower-case hex digits.
pub(crate) fn parse_hex16(text: &str) -> Option<u64> {
    parse_sixteen(text.as_bytes().try_into().ok()?)
}

pub(crate) fn parse_sixteen(digits: &[u8; 16]) -> Option<u64> {
    match digits.as_chunks() {
        ([high, low], []) => {
            Some((u64::from(parse_eight(*high)?) << 32) | u64::from(parse_eight(*low)?))
        }
        _ => None,
    }
}

/// Returns the value of two lower-case hex digits.
pub(crate) fn parse_two(digits: [u8; 2]) -> Option<u8> {
    let mut eight = [b'0'; 8];
    *eight.last_chunk_mut()? = digits;
    u8::try_from(parse_eight(eight)?).ok()
}

/// Returns the value of eight lower-case hex digits: no sign, no upper case.
#[expect(clippy::cast_possible_truncation, reason = "32 bits are left")]
fn parse_eight(digits: [u8; 8]) -> Option<u32> {
    let signs = u64::from_be_bytes(digits);
    // Of `0` to `9` and of `a` to `f` the lower half of the byte counts up; the letters alone have bit 6.
    let letters = (signs >> 6) & 0x0101_0101_0101_0101;
    let ones = (signs & 0x0F0F_0F0F_0F0F_0F0F) + letters * 9;
    if ones & 0x1010_1010_1010_1010 != 0 || to_signs(ones) != signs {
        return None;
    }
    let twos = (ones | (ones >> 4)) & 0x00FF_00FF_00FF_00FF;
    let fours = (twos | (twos >> 8)) & 0x0000_FFFF_0000_FFFF;
    Some((fours | (fours >> 16)) as u32)
}

/// Returns the 16 lower-case hex digits of a number.
pub(crate) fn render_hex16(number: u64) -> [u8; 16] {
    let bytes = number.swap_bytes(); // the first digits in the lowest byte
    let halves = [bytes & 0xFFFF_FFFF, bytes >> 32].map(render_eight);
    let mut digits = [0; 16];
    digits.copy_from_slice(halves.as_flattened());
    digits
}

/// Returns the eight lower-case hex digits of four bytes.
fn render_eight(bytes: u64) -> [u8; 8] {
    let twos = (bytes | (bytes << 16)) & 0x0000_FFFF_0000_FFFF;
    let ones = (twos | (twos << 8)) & 0x00FF_00FF_00FF_00FF;
    let halves = ((ones >> 4) | (ones << 8)) & 0x0F0F_0F0F_0F0F_0F0F;
    to_signs(halves).to_le_bytes()
}

/// Returns the signs of eight numbers, each 0 to 15 and a byte wide.
const fn to_signs(ones: u64) -> u64 {
    // Of ten and more the sum has bit 4.
    let letters = ((ones + 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
    ones + eight(b'0') + (letters.wrapping_mul(0xFF) & eight(b'a' - b'9' - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_ids_are_32_lower_case_hex_digits() {
        use ParseTraceIdError::{Malformed, Zero};
        for (text, want, why) in [
            ("4BF92F3577B34DA6A3CE929D0E0E4736", Malformed, "upper case"),
            ("+bf92f3577b34da6a3ce929d0e0e4736", Malformed, "a sign"),
            ("4bf92f3577b34da6a3ce929d0e0e473", Malformed, "31 digits"),
            ("4bf92f3577b34da6a3ce929d0e0e47360", Malformed, "33 digits"),
            (
                "４bf92f3577b34da6a3ce929d0e0e47",
                Malformed,
                "32 bytes, one of them wide",
            ),
            ("", Malformed, "empty"),
            ("00000000000000000000000000000000", Zero, "reserved"),
        ] {
            assert_eq!(text.parse::<TraceId>(), Err(want), "{why}: {text:?}");
        }
    }

    #[test]
    fn every_byte_is_a_hex_digit_or_is_not_at_every_place() {
        for byte in 0..=u8::MAX {
            let want = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            for place in 0..16 {
                let mut digits = *b"0f1e2d3c4b5a6978";
                digits[place] = byte;
                let value = std::str::from_utf8(&digits).ok();
                let value = value.and_then(|text| u64::from_str_radix(text, 16).ok());
                assert_eq!(parse_sixteen(&digits), value.filter(|_| want), "{byte}");
            }
            assert_eq!(parse_two([byte, b'7']).is_some(), want, "{byte}");
            assert_eq!(parse_two([b'7', byte]).is_some(), want, "{byte}");
        }
        assert_eq!(parse_two(*b"fe"), Some(0xfe));
    }

    #[test]
    fn hex_digits_are_those_of_the_standard_library() {
        let mut bits: u64 = 0x9e37_79b9_7f4a_7c15;
        for shift in (0..64).cycle().take(10_000) {
            bits = bits.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let number = bits >> shift;
            assert_eq!(render_hex16(number), *format!("{number:016x}").as_bytes());
        }
    }

    #[test]
    fn halves_of_a_trace_id_add_up() {
        let id: TraceId = "6b02ac840000000050d5c87ec1d5bfe7".parse().unwrap();
        assert_eq!(id.high(), 0x6b02_ac84_0000_0000);
        assert_eq!(id.low(), 0x50d5_c87e_c1d5_bfe7);
        assert_eq!(TraceId::from_halves(id.high(), id.low()), Some(id));
        assert_eq!(id.to_string(), "6b02ac840000000050d5c87ec1d5bfe7");
        assert_eq!(TraceId::from_halves(0, 0), None);
    }

    #[test]
    fn span_ids_are_decimals_of_64_bits() {
        use ParseSpanIdError::{Malformed, Zero};
        for (text, want, why) in [
            ("18446744073709551615", Ok(u64::MAX), "the largest"),
            ("007", Ok(7), "leading zeros are still a decimal"),
            ("18446744073709551616", Err(Malformed), "one too many"),
            ("+1", Err(Malformed), "a sign"),
            (" 1", Err(Malformed), "white space"),
            ("", Err(Malformed), "empty"),
            ("0", Err(Zero), "no span"),
        ] {
            assert_eq!(
                text.parse::<SpanId>().map(SpanId::get),
                want,
                "{why}: {text:?}"
            );
        }
    }

    #[test]
    fn span_ids_print_as_decimal_and_as_padded_hex() {
        let id = SpanId::new(2748).unwrap();
        assert_eq!(
            (id.to_string(), id.to_hex()),
            ("2748".into(), "0000000000000abc".into())
        );
    }
}
