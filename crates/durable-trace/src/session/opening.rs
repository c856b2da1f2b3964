//! What an invocation goes on from, once its whole log is known.

use durable_trace_wire as wire;
use opentelemetry::trace::TraceContextExt as _;

use super::log::Log;
use super::{Saved, Session};
use crate::caller::{is_fleeting, keep_what_is_saved};
use crate::config::Continuity;
use crate::plan::Input;
use crate::resume::{
    Going, decide_continuity, decide_going, derive, execution_start, measure_sleep,
};
use crate::spans::{self, Resume, system_time};

impl Session {
    /// Opens the invocation's spans now that the whole log is known, and tells of what ended meanwhile.
    pub(super) fn open(&self, operations: &[wire::Operation<'_>]) {
        let (found, facts, asleep, actions) = {
            let mut state = self.lock();
            let updated = &self.updated;
            let actions = state.plan.apply(Input::Loaded {
                operations,
                updated,
            });
            let found = match &state.log {
                Log::Read(read) => read.found.as_ref().map(|it| self.going_on(it)),
                Log::Loading { .. } => None,
            };
            let asleep = state.plan.asleep().cloned();
            (found, state.facts.clone(), asleep, actions)
        };
        let measured = asleep
            .as_ref()
            .map(|asleep| measure_sleep(asleep, self.started));
        let resume = Resume {
            sleep: measured.as_ref().map(|(sleep, _)| sleep.clone()),
            latest: asleep
                .as_ref()
                .and_then(|asleep| asleep.since.max(asleep.ready_at)),
            ..self.resume(operations, found.as_ref())
        };
        self.spans.open_invocation(&resume, &facts);
        if self.settings.suspended_spans
            && let Some(since) = asleep.and_then(|asleep| system_time(asleep.since?))
            && let Some((_, end)) = measured
            && since <= end
        {
            self.spans.tell_sleep(&resume, &facts, since, end);
        }
        self.perform(actions);
    }

    /// What this invocation goes on from, as `operations` of the log and the checkpoint among them tell.
    pub(super) fn resume(
        &self,
        operations: &[wire::Operation<'_>],
        found: Option<&(wire::Context, wire::PassThrough)>,
    ) -> Resume {
        let (going, continuity) = {
            let mut state = self.lock();
            let continuity = decide_continuity(&self.settings, operations, self.started);
            let going = decide_going(
                &self.settings,
                continuity,
                found.is_some(),
                self.caller.is_some(),
                state.facts.first,
            );
            if going == Going::ByCheckpoint && continuity == Continuity::Link {
                // The first invocation stays what all others link to.
                state.saved = Saved::Needless;
            }
            (going, continuity)
        };
        // A checkpoint may carry it too.
        let derived = matches!(going, Going::ByCheckpoint | Going::ByExecution)
            .then(|| derive(&self.arn, operations));
        if going == Going::ByExecution && self.active_lambda.is_none() {
            // All invocations stay siblings, those before the checkpoint and those behind it.
            self.lock().anchor = derived.as_ref().map(|derived| derived.parent_id);
        }
        let mut resume = Resume {
            active: self.active_lambda.clone(),
            execution_started: execution_start(operations),
            ..Resume::default()
        };
        let context = match going {
            Going::Anew => None,
            Going::ByCaller => self.caller.as_ref().map(|caller| &caller.context),
            Going::ByCheckpoint => found.map(|(context, _)| context),
            Going::ByExecution => derived.as_ref(),
        };
        // An ancestor of which the next invocation would not know is none.
        let is_lost = going == Going::ByCaller
            && self.caller.as_ref().is_some_and(is_fleeting)
            && self.lock().saved == Saved::Needless;
        if matches!(going, Going::ByCaller | Going::ByCheckpoint) && !is_lost {
            resume.ancestor = context.cloned();
        }
        let pass_through = match going {
            Going::ByCaller => self.caller.as_ref().map(|caller| &caller.pass_through),
            Going::ByCheckpoint => found.map(|(_, pass_through)| pass_through),
            Going::Anew | Going::ByExecution => None,
        };
        if let Some(pass_through) = pass_through.filter(|it| !it.is_empty()) {
            resume.pass_through = pass_through.clone();
            self.lock().pass_through = pass_through.clone();
        }
        if let Some(context) = context {
            let anchor = spans::extract(&self.tracing, context, &resume.pass_through);
            if going == Going::ByCheckpoint && continuity == Continuity::Link {
                resume.links.push(anchor.span().span_context().clone());
            } else {
                resume.origin.clone_from(&context.origin);
                resume.parent = anchor;
                resume.parent_is_derived = derived.as_ref().is_some_and(|derived| {
                    (derived.trace_id, derived.parent_id) == (context.trace_id, context.parent_id)
                });
            }
        }
        if going == Going::ByCaller
            && let Some(caller) = &self.caller
        {
            resume.links = caller.links.iter().map(spans::span_context).collect();
        }
        resume
    }

    /// What a checkpoint says to the invocation that goes on from it.
    pub(super) fn going_on(&self, found: &wire::Found) -> (wire::Context, wire::PassThrough) {
        let passed = wire::PassThrough::of(&found.headers);
        let passed = keep_what_is_saved(passed, &self.settings);
        (found.context.clone(), passed)
    }
}
