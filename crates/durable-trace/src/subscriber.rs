//! The `tracing` subscriber that [`run`](crate::run) installs where there is none.

use std::io::IsTerminal as _;

use opentelemetry::trace::TracerProvider as _;
use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt};

use crate::config::environment;
use crate::spans::Tracing;

/// Installs log lines by `lambda_runtime`'s rules, our layer, and the export of the user's spans. Does nothing where a subscriber is set.
pub(crate) fn install(tracing: Option<&Tracing>) {
    if tracing::dispatcher::has_been_set() {
        return;
    }
    let export = tracing.map(|tracing| {
        tracing_opentelemetry::layer()
            .with_tracer(tracing.provider.tracer("tracing"))
            .with_filter(crate::user_spans())
    });
    let ours = tracing.map(|_| crate::layer());
    let subscriber = Registry::default()
        .with(ours)
        .with(export)
        .with(logs())
        .with(tracer_logs());
    // Lost only if somebody else set one since we asked, whose it then is.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// The lines that `lambda_runtime` would print, less the tracer's own.
fn logs<S>() -> impl tracing_subscriber::Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let environment = environment();
    let directives = environment.rust_log.as_deref().unwrap_or_default();
    let level = environment
        .log_level
        .as_deref()
        .unwrap_or(directives)
        .parse()
        .unwrap_or(LevelFilter::INFO);
    let levels = EnvFilter::builder()
        .with_default_directive(level.into())
        .parse_lossy(directives);
    let filter = levels.and(filter_fn(|metadata| !is_the_tracers(metadata)));
    // Colours are for a terminal; in a log they are noise.
    let lines = fmt::layer()
        .with_target(false)
        .without_time()
        .with_ansi(std::io::stdout().is_terminal());
    if environment.json_logs {
        lines.json().with_filter(filter).boxed()
    } else {
        lines.with_filter(filter).boxed()
    }
}

/// The tracer's own messages, where the user asked for them: on stderr, at the level of `DD_LOG_LEVEL`.
fn tracer_logs<S>() -> Option<impl tracing_subscriber::Layer<S>>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let level: LevelFilter = environment().tracer_log_level.as_deref()?.parse().ok()?;
    let filter = level.and(filter_fn(is_the_tracers));
    Some(
        fmt::layer()
            .with_writer(std::io::stderr)
            .with_filter(filter),
    )
}

fn is_the_tracers(metadata: &Metadata<'_>) -> bool {
    ["datadog_opentelemetry", "libdd_", "opentelemetry"]
        .iter()
        .any(|prefix| metadata.target().starts_with(prefix))
}
