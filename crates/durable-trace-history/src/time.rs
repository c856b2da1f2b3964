//! Moments on the service's clock.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Microseconds since 1970-01-01T00:00:00Z: finer than the service tells, and a number that JavaScript can hold.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct UnixMicros(pub i64);

impl UnixMicros {
    /// Returns the microseconds from `earlier` to here; 0 if it is later.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).max(0)
    }

    /// Returns the moment that many seconds later.
    #[must_use]
    pub fn after_seconds(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(i64::from(seconds) * 1_000_000))
    }

    /// Returns nanoseconds since 1970, as spans have them.
    pub fn as_nanos(self) -> i64 {
        self.0.saturating_mul(1_000)
    }

    /// Reads seconds since 1970, as answers of the API have them, or milliseconds, as an invocation's event has them.
    fn from_number(number: f64) -> Option<Self> {
        // As seconds, 10^11 lies beyond the year 5000; as milliseconds, before 1974.
        let micros = number * if number < 1e11 { 1e6 } else { 1e3 };
        if !(0.0..LAST_MICROS).contains(&micros) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "rounded, and within range by the check above"
        )]
        Some(Self(micros.round() as i64))
    }

    /// Reads RFC 3339, as version 2 of the AWS CLI prints moments.
    fn from_text(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let micros = i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000)).ok()?;
        (micros >= 0).then_some(Self(micros))
    }
}

/// The end of the year 9999, the last that RFC 3339 can name.
const LAST_MICROS: f64 = 253_402_300_800_000_000.0;

/// RFC 3339, in UTC.
impl fmt::Display for UnixMicros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .ok()
            .and_then(|at| at.format(&Rfc3339).ok());
        match text {
            Some(text) => f.write_str(&text),
            None => write!(f, "{} µs after 1970", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for UnixMicros {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let read = match &value {
            serde_json::Value::Number(number) => number.as_f64().and_then(Self::from_number),
            serde_json::Value::String(text) => Self::from_text(text),
            _ => None,
        };
        read.ok_or_else(|| {
            serde::de::Error::custom(format!(
                "{value} is no moment: expected seconds since 1970 or such as 2026-11-28T07:15:00Z"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_come_as_seconds_as_milliseconds_and_as_text() {
        for (json, want, why) in [
            (
                "1795337713.985854",
                Some(1_795_337_713_985_854),
                "seconds, as the API has them",
            ),
            (
                "1795337713985",
                Some(1_795_337_713_985_000),
                "milliseconds, as events have them",
            ),
            (
                r#""2026-11-22T08:55:13.985854Z""#,
                Some(1_795_337_713_985_854),
                "version 2 of the AWS CLI",
            ),
            (
                r#""2026-11-22T10:55:13.985854+02:00""#,
                Some(1_795_337_713_985_854),
                "with an offset",
            ),
            ("-1", None, "before 1970"),
            ("1e300", None, "no calendar goes there"),
            (r#""yesterday""#, None, "no moment"),
            ("null", None, "nothing"),
            ("{}", None, "an object"),
        ] {
            assert_eq!(
                serde_json::from_str(json).ok(),
                want.map(UnixMicros),
                "{why}: {json}"
            );
        }
    }

    #[test]
    fn a_moment_is_written_as_rfc_3339() {
        assert_eq!(
            UnixMicros(1_795_337_713_985_854).to_string(),
            "2026-11-22T08:55:13.985854Z"
        );
        assert_eq!(UnixMicros(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(
            UnixMicros(i64::MAX).to_string(),
            "9223372036854775807 µs after 1970"
        );
    }

    #[test]
    fn no_time_is_negative() {
        assert_eq!(UnixMicros(5).since(UnixMicros(7)), 0);
        assert_eq!(UnixMicros(7).since(UnixMicros(5)), 2);
        assert_eq!(UnixMicros(1).after_seconds(2), UnixMicros(2_000_001));
    }
}
