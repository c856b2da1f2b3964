//! What AWS's two views share: ids that follow from the execution, names, attributes and statuses.
//!
//! Source: AWS's requirements for OpenTelemetry traces of durable executions (`docs/conformance.md`).

mod run;
mod view;

use std::str::FromStr as _;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use durable_trace_wire::{self as wire, Origin, ResponseStatus};
use opentelemetry::trace::{
    Link, SpanBuilder, SpanId, SpanKind, Status, TraceContextExt as _, TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue};

pub(super) use self::run::Run;
use self::run::{Trace, baggage_of};
pub(super) use self::view::{Policy, View};
use super::ids::{Next, verdict};
use super::{
    InvocationFacts, Result, Resume, Tracing, span_context, system_time, tell_unreported,
    warn_if_shut_down,
};
use crate::contract::{keys, span_names};
use crate::health;
use crate::plan::{Closing, Ending, Facts, Failure, Shape};
use crate::warning::Warning;

/// What became of an operation, an attempt or a whole: AWS's words.
const STARTED: &str = "STARTED";
const SUCCEEDED: &str = "SUCCEEDED";
const FAILED: &str = "FAILED";

/// One invocation, to either view.
#[derive(Debug)]
pub(super) struct Aws {
    tracing: Arc<Tracing>,
    started: SystemTime,
    /// Whether messages of errors go on spans.
    messages: bool,
    run: OnceLock<Run>,
}

impl Aws {
    pub(super) fn new(tracing: Arc<Tracing>, started: SystemTime, messages: bool) -> Self {
        Self {
            tracing,
            started,
            messages,
            run: OnceLock::new(),
        }
    }

    /// Opens the invocation's span.
    pub(super) fn begin(&self, resume: &Resume, facts: &InvocationFacts) {
        let at = resume.execution_started;
        // Otherwise what an earlier invocation began would not fit before this one.
        let ahead = resume
            .latest
            .and_then(|latest| system_time(latest)?.duration_since(self.started).ok())
            .unwrap_or_default();
        let origin = Origin::of(&facts.arn, at, resume.ancestor.as_ref(), facts.xray);
        let trace_id = TraceId::from_bytes(origin.trace_id.as_u128().to_be_bytes());
        let sampled = origin.sampled.unwrap_or_else(|| {
            let sampler = self.tracing.sampler.as_deref();
            sampler.is_none_or(|sampler| verdict(sampler, trace_id, span_names::AWS_WORKFLOW))
        });
        if facts.xray.is_some_and(|xray| xray.sampled == Some(false)) {
            health::warn_once(&Warning::XRayUnsampled);
        }
        let members = resume.pass_through.tracestate.as_deref();
        let trace = Trace {
            id: trace_id,
            sampled,
            state: members
                .filter(|_| origin.is_callers)
                .and_then(|members| TraceState::from_str(members).ok())
                .unwrap_or_default(),
            around: baggage_of(&resume.parent),
        };
        let workflow = trace.remote(span_id(wire::derive_workflow_id(&facts.arn)));
        let workflow = trace.below(workflow);
        let ancestor = origin.parent_id.map(|parent| trace.remote(span_id(parent)));
        // What another library has open for this invocation, if it is in this trace.
        let active = resume.active.as_ref().filter(|active| {
            let span = active.span();
            span.span_context().trace_id() == trace_id
        });
        let parent = active.cloned().unwrap_or_else(|| match &ancestor {
            Some(ancestor) => trace.below(ancestor.clone()),
            None => workflow.clone(),
        });
        let attributes = vec![
            KeyValue::new(keys::AWS_EXECUTION_ARN, facts.arn.clone()),
            KeyValue::new(keys::AWS_INVOCATION_FIRST, facts.first),
            KeyValue::new(keys::FAAS_INVOCATION_ID, facts.request_id.clone()),
            KeyValue::new(keys::FAAS_COLDSTART, facts.cold_start),
        ];
        let builder = builder(
            span_names::AWS_INVOCATION.to_owned(),
            self.started + ahead,
            attributes,
        );
        let next = Next {
            sampled: Some(sampled),
            ..Next::default()
        };
        let invocation = next.applied(|| self.tracing.start(builder, &parent));
        warn_if_shut_down(&invocation);
        let start = at.and_then(system_time).unwrap_or(self.started);
        let _ = self.run.set(Run {
            arn: facts.arn.clone(),
            started: self.started,
            trace,
            ancestor,
            caller: resume.ancestor.as_ref().map(span_context),
            start: start.min(self.started + ahead),
            ahead,
            workflow,
            invocation,
        });
    }

