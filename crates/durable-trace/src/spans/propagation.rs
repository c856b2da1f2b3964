//! Between the wire's headers and the tracer's contexts.

use std::collections::HashMap;

use durable_trace_wire::{self as wire, PassThrough};
use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};

use super::Tracing;

/// The tracer's context for what was read: its sampling decision, origin and tags included, and what is to be passed on, where the
/// propagator takes them.
pub(crate) fn extract(
    tracing: &Tracing,
    read: &wire::Context,
    pass_through: &PassThrough,
) -> Context {
    // Only the propagator can hand the tracer a sampling decision, an origin and tags; it may be set to read Datadog's headers,
    // W3C's, or neither.
    let by_propagator = |carrier: &HashMap<String, String>| {
        let propagator = &tracing.propagator;
        propagator.extract_with_context(&Context::new(), carrier)
    };
    let mut headers = carrier(&read.to_datadog(usize::MAX));
    if pass_through.is_empty() {
        let context = by_propagator(&headers);
        if is_of(&context, read) {
            return context;
        }
    }
    headers.extend(carrier(
        &read.to_tracecontext().with_pass_through(pass_through),
    ));
    let context = by_propagator(&headers);
    if is_of(&context, read) {
        return context;
    }
    context.with_remote_span_context(span_context(read))
}

/// The span that `context` names, as somebody else's.
pub(crate) fn span_context(context: &wire::Context) -> SpanContext {
    let is_kept = context
        .sampling_priority
        .is_none_or(|priority| priority.value() > 0);
    SpanContext::new(
        TraceId::from_bytes(context.trace_id.as_u128().to_be_bytes()),
        SpanId::from_bytes(context.parent_id.get().to_be_bytes()),
        if is_kept {
            TraceFlags::SAMPLED
        } else {
            TraceFlags::default()
        },
        true,
        TraceState::default(),
    )
}

fn is_of(context: &Context, read: &wire::Context) -> bool {
    let (span, want) = (context.span(), span_context(read));
    let found = span.span_context();
    (found.trace_id(), found.span_id()) == (want.trace_id(), want.span_id())
}

fn carrier(headers: &wire::Headers<'_>) -> HashMap<String, String> {
    headers
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The headers that the tracer would send to go on under `context`'s span, and that span's id.
///
/// To be called while the span is open: afterwards the tracer has forgotten its decision. `None` without a valid span.
pub(crate) fn inject(
    tracing: &Tracing,
    context: &Context,
) -> Option<(wire::Headers<'static>, wire::SpanId)> {
    let span = context.span();
    let own = span.span_context();
    let span_id = wire::SpanId::new(u64::from_be_bytes(own.span_id().to_bytes()))?;
    let trace_id = wire::TraceId::from_u128(u128::from_be_bytes(own.trace_id().to_bytes()))?;
    let mut carrier = HashMap::new();
    tracing.propagator.inject_context(context, &mut carrier);
    let headers = wire::Headers::from_pairs(carrier).into_owned();
    if wire::Context::extract(&headers).is_some_and(|(injected, _)| injected.trace_id == trace_id) {
        return Some((headers, span_id));
    }
    // A propagator that speaks neither Datadog nor W3C: what the span itself knows.
    let sampled = if own.is_sampled() {
        wire::SamplingPriority::AutoKeep
    } else {
        wire::SamplingPriority::AutoReject
    };
    let context = wire::Context {
        trace_id,
        parent_id: span_id,
        sampling_priority: Some(sampled),
        origin: None,
        tags: wire::Tags::default(),
    };
    Some((context.to_datadog(usize::MAX), span_id))
}
