//! Values of the command line, parsed once.

use std::{str::FromStr, time::Duration};

use durable_trace_local::Clock;

/// How `serve` lets time pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ClockChoice {
    /// Service time runs this many times as fast as real time.
    Factor(f64),
    /// As it is.
    Real,
    /// Straight to the next timer whenever nothing runs.
    Skip,
}

impl From<ClockChoice> for Clock {
    fn from(choice: ClockChoice) -> Self {
        match choice {
            ClockChoice::Factor(factor) => Self::Factor(factor),
            ClockChoice::Real => Self::Real,
            ClockChoice::Skip => Self::Skip,
        }
    }
}

impl FromStr for ClockChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected real, skip, or a factor above 0 such as 60";
        match text {
            "real" => Ok(Self::Real),
            "skip" => Ok(Self::Skip),
            _ => {
                let factor: f64 = text.parse().map_err(|_| EXPECTED)?;
                if factor.is_finite() && factor > 0.0 {
                    Ok(Self::Factor(factor))
                } else {
                    Err(EXPECTED)
                }
            }
        }
    }
}

/// A function's name and the words of the command that starts it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct FunctionCommand {
    /// What callers invoke.
    pub(crate) name: String,
    /// The program, by path or looked up in `PATH`.
    pub(crate) program: String,
    /// Its arguments.
    pub(crate) args: Vec<String>,
}

impl FromStr for FunctionCommand {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, command) = text
            .split_once('=')
            .ok_or("expected NAME=COMMAND, such as order=./bootstrap")?;
        // https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
        let is_name_byte = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(is_name_byte) {
            return Err(format!(
                "{name:?} is no function name: expected 1 to 64 letters, digits, - and _"
            ));
        }
        let words = shell_words::split(command)
            .map_err(|e| format!("the command of {name} does not split into words: {e}"))?;
        let mut words = words.into_iter();
        let program = words
            .next()
            .filter(|program| !program.is_empty())
            .ok_or_else(|| format!("{name} has no command"))?;
        Ok(Self {
            name: name.to_owned(),
            program,
            args: words.collect(),
        })
    }
}

/// Text that is a JSON object.
#[derive(Clone, Debug)]
pub(crate) struct JsonText(String);

impl JsonText {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for JsonText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_object = text.trim_ascii_start().starts_with('{');
        match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) if is_object => Ok(Self(text.to_owned())),
            Ok(_) => Err("expected a JSON object".to_owned()),
            Err(error) => Err(format!("expected a JSON object: {error}")),
        }
    }
}

/// Parses a positive time: a whole number of seconds, or one with `ms`, `s`, `m`, `h` or `d` behind it.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("{text:?} is no time: expected such as 30, 30s, 500ms, 5m, 2h or 1d");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| expected())?;
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(expected()),
    };
    match number.checked_mul(unit_ms) {
        Some(0) => Err("the time must be above 0".to_owned()),
        Some(ms) => Ok(Duration::from_millis(ms)),
        None => Err(expected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_words_or_factors() {
        for (text, want, why) in [
            ("real", Some(ClockChoice::Real), "a word"),
            ("skip", Some(ClockChoice::Skip), "a word"),
            ("60", Some(ClockChoice::Factor(60.0)), "a factor"),
            ("0.5", Some(ClockChoice::Factor(0.5)), "slower than real"),
            ("0", None, "time must pass"),
            ("-1", None, "time runs forward"),
            ("inf", None, "that is skip's business"),
            ("NaN", None, "not a number"),
            ("fast", None, "unknown word"),
            ("", None, "nothing"),
        ] {
            assert_eq!(text.parse().ok(), want, "{why}: {text:?}");
        }
    }

    #[test]
    fn commands_split_like_a_shell_does() {
        let command = |text: &str| {
            let c: FunctionCommand = text.parse().ok()?;
            Some((c.name, c.program, c.args.join("|")))
        };
        let some = |n: &str, p: &str, a: &str| Some((n.into(), p.into(), a.into()));
        for (text, want, why) in [
            (
                "f=./bootstrap",
                some("f", "./bootstrap", ""),
                "no arguments",
            ),
            (
                "f=python3 -m 'a b' x=y",
                some("f", "python3", "-m|a b|x=y"),
                "quotes, and = in the command",
            ),
            ("f", None, "no command"),
            ("f=", None, "empty command"),
            ("f=''", None, "an empty program"),
            ("=./b", None, "no name"),
            ("a b=./b", None, "a blank in the name"),
            ("f='open", None, "an open quote"),
        ] {
            assert_eq!(command(text), want, "{why}: {text:?}");
        }
    }

    #[test]
    fn durations_are_positive_and_have_units() {
        for (text, want_ms, why) in [
            ("30", Some(30_000), "seconds when no unit is given"),
            ("30s", Some(30_000), "seconds"),
            ("500ms", Some(500), "milliseconds"),
            ("5m", Some(300_000), "minutes"),
            ("2h", Some(7_200_000), "hours"),
            ("1d", Some(86_400_000), "days"),
            ("0", None, "nothing could run"),
            ("-5", None, "a sign"),
            ("5 s", None, "a blank"),
            ("s", None, "no number"),
            ("5w", None, "unknown unit"),
            ("18446744073709551615d", None, "too large"),
        ] {
            let got = parse_duration(text).ok().map(|d| d.as_millis());
            assert_eq!(got, want_ms, "{why}: {text:?}");
        }
    }

    #[test]
    fn headers_must_be_a_json_object() {
        for (text, good, why) in [
            ("{}", true, "empty is an object"),
            (" {\"a\":1}", true, "blanks before it"),
            ("[]", false, "an array"),
            ("{", false, "cut off"),
            ("", false, "nothing"),
        ] {
            assert_eq!(text.parse::<JsonText>().is_ok(), good, "{why}: {text:?}");
        }
    }
}
