//! Moments on the service's clock, in the three forms in which they come.

/// Milliseconds since 1970-01-01T00:00:00Z, on the service's clock.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Reads a JSON value: a number of milliseconds (as in events) or of seconds with a fraction (as
    /// in answers), or an RFC 3339 text. `None` for anything else, and before 1970.
    pub(crate) fn from_json(raw: &str) -> Option<Self> {
        match crate::json::text(raw) {
            Some(text) => parse_rfc3339(&text),
            None => Self::from_number(raw.parse().ok()?),
        }
    }

    /// The same for a whole number of at most 15 digits.
    #[expect(
        clippy::cast_precision_loss,
        reason = "`f64` holds whole numbers of 15 digits"
    )]
    pub(crate) fn from_whole_number(number: u64) -> Option<Self> {
        Self::from_number(number as f64)
    }

    /// Numbers from 10^11 on are milliseconds: as seconds they would lie beyond the year 5000, and
    /// as milliseconds smaller ones would lie before 1973.
    fn from_number(number: f64) -> Option<Self> {
        let millis = if number < 1e11 { number * 1e3 } else { number };
        if !(0.0..LAST_MILLIS).contains(&millis) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "rounded, and within range by the check above"
        )]
        Some(Self(millis.round() as i64))
    }
}

/// The end of the year 9999, the last that RFC 3339 can name.
const LAST_MILLIS: f64 = 253_402_300_800_000.0;

/// Reads `2026-11-23T07:15:00.123Z`. <https://www.rfc-editor.org/rfc/rfc3339#section-5.6>
fn parse_rfc3339(text: &str) -> Option<UnixMillis> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (clock, offset) = split_offset(time)?;
    let (clock, fraction) = match clock.split_once('.') {
        Some((clock, fraction)) => (clock, parse_fraction(fraction)?),
        None => (clock, 0),
    };
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    // A leap second, :60, counts as the first of the next minute.
    if !(1..=12).contains(&month)
        || day < 1
        || day > days_in(year, month)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute - offset;
    let millis = (minutes * 60 + second) * 1000 + fraction;
    (millis >= 0).then_some(UnixMillis(millis))
}

/// Returns three numbers of just these widths.
fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[i64; 3]> {
    let mut fields = text.split(separator);
    let mut next = |width: usize| {
        let field = fields.next().filter(|field| field.len() == width)?;
        i64::try_from(crate::decimal::parse_digits(field)?).ok()
    };
    let [first, second, third] = widths;
    let numbers = [next(first)?, next(second)?, next(third)?];
    fields.next().is_none().then_some(numbers)
}

/// Returns the time of day, and the minutes east of Greenwich.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let (clock, offset) = time.split_at_checked(time.rfind(['+', '-'])?)?;
    Some((clock, parse_offset(offset)?))
}

fn parse_offset(text: &str) -> Option<i64> {
    let (sign, clock) = match text.split_at_checked(1)? {
        ("+", clock) => (1, clock),
        ("-", clock) => (-1, clock),
        _ => return None,
    };
    let [hour, minute, _] = numbers(&format!("{clock}:00"), ':', [2, 2, 2])?;
    (hour <= 23 && minute <= 59).then_some(sign * (hour * 60 + minute))
}

/// Returns the milliseconds in the digits after the point; those beyond the third are cut off.
fn parse_fraction(digits: &str) -> Option<i64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let three = digits.bytes().chain([b'0'; 2]).take(3);
    Some(three.fold(0, |millis, digit| millis * 10 + i64::from(digit - b'0')))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// From the first of March of the year 0, where the count below begins.
const DAYS_BEFORE_1970: i64 = 719_468;

