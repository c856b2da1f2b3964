//! Performs on OpenTelemetry what the plan decided: opens and closes spans, and nothing more.
//!
//! Which spans, with which names, parents and links, a view says: one file each for Datadog's and AWS's two.

mod aws;
mod datadog;
mod execution;
mod ids;
mod invocation;
mod propagation;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use durable_trace_wire::{self as wire, PassThrough, Trigger, UnixMillis, XRayHeader};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{
    SpanBuilder, SpanContext, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, ShouldSample};

use crate::config::View;
use crate::contract::keys;
use crate::health;
use crate::plan::{Action, Facts, Failure, ReplayedSpans, Telling};
use crate::warning::Warning;

pub use ids::DurableTracerProvider;
pub(crate) use propagation::{extract, inject, span_context};

/// The tracer that spans go to, and the propagator that knows its sampling decisions.
#[derive(Debug)]
pub(crate) struct Tracing {
    pub(crate) provider: SdkTracerProvider,
    pub(crate) propagator: Arc<dyn Propagator>,
    /// The configured sampler, of a tracer that takes its ids from us.
    sampler: Option<Box<dyn ShouldSample>>,
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
            sampler: None,
            tracer,
        }
    }

    /// A tracer that takes its ids from us.
    pub(crate) fn durable(
        provider: &DurableTracerProvider,
        propagator: Arc<dyn Propagator>,
    ) -> Self {
        Self {
            sampler: Some(provider.sampler()),
            ..Self::new(provider.provider().clone(), propagator)
        }
    }

    fn start(&self, builder: SpanBuilder, parent: &Context) -> Context {
        parent.with_span(self.tracer.build_with_context(builder, parent))
    }
}

/// Which spans an invocation makes of what happens in it.
pub(crate) trait SpanView: Debug + Send + Sync {
    /// What the plan has to tell.
    fn telling(&self, replayed: ReplayedSpans) -> Telling;

    /// What a suspension has to save, so that the next invocation finds its trace.
    fn saves(&self) -> Saves;

    /// The span that a checkpoint names as the parent, if that is not the one where the user's code runs.
    fn anchor(&self) -> Option<wire::SpanId>;

    /// Opens the invocation's spans, with the invocation's start time.
    fn open_invocation(&self, resume: &Resume, facts: &InvocationFacts);

    /// The same for an invocation whose execution could not be read.
    fn open_lambda_only(&self, resume: &Resume, facts: &InvocationFacts);

    /// Tells of the sleep before this invocation, beside the invocations.
    fn tell_sleep(
        &self,
        resume: &Resume,
        facts: &InvocationFacts,
        since: SystemTime,
        end: SystemTime,
    );

    /// Where the user's code runs, once the invocation's spans are open.
    fn body_context(&self) -> Option<Context>;

    /// Where the body of an operation runs; `None` if it has no span.
    fn operation_context(&self, id: &str) -> Option<Context>;

    /// Does what the plan decided. `now` is the time of what was seen.
    fn perform(&self, action: Action, now: SystemTime);

    /// Marks everything that is open as cut short by Lambda's deadline.
    fn mark_out_of_time(&self);

    /// Ends what is open.
    fn close_invocation(&self, result: &Result, now: SystemTime);
}

/// What a suspension has to save.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Saves {
    /// Only a caller of which no other invocation hears.
    Caller,
    /// The trace.
    Trace,
}

/// The spans of one invocation. `messages` says whether messages of errors go on spans.
pub(crate) fn of_view(
    view: View,
    tracing: Arc<Tracing>,
    started: SystemTime,
    messages: bool,
) -> Box<dyn SpanView> {
    match view {
        View::Datadog => Box::new(datadog::Datadog::new(tracing, started, messages)),
        View::Execution => Box::new(aws::View::<execution::Execution>::new(
            tracing, started, messages,
        )),
        View::Invocation => Box::new(aws::View::<invocation::Invocation>::new(
            tracing, started, messages,
        )),
    }
}

/// What is known of an invocation when it begins.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct InvocationFacts {
    pub(crate) arn: String,
    pub(crate) cold_start: bool,
    /// Name and id, the last two parts of the ARN; `None` if it has no such parts.
    pub(crate) execution: Option<(String, String)>,
    pub(crate) first: bool,
    pub(crate) function_arn: String,
    pub(crate) function_name: String,
    pub(crate) function_version: String,
    pub(crate) request_id: String,
    /// What the event that started the execution came from.
    pub(crate) trigger: Option<Trigger>,
    /// X-Ray's trace, if the invocation came with a valid one.
    pub(crate) xray: Option<XRayHeader>,
    /// The resource of the execution's span.
    pub(crate) resource: String,
    /// There is recorded work to return instead of doing it.
    pub(crate) replays: bool,
}

/// How long an execution slept, as far as both clocks tell.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Sleep {
    pub(crate) suspended_ms: Option<i64>,
    pub(crate) resume_delay_ms: Option<i64>,
    pub(crate) on: Option<Facts>,
}

/// What an invocation goes on from.
#[derive(Debug, Default)]
pub(crate) struct Resume {
    /// An `aws.lambda` span that another library has open for this invocation: then none is opened here.
    pub(crate) active: Option<Context>,
    /// The span that the execution hangs on, if its caller, or a checkpoint, names one.
    pub(crate) ancestor: Option<wire::Context>,
    /// When the execution was started, if the log tells.
    pub(crate) execution_started: Option<UnixMillis>,
    /// The latest that the service's clock is known to have said before this invocation.
    pub(crate) latest: Option<UnixMillis>,
    /// Spans to link to beside hanging on one, or instead of it.
    pub(crate) links: Vec<SpanContext>,
    /// Where the trace came from, if the context that was read says so.
    pub(crate) origin: Option<String>,
    /// What to hang on.
    pub(crate) parent: Context,
    /// What of the headers that named the parent is to be passed on.
    pub(crate) pass_through: PassThrough,
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
        status: wire::ResponseStatus,
        failure: Option<Failure>,
    },
    /// The invocation itself failed.
    Faulted(Failure),
    /// It still runs, but Lambda is about to end it.
    OutOfTime,
}

/// Puts what went wrong in our own code, and was not told of yet, on an invocation's span.
fn tell_unreported(context: &Context) {
    if let Some((errors, locations)) = health::take_unreported() {
        let span = context.span();
        let errors = i64::try_from(errors).unwrap_or(i64::MAX);
        span.set_attribute(KeyValue::new(keys::INTEGRATION_ERRORS, errors));
        span.set_attribute(KeyValue::new(keys::INTEGRATION_ERROR_LOCATIONS, locations));
    }
}

/// Says so where a span has no trace: only a provider that has been shut down makes such.
fn warn_if_shut_down(context: &Context) {
    if !context.span().span_context().is_valid() {
        health::warn_once(&Warning::ProviderShutDown);
    }
}

/// A moment of the service's; `None` before 1970.
pub(crate) fn system_time(at: UnixMillis) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(u64::try_from(at.0).ok()?))
}
