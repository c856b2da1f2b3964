//! The only reader of the environment.

use std::sync::OnceLock;
use std::time::Duration;

use durable_trace_wire::{CarrierRules, CheckpointStyles, HeaderStyle};

use crate::contract::variables;
use crate::diagnosis::{Clash, clashes, unknown, unusable_of_the_tracer};
use crate::handover::InvokeTargets;
use crate::health::{About, ErrorType, Location, count, warn_once};
use crate::logging::{ReplayedLogs, has_other_directives};
use crate::plan::ReplayedSpans;
use crate::warning::Warning;

/// How a checkpoint reaches the log.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum CheckpointMode {
    /// By a call of our own, after the handler has suspended and before the response.
    ///
    /// Always written, but its answer can deliver the completion that the function sleeps on, and the service then refuses the
    /// suspension: see the README.
    Call,
    /// Not at all: every invocation comes to the same trace by itself, under the caller's span, or else under an anchor that follows
    /// from the execution's ARN and is the id of no span.
    ///
    /// No operation, no request. It gives up what only a checkpoint can carry: a trace that goes on in another language, a sampling
    /// decision that changes at run time, a caller that is known from Lambda's client context or X-Ray alone.
    None,
    /// In a request that the SDK sends anyway.
    #[default]
    Ride,
}

/// How a resumed invocation relates to the execution's first.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Continuity {
    /// A trace of its own with a span link to the first, for executions that outlive the backend's retention.
    Link,
    /// Under the first, in its trace.
    #[default]
    Parent,
}

/// What an execution looks like: which spans it makes, and how they hang together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum View {
    /// Datadog's: a span for each invocation, and in it one for each operation or attempt.
    #[default]
    Datadog,
    /// AWS's execution view: one span for the whole execution, and in it one for each operation over its whole life.
    ///
    /// Needs a [`DurableTracerProvider`](crate::DurableTracerProvider).
    Execution,
    /// AWS's invocation view: a span for each invocation, and in it a segment of each operation that it did something for.
    ///
    /// Needs a [`DurableTracerProvider`](crate::DurableTracerProvider).
    Invocation,
}

impl View {
    /// The word for it in `DURABLE_TRACE_VIEW`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Datadog => "datadog",
            Self::Execution => "execution",
            Self::Invocation => "invocation",
        }
    }
}

/// What the environment says, with the defaults filled in.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "one field a variable")]
pub(crate) struct Environment {
    pub(crate) carriers: CarrierRules,
    pub(crate) checkpoint_budget: Duration,
    pub(crate) checkpoint_mode: CheckpointMode,
    pub(crate) checkpoint_styles: CheckpointStyles,
    pub(crate) continuity: Continuity,
    pub(crate) cross_invocation: bool,
    pub(crate) enabled: bool,
    pub(crate) env: Option<String>,
    pub(crate) error_messages: bool,
    pub(crate) flush_budget: Duration,
    /// Invocations that this process may serve at once; above 1 it is never frozen.
    pub(crate) concurrency: u32,
    pub(crate) function_name: Option<String>,
    pub(crate) invoke_targets: InvokeTargets,
    pub(crate) json_logs: bool,
    pub(crate) log_level: Option<String>,
    /// Whether log lines get Datadog's ids.
    pub(crate) logs_injection: bool,
    pub(crate) rust_log: Option<String>,
    pub(crate) max_age: Option<Duration>,
    /// Styles are to be read that only the tracer knows.
    pub(crate) other_styles: bool,
    pub(crate) replayed_logs: ReplayedLogs,
    pub(crate) replayed_spans: ReplayedSpans,
    pub(crate) service: Option<String>,
    pub(crate) suspended_spans: bool,
    pub(crate) tags_max_length: usize,
    /// The level at which the tracer speaks, if the user has set one.
    pub(crate) tracer_log_level: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) view: View,
    pub(crate) warnings: bool,
    /// Variables with an unusable value: name, value expected.
    bad: Vec<(&'static str, &'static str)>,
    /// The same of the tracer that is made from `DD_*`.
    bad_of_the_tracer: Vec<(&'static str, &'static str)>,
    /// Variables that contradict each other.
    clashes: Vec<Clash>,
    /// Names of the variables that are set and that somebody here may read, so that our defaults do not overrule them.
    set: Vec<String>,
}

