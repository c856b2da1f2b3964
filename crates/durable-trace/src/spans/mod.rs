//! Performs on OpenTelemetry what the plan decided: opens and closes spans, and nothing more.

mod propagation;
mod view;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use durable_trace_wire::UnixMillis;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{
    Link, SpanBuilder, SpanContext, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::contract::{keys, values};
use crate::health;
use crate::plan::{Action, Closing, Failure, Moment, Opening};
use crate::warning::Warning;

pub(crate) use propagation::{extract, inject, span_context};
pub(crate) use view::{InvocationFacts, Sleep};

/// The tracer that spans go to, and the propagator that knows its sampling decisions.
#[derive(Debug)]
pub(crate) struct Tracing {
    pub(crate) provider: SdkTracerProvider,
    pub(crate) propagator: Arc<dyn Propagator>,
    tracer: SdkTracer,
}

/// Any propagator that can be shared.
pub(crate) trait Propagator: TextMapPropagator + Send + Sync {}
impl<P: TextMapPropagator + Send + Sync> Propagator for P {}

impl Tracing {
    pub(crate) fn new(provider: SdkTracerProvider, propagator: Arc<dyn Propagator>) -> Self {
        let tracer = provider.tracer("durable-trace");
        Self {
            provider,
            propagator,
            tracer,
        }
    }

