//! The only reader of the environment.

mod values;

use std::sync::OnceLock;
use std::time::Duration;

use durable_trace_wire::{CarrierRules, CheckpointStyles};

pub(crate) use self::values::parse_bool;
use self::values::{
    Variable, parse_age, parse_continuity, parse_extract_styles, parse_millis, parse_mode,
    parse_replayed_logs, parse_replayed_spans, parse_view,
};
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
mod tests;
