//! Identifiers of traces and spans: parsed once, never zero.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};
use std::str::FromStr;

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
        if text.len() != 32 || !is_lower_hex(text) {
            return Err(ParseTraceIdError::Malformed);
        }
        let bits = u128::from_str_radix(text, 16).map_err(|_| ParseTraceIdError::Malformed)?;
        Self::from_u128(bits).ok_or(ParseTraceIdError::Zero)
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
        format!("{:016x}", self.0)
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

/// Whether every byte is one of `0-9a-f`; `from_str_radix` alone takes a sign and upper case.
pub(crate) fn is_lower_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Returns the value of exactly 16 lower-case hex digits.
pub(crate) fn parse_hex16(text: &str) -> Option<u64> {
    if text.len() != 16 || !is_lower_hex(text) {
        return None;
    }
    u64::from_str_radix(text, 16).ok()
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
