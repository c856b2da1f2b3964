//! Datadog's view: `aws.lambda`, `aws.durable.execute`, and a span for each operation or attempt, told of once.

mod names;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use durable_trace_wire as wire;
use opentelemetry::trace::{Link, SpanBuilder, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};

use super::{
    InvocationFacts, Result, Resume, Saves, SpanView, Tracing, span_context, system_time,
    tell_unreported, warn_if_shut_down,
};
use crate::contract::{keys, values};
use crate::plan::{Action, Closing, Failure, Moment, Opening, ReplayedSpans, Telling};

/// The spans of one invocation.
#[derive(Debug)]
pub(super) struct Datadog {
    tracing: Arc<Tracing>,
    started: SystemTime,
    /// Whether messages of errors go on spans.
    messages: bool,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// Where the trace came from, if the context to go on under says so.
    origin: Option<String>,
    /// `aws.lambda`, and whether another library opened it.
    lambda: Option<(Context, Owner)>,
    execute: Option<Context>,
    /// By operation id, with their starts.
    operations: HashMap<String, (Context, SystemTime)>,
}

/// Who opened the invocation's span.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Owner {
    Another,
    Us,
}

impl Datadog {
    pub(super) fn new(tracing: Arc<Tracing>, started: SystemTime, messages: bool) -> Self {
        Self {
            tracing,
            started,
            messages,
            open: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_lambda(&self, resume: &Resume, facts: &InvocationFacts) -> (Context, Owner) {
        let sleep = resume.sleep.as_ref();
        if let Some(active) = &resume.active {
            active
                .span()
                .set_attributes(names::durable_tags(facts, sleep));
            return (active.clone(), Owner::Another);
        }
        let mut span = names::lambda(facts, sleep);
        span.attributes
            .extend(names::parentage(resume.parent_is_derived));
        let links = resume
            .links
            .iter()
            .cloned()
            .map(Link::with_context)
            .collect();
        let builder = self.builder(span, self.started).with_links(links);
        let lambda = self.tracing.start(builder, &resume.parent);
        Self::stamp_trace_id(&lambda);
        (lambda, Owner::Us)
    }

    /// The upper half of the trace id goes on the spans that begin a chunk, as Datadog's intake expects it.
    fn stamp_trace_id(context: &Context) {
        let span = context.span();
        let high = u128::from_be_bytes(span.span_context().trace_id().to_bytes()) >> 64;
        if high != 0 {
            span.set_attribute(KeyValue::new(
                keys::DATADOG_TRACE_ID_HIGH,
                format!("{high:016x}"),
            ));
        }
    }

    fn start(&self, span: names::Span, start: SystemTime, parent: &Context) -> Context {
        let context = self.tracing.start(self.builder(span, start), parent);
        Self::stamp_trace_id(&context);
        context
    }

    fn builder(&self, span: names::Span, start: SystemTime) -> SpanBuilder {
        let origin = self
            .lock()
            .origin
            .clone()
            .unwrap_or_else(|| values::ORIGIN.to_owned());
        let names::Span {
            name,
            kind,
            resource,
            mut attributes,
        } = span;
        attributes.push(KeyValue::new(keys::DATADOG_OPERATION, name));
        attributes.push(KeyValue::new(keys::DATADOG_RESOURCE, resource));
        attributes.push(KeyValue::new(keys::DATADOG_ORIGIN, origin));
        SpanBuilder::from_name(name)
            .with_kind(kind)
            .with_start_time(start)
            .with_attributes(attributes)
    }

    fn open_operation(
        &self,
        opening: &Opening,
        replayed: bool,
        start: SystemTime,
    ) -> Option<Context> {
        let span = names::operation(opening, replayed)?;
        let parent = {
            let open = self.lock();
            let enclosing = opening
                .parent
                .as_ref()
                .and_then(|parent| open.operations.get(&parent.id))
                .map(|(context, _)| context);
            enclosing.or(open.execute.as_ref())?.clone()
        };
        Some(self.start(span, start, &parent))
    }

    /// Ends a span, not before its start: that may have been told by the service's clock, and this end by the function's.
    fn finish(&self, context: &Context, closing: &Closing, start: SystemTime, end: SystemTime) {
        let span = context.span();
        if let Some(failure) = closing.ending.failure() {
            self.mark_failed(context, failure);
        }
        if let Some(completer) = &closing.completer {
            // A link: whoever completes a callback does not begin what waits for it.
            span.add_link(span_context(completer), Vec::new());
        }
        span.end_with_timestamp(end.max(start));
    }

    fn mark_failed(&self, context: &Context, failure: &Failure) {
        let span = context.span();
        if let Some(error_type) = &failure.error_type {
            span.set_attribute(KeyValue::new(keys::ERROR_TYPE, error_type.clone()));
        }
        if !self.messages {
            span.set_status(Status::error(""));
            return;
        }
        let message = failure.message.clone().unwrap_or_default();
        span.set_attribute(KeyValue::new(keys::ERROR_MESSAGE, message.clone()));
        span.set_status(Status::error(message));
    }
}

impl SpanView for Datadog {
    fn telling(&self, replayed: ReplayedSpans) -> Telling {
        replayed.into()
    }

    fn saves(&self) -> Saves {
        Saves::Trace
    }

    fn anchor(&self) -> Option<wire::SpanId> {
        None
    }

    fn open_invocation(&self, resume: &Resume, facts: &InvocationFacts) {
        self.lock().origin.clone_from(&resume.origin);
        let lambda = self.open_lambda(resume, facts);
        let execute = self.start(names::execute(facts), self.started, &lambda.0);
        warn_if_shut_down(&execute);
        let mut open = self.lock();
        open.lambda = Some(lambda);
        open.execute = Some(execute);
    }

    fn open_lambda_only(&self, resume: &Resume, facts: &InvocationFacts) {
        self.lock().origin.clone_from(&resume.origin);
        let lambda = self.open_lambda(resume, facts);
        self.lock().lambda = Some(lambda);
    }

    fn tell_sleep(
        &self,
        resume: &Resume,
        facts: &InvocationFacts,
        since: SystemTime,
        end: SystemTime,
    ) {
        if let Some(sleep) = &resume.sleep {
            let mut span = names::suspended(facts, sleep);
            span.attributes
                .extend(names::parentage(resume.parent_is_derived));
            let suspended = self.start(span, since, &resume.parent);
            suspended.span().end_with_timestamp(end);
        }
    }

    fn body_context(&self) -> Option<Context> {
        self.lock().execute.clone()
    }

    fn operation_context(&self, id: &str) -> Option<Context> {
        let open = self.lock();
        open.operations.get(id).map(|(context, _)| context.clone())
    }

    fn perform(&self, action: Action, now: SystemTime) {
        let at = |moment| match moment {
            Moment::Invocation => self.started,
            Moment::Now => now,
            Moment::Recorded(at) => system_time(at).unwrap_or(now),
        };
        match action {
            Action::Close { id, closing } => {
                let Some((context, start)) = self.lock().operations.remove(&id) else {
                    return;
                };
                self.finish(&context, &closing, start, at(closing.end));
            }
            Action::Open(opening) => {
                let start = at(opening.start);
                if let Some(context) = self.open_operation(&opening, false, start) {
                    let (id, open) = (opening.facts.id, (context, start));
                    self.lock().operations.insert(id, open);
                }
            }
            Action::Ride => {}
            Action::Whole {
                opening,
                replayed,
                closing,
            } => {
                let start = at(opening.start);
                if let Some(context) = self.open_operation(&opening, replayed, start) {
                    self.finish(&context, &closing, start, at(closing.end));
                }
            }
        }
    }

    fn mark_out_of_time(&self) {
        let open = self.lock();
        let lambda = open.lambda.as_ref().map(|(lambda, _)| lambda);
        let operations = open.operations.values().map(|(context, _)| context);
        for context in operations.chain(&open.execute).chain(lambda) {
            context.span().set_attribute(names::out_of_time());
        }
    }

    fn close_invocation(&self, result: &Result, now: SystemTime) {
        let now = now.max(self.started);
        let (lambda, execute) = {
            let mut open = self.lock();
            (open.lambda.take(), open.execute.take())
        };
        if let Some(execute) = execute {
            let span = execute.span();
            match result {
                Result::Answered { status, failure } => {
                    span.set_attribute(names::invocation_status(*status));
                    if let Some(failure) = failure {
                        self.mark_failed(&execute, failure);
                    }
                }
                Result::Faulted(failure) => self.mark_failed(&execute, failure),
                Result::OutOfTime => {}
            }
            tell_unreported(&execute);
            span.end_with_timestamp(now);
        }
        if let Some((lambda, owner)) = lambda {
            match result {
                Result::Answered { status, .. } => {
                    lambda
                        .span()
                        .set_attribute(names::execution_status(*status));
                }
                Result::Faulted(failure) => self.mark_failed(&lambda, failure),
                Result::OutOfTime => {}
            }
            if owner == Owner::Us {
                lambda.span().end_with_timestamp(now);
            }
        }
    }
}
