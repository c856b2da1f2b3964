//! One invocation's part of an execution, to either of AWS's views: what its spans have in common, and their ids and times.

use std::time::{Duration, SystemTime};

use durable_trace_wire::{self as wire, UnixMillis};
use opentelemetry::baggage::{BaggageExt as _, KeyValueMetadata};
use opentelemetry::trace::{
    SpanBuilder, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue};

use super::{attributes, builder, name, span_id};
use crate::contract::keys;
use crate::plan::{Facts, Moment};
use crate::spans::system_time;

/// What is known of the execution once its log has been read.
#[derive(Debug)]
pub(in crate::spans) struct Run {
    pub(super) arn: String,
    /// When the invocation began, by the function's clock.
    pub(super) started: SystemTime,
    pub(super) trace: Trace,
    /// What the execution hangs on.
    pub(super) ancestor: Option<SpanContext>,
    /// Who began the execution, if they are traced.
    pub(super) caller: Option<SpanContext>,
    /// When the execution began.
    pub(super) start: SystemTime,
    /// How far the service's clock is ahead, as far as it can be told.
    pub(super) ahead: Duration,
    /// The whole execution's span, which the last invocation sends.
    pub(in crate::spans) workflow: Context,
    /// This invocation's span.
    pub(in crate::spans) invocation: Context,
}

/// What all spans of the execution have in common.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) id: TraceId,
    /// The one verdict.
    pub(super) sampled: bool,
    /// The caller's, if it is the caller's trace.
    pub(super) state: TraceState,
    /// The caller's baggage, and no span.
    pub(super) around: Context,
}

impl Trace {
    /// A span of the execution's that somebody else sends, or nobody yet.
    pub(super) fn remote(&self, span_id: SpanId) -> SpanContext {
        let flags = TraceFlags::default().with_sampled(self.sampled);
        SpanContext::new(self.id, span_id, flags, true, self.state.clone())
    }

    /// Where children of that span begin.
    pub(super) fn below(&self, span: SpanContext) -> Context {
        self.around.with_remote_span_context(span)
    }
}

impl Run {
    /// The span of an operation to begin, without its place.
    pub(in crate::spans) fn operation(&self, facts: &Facts, start: SystemTime) -> SpanBuilder {
        builder(name(facts), start, attributes(&self.arn, facts))
    }

    /// The span of an attempt to begin, without its place. `attempt` counts from 0.
    pub(in crate::spans) fn attempt(
        &self,
        facts: &Facts,
        attempt: u32,
        start: SystemTime,
    ) -> SpanBuilder {
        let number = i64::from(attempt) + 1;
        let mut attributes = attributes(&self.arn, facts);
        attributes.push(KeyValue::new(keys::AWS_ATTEMPT_NUMBER, number));
        builder(
            format!("{} attempt {number}", name(facts)),
            start,
            attributes,
        )
    }

    /// What the execution hangs on, for those invocations that do not hear of it.
    pub(in crate::spans) fn anchor(&self) -> Option<wire::SpanId> {
        let ancestor = self.ancestor.as_ref()?;
        wire::SpanId::new(u64::from_be_bytes(ancestor.span_id().to_bytes()))
    }

    /// When the invocation began.
    pub(in crate::spans) fn begin(&self) -> SystemTime {
        self.started + self.ahead
    }

    /// A time of the function's clock.
    pub(in crate::spans) fn now(&self, now: SystemTime) -> SystemTime {
        now.max(self.started) + self.ahead
    }

    /// When something happened; `now` is the time of what was seen, by the function's clock.
    pub(in crate::spans) fn at(&self, moment: Moment, now: SystemTime) -> SystemTime {
        match moment {
            Moment::Invocation => self.begin(),
            Moment::Now => self.now(now),
            Moment::Recorded(at) => self.recorded(at),
        }
    }

    /// What the service has recorded before this invocation: not later than its beginning.
    pub(in crate::spans) fn recorded(&self, at: UnixMillis) -> SystemTime {
        system_time(at).map_or(self.begin(), |at| at.min(self.begin()))
    }

    /// The id that any invocation comes to for the operation.
    pub(in crate::spans) fn id_of(&self, operation: &str) -> SpanId {
        span_id(wire::derive_operation_span_id(&self.arn, operation))
    }

    /// The operation's span, which may not be sent yet, and not by this invocation.
    pub(in crate::spans) fn promised(&self, operation: &str) -> Context {
        let span = self.trace.remote(self.id_of(operation));
        self.trace.below(span)
    }
}

/// The baggage of a context, and nothing else of it.
pub(super) fn baggage_of(context: &Context) -> Context {
    let members = context.baggage().iter();
    let copied = members.map(|(key, (value, metadata))| {
        KeyValueMetadata::new(key.clone(), value.clone(), metadata.clone())
    });
    Context::new().with_baggage(copied)
}