    fn start(&self, builder: SpanBuilder, parent: &Context) -> Context {
        parent.with_span(self.tracer.build_with_context(builder, parent))
    }
}

/// The spans of one invocation.
#[derive(Debug)]
pub(crate) struct Spans {
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

/// What an invocation goes on from.
#[derive(Debug, Default)]
pub(crate) struct Resume {
    /// An `aws.lambda` span that another library has open for this invocation: then none is opened here.
    pub(crate) active: Option<Context>,
    /// Spans to link to beside hanging on one, or instead of it.
    pub(crate) links: Vec<SpanContext>,
    /// Where the trace came from, if the context that was read says so.
    pub(crate) origin: Option<String>,
    /// What to hang on.
    pub(crate) parent: Context,
    /// No span has the parent's id: it follows from the execution alone.
    pub(crate) parent_is_derived: bool,
    /// The sleep before it, if it is a resume.
    pub(crate) sleep: Option<Sleep>,
}

/// How an invocation came out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Result {
    /// The function answered with this status.
    Answered {
        status: durable_trace_wire::ResponseStatus,
        failure: Option<Failure>,
    },
    /// The invocation itself failed.
    Faulted(Failure),
    /// It still runs, but Lambda is about to end it.
    OutOfTime,
}

impl Spans {
    pub(crate) fn new(tracing: Arc<Tracing>, started: SystemTime, messages: bool) -> Self {
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

    /// Opens the invocation's span and the execution's, both with the invocation's start time.
    pub(crate) fn open_invocation(&self, resume: &Resume, facts: &InvocationFacts) {
        self.lock().origin.clone_from(&resume.origin);
        let lambda = self.open_lambda(resume, facts);
        let execute = self.start(view::execute(facts), self.started, &lambda.0);
        // Only a provider that has been shut down makes spans of no trace.
        if !execute.span().span_context().is_valid() {
            health::warn_once(&Warning::ProviderShutDown);
        }
        let mut open = self.lock();
        open.lambda = Some(lambda);
        open.execute = Some(execute);
    }

    /// Opens the invocation's span alone: the execution could not be read.
    pub(crate) fn open_lambda_only(&self, resume: &Resume, facts: &InvocationFacts) {
        self.lock().origin.clone_from(&resume.origin);
        let lambda = self.open_lambda(resume, facts);
        self.lock().lambda = Some(lambda);
    }

    fn open_lambda(&self, resume: &Resume, facts: &InvocationFacts) -> (Context, Owner) {
        let sleep = resume.sleep.as_ref();
        if let Some(active) = &resume.active {
            active
                .span()
                .set_attributes(view::durable_tags(facts, sleep));
            return (active.clone(), Owner::Another);
        }
        let mut span = view::lambda(facts, sleep);
        span.attributes
            .extend(view::parentage(resume.parent_is_derived));
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

    /// Tells of the sleep before this invocation, beside the invocations.
    pub(crate) fn tell_sleep(
        &self,
        resume: &Resume,
        facts: &InvocationFacts,
        since: SystemTime,
        end: SystemTime,
    ) {
        if let Some(sleep) = &resume.sleep {
            let mut span = view::suspended(facts, sleep);
            span.attributes
                .extend(view::parentage(resume.parent_is_derived));
            let suspended = self.start(span, since, &resume.parent);
            suspended.span().end_with_timestamp(end);
        }
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

    fn start(&self, span: view::Span, start: SystemTime, parent: &Context) -> Context {
        let context = self.tracing.start(self.builder(span, start), parent);
        Self::stamp_trace_id(&context);
        context
    }

    fn builder(&self, span: view::Span, start: SystemTime) -> SpanBuilder {
        let origin = self
            .lock()
            .origin
            .clone()
            .unwrap_or_else(|| values::ORIGIN.to_owned());
        let view::Span {
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

    /// Where the user's code runs: under the execution's span, once it is open.
    pub(crate) fn execute_context(&self) -> Option<Context> {
        self.lock().execute.clone()
    }

    /// Where the body of an operation runs; `None` if it has no span.
    pub(crate) fn operation_context(&self, id: &str) -> Option<Context> {
        let open = self.lock();
        open.operations.get(id).map(|(context, _)| context.clone())
    }

    /// Does what the plan decided. `now` is the time of what was seen.
    pub(crate) fn perform(&self, action: Action, now: SystemTime) {
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

    fn open_operation(
        &self,
        opening: &Opening,
        replayed: bool,
        start: SystemTime,
    ) -> Option<Context> {
        let span = view::operation(opening, replayed)?;
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

    /// Marks everything that is open as cut short by Lambda's deadline.
    pub(crate) fn mark_out_of_time(&self) {
        let open = self.lock();
        let lambda = open.lambda.as_ref().map(|(lambda, _)| lambda);
        let operations = open.operations.values().map(|(context, _)| context);
        for context in operations.chain(&open.execute).chain(lambda) {
            context.span().set_attribute(view::out_of_time());
        }
    }

    /// Ends the execution's span and the invocation's.
    pub(crate) fn close_invocation(&self, result: &Result, now: SystemTime) {
        let now = now.max(self.started);
        let (lambda, execute) = {
            let mut open = self.lock();
            (open.lambda.take(), open.execute.take())
        };
        if let Some(execute) = execute {
            let span = execute.span();
            match result {
                Result::Answered { status, failure } => {
                    span.set_attribute(view::invocation_status(*status));
                    if let Some(failure) = failure {
                        self.mark_failed(&execute, failure);
                    }
                }
                Result::Faulted(failure) => self.mark_failed(&execute, failure),
                Result::OutOfTime => {}
            }
            if let Some((errors, locations)) = health::take_unreported() {
                span.set_attribute(KeyValue::new(
                    keys::INTEGRATION_ERRORS,
                    i64::try_from(errors).unwrap_or(i64::MAX),
                ));
                span.set_attribute(KeyValue::new(keys::INTEGRATION_ERROR_LOCATIONS, locations));
            }
            span.end_with_timestamp(now);
        }
        if let Some((lambda, owner)) = lambda {
            match result {
                Result::Answered { status, .. } => {
                    lambda.span().set_attribute(view::execution_status(*status));
                }
                Result::Faulted(failure) => self.mark_failed(&lambda, failure),
                Result::OutOfTime => {}
            }
            if owner == Owner::Us {
                lambda.span().end_with_timestamp(now);
            }
        }
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

/// A moment of the service's; `None` before 1970.
pub(crate) fn system_time(at: UnixMillis) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(u64::try_from(at.0).ok()?))
}
