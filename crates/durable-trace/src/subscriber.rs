//! The `tracing` subscriber that [`run`](crate::run) installs where there is none.

use opentelemetry::trace::TracerProvider as _;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt};

use crate::config::environment;
use crate::logging::{Lines, ReplayedLogs, is_the_tracers};
use crate::setup::Setup;

/// Installs log lines by `lambda_runtime`'s rules, our layer, and the export of the user's spans. Does nothing where a subscriber is
/// set, and says whether it did something.
pub(crate) fn install(setup: Option<&Setup>, replayed: ReplayedLogs) -> bool {
    if tracing::dispatcher::has_been_set() {
        return false;
    }
    let export = setup.map(|setup| {
        tracing_opentelemetry::layer()
            .with_tracer(setup.tracing.provider.tracer("tracing"))
            .with_filter(crate::user_spans())
    });
    let ours = setup.map(|_| crate::layer());
    let mut lines = Lines::new().replayed(replayed);
    if let Some(identity) = setup.and_then(|setup| setup.identity.as_ref()) {
        lines = lines.identity(identity.clone());
    }
    let subscriber = Registry::default()
        .with(ours)
        .with(export)
        .with(lines.into_layer())
        .with(tracer_logs());
    // Lost only if somebody else set one since we asked, whose it then is.
    tracing::subscriber::set_global_default(subscriber).is_ok()
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
