//! Variables that mean nothing, or that contradict each other.

use crate::config;
use crate::contract::variables as names;
use crate::warning::{Contradiction, Warning};

/// What a name of ours begins with.
const PREFIX: &str = "DURABLE_TRACE_";

/// The settings with our prefix.
const SETTINGS: [&str; 13] = [
    names::CHECKPOINT_BUDGET_MS,
    names::CHECKPOINT_MODE,
    names::CHECKPOINT_STYLE,
    names::CONTINUITY,
    names::ERROR_MESSAGES,
    names::FLUSH_BUDGET_MS,
    names::INVOKE_TARGETS,
    names::MAX_AGE,
    names::REPLAYED_LOGS,
    names::REPLAYED_SPANS,
    names::SUSPENDED_SPANS,
    names::VIEW,
    names::WARNINGS,
];

/// What else has it: what the program `serve` prints, and what the project's own tests go by.
const OTHERS: [&str; 3] = [
    "DURABLE_TRACE_INVOKE_ENDPOINT",
    "DURABLE_TRACE_SHARED",
    "DURABLE_TRACE_TEST_ROLE",
];

/// A name is taken for a misspelling of another at this distance or less.
const NEAR: usize = 8;

/// Judges variables by their names and values, as the library does at its start.
pub fn of_variables(variables: &[(String, String)]) -> Vec<Warning> {
    config::findings_in(variables)
}

/// Names of our name space that mean nothing.
pub(crate) fn unknown(set: &[String]) -> Option<Warning> {
    let is_known = |name: &str| SETTINGS.contains(&name) || OTHERS.contains(&name);
    let unknown = set
        .iter()
        .filter(|name| name.starts_with(PREFIX) && !is_known(name));
    let mut named: Vec<_> = unknown.map(|name| (name.clone(), nearest(name))).collect();
    named.sort();
    (!named.is_empty()).then_some(Warning::UnknownVariable(named))
}

/// The setting that is most likely meant: one that ends in the same word, as where a part was left out, or one a few letters away.
fn nearest(name: &str) -> Option<&'static str> {
    let own = name.strip_prefix(PREFIX).filter(|own| !own.is_empty());
    let ends_so = |known: &&&str| {
        let ending = own.and_then(|own| known.strip_suffix(own));
        ending.is_some_and(|rest| rest.ends_with('_'))
    };
    if let Some(known) = SETTINGS.iter().find(ends_so) {
        return Some(*known);
    }
    let (distance, known) = SETTINGS
        .iter()
        .map(|known| (distance(name, known), *known))
        .min()?;
    (distance <= NEAR).then_some(known)
}

/// How many letters have to be put in, taken out or changed to come from one to the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (done, own) in from.chars().enumerate() {
        let mut diagonal = done;
        let mut left = done + 1;
        let mut next = vec![left];
        for (other, above) in to.chars().zip(row.iter().skip(1).copied()) {
            let changed = diagonal + usize::from(own != other);
            left = changed.min(left + 1).min(above + 1);
            diagonal = above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// A variable that the tracer made from `DD_*` reads, what is expected there, and whether a value is that.
type OfTheTracer = (&'static str, &'static str, fn(&str) -> bool);

/// Those whose values can be told to be wrong from outside the tracer.
const OF_THE_TRACER: [OfTheTracer; 9] = [
    ("DD_INSTRUMENTATION_TELEMETRY_ENABLED", BOOLEAN, is_boolean),
    ("DD_REMOTE_CONFIGURATION_ENABLED", BOOLEAN, is_boolean),
    ("DD_TRACE_AGENT_PORT", "a port, such as 8126", |text| {
        text.parse::<u16>().is_ok()
    }),
    ("DD_TRACE_PARTIAL_FLUSH_ENABLED", BOOLEAN, is_boolean),
    ("DD_TRACE_PARTIAL_FLUSH_MIN_SPANS", "a number", |text| {
        text.parse::<u64>().is_ok()
    }),
    ("DD_TRACE_RATE_LIMIT", "a number", |text| {
        text.parse::<f64>().is_ok()
    }),
    ("DD_TRACE_SAMPLE_RATE", "a rate from 0 to 1", |text| {
        text.parse().is_ok_and(|rate| (0.0..=1.0).contains(&rate))
    }),
    ("DD_TRACE_SAMPLING_RULES", "a JSON array", |text| {
        serde_json::from_str::<Vec<serde::de::IgnoredAny>>(text).is_ok()
    }),
    ("DD_TRACE_STATS_COMPUTATION_ENABLED", BOOLEAN, is_boolean),
];

const BOOLEAN: &str = "true or false";

fn is_boolean(text: &str) -> bool {
    config::parse_bool(text).is_some()
}

/// Variables of the tracer's with an unusable value.
pub(crate) fn unusable_of_the_tracer(
    variable: &dyn Fn(&str) -> Option<String>,
) -> Vec<(&'static str, &'static str)> {
    OF_THE_TRACER
        .iter()
        .filter(|(name, _, is_usable)| {
            let text = variable(name).filter(|text| !text.trim().is_empty());
            text.is_some_and(|text| !is_usable(text.trim()))
        })
        .map(|(name, expected, _)| (*name, *expected))
        .collect()
}

/// Two variables that contradict each other, and whether the tracer made from `DD_*` has to be in use for that.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Clash {
    pub(crate) pair: Contradiction,
    pub(crate) of_the_tracer: bool,
}