    /// Says that Lambda's deadline cuts the invocation short.
    pub(super) fn mark_out_of_time(&self) {
        self.run()
            .iter()
            .for_each(|run| mark_out_of_time(&run.invocation));
    }

    pub(super) fn run(&self) -> Option<&Run> {
        self.run.get()
    }

    /// Opens a span of the execution's, with this id or a random one.
    pub(super) fn open(
        &self,
        run: &Run,
        id: Option<SpanId>,
        parent: &Context,
        span: SpanBuilder,
    ) -> Context {
        let next = Next {
            span_id: id,
            trace_id: Some(run.trace.id),
            sampled: Some(run.trace.sampled),
        };
        next.applied(|| self.tracing.start(span, parent))
    }

    /// Ends the invocation's span, and tells of the whole execution if it has ended.
    fn end(&self, run: &Run, result: &Result, now: SystemTime) {
        let span = run.invocation.span();
        match result {
            Result::Answered { status, failure } => {
                span.set_attribute(KeyValue::new(keys::AWS_INVOCATION_STATUS, status.as_str()));
                self.set_status(&run.invocation, *status, failure.as_ref());
            }
            Result::Faulted(failure) => {
                span.set_attribute(KeyValue::new(keys::AWS_INVOCATION_STATUS, FAILED));
                self.set_status(&run.invocation, ResponseStatus::Failed, Some(failure));
            }
            Result::OutOfTime => {}
        }
        tell_unreported(&run.invocation);
        span.end_with_timestamp(now);
        if let Result::Answered { status, failure } = result
            && *status != ResponseStatus::Pending
        {
            self.tell_workflow(run, *status, failure.as_ref(), now);
        }
    }

    fn tell_workflow(
        &self,
        run: &Run,
        status: ResponseStatus,
        failure: Option<&Failure>,
        now: SystemTime,
    ) {
        let attributes = vec![
            KeyValue::new(keys::AWS_EXECUTION_ARN, run.arn.clone()),
            KeyValue::new(keys::AWS_EXECUTION_STATUS, status.as_str()),
        ];
        let links = run.caller.iter().cloned().map(Link::with_context).collect();
        let span =
            builder(span_names::AWS_WORKFLOW.to_owned(), run.start, attributes).with_links(links);
        let parent = match &run.ancestor {
            Some(ancestor) => run.trace.below(ancestor.clone()),
            None => run.trace.around.clone(),
        };
        let own = run.workflow.span().span_context().span_id();
        let workflow = self.open(run, Some(own), &parent, span);
        self.set_status(&workflow, status, failure);
        workflow.span().end_with_timestamp(now);
    }

    fn set_status(&self, context: &Context, status: ResponseStatus, failure: Option<&Failure>) {
        if status == ResponseStatus::Failed {
            self.set_failed(context, failure);
        } else {
            context.span().set_status(Status::Ok);
        }
    }

    fn set_failed(&self, context: &Context, failure: Option<&Failure>) {
        let span = context.span();
        if let Some(error_type) = failure.and_then(|failure| failure.error_type.clone()) {
            span.set_attribute(KeyValue::new(keys::ERROR_TYPE, error_type));
        }
        let message = failure.and_then(|failure| failure.message.clone());
        span.set_status(Status::error(
            message.filter(|_| self.messages).unwrap_or_default(),
        ));
    }

    /// Ends an attempt as it came out. One that did not come out in this invocation has no outcome.
    pub(super) fn end_attempt(&self, attempt: &Context, ending: &Ending, end: SystemTime) {
        let span = attempt.span();
        let outcome = match ending {
            Ending::Failed(failure) | Ending::Retried(Some(failure)) => {
                self.set_failed(attempt, Some(failure));
                Some(FAILED)
            }
            // A condition that is not met yet is no failure.
            Ending::Retried(None) | Ending::Succeeded => {
                span.set_status(Status::Ok);
                Some(SUCCEEDED)
            }
            Ending::Unfinished => None,
        };
        if let Some(outcome) = outcome {
            span.set_attribute(KeyValue::new(keys::AWS_ATTEMPT_OUTCOME, outcome));
        }
        span.end_with_timestamp(end);
    }