/// Counts the days by years that begin in March, so that a leap day ends one.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    // 153 days in every five months from March on.
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + day_of_year - DAYS_BEFORE_1970
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_three_forms() {
        for (raw, want, why) in [
            (
                "1795337718545",
                Some(1_795_337_718_545),
                "milliseconds, as in events",
            ),
            (
                "1763800000.25",
                Some(1_763_800_000_250),
                "seconds, as in answers",
            ),
            ("1763800000", Some(1_763_800_000_000), "whole seconds"),
            ("1.7638e9", Some(1_763_800_000_000), "an exponent"),
            (
                "99999999999",
                Some(99_999_999_999_000),
                "the last number of seconds",
            ),
            (
                "100000000000",
                Some(100_000_000_000),
                "the first number of milliseconds",
            ),
            ("0", Some(0), "the beginning"),
            ("\"1970-01-01T00:00:00Z\"", Some(0), "the beginning as text"),
            (
                "\"2026-11-23T07:15:00.123Z\"",
                Some(1_795_418_100_123),
                "milliseconds",
            ),
            (
                "\"2026-11-23T07:15:00.123999999Z\"",
                Some(1_795_418_100_123),
                "nanoseconds",
            ),
            (
                "\"2026-11-23t07:15:00.1z\"",
                Some(1_795_418_100_100),
                "lower case, a tenth",
            ),
            (
                "\"2026-11-23 08:15:00+01:00\"",
                Some(1_795_418_100_000),
                "an offset",
            ),
            (
                "\"2026-11-22T23:45:00-07:30\"",
                Some(1_795_418_100_000),
                "an offset west",
            ),
            (
                "\"2024-02-29T00:00:00Z\"",
                Some(1_709_164_800_000),
                "a leap day",
            ),
            (
                "\"2000-02-29T00:00:00Z\"",
                Some(951_782_400_000),
                "a leap day of a century",
            ),
            (
                "\"2016-12-31T23:59:60Z\"",
                Some(1_483_228_800_000),
                "a leap second",
            ),
        ] {
            assert_eq!(
                UnixMillis::from_json(raw),
                want.map(UnixMillis),
                "{why}: {raw}"
            );
        }
    }

    #[test]
    fn a_whole_number_is_the_same_read_at_once() {
        for number in [
            0,
            1,
            99_999_999_999,
            100_000_000_000,
            253_402_300_799_999,
            253_402_300_800_000,
            999_999_999_999_999,
        ] {
            let json = number.to_string();
            assert_eq!(
                UnixMillis::from_whole_number(number),
                UnixMillis::from_json(&json),
                "{number}"
            );
        }
    }

    #[test]
    fn a_bad_moment_is_none() {
        for (raw, why) in [
            ("-1", "before 1970"),
            ("1e300", "beyond all calendars"),
            ("1e999", "beyond f64"),
            ("true", "another type"),
            ("null", "nothing"),
            ("{}", "an object"),
            ("\"\"", "empty"),
            ("\"now\"", "a word"),
            ("\"1763800000\"", "a number as text"),
            ("\"1969-12-31T23:59:59Z\"", "before 1970"),
            ("\"2026-02-29T00:00:00Z\"", "no leap year"),
            ("\"1900-02-29T00:00:00Z\"", "a century is no leap year"),
            ("\"2026-13-01T00:00:00Z\"", "month 13"),
            ("\"2026-00-01T00:00:00Z\"", "month 0"),
            ("\"2026-11-31T00:00:00Z\"", "day 31 of 30"),
            ("\"2026-11-00T00:00:00Z\"", "day 0"),
            ("\"2026-11-23T24:00:00Z\"", "hour 24"),
            ("\"2026-11-23T07:60:00Z\"", "minute 60"),
            ("\"2026-11-23T07:15:61Z\"", "second 61"),
            ("\"2026-11-23T07:15:00\"", "no zone"),
            ("\"2026-11-23T07:15:00.Z\"", "a point and nothing"),
            ("\"2026-11-23T07:15:00.1x2Z\"", "letters in the fraction"),
            ("\"2026-11-23T07:15:00+0100\"", "an offset without colon"),
            ("\"2026-11-23T07:15:00+24:00\"", "an offset of a day"),
            ("\"+026-11-23T07:15:00Z\"", "a sign in the year"),
            ("\"2026-11-23-01T07:15:00Z\"", "a field too many"),
            ("\"é026-11-23T07:15:00é\"", "not ASCII"),
        ] {
            assert_eq!(UnixMillis::from_json(raw), None, "{why}: {raw}");
        }
    }
}
