//! Datadog's tracer, set up from `DD_*` for life inside Lambda.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use datadog_opentelemetry::configuration::Config;
use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};

use crate::config::environment;
use crate::health::{Warning, warn_once};
use crate::lambda_spans::LambdaSpans;
use crate::options::Settings;
use crate::setup::Setup;
use crate::spans::{Propagator, Tracing};

/// The process's tracer. It is made once, whoever asks first says for which service.
pub(crate) fn tracer(settings: &Settings) -> Option<Setup> {
    static TRACER: OnceLock<Option<Setup>> = OnceLock::new();
    TRACER.get_or_init(|| make(settings)).clone()
}

fn make(settings: &Settings) -> Option<Setup> {
    let config = config(settings);
    if !config.enabled() {
        return None;
    }
    let loopback_agent = loopback_agent(&config.trace_agent_url());
    let (provider, propagator) = datadog_opentelemetry::tracing()
        .with_config(config)
        .with_span_processor(LambdaSpans)
        .init_local();
    let propagator: Arc<dyn Propagator> = Arc::new(propagator);
    // A propagator names the headers it speaks; the one of a process that has set none is mute.
    let other =
        opentelemetry::global::get_text_map_propagator(|global| global.fields().next().is_some());
    if other {
        warn_once(
            Warning::TwoTracers,
            "another OpenTelemetry tracer is set up in this process, so its spans and these are traces apart; hand it to \
             durable_trace::Options (tracer_provider and propagator), or leave the set-up to durable_trace::run",
        );
    } else {
        opentelemetry::global::set_text_map_propagator(Shared(Arc::clone(&propagator)));
        opentelemetry::global::set_tracer_provider(provider.clone());
    }
    Some(Setup {
        tracing: Arc::new(Tracing::new(provider, propagator)),
        loopback_agent,
    })
}

/// What the tracer reads from the environment by itself, and our defaults where the user has set nothing.
fn config(settings: &Settings) -> Config {
    let environment = environment();
    let unset = |name| !environment.is_set(name);
    let mut builder = Config::builder();
    let service = settings.service.clone().or_else(|| {
        environment
            .service
            .is_none()
            .then(|| environment.function_name.clone())?
    });
    if let Some(service) = service {
        builder.set_service(service);
    }
    // Ended spans are sent although others of their trace are open: another execution may hold those in this very process.
    if unset("DD_TRACE_PARTIAL_FLUSH_ENABLED") {
        builder.set_trace_partial_flush_enabled(true);
    }
    if unset("DD_TRACE_PARTIAL_FLUSH_MIN_SPANS") {
        builder.set_trace_partial_flush_min_spans(1);
    }
    // What costs time at every start and speaks to the agent on its own account is not for a function that is billed by the millisecond.
    if environment.function_name.is_some() {
        if unset("DD_TRACE_STATS_COMPUTATION_ENABLED") {
            builder.set_trace_stats_computation_enabled(false);
        }
        if unset("DD_REMOTE_CONFIGURATION_ENABLED") {
            builder.set_remote_config_enabled(false);
        }
        if unset("DD_INSTRUMENTATION_TELEMETRY_ENABLED") {
            builder.set_telemetry_enabled(false);
        }
    }
    // A function's output is its logs; the tracer falls back to printing where it finds no subscriber.
    if unset("DD_LOG_LEVEL") {
        builder.set_log_level_filter(datadog_opentelemetry::log::LevelFilter::Off);
    }
    builder.set_trace_writer_force_flush_timeout(settings.flush_budget);
    builder.build()
}

/// The propagator as the process's global one, too.
#[derive(Debug)]
struct Shared(Arc<dyn Propagator>);

impl TextMapPropagator for Shared {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        self.0.inject_context(context, injector);
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        self.0.extract_with_context(context, extractor)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

/// The address of an `http://` agent URL whose host is a loopback address or `localhost`.
fn loopback_agent(url: &str) -> Option<SocketAddr> {
    let authority = url.strip_prefix("http://")?.split('/').next()?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (authority, 80),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = if host.eq_ignore_ascii_case("localhost") {
        "127.0.0.1"
    } else {
        host
    }
    .parse::<IpAddr>()
    .ok()?;
    address
        .is_loopback()
        .then_some(SocketAddr::new(address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_agent_on_this_machine_is_asked() {
        for (url, want, why) in [
            (
                "http://localhost:8126",
                Some("127.0.0.1:8126"),
                "the default",
            ),
            (
                "http://127.0.0.1:9/",
                Some("127.0.0.1:9"),
                "an address, with a path",
            ),
            (
                "http://[::1]:8126",
                Some("[::1]:8126"),
                "the other loopback",
            ),
            (
                "http://127.0.0.1",
                Some("127.0.0.1:80"),
                "the scheme's port",
            ),
            ("http://agent:8126", None, "another machine"),
            ("http://10.0.0.1:8126", None, "another machine"),
            ("unix:///var/run/datadog/apm.socket", None, "no TCP"),
            ("", None, "nothing"),
        ] {
            assert_eq!(
                loopback_agent(url),
                want.map(|text| text.parse().unwrap()),
                "{why}: {url}"
            );
        }
    }
}
