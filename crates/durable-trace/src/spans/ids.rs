//! A tracer that takes the ids of some spans, and its sampling verdict on them, from us.
//!
//! OpenTelemetry's SDK asks its id generator and its sampler on the thread that builds a span, before it does anything else. What they
//! are to answer stands in a cell of that thread just then: it is taken with the first question and is gone when the span is built, so
//! that no span but the one it is meant for can get it.

use std::cell::Cell;

use opentelemetry::trace::{Link, SpanId, SpanKind, TraceContextExt as _, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, SamplingResult, SdkTracerProvider,
    ShouldSample, TracerProviderBuilder,
};

/// An OpenTelemetry tracer provider for AWS's views of an execution, whose spans have ids that any invocation can come to.
///
/// Spans of anybody else's have random ids and the sampler's verdict as ever.
///
/// # Examples
///
/// ```
/// use durable_trace::{DurableTracerProvider, Options, View};
/// use opentelemetry_sdk::propagation::TraceContextPropagator;
/// use opentelemetry_sdk::trace::SdkTracerProvider;
///
/// // `.with_batch_exporter(exporter)`, with an exporter of OTLP say.
/// let provider = DurableTracerProvider::new(SdkTracerProvider::builder());
/// let options = Options::builder()
///     .view(View::Execution)
///     .durable_tracer_provider(&provider)
///     .propagator(TraceContextPropagator::new())
///     .build()?;
/// # drop(options);
/// # Ok::<(), durable_trace::BuildOptionsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DurableTracerProvider {
    provider: SdkTracerProvider,
    sampler: Box<dyn ShouldSample>,
}

impl DurableTracerProvider {
    /// A provider that samples as its parent does, and every trace that begins here.
    ///
    /// The builder's own id generator and sampler are replaced.
    pub fn new(builder: TracerProviderBuilder) -> Self {
        Self::with_sampler(builder, Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
    }

    /// A provider with this sampler, which is asked once an invocation whether the execution is kept, unless that is decided already:
    /// by X-Ray or by the caller. It should answer alike for the same trace id, as a ratio does.
    pub fn with_sampler(
        builder: TracerProviderBuilder,
        sampler: impl ShouldSample + 'static,
    ) -> Self {
        let sampler: Box<dyn ShouldSample> = Box::new(sampler);
        let provider = builder
            .with_id_generator(Ids::default())
            .with_sampler(Verdicts(sampler.clone()))
            .build();
        Self { provider, sampler }
    }

    /// OpenTelemetry's provider, for spans of your own.
    pub fn provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    pub(super) fn sampler(&self) -> Box<dyn ShouldSample> {
        self.sampler.clone()
    }
}

/// What the next span that is built on a thread has to be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Next {
    pub(super) span_id: Option<SpanId>,
    /// Asked for where there is no parent.
    pub(super) trace_id: Option<TraceId>,
    pub(super) sampled: Option<bool>,
}

thread_local! {
    static NEXT: Cell<Next> = const {
        Cell::new(Next { span_id: None, trace_id: None, sampled: None })
    };
}

impl Next {
    /// Runs `build`, which builds a span that is to be so.
    pub(super) fn applied<T>(self, build: impl FnOnce() -> T) -> T {
        /// Takes back what was not asked for, even if building panics.
        struct Clear;
        impl Drop for Clear {
            fn drop(&mut self) {
                NEXT.set(Next::default());
            }
        }
        NEXT.set(self);
        let _clear = Clear;
        build()
    }

    /// Takes one of the answers, so that nobody gets it twice.
    fn take<T>(of: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let mut next = NEXT.take();
        let taken = of(&mut next);
        NEXT.set(next);
        taken
    }
}

#[derive(Debug, Default)]
struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        let next = Next::take(|next| next.trace_id.take());
        next.unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        let next = Next::take(|next| next.span_id.take());
        next.unwrap_or_else(|| self.0.new_span_id())
    }
}

/// A sampler that is asked only where nothing is decided.
#[derive(Clone, Debug)]
struct Verdicts(Box<dyn ShouldSample>);

impl ShouldSample for Verdicts {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let Some(sampled) = Next::take(|next| next.sampled.take()) else {
            return self.0.should_sample(
                parent_context,
                trace_id,
                name,
                span_kind,
                attributes,
                links,
            );
        };
        let trace_state = parent_context
            .map(|parent| parent.span().span_context().trace_state().clone())
            .unwrap_or_default();
        SamplingResult {
            decision: if sampled {
                SamplingDecision::RecordAndSample
            } else {
                SamplingDecision::Drop
            },
            attributes: Vec::new(),
            trace_state,
        }
    }
}

