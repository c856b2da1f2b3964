//! Log lines that Datadog joins to the trace and the execution they belong to.
//!
//! [`run`](crate::run) writes the lines that `lambda_runtime` would, and adds what tells them apart. With `AWS_LAMBDA_LOG_FORMAT=JSON`,
//! members at the top level of each line:
//!
//! | member | what |
//! |---|---|
//! | `executionArn`, `requestId` | the execution and the invocation; Datadog's extension looks for them there |
//! | `dd.trace_id` | the trace: 32 lower-case hex digits, or, where it has no more than 64 bits, a decimal |
//! | `dd.span_id` | the span that is active where the line is written, as a decimal: yours, else the step's, else the execution's |
//! | `dd.service`, `dd.env`, `dd.version` | the service, as far as it is known: to the tracer made from `DD_*`, else from `DD_SERVICE` (or the function's name), `DD_ENV` and `DD_VERSION` |
//!
//! In the other format, text, the same `dd.` names stand in brackets at the end of each line that is written inside a span; the execution
//! and the invocation are among the fields of the SDK's span there anyway. The forms of ids and of the brackets are those of Datadog's
//! Python library (<https://docs.datadoghq.com/tracing/other_telemetry/connect_logs_and_traces/>).
//!
//! Nothing else of a line changes. A line that is written outside of any invocation has no ids, nor has one from a task that was
//! spawned without its span (`tracing::Instrument`). Without tracing (`DD_TRACE_ENABLED=false`), `executionArn` and `requestId` are
//! there wherever the SDK's span is. `DD_LOGS_INJECTION=false` leaves the `dd.` names out.
//!
//! # Lines of replayed work
//!
//! A handler runs from its beginning in each invocation, and so what it logs between its operations is written again each time, up to
//! the work that is new. With `DURABLE_TRACE_REPLAYED_LOGS=omit`, or [`ReplayedLogs::Omit`], such lines are left out. See there for
//! what is taken for replayed.
//!
//! # With a subscriber of your own
//!
//! [`layer`] is the same as a layer, and [`Lines`] has its settings.
//!
//! ```
//! use durable_trace::logging::{self, ReplayedLogs};
//! use tracing_subscriber::layer::SubscriberExt as _;
//!
//! let subscriber = tracing_subscriber::registry()
//!     .with(durable_trace::layer())
//!     .with(logging::Lines::new().replayed(ReplayedLogs::Omit).into_layer());
//! # drop(subscriber);
//! ```

mod format;
mod levels;
mod place;

use std::io::{IsTerminal as _, Stdout};

use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, layer::Layered};

use self::format::{Stamp, Stamped};
use self::levels::{level, levels};
use self::place::Live;
use crate::config::{Environment, environment};

pub(crate) use self::levels::has_other_directives;
pub(crate) use self::place::{invocation, within};

/// What becomes of lines that an earlier invocation has written already.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ReplayedLogs {
    /// They are written again.
    #[default]
    Emit,
    /// They are left out: lines of your own code while the handler, or the child context or branch that the code is in, returns
    /// recorded work.
    ///
    /// That is where the SDK's span around it has the field `isReplay` set, which is so until the first operation begins that is not
    /// in the log. The body of a step is never replayed: its lines are always written. So are those of libraries, which tell of what
    /// happens now.
    ///
    /// Where operations run side by side (`spawn`), the code of a handler, and the check of a `wait_for_condition`, may do new work
    /// while the SDK still says that it replays; its lines are left out too. So are those that differ from the invocation before.
    Omit,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Format {
    /// A JSON object, as `lambda_runtime` writes with `AWS_LAMBDA_LOG_FORMAT=JSON`.
    Json,
    /// Text, as it writes otherwise.
    Text,
}

/// The service that lines belong to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Identity {
    pub(crate) service: Option<String>,
    pub(crate) env: Option<String>,
    pub(crate) version: Option<String>,
}

impl Identity {
    /// As the environment names it.
    fn of(environment: &Environment) -> Self {
        let service = environment.service.as_ref();
        Self {
            service: service.or(environment.function_name.as_ref()).cloned(),
            env: environment.env.clone(),
            version: environment.version.clone(),
        }
    }
}

/// The lines that [`run`](crate::run) writes, on stdout, as a layer for a subscriber of your own: [`Lines::new`] with nothing changed.
///
/// Add [`durable_trace::layer`](crate::layer) too: it knows which span is active.
///
/// # Examples
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt as _;
///
/// let subscriber = tracing_subscriber::registry()
///     .with(durable_trace::layer())
///     .with(durable_trace::logging::layer());
/// # drop(subscriber);
/// ```
pub fn layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    Lines::new().into_layer()
}