impl Environment {
    /// Whether the user has set the variable.
    #[cfg_attr(
        not(feature = "datadog"),
        expect(dead_code, reason = "asked where Datadog's tracer is set up")
    )]
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.set.iter().any(|set| set == name)
    }

    /// What is wrong with the variables. `own_tracer` says whether the tracer made from `DD_*` is in use, `own_subscriber` whether
    /// the log lines are chosen by us.
    fn findings(&self, own_tracer: bool, own_subscriber: bool) -> Vec<Warning> {
        let pairs: Vec<_> = self
            .clashes
            .iter()
            .filter(|clash| own_tracer || !clash.of_the_tracer)
            .map(|clash| clash.pair)
            .collect();
        let mut unusable = self.bad.clone();
        if own_tracer {
            unusable.extend(&self.bad_of_the_tracer);
        }
        if own_subscriber && self.rust_log.as_deref().is_some_and(has_other_directives) {
            unusable.push((
                "RUST_LOG",
                "levels by target, such as warn,my_crate=debug, and those count; for spans and fields set a subscriber of your own with durable_trace::layer()",
            ));
        }
        let unusable = (!unusable.is_empty()).then_some(Warning::UnusableVariable(unusable));
        let contradiction = (!pairs.is_empty()).then_some(Warning::Contradiction(pairs));
        [unusable, unknown(&self.set), contradiction]
            .into_iter()
            .flatten()
            .collect()
    }

    pub(crate) fn read(lookup: impl Fn(&str) -> Option<String>, set: Vec<String>) -> Self {
        let mut bad = Vec::new();
        let read = |name: &'static str, expected: &'static str| Variable {
            text: lookup(name),
            name,
            expected,
        };
        let checkpoint_budget = read(variables::CHECKPOINT_BUDGET_MS, "milliseconds, such as 250");
        let checkpoint_mode = read(variables::CHECKPOINT_MODE, "ride, call or none");
        let checkpoint_styles = read(
            variables::CHECKPOINT_STYLE,
            "datadog, datadog,tracecontext or datadog,tracecontext,baggage",
        );
        let cross_invocation = read(variables::CROSS_INVOCATION_TRACING, "true or false");
        let continuity = read(variables::CONTINUITY, "parent or link");
        let max_age = read(variables::MAX_AGE, "an age, such as 36h or 15d");
        let logs_injection = read(variables::LOGS_INJECTION, "true or false");
        let replayed_logs = read(variables::REPLAYED_LOGS, "omit or emit");
        let replayed_spans = read(variables::REPLAYED_SPANS, "omit or emit");
        let suspended_spans = read(variables::SUSPENDED_SPANS, "true or false");
        let decode_authorizer = read(variables::DECODE_AUTHORIZER, "true or false");
        let merge_xray = read(variables::MERGE_XRAY, "true or false");
        let styles = lookup(variables::EXTRACT_STYLES).or_else(|| lookup(variables::STYLES));
        let (styles, other_styles) = parse_extract_styles(styles.as_deref());
        let enabled = read(variables::TRACE_ENABLED, "true or false");
        let error_messages = read(variables::ERROR_MESSAGES, "true or false");
        let flush_budget = read(variables::FLUSH_BUDGET_MS, "milliseconds, such as 500");
        let tags_max_length = read(
            variables::TAGS_MAX_LENGTH,
            "a number of characters, such as 512",
        );
        let view = read(variables::VIEW, "datadog, execution or invocation");
        let warnings = read(variables::WARNINGS, "true or false");
        Self {
            carriers: CarrierRules {
                styles,
                decode_authorizer: decode_authorizer
                    .parse(&mut bad, parse_bool)
                    .unwrap_or(true),
                merge_xray: merge_xray.parse(&mut bad, parse_bool).unwrap_or(false),
            },
            checkpoint_budget: checkpoint_budget
                .parse(&mut bad, parse_millis)
                .unwrap_or(Duration::from_millis(250)),
            checkpoint_mode: checkpoint_mode
                .parse(&mut bad, parse_mode)
                .unwrap_or_default(),
            checkpoint_styles: checkpoint_styles
                .parse(&mut bad, CheckpointStyles::parse)
                .unwrap_or(CheckpointStyles::Datadog),
            continuity: continuity
                .parse(&mut bad, parse_continuity)
                .unwrap_or_default(),
            cross_invocation: cross_invocation.parse(&mut bad, parse_bool).unwrap_or(true),
            enabled: enabled.parse(&mut bad, parse_bool).unwrap_or(true),
            env: lookup("DD_ENV").filter(|env| !env.is_empty()),
            error_messages: error_messages.parse(&mut bad, parse_bool).unwrap_or(true),
            flush_budget: flush_budget
                .parse(&mut bad, parse_millis)
                .unwrap_or(Duration::from_millis(500)),
            concurrency: lookup("AWS_LAMBDA_MAX_CONCURRENCY")
                .and_then(|text| text.parse().ok())
                .unwrap_or(1),
            function_name: lookup("AWS_LAMBDA_FUNCTION_NAME"),
            invoke_targets: lookup(variables::INVOKE_TARGETS)
                .map_or_else(InvokeTargets::default, |text| InvokeTargets::parse(&text)),
            json_logs: lookup("AWS_LAMBDA_LOG_FORMAT")
                .is_some_and(|format| format.eq_ignore_ascii_case("json")),
            log_level: lookup("AWS_LAMBDA_LOG_LEVEL"),
            logs_injection: logs_injection.parse(&mut bad, parse_bool).unwrap_or(true),
            rust_log: lookup("RUST_LOG"),
            max_age: max_age.parse(&mut bad, parse_age),
            other_styles,
            replayed_logs: replayed_logs
                .parse(&mut bad, parse_replayed_logs)
                .unwrap_or_default(),
            replayed_spans: replayed_spans
                .parse(&mut bad, parse_replayed_spans)
                .unwrap_or_default(),
            service: lookup("DD_SERVICE"),
            suspended_spans: suspended_spans.parse(&mut bad, parse_bool).unwrap_or(false),
            tags_max_length: tags_max_length
                .parse(&mut bad, |text| text.parse().ok())
                .unwrap_or(512),
            tracer_log_level: lookup("DD_LOG_LEVEL"),
            version: lookup("DD_VERSION").filter(|version| !version.is_empty()),
            view: view.parse(&mut bad, parse_view).unwrap_or_default(),
            warnings: warnings.parse(&mut bad, parse_bool).unwrap_or(true),
            bad,
            bad_of_the_tracer: unusable_of_the_tracer(&lookup),
            clashes: clashes(&lookup),
            set,
        }
    }
}

