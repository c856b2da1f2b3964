//! Either of AWS's views: what both do alike, and for the rest its policy.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::SystemTime;

use durable_trace_wire as wire;
use opentelemetry::Context;

use super::{Aws, Run};
use crate::plan::{Action, ReplayedSpans, Telling};
use crate::spans::{InvocationFacts, Result, Resume, Saves, SpanView, Tracing};

/// What the two views do each in its own way.
pub(in crate::spans) trait Policy: Debug + Default + Send + Sync {
    /// Where the body of an operation runs; `None` if it has no span.
    fn operation_context(&self, run: &Run, id: &str) -> Option<Context>;

    /// Does what the plan decided. `now` is the time of what was seen, by the function's clock.
    fn perform(&self, aws: &Aws, run: &Run, action: Action, now: SystemTime);

    /// Marks what is open of operations as cut short by Lambda's deadline.
    fn mark_out_of_time(&self);

    /// Ends what is open of operations.
    fn close_all(&self, aws: &Aws, end: SystemTime);
}

/// One of the two.
#[derive(Debug)]
pub(in crate::spans) struct View<P> {
    aws: Aws,
    policy: P,
}

impl<P: Policy> View<P> {
    pub(in crate::spans) fn new(
        tracing: Arc<Tracing>,
        started: SystemTime,
        messages: bool,
    ) -> Self {
        Self {
            aws: Aws::new(tracing, started, messages),
            policy: P::default(),
        }
    }
}

impl<P: Policy> SpanView for View<P> {
    fn telling(&self, _: ReplayedSpans) -> Telling {
        Telling::Transitions
    }

    fn saves(&self) -> Saves {
        Saves::Caller
    }

    fn anchor(&self) -> Option<wire::SpanId> {
        self.aws.run()?.anchor()
    }

    fn open_invocation(&self, resume: &Resume, facts: &InvocationFacts) {
        self.aws.begin(resume, facts);
    }

    fn open_lambda_only(&self, resume: &Resume, facts: &InvocationFacts) {
        self.aws.begin(resume, facts);
    }

    fn tell_sleep(&self, _: &Resume, _: &InvocationFacts, _: SystemTime, _: SystemTime) {}

    fn body_context(&self) -> Option<Context> {
        self.aws.run().map(|run| run.invocation.clone())
    }

    fn operation_context(&self, id: &str) -> Option<Context> {
        self.policy.operation_context(self.aws.run()?, id)
    }

    fn perform(&self, action: Action, now: SystemTime) {
        if let Some(run) = self.aws.run() {
            self.policy.perform(&self.aws, run, action, now);
        }
    }

    fn mark_out_of_time(&self) {
        self.aws.mark_out_of_time();
        self.policy.mark_out_of_time();
    }

    fn close_invocation(&self, result: &Result, now: SystemTime) {
        if let Some(run) = self.aws.run() {
            self.policy.close_all(&self.aws, run.now(now));
            self.aws.end(run, result, run.now(now));
        }
    }
}