/// Every pair that `variable` shows to contradict each other.
pub(crate) fn clashes(variable: &dyn Fn(&str) -> Option<String>) -> Vec<Clash> {
    let filled = |name: &str| variable(name).filter(|text| !text.is_empty());
    let is = |name: &str, want: bool| {
        filled(name).and_then(|text| config::parse_bool(&text)) == Some(want)
    };
    let differs = |one: Option<String>, other: &str| {
        one.zip(filled(other))
            .is_some_and(|(one, other)| one != other)
    };
    let address = || match super::AgentAddress::parse(&filled("DD_TRACE_AGENT_URL")?).ok()? {
        super::AgentAddress::Tcp { host, port, .. } => Some((host, port.to_string())),
        super::AgentAddress::Unix(path) => Some((path, String::new())),
    };
    let unwritten = is(names::CROSS_INVOCATION_TRACING, false);
    let found = [
        (
            differs(address().map(|(host, _)| host), "DD_AGENT_HOST"),
            ("DD_TRACE_AGENT_URL", "DD_AGENT_HOST"),
            true,
        ),
        (
            differs(address().map(|(_, port)| port), "DD_TRACE_AGENT_PORT"),
            ("DD_TRACE_AGENT_URL", "DD_TRACE_AGENT_PORT"),
            true,
        ),
        (
            differs(filled("DD_SERVICE"), "OTEL_SERVICE_NAME"),
            ("DD_SERVICE", "OTEL_SERVICE_NAME"),
            true,
        ),
        (
            is("OTEL_SDK_DISABLED", true) && is(names::TRACE_ENABLED, true),
            ("DD_TRACE_ENABLED=true", "OTEL_SDK_DISABLED=true"),
            true,
        ),
        (
            is(names::TRACE_ENABLED, false) && is(names::CROSS_INVOCATION_TRACING, true),
            (
                "DD_TRACE_ENABLED=false",
                "DD_DURABLE_CROSS_INVOCATION_TRACING_ENABLED=true",
            ),
            false,
        ),
        (
            unwritten && filled(names::CHECKPOINT_MODE).is_some(),
            (
                "DD_DURABLE_CROSS_INVOCATION_TRACING_ENABLED=false",
                names::CHECKPOINT_MODE,
            ),
            false,
        ),
        (
            unwritten && filled(names::CHECKPOINT_STYLE).is_some(),
            (
                "DD_DURABLE_CROSS_INVOCATION_TRACING_ENABLED=false",
                names::CHECKPOINT_STYLE,
            ),
            false,
        ),
        (
            filled(names::CONTINUITY).as_deref() == Some("link")
                && filled(names::MAX_AGE).is_some(),
            ("DURABLE_TRACE_CONTINUITY=link", names::MAX_AGE),
            false,
        ),
        (
            filled(names::CHECKPOINT_MODE).as_deref() == Some("call")
                && filled(names::CHECKPOINT_BUDGET_MS).as_deref() == Some("0"),
            (
                "DURABLE_TRACE_CHECKPOINT_BUDGET_MS=0",
                "DURABLE_TRACE_CHECKPOINT_MODE=call",
            ),
            false,
        ),
    ];
    found
        .into_iter()
        .filter(|(clashes, ..)| *clashes)
        .map(|(_, (wins, loses), of_the_tracer)| Clash {
            pair: Contradiction { wins, loses },
            of_the_tracer,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_of_ours_is_known() {
        let contract = include_str!("../contract.rs");
        let named = contract
            .split('"')
            .filter(|text| text.starts_with(PREFIX) && !text.contains(' '));
        let missing: Vec<_> = named.filter(|name| !SETTINGS.contains(name)).collect();
        assert_eq!(missing, Vec::<&str>::new());
    }

    #[test]
    fn an_unknown_name_is_given_with_the_nearest_known() {
        for (name, want, why) in [
            ("DURABLE_TRACE_CHECKPOINT_MODE", None, "known"),
            ("DD_DURABLE_SOMETHING", None, "not of our name space"),
            (
                "DURABLE_TRACE_CHECKPOINT_MOD",
                Some(Some(names::CHECKPOINT_MODE)),
                "a letter short",
            ),
            (
                "DURABLE_TRACE_MODE",
                Some(Some(names::CHECKPOINT_MODE)),
                "a part left out",
            ),
            (
                "DURABLE_TRACE_WARNING",
                Some(Some(names::WARNINGS)),
                "a letter short",
            ),
            (
                "DURABLE_TRACE_THE_WEATHER_OF_TOMORROW",
                Some(None),
                "near to none",
            ),
        ] {
            let got = unknown(&[name.to_owned()]);
            let want =
                want.map(|nearest| Warning::UnknownVariable(vec![(name.to_owned(), nearest)]));
            assert_eq!(got, want, "{why}: {name}");
        }
    }

    #[test]
    fn a_value_that_the_tracer_cannot_use_is_named() {
        for (name, good, bad) in [
            ("DD_TRACE_AGENT_PORT", "8126", "81260"),
            ("DD_TRACE_SAMPLE_RATE", "0.5", "50"),
            ("DD_TRACE_RATE_LIMIT", "100", "many"),
            ("DD_TRACE_SAMPLING_RULES", "[{\"sample_rate\":1}]", "{"),
            ("DD_TRACE_PARTIAL_FLUSH_ENABLED", "True", "yes please"),
            ("DD_TRACE_PARTIAL_FLUSH_MIN_SPANS", "1", "-1"),
            ("DD_REMOTE_CONFIGURATION_ENABLED", "", "maybe"),
        ] {
            let named = |value: &str| {
                let found = unusable_of_the_tracer(&|own| (own == name).then(|| value.to_owned()));
                found.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
            };
            assert_eq!(named(good), Vec::<&str>::new(), "{name}={good}");
            assert_eq!(named(bad), [name], "{name}={bad}");
        }
    }

    #[test]
    fn a_contradiction_says_which_wins() {
        let off = (names::CROSS_INVOCATION_TRACING, "false");
        let url = ("DD_TRACE_AGENT_URL", "http://localhost:8126");
        for (set, want, why) in [
            (
                &[url, ("DD_AGENT_HOST", "agent")][..],
                &["DD_AGENT_HOST"][..],
                "another host",
            ),
            (&[url, ("DD_AGENT_HOST", "localhost")], &[], "the same host"),
            (
                &[url, ("DD_TRACE_AGENT_PORT", "9")],
                &["DD_TRACE_AGENT_PORT"],
                "another port",
            ),
            (
                &[("DD_SERVICE", "a"), ("OTEL_SERVICE_NAME", "b")],
                &["OTEL_SERVICE_NAME"],
                "two names",
            ),
            (
                &[("DD_SERVICE", "a"), ("OTEL_SERVICE_NAME", "a")],
                &[],
                "one name",
            ),
            (
                &[("DD_TRACE_ENABLED", "1"), ("OTEL_SDK_DISABLED", "true")],
                &["OTEL_SDK_DISABLED=true"],
                "on and off",
            ),
            (
                &[
                    ("DD_TRACE_ENABLED", "0"),
                    (names::CROSS_INVOCATION_TRACING, "1"),
                ],
                &["DD_DURABLE_CROSS_INVOCATION_TRACING_ENABLED=true"],
                "off and on",
            ),
            (
                &[off, (names::CHECKPOINT_MODE, "call")],
                &[names::CHECKPOINT_MODE],
                "not written",
            ),
            (
                &[off, (names::CHECKPOINT_STYLE, "datadog")],
                &[names::CHECKPOINT_STYLE],
                "not written",
            ),
            (
                &[(names::CONTINUITY, "link"), (names::MAX_AGE, "1d")],
                &[names::MAX_AGE],
                "all link already",
            ),
            (
                &[(names::CONTINUITY, "parent"), (names::MAX_AGE, "1d")],
                &[],
                "as it is meant",
            ),
            (
                &[
                    (names::CHECKPOINT_MODE, "call"),
                    (names::CHECKPOINT_BUDGET_MS, "0"),
                ],
                &["DURABLE_TRACE_CHECKPOINT_MODE=call"],
                "no time to call",
            ),
            (&[], &[], "nothing set"),
        ] {
            let found = clashes(&|name| {
                let found = set.iter().find(|(own, _)| *own == name);
                found.map(|(_, value)| (*value).to_owned())
            });
            let loses: Vec<_> = found.iter().map(|clash| clash.pair.loses).collect();
            assert_eq!(loses, want, "{why}: {set:?}");
        }
    }
}