struct Variable {
    text: Option<String>,
    name: &'static str,
    expected: &'static str,
}

impl Variable {
    fn parse<T>(
        self,
        bad: &mut Vec<(&'static str, &'static str)>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let parsed = parse(self.text.as_deref()?);
        if parsed.is_none() {
            bad.push((self.name, self.expected));
        }
        parsed
    }
}

/// The words that ddtrace takes for a boolean.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" => Some(true),
        "" | "0" | "false" => Some(false),
        _ => None,
    }
}

fn parse_millis(text: &str) -> Option<Duration> {
    text.parse().ok().map(Duration::from_millis)
}

/// Seconds, or a number with the unit `s`, `m`, `h` or `d`.
fn parse_age(text: &str) -> Option<Duration> {
    let (digits, seconds) = match text.char_indices().last()? {
        (unit, 's') => (text.get(..unit)?, 1),
        (unit, 'm') => (text.get(..unit)?, 60),
        (unit, 'h') => (text.get(..unit)?, 3_600),
        (unit, 'd') => (text.get(..unit)?, 86_400),
        _ => (text, 1),
    };
    digits
        .parse::<u64>()
        .ok()?
        .checked_mul(seconds)
        .map(Duration::from_secs)
}

/// The styles that are read, in order, and whether there are others, which the tracer reads. Baggage carries no context.
fn parse_extract_styles(list: Option<&str>) -> (Vec<HeaderStyle>, bool) {
    let list = list.unwrap_or("datadog,tracecontext");
    let ours_or_none = ["datadog", "tracecontext", "baggage", "none", ""];
    let names = list.split(',').map(str::trim);
    let others = names
        .filter(|name| {
            !ours_or_none
                .iter()
                .any(|ours| ours.eq_ignore_ascii_case(name))
        })
        .count();
    (HeaderStyle::parse_list(list), others > 0)
}

