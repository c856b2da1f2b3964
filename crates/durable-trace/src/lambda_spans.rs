//! Which of the open spans are `aws.lambda`, and whether any has ended.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, SpanId};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use crate::contract::span_names;

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
#[derive(Debug, Default)]
pub(crate) struct LambdaSpans {
    unsent: Arc<AtomicBool>,
}

impl LambdaSpans {
    /// Set whenever a span has ended that is to be sent.
    pub(crate) fn unsent(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.unsent)
    }
}

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
        self.unsent.store(true, Ordering::Release);
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
            .with_span_processor(LambdaSpans::default())
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

    #[test]
    fn only_a_span_that_has_ended_and_is_kept_is_to_be_sent() {
        let processor = LambdaSpans::default();
        let unsent = processor.unsent();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .build();
        let tracer = provider.tracer("a library");
        {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            drop(tracer.start("dropped"));
        }
        let open = tracer.start("kept");
        assert!(!unsent.load(Ordering::SeqCst));
        drop(open);
        assert!(unsent.load(Ordering::SeqCst));
    }
}
