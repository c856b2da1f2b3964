//! Points in time, in the one unit that the durable-execution protocol uses.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;
use serde::Serialize;
use serde_json::{Number, Value};

/// Milliseconds since the Unix epoch.
///
/// Which clock it was read from (the service's virtual one or the machine's) is
/// said where the value is given.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct UnixMillis(u64);

impl UnixMillis {
    /// Wraps a count of milliseconds since the Unix epoch.
    pub const fn new(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns the count of milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Returns how long after `earlier` this is; zero if it is not.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Returns the point `duration` later, or the last one that can be told.
    pub(crate) fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(whole_millis(duration)))
    }

    /// Reads the machine's clock.
    pub(crate) fn read_machine_clock() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(since.map_or(0, whole_millis))
    }

    /// Reads RFC 3339: the form in queries.
    pub(crate) fn from_rfc3339(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        u64::try_from(at.unix_timestamp_nanos() / 1_000_000)
            .ok()
            .map(Self)
    }

    /// Milliseconds as an integer: the form inside invocation events.
    pub(crate) fn to_event_json(self) -> Value {
        Value::from(self.0)
    }

    /// Seconds with a fraction: the form in every answer of the service.
    pub(crate) fn to_answer_json(self) -> Value {
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact for as long as the epoch is younger than 285,000 years"
        )]
        let seconds = self.0 as f64 / 1000.0;
        Number::from_f64(seconds).map_or(Value::Null, Value::Number)
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_write_moments_as_text() {
        for (text, want) in [
            ("2026-11-22T08:55:13.985Z", Some(1_795_337_713_985)),
            ("2026-11-22T10:55:13+02:00", Some(1_795_337_713_000)),
            ("1969-12-31T23:59:59Z", None),
            ("yesterday", None),
        ] {
            let read = UnixMillis::from_rfc3339(text).map(UnixMillis::as_millis);
            assert_eq!(read, want, "{text}");
        }
    }

    #[test]
    fn events_count_milliseconds_and_answers_seconds() {
        let at = UnixMillis::new(1_795_337_718_806);
        assert_eq!(at.to_event_json().to_string(), "1795337718806");
        assert_eq!(at.to_answer_json().to_string(), "1795337718.806");
    }

    #[test]
    fn time_does_not_wrap_around() {
        let at = UnixMillis::new(5);
        assert_eq!(at.after(Duration::MAX), UnixMillis::new(u64::MAX));
        assert_eq!(at.since(UnixMillis::new(9)), Duration::ZERO);
    }
}