    /// Ends an operation's span; `None` where the operation goes on. `attempt` is that of one that has attempts.
    pub(super) fn end_operation(
        &self,
        operation: &Context,
        closing: Option<&Closing>,
        attempt: Option<u32>,
        end: SystemTime,
    ) {
        let span = operation.span();
        let status = match closing.map(|closing| &closing.ending) {
            Some(Ending::Succeeded) => {
                span.set_status(Status::Ok);
                SUCCEEDED
            }
            Some(Ending::Failed(failure)) => {
                self.set_failed(operation, Some(failure));
                FAILED
            }
            Some(Ending::Retried(_) | Ending::Unfinished) | None => STARTED,
        };
        span.set_attribute(KeyValue::new(keys::AWS_OPERATION_STATUS, status));
        if let Some(attempt) = attempt.filter(|_| status != STARTED) {
            let number = i64::from(attempt) + 1;
            span.set_attribute(KeyValue::new(keys::AWS_ATTEMPT_NUMBER, number));
        }
        if let Some(completer) = closing.and_then(|closing| closing.completer.as_ref()) {
            // A link: whoever completes a callback does not begin what waits for it.
            span.add_link(span_context(completer), Vec::new());
        }
        span.end_with_timestamp(end);
    }
}

/// Says that Lambda's deadline cut a span short.
pub(super) fn mark_out_of_time(context: &Context) {
    context
        .span()
        .set_attribute(KeyValue::new(keys::DEADLINE, true));
}

/// The facts with the name that AWS's other SDKs give to what makes up a `wait_for_callback`; the Rust SDK leaves both parts unnamed.
pub(super) fn named(facts: &Facts, parent: Option<(Shape, Option<&str>)>) -> Facts {
    let part = match (facts.shape(), parent) {
        (Some(Shape::Callback), Some((Shape::WaitForCallback, _))) => "callback",
        (Some(Shape::Step), Some((Shape::WaitForCallback, _))) => "submitter",
        _ => return facts.clone(),
    };
    let whole = parent.and_then(|(_, name)| name);
    let by_parent = whole.map(|whole| format!("{whole}-{part}"));
    Facts {
        name: facts.name.clone().or(by_parent),
        ..facts.clone()
    }
}

/// Whether an operation is over for good.
pub(super) fn is_final(ending: &Ending) -> bool {
    matches!(ending, Ending::Failed(_) | Ending::Succeeded)
}

/// A link to the span of `context`.
pub(super) fn link(context: &Context) -> Vec<Link> {
    vec![Link::with_context(context.span().span_context().clone())]
}

fn span_id(id: wire::SpanId) -> SpanId {
    SpanId::from_bytes(id.get().to_be_bytes())
}

fn builder(name: String, start: SystemTime, attributes: Vec<KeyValue>) -> SpanBuilder {
    SpanBuilder::from_name(name)
        .with_kind(SpanKind::Internal)
        .with_start_time(start)
        .with_attributes(attributes)
}

/// An operation's name; its type where it has none.
fn name(facts: &Facts) -> String {
    let own = facts.name.clone();
    own.unwrap_or_else(|| facts.kind.as_str().to_owned())
}

fn attributes(arn: &str, facts: &Facts) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new(keys::AWS_EXECUTION_ARN, arn.to_owned()),
        KeyValue::new(keys::AWS_OPERATION_ID, facts.id.clone()),
        KeyValue::new(keys::AWS_OPERATION_TYPE, facts.kind.as_str()),
    ];
    let texts = [
        (keys::AWS_OPERATION_SUBTYPE, &facts.sub_type),
        (keys::AWS_OPERATION_NAME, &facts.name),
    ];
    attributes.extend(
        texts
            .into_iter()
            .filter_map(|(key, text)| Some(KeyValue::new(key, text.clone()?))),
    );
    attributes
}
