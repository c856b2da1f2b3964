//! Which tracer is used: the user's own, or Datadog's made from `DD_*`.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, SpanId};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use crate::contract::span_names;
use crate::options::Options;
use crate::spans::Tracing;

/// A tracer that is ready.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) tracing: Arc<Tracing>,
    /// Where its agent listens, if that is on this machine.
    pub(crate) loopback_agent: Option<SocketAddr>,
}

/// The tracer that `options` ask for; `None` when tracing is switched off.
pub(crate) fn set_up(options: &Options) -> Option<Setup> {
    if !options.settings.enabled {
        return None;
    }
    match &options.tracer_provider {
        Some(provider) => {
            let propagator = options
                .propagator
                .clone()
                .unwrap_or_else(|| Arc::new(GlobalPropagator));
            Some(Setup {
                tracing: Arc::new(Tracing::new(provider.clone(), propagator)),
                loopback_agent: None,
            })
        }
        None => own_tracer(options),
    }
}

#[cfg(feature = "datadog")]
fn own_tracer(options: &Options) -> Option<Setup> {
    crate::datadog::tracer(&options.settings)
}

#[cfg(not(feature = "datadog"))]
fn own_tracer(_: &Options) -> Option<Setup> {
    None // built without a tracer, and none was brought
}

/// Whatever propagator the process has set.
#[derive(Debug)]
struct GlobalPropagator;

impl TextMapPropagator for GlobalPropagator {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        opentelemetry::global::get_text_map_propagator(|global| {
            global.inject_context(context, injector);
        });
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        opentelemetry::global::get_text_map_propagator(|global| {
            global.extract_with_context(context, extractor)
        })
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&[])
    }
}

/// Ids of the `aws.lambda` spans that are open.
static LAMBDA_SPANS: Mutex<Option<HashSet<SpanId>>> = Mutex::new(None);

/// Whether the active span is an open `aws.lambda`, as far as our tracer's processor has seen it start.
pub(crate) fn is_lambda_span(context: &Context) -> bool {
    let id = context.span().span_context().span_id();
    LAMBDA_SPANS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .as_ref()
        .is_some_and(|open| open.contains(&id))
}

/// Remembers which spans are `aws.lambda`: OpenTelemetry gives an active span's id, never its name.
#[derive(Debug)]
pub(crate) struct LambdaSpans;

impl SpanProcessor for LambdaSpans {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        use opentelemetry::trace::Span as _;
        // Only a span that begins its part of a trace can be an invocation's; looking at a name costs a copy of the span.
        let begins = !parent.has_active_span() || parent.span().span_context().is_remote();
        if begins
            && span
                .exported_data()
                .is_some_and(|data| data.name == span_names::LAMBDA)
        {
            let mut open = LAMBDA_SPANS.lock().unwrap_or_else(PoisonError::into_inner);
            open.get_or_insert_default()
                .insert(span.span_context().span_id());
        }
    }

    fn on_end(&self, span: SpanData) {
        if span.name == span_names::LAMBDA {
            let mut open = LAMBDA_SPANS.lock().unwrap_or_else(PoisonError::into_inner);
            open.get_or_insert_default()
                .remove(&span.span_context.span_id());
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    #[test]
    fn an_open_lambda_span_is_known_by_its_id_until_it_ends() {
        let provider = SdkTracerProvider::builder()
            .with_span_processor(LambdaSpans)
            .build();
        let tracer = provider.tracer("another library");
        let of = |name: &'static str| Context::new().with_span(tracer.start(name));
        let lambda = of("aws.lambda");
        assert!(is_lambda_span(&lambda));
        assert!(!is_lambda_span(&of("http.request")), "another name");
        let child = lambda.with_span(tracer.start_with_context("aws.lambda", &lambda));
        assert!(
            !is_lambda_span(&child),
            "an invocation's span begins its part of a trace"
        );
        lambda.span().end();
        assert!(!is_lambda_span(&lambda), "it has ended");
    }
}