fn parse_view(text: &str) -> Option<View> {
    let views = [View::Datadog, View::Execution, View::Invocation];
    views.into_iter().find(|view| view.as_str() == text)
}

fn parse_continuity(text: &str) -> Option<Continuity> {
    match text {
        "link" => Some(Continuity::Link),
        "parent" => Some(Continuity::Parent),
        _ => None,
    }
}

fn parse_replayed_logs(text: &str) -> Option<ReplayedLogs> {
    match text {
        "emit" => Some(ReplayedLogs::Emit),
        "omit" => Some(ReplayedLogs::Omit),
        _ => None,
    }
}

fn parse_replayed_spans(text: &str) -> Option<ReplayedSpans> {
    match text {
        "emit" => Some(ReplayedSpans::Emit),
        "omit" => Some(ReplayedSpans::Omit),
        _ => None,
    }
}

fn parse_mode(text: &str) -> Option<CheckpointMode> {
    match text {
        "call" => Some(CheckpointMode::Call),
        "none" => Some(CheckpointMode::None),
        "ride" => Some(CheckpointMode::Ride),
        _ => None,
    }
}

/// The environment as it was at first sight; it does not change while a process lives.
pub(crate) fn environment() -> &'static Environment {
    static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        Environment::read(
            |name| std::env::var(name).ok(),
            set.filter(|name| is_read(name)).collect(),
        )
    })
}

