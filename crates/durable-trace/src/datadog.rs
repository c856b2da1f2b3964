//! Datadog's tracer, set up from `DD_*` for life inside Lambda.

use std::sync::{Arc, OnceLock};

use datadog_opentelemetry::configuration::Config;
use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId,
    TraceState, Tracer as _,
};

use crate::config::{Environment, environment};
use crate::diagnosis::AgentAddress;
use crate::lambda_spans::LambdaSpans;
use crate::logging::Identity;
use crate::options::Settings;
use crate::setup::Setup;
use crate::spans::{Propagator, Tracing};
use crate::warning::Warning;

/// The process's tracer. It is made once, whoever asks first says for which service.
pub(crate) fn tracer(settings: &Settings) -> Option<Setup> {
    static TRACER: OnceLock<Option<Setup>> = OnceLock::new();
    TRACER.get_or_init(|| make(settings)).clone()
}

fn make(settings: &Settings) -> Option<Setup> {
    let config = config(settings, environment());
    if !config.enabled() {
        return None;
    }
    let identity = Identity {
        service: Some(config.service().to_owned()),
        env: config.env().map(str::to_owned),
        version: config.version().map(str::to_owned),
    };
    let mut warnings = Vec::new();
    let agent_url = config.trace_agent_url().to_owned();
    let loopback_agent = match AgentAddress::parse(&agent_url) {
        Ok(address) => address.loopback(),
        Err(warning) => {
            warnings.push(warning);
            None
        }
    };
    let processor = LambdaSpans::default();
    let unsent = processor.unsent();
    let (provider, propagator) = datadog_opentelemetry::tracing()
        .with_config(config)
        .with_span_processor(processor)
        .init_local();
    let propagator: Arc<dyn Propagator> = Arc::new(propagator);
    if has_other_propagator() || has_other_tracer() {
        warnings.push(Warning::TwoTracers);
    } else {
        opentelemetry::global::set_text_map_propagator(Shared(Arc::clone(&propagator)));
        opentelemetry::global::set_tracer_provider(provider.clone());
    }
    Some(Setup {
        tracing: Arc::new(Tracing::new(provider, propagator)),
        identity: Some(identity),
        loopback_agent,
        unsent: Some(unsent),
        warnings,
    })
}

/// Whether the process has a propagator. One names the headers it speaks; that of a process that has set none is mute.
fn has_other_propagator() -> bool {
    opentelemetry::global::get_text_map_propagator(|global| global.fields().next().is_some())
}

/// Whether the process has a tracer, found out without a span of it.
///
/// Where telemetry is suppressed, a tracer's spans belong to no trace; what stands in for a tracer that is not there hands on what
/// it is given.
fn has_other_tracer() -> bool {
    let given = SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    );
    let suppressed = Context::new()
        .with_remote_span_context(given)
        .with_telemetry_suppressed();
    let tracer = opentelemetry::global::tracer("durable-trace");
    let span = tracer.build_with_context(SpanBuilder::from_name("unsent"), &suppressed);
    !span.span_context().is_valid()
}

/// What the tracer reads from the environment by itself, and our defaults where the user has set nothing.
fn config(settings: &Settings, environment: &Environment) -> Config {
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
        // There the extension's: by its number, since the tracer asks the resolver for a name, twice, while the start waits.
        if unset("DD_DOGSTATSD_HOST") && unset("DD_DOGSTATSD_URL") {
            builder.set_dogstatsd_agent_host("127.0.0.1".to_owned());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;

    fn statsd(variables: &[&'static str]) -> String {
        let lookup = |name: &str| variables.contains(&name).then(|| "order".to_owned());
        let set = variables.iter().map(|name| (*name).to_owned()).collect();
        let config = config(
            &Options::default().settings,
            &Environment::read(lookup, set),
        );
        config.dogstatsd_agent_url().to_owned()
    }

    #[test]
    fn on_lambda_no_name_is_resolved_unless_the_user_gave_one() {
        let function = "AWS_LAMBDA_FUNCTION_NAME";
        assert_eq!(statsd(&[function]), "http://127.0.0.1:8125");
        assert_eq!(statsd(&[]), "http://localhost:8125", "not on Lambda");
        for name in ["DD_DOGSTATSD_HOST", "DD_DOGSTATSD_URL"] {
            assert_ne!(statsd(&[function, name]), "http://127.0.0.1:8125", "{name}");
        }
    }
}