/// Settings of the layer that writes log lines. What is not set is as [`run`](crate::run) has it.
///
/// # Examples
///
/// ```
/// use durable_trace::logging::{Format, Lines};
/// use tracing::level_filters::LevelFilter;
/// use tracing_subscriber::filter::Targets;
/// use tracing_subscriber::layer::SubscriberExt as _;
///
/// let lines = Lines::new()
///     .format(Format::Json)
///     .levels(Targets::new().with_default(LevelFilter::INFO).with_target("order", LevelFilter::DEBUG))
///     .writer(std::io::stderr);
/// let subscriber = tracing_subscriber::registry()
///     .with(durable_trace::layer())
///     .with(lines.into_layer());
/// # drop(subscriber);
/// ```
#[derive(Debug)]
#[must_use = "settings do nothing until `into_layer` is called"]
pub struct Lines<W = fn() -> Stdout> {
    colours: bool,
    format: Format,
    identity: Identity,
    injection: bool,
    levels: Targets,
    replayed: ReplayedLogs,
    writer: W,
}

impl Lines {
    /// As the environment asks for: `AWS_LAMBDA_LOG_FORMAT`, `AWS_LAMBDA_LOG_LEVEL` and `RUST_LOG` as `lambda_runtime` reads them,
    /// `DURABLE_TRACE_REPLAYED_LOGS`, `DD_LOGS_INJECTION`, `DD_SERVICE` (else the function's name), `DD_ENV` and `DD_VERSION`.
    #[expect(
        clippy::new_without_default,
        reason = "what the environment says is no default"
    )]
    pub fn new() -> Self {
        let environment = environment();
        Self {
            // Colours are for a terminal; in a log they are noise.
            colours: std::io::stdout().is_terminal(),
            format: if environment.json_logs {
                Format::Json
            } else {
                Format::Text
            },
            identity: Identity::of(environment),
            injection: environment.logs_injection,
            levels: asked_for(environment),
            replayed: environment.replayed_logs,
            writer: std::io::stdout,
        }
    }
}

/// By `lambda_runtime`'s rules.
fn asked_for(environment: &Environment) -> Targets {
    let rust_log = environment.rust_log.as_deref();
    let level = level(environment.log_level.as_deref(), rust_log);
    levels(rust_log.unwrap_or_default(), level)
}

impl<W> Lines<W> {
    /// How a line looks, instead of what `AWS_LAMBDA_LOG_FORMAT` says.
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Which lines are written, instead of what `AWS_LAMBDA_LOG_LEVEL` and `RUST_LOG` say.
    ///
    /// Set it here, not by a filter around the layer, which could hide the SDK's spans from it.
    pub fn levels(mut self, levels: Targets) -> Self {
        self.levels = levels;
        self
    }

    /// What becomes of lines of replayed work, instead of what `DURABLE_TRACE_REPLAYED_LOGS` says.
    pub fn replayed(mut self, replayed: ReplayedLogs) -> Self {
        self.replayed = replayed;
        self
    }

    /// The service that lines belong to, instead of `DD_SERVICE` or the function's name.
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.identity.service = Some(service.into());
        self
    }

    pub(crate) fn identity(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self
    }

    /// Where lines go, instead of stdout, without colours.
    pub fn writer<V>(self, writer: V) -> Lines<V>
    where
        V: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        Lines {
            colours: false,
            format: self.format,
            identity: self.identity,
            injection: self.injection,
            levels: self.levels,
            replayed: self.replayed,
            writer,
        }
    }

    /// The layer. It writes no lines of the tracer's own.
    pub fn into_layer<S>(self) -> impl Layer<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        let colours = self.colours;
        let stamp = Stamp::new(self.format, &self.identity, self.injection);
        let live = (self.replayed == ReplayedLogs::Omit).then_some(Live);
        let filter = self
            .levels
            .and(filter_fn(|metadata| !is_the_tracers(metadata)))
            .and(live);
        let lines = fmt::layer()
            .with_target(false)
            .without_time()
            .with_ansi(colours)
            .with_writer(self.writer);
        let lines: Box<dyn Layer<S> + Send + Sync> = match self.format {
            Format::Json => lines
                .json()
                .map_event_format(|inner| Stamped { inner, stamp })
                .with_filter(filter)
                .boxed(),
            Format::Text => lines
                .map_event_format(|inner| Stamped {
                    inner: inner.with_ansi(colours),
                    stamp,
                })
                .with_filter(filter)
                .boxed(),
        };
        let layer: Layered<_, _, S> = place::noting().and_then(lines);
        layer
    }
}

/// Whether a line is the tracer's: it may come while the tracer holds what its spans are asked by.
pub(crate) fn is_the_tracers(metadata: &Metadata<'_>) -> bool {
    ["datadog_opentelemetry", "libdd_", "opentelemetry"]
        .iter()
        .any(|prefix| metadata.target().starts_with(prefix))
}