/// Whether a variable of this name may mean something here.
fn is_read(name: &str) -> bool {
    ["DD_", "DURABLE_TRACE_", "OTEL_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// What is wrong with variables that are not this process's own.
pub(crate) fn findings_in(variables: &[(String, String)]) -> Vec<Warning> {
    let lookup = |name: &str| {
        let found = variables.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.clone())
    };
    let set = variables.iter().map(|(name, _)| name.clone()).collect();
    Environment::read(lookup, set).findings(true, false)
}

/// Says what is wrong with the variables. `own_tracer` says whether the tracer made from `DD_*` is in use, `own_subscriber` whether
/// the subscriber is the one that `run` installs.
pub(crate) fn report_variables(own_tracer: bool, own_subscriber: bool) {
    for (name, expected) in &environment().bad {
        count(
            Location::Setup,
            ErrorType::Malformed,
            &About {
                cause: Some(name),
                ..About::default()
            },
        );
        tracing::debug!(target: "durable_trace", variable = name, expected, "unusable value; the default is in force");
    }
    for warning in environment().findings(own_tracer, own_subscriber) {
        warn_once(&warning);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Environment {
        let find = |name: &str| {
            variables
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Environment::read(find, Vec::new())
    }

    #[test]
    fn defaults_are_in_force_where_nothing_is_set() {
        let environment = read(&[]);
        assert_eq!(environment.checkpoint_budget, Duration::from_millis(250));
        assert_eq!(environment.checkpoint_mode, CheckpointMode::Ride);
        assert_eq!(environment.checkpoint_styles, CheckpointStyles::Datadog);
        assert_eq!(environment.flush_budget, Duration::from_millis(500));
        assert_eq!(environment.tags_max_length, 512);
        assert_eq!(environment.continuity, Continuity::Parent);
        assert_eq!(environment.carriers, CarrierRules::default());
        assert!(!environment.other_styles);
        assert_eq!(environment.replayed_spans, ReplayedSpans::Omit);
        assert_eq!(environment.replayed_logs, ReplayedLogs::Emit);
        assert!(environment.logs_injection && environment.env.is_none());
        assert!(environment.max_age.is_none() && !environment.suspended_spans);
        assert_eq!(environment.concurrency, 1);
        assert!(environment.cross_invocation && environment.enabled && environment.warnings);
        assert!(environment.bad.is_empty() && environment.error_messages);
    }

    #[test]
    fn each_variable_changes_what_it_says() {
        let environment = read(&[
            (variables::CHECKPOINT_BUDGET_MS, "7"),
            (variables::CHECKPOINT_MODE, "call"),
            (variables::CHECKPOINT_STYLE, "datadog, tracecontext"),
            (variables::CROSS_INVOCATION_TRACING, "False"),
            (variables::TRACE_ENABLED, "0"),
            (variables::FLUSH_BUDGET_MS, "9"),
            (variables::TAGS_MAX_LENGTH, "64"),
            (variables::WARNINGS, "false"),
            (variables::CONTINUITY, "link"),
            (variables::DECODE_AUTHORIZER, "false"),
            (variables::MERGE_XRAY, "true"),
            (variables::EXTRACT_STYLES, "b3, tracecontext"),
            (variables::MAX_AGE, "2d"),
            (variables::REPLAYED_SPANS, "emit"),
            (variables::REPLAYED_LOGS, "omit"),
            (variables::LOGS_INJECTION, "false"),
            ("DD_ENV", "test"),
            ("DD_VERSION", "1"),
            (variables::SUSPENDED_SPANS, "true"),
            (variables::ERROR_MESSAGES, "false"),
            ("AWS_LAMBDA_MAX_CONCURRENCY", "4"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ]);
        assert_eq!(environment.checkpoint_budget, Duration::from_millis(7));
        assert_eq!(environment.checkpoint_mode, CheckpointMode::Call);
        assert_eq!(environment.continuity, Continuity::Link);
        assert_eq!(environment.carriers.styles, [HeaderStyle::TraceContext]);
        assert!(environment.other_styles && environment.carriers.merge_xray);
        assert!(!environment.carriers.decode_authorizer);
        assert_eq!(environment.max_age, Some(Duration::from_hours(48)));
        assert_eq!(environment.replayed_spans, ReplayedSpans::Emit);
        assert_eq!(environment.replayed_logs, ReplayedLogs::Omit);
        assert!(!environment.logs_injection);
        assert_eq!(
            (environment.env.as_deref(), environment.version.as_deref()),
            (Some("test"), Some("1"))
        );
        assert!(environment.suspended_spans && !environment.error_messages);
        assert_eq!(
            environment.checkpoint_styles,
            CheckpointStyles::DatadogAndTraceContext
        );
        assert!(!environment.cross_invocation && !environment.enabled && !environment.warnings);
        assert_eq!(
            (environment.flush_budget, environment.tags_max_length),
            (Duration::from_millis(9), 64)
        );
        assert!(environment.concurrency == 4 && environment.json_logs);
    }

    #[test]
    fn what_is_wrong_with_variables_is_told_by_kind() {
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let variables = [
            set(variables::CHECKPOINT_MODE, "swim"),
            set("DURABLE_TRACE_CONTINUTY", "link"),
            set("DD_SERVICE", "a"),
            set("OTEL_SERVICE_NAME", "b"),
        ];
        let names = |own_tracer| {
            let lookup = |name: &str| {
                let found = variables.iter().find(|(own, _)| own == name);
                found.map(|(_, value)| value.clone())
            };
            let set = variables.iter().map(|(name, _)| name.clone()).collect();
            let findings = Environment::read(lookup, set).findings(own_tracer, false);
            findings.iter().map(Warning::name).collect::<Vec<_>>()
        };
        assert_eq!(
            names(true),
            ["unusable-variable", "unknown-variable", "contradiction"]
        );
        assert_eq!(
            names(false),
            ["unusable-variable", "unknown-variable"],
            "a tracer of the user's reads what it likes"
        );
        assert_eq!(findings_in(&variables).len(), 3);
    }

    /// Each as `guide/configuration.md` has it: that it is there, and that its default is what is in force where it is not set.
    #[test]
    fn the_guide_has_each_variable_with_its_default() {
        let table = include_str!("../guide/configuration.md");
        let (_, names) = include_str!("contract.rs")
            .split_once("pub mod variables {")
            .unwrap();
        let names = names.lines().filter_map(|line| {
            let (_, name) = line.split_once("&str = \"")?;
            name.strip_suffix("\";")
        });
        let mut seen = 0;
        for name in names {
            let row = table
                .lines()
                .find(|line| line.starts_with(&format!("| `{name}` |")))
                .unwrap_or_else(|| panic!("guide/configuration.md lacks {name}"));
            let default = row.split(" | ").nth(2).unwrap();
            let environment = match default.strip_prefix('`') {
                Some(value) => read(&[(name, value.trim_end_matches('`'))]),
                None => read(&[]),
            };
            let has_none = [variables::INVOKE_TARGETS, variables::MAX_AGE].contains(&name);
            assert_eq!(default == "none", has_none, "{name}: {default}");
            assert_eq!(environment, read(&[]), "{name}: {default}");
            seen += 1;
        }
        assert!(seen > 15, "{seen}");
    }

    #[test]
    fn a_filter_that_is_not_understood_is_told_of_where_it_is_ours() {
        let environment = read(&[("RUST_LOG", "warn,[payment]=debug")]);
        let names = |own_subscriber| {
            let findings = environment.findings(true, own_subscriber);
            findings.iter().map(Warning::name).collect::<Vec<_>>()
        };
        assert_eq!(names(true), ["unusable-variable"]);
        assert_eq!(
            names(false),
            [""; 0],
            "the user's own subscriber reads what it likes"
        );
    }

    #[test]
    fn an_age_is_seconds_or_has_a_unit() {
        for (text, want) in [
            ("90", Some(90)),
            ("90s", Some(90)),
            ("2m", Some(120)),
            ("1h", Some(3_600)),
            ("3d", Some(259_200)),
            ("", None),
            ("h", None),
            ("-1h", None),
            ("1 h", None),
            ("99999999999999999999d", None),
            ("213503982334602d", None),
            ("1é", None),
        ] {
            assert_eq!(parse_age(text), want.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn an_unusable_value_leaves_the_default_and_is_named() {
        for (name, value) in [
            (variables::CHECKPOINT_BUDGET_MS, "-1"),
            (variables::CHECKPOINT_MODE, "swim"),
            (variables::CHECKPOINT_STYLE, "b3"),
            (variables::TRACE_ENABLED, "maybe"),
            (variables::CONTINUITY, "both"),
            (variables::MAX_AGE, "soon"),
            (variables::REPLAYED_SPANS, "some"),
            (variables::REPLAYED_LOGS, "true"),
            (variables::LOGS_INJECTION, "yes please"),
            (variables::TAGS_MAX_LENGTH, "long"),
            (variables::ERROR_MESSAGES, "no"),
            (variables::VIEW, "aws"),
        ] {
            let environment = read(&[(name, value)]);
            let names: Vec<_> = environment.bad.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, [name], "{value}");
            assert_eq!(
                Environment {
                    bad: Vec::new(),
                    ..environment
                },
                read(&[]),
                "{name}"
            );
        }
    }
}
