//! The caller's trace context, where an execution has none of its own yet.
//!
//! The service wraps the event that started an execution into the first operation of its log; Lambda's own context stands beside it.

use std::collections::HashMap;

use durable_trace_wire as wire;
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use serde_json::value::RawValue;
use wire::{Carried, PassThrough};

use crate::options::Settings;
use crate::spans::Tracing;

/// A user's own way to find a context in an event.
pub(crate) type Extractor = fn(&RawValue) -> Option<wire::Context>;

/// The caller's context: of the user's extractor, the event, Lambda's client context and X-Ray's header, in this order, the first that
/// brings a sampling decision, else the first that names a trace and a parent.
pub(crate) fn find(
    invocation: &wire::Invocation<'_>,
    context: &lambda_runtime::Context,
    settings: &Settings,
    tracing: &Tracing,
) -> Option<Carried> {
    let rules = &settings.carriers;
    let input = invocation.input();
    let event = input.as_deref();
    let others = |headers: &[(String, String)]| read_others(tracing, headers);
    let others: Option<&wire::OtherStyles<'_>> = if settings.other_styles {
        Some(&others)
    } else {
        None
    };
    wire::first_complete([
        settings
            .extractor
            .and_then(|extractor| extract(extractor, event?)),
        event.and_then(|event| wire::extract_from_event_with(event, rules, others)),
        context.client_context.as_ref().and_then(|client| {
            let json = serde_json::to_string(client).ok()?;
            wire::extract_from_client_context(&json, rules, others)
        }),
        context
            .xray_trace_id
            .as_deref()
            .filter(|_| rules.merge_xray)
            .and_then(wire::extract_from_xray),
    ])
}

/// Whether only the invocation that began the execution hears of the caller.
pub(crate) fn is_fleeting(caller: &Carried) -> bool {
    matches!(
        caller.source,
        wire::Source::ClientContext | wire::Source::XRay
    )
}

/// What is passed on by way of checkpoints. Other invocations would not know of the rest, so none does: a function that goes by its
/// baggage must not go two ways in one execution. Nor does what a checkpoint has and ours have not come in.
pub(crate) fn keep_what_is_saved(passed: PassThrough, settings: &Settings) -> PassThrough {
    let (saves, styles) = (settings.saves_tracecontext(), settings.checkpoint_styles);
    PassThrough {
        tracestate: passed.tracestate.filter(|_| saves),
        baggage: passed.baggage.filter(|_| saves && styles.has_baggage()),
    }
}

fn extract(extractor: Extractor, event: &str) -> Option<Carried> {
    let event: &RawValue = serde_json::from_str(event).ok()?;
    extractor(event).map(Carried::by_extractor)
}

/// Headers in a style that only the tracer's propagator knows.
fn read_others(tracing: &Tracing, headers: &[(String, String)]) -> Option<wire::Context> {
    let carrier: HashMap<String, String> = headers.iter().cloned().collect();
    let context = tracing
        .propagator
        .extract_with_context(&Context::new(), &carrier);
    let span = context.span();
    let found = span.span_context();
    let flags = found.trace_flags().to_u8();
    Some(wire::Context {
        trace_id: wire::TraceId::from_u128(u128::from_be_bytes(found.trace_id().to_bytes()))?,
        parent_id: wire::SpanId::new(u64::from_be_bytes(found.span_id().to_bytes()))?,
        // Any other flag says that the decision is left to us.
        sampling_priority: match flags {
            0 => Some(wire::SamplingPriority::AutoReject),
            1 => Some(wire::SamplingPriority::AutoKeep),
            _ => None,
        },
        origin: None,
        tags: wire::Tags::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use crate::config::CheckpointMode;

    #[test]
    fn what_no_checkpoint_tells_of_is_not_passed_on() {
        use wire::CheckpointStyles::{
            Datadog, DatadogAndTraceContext, DatadogTraceContextAndBaggage,
        };
        let event = r#"{"headers": {"baggage": "a=1", "tracestate": "es=1",
            "traceparent": "00-640cfd8d00000000112210f47de98115-00f067aa0ba902b7-01"}}"#;
        let caller = wire::extract_from_event(event, &wire::CarrierRules::default()).unwrap();
        for (styles, mode, cross_invocation, want, why) in [
            (
                DatadogTraceContextAndBaggage,
                CheckpointMode::Ride,
                true,
                (true, true),
                "all is saved",
            ),
            (
                DatadogAndTraceContext,
                CheckpointMode::Call,
                true,
                (true, false),
                "baggage is not",
            ),
            (
                Datadog,
                CheckpointMode::Ride,
                true,
                (false, false),
                "Datadog's headers alone",
            ),
            (
                DatadogTraceContextAndBaggage,
                CheckpointMode::None,
                true,
                (false, false),
                "nothing is",
            ),
            (
                DatadogTraceContextAndBaggage,
                CheckpointMode::Ride,
                false,
                (false, false),
                "nothing is",
            ),
        ] {
            let mut settings = Options::default().settings;
            settings.checkpoint_styles = styles;
            settings.checkpoint_mode = mode;
            settings.cross_invocation = cross_invocation;
            let passed = keep_what_is_saved(caller.pass_through.clone(), &settings);
            let has = (passed.tracestate.is_some(), passed.baggage.is_some());
            assert_eq!(has, want, "{styles:?}, {mode:?}, {cross_invocation}: {why}");
        }
    }
}