/// What the sampler says of a trace that begins here.
pub(super) fn verdict(sampler: &dyn ShouldSample, trace_id: TraceId, name: &str) -> bool {
    let result = sampler.should_sample(
        Some(&Context::new()),
        trace_id,
        name,
        &SpanKind::Internal,
        &[],
        &[],
    );
    result.decision == SamplingDecision::RecordAndSample
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Span as _, SpanContext, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::{SpanData, SpanProcessor};

    use super::*;

    fn forced() -> Next {
        Next {
            span_id: Some(SpanId::from(7)),
            trace_id: Some(TraceId::from(9)),
            sampled: Some(true),
        }
    }

    fn span(provider: &DurableTracerProvider) -> SpanContext {
        let tracer = provider.provider().tracer("tests");
        let span = tracer.start_with_context("span", &Context::new());
        span.span_context().clone()
    }

    #[test]
    fn one_span_gets_the_ids_and_the_verdict_and_the_next_does_not() {
        let provider =
            DurableTracerProvider::with_sampler(SdkTracerProvider::builder(), Sampler::AlwaysOff);
        forced().applied(|| {
            let ours = span(&provider);
            assert_eq!(
                (ours.span_id(), ours.trace_id(), ours.is_sampled()),
                (SpanId::from(7), TraceId::from(9), true)
            );
            let other = span(&provider);
            assert_ne!(other.span_id(), SpanId::from(7), "taken");
            assert_ne!(other.trace_id(), TraceId::from(9), "taken");
            assert!(!other.is_sampled(), "the sampler's own verdict");
        });
    }

    #[test]
    fn what_nobody_asked_for_is_gone_with_the_span() {
        let provider = DurableTracerProvider::new(SdkTracerProvider::builder());
        forced().applied(|| ());
        assert_ne!(span(&provider).span_id(), SpanId::from(7));
        let panicked = std::panic::catch_unwind(|| forced().applied(|| panic!("as it may happen")));
        assert!(panicked.is_err());
        assert_ne!(span(&provider).span_id(), SpanId::from(7), "a panic");
    }

    /// Another instrumentation, which makes a span whenever one begins.
    #[derive(Debug)]
    struct Nosy(DurableTracerProvider, std::sync::Mutex<Vec<SpanContext>>);

    #[derive(Debug, Clone)]
    struct Shared(std::sync::Arc<Nosy>);

    impl SpanProcessor for Shared {
        fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &Context) {
            let seen = span(&self.0.0);
            self.0.1.lock().unwrap().push(seen);
        }
        fn on_end(&self, _: SpanData) {}
        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }
        fn shutdown_with_timeout(&self, _: std::time::Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    #[test]
    fn another_instrumentation_that_is_called_meanwhile_gets_nothing_of_it() {
        let other =
            DurableTracerProvider::with_sampler(SdkTracerProvider::builder(), Sampler::AlwaysOff);
        let nosy = Shared(std::sync::Arc::new(Nosy(
            other,
            std::sync::Mutex::default(),
        )));
        let provider = DurableTracerProvider::new(
            SdkTracerProvider::builder().with_span_processor(nosy.clone()),
        );
        let ours = forced().applied(|| span(&provider));
        assert_eq!(ours.span_id(), SpanId::from(7));
        let seen = nosy.0.1.lock().unwrap().clone();
        assert_eq!(seen.len(), 1);
        assert_ne!(seen[0].span_id(), SpanId::from(7));
        assert_ne!(seen[0].trace_id(), TraceId::from(9));
        assert!(!seen[0].is_sampled());
    }

    #[test]
    fn a_ratio_gives_the_same_verdict_each_time() {
        let ratio = Sampler::TraceIdRatioBased(0.5);
        let verdicts = |ids: std::ops::Range<u128>| -> Vec<bool> {
            ids.map(|id| verdict(&ratio, TraceId::from(id << 56 | id), "Workflow"))
                .collect()
        };
        assert_eq!(verdicts(1..200), verdicts(1..200));
        assert!(verdicts(1..200).contains(&true) && verdicts(1..200).contains(&false));
    }
}
