//! AWS's invocation view: an operation has a segment in each invocation that does something for it.
//!
//! Invocation → segment → attempt, with links to Workflow. What ended while the function slept is a segment without a length, where the
//! invocation that sees it begins.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use opentelemetry::Context;

use super::aws::{Aws, Policy, Run, is_final, link, mark_out_of_time, named};
use crate::plan::{Action, Closing, Ending, Facts, Opening};

#[derive(Debug, Default)]
pub(super) struct Invocation {
    segments: Mutex<HashMap<String, Segment>>,
}

/// An operation's segment that is open.
#[derive(Debug)]
struct Segment {
    span: Context,
    facts: Facts,
    /// That of the last attempt, counted from 0, if the operation has attempts.
    attempt: Option<u32>,
    /// The attempt that is running.
    running: Option<Context>,
}

impl Invocation {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Segment>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a segment, or the next attempt in it.
    fn begin(&self, aws: &Aws, run: &Run, opening: &Opening, now: SystemTime) {
        let Some(shape) = opening.facts.shape() else {
            return;
        };
        // An earlier invocation sent what it did for the operation.
        let start = run.at(opening.start, now).max(run.begin());
        let mut segments = self.lock();
        if !segments.contains_key(&opening.facts.id) {
            let segment = Self::segment(aws, run, &segments, opening, start);
            segments.insert(opening.facts.id.clone(), segment);
        }
        if shape.has_attempts()
            && let Some(segment) = segments.get_mut(&opening.facts.id)
        {
            let span = run
                .attempt(&segment.facts, opening.attempt, start)
                .with_links(link(&run.workflow));
            segment.attempt = Some(opening.attempt);
            segment.running = Some(aws.open(run, None, &segment.span, span));
        }
    }

    fn segment(
        aws: &Aws,
        run: &Run,
        segments: &HashMap<String, Segment>,
        opening: &Opening,
        start: SystemTime,
    ) -> Segment {
        let enclosing = opening.parent.as_ref();
        let around = enclosing.and_then(|parent| segments.get(&parent.id));
        let parent = around.map_or(&run.invocation, |segment| &segment.span);
        let whole = enclosing.map(|parent| {
            let name = around.and_then(|segment| segment.facts.name.as_deref());
            (parent.shape, name)
        });
        let facts = named(&opening.facts, whole);
        // An id is for one span: backends overwrite what comes again.
        let is_first = opening.begun.is_none();
        let id = is_first.then(|| run.id_of(&opening.facts.id));
        let span = run.operation(&facts, start).with_links(link(&run.workflow));
        Segment {
            span: aws.open(run, id, parent, span),
            facts,
            attempt: None,
            running: None,
        }
    }

    fn close(&self, aws: &Aws, run: &Run, id: &str, closing: &Closing, now: SystemTime) {
        let end = run.at(closing.end, now);
        let mut segments = self.lock();
        let Some(segment) = segments.get_mut(id) else {
            return;
        };
        if closing.ending == Ending::Unfinished {
            return; // all that is open ends with the invocation
        }
        if let Some(attempt) = segment.running.take() {
            aws.end_attempt(&attempt, &closing.ending, end);
        }
        if is_final(&closing.ending)
            && let Some(segment) = segments.remove(id)
        {
            aws.end_operation(&segment.span, Some(closing), segment.attempt, end);
        }
    }

    fn tell_whole(
        &self,
        aws: &Aws,
        run: &Run,
        opening: &Opening,
        closing: &Closing,
        now: SystemTime,
    ) {
        let Some(shape) = opening.facts.shape() else {
            return;
        };
        let start = run.at(opening.start, now).max(run.begin());
        let end = run.at(closing.end, now).max(start);
        let segment = Self::segment(aws, run, &self.lock(), opening, start);
        let attempt = Some(opening.attempt).filter(|_| shape.has_attempts());
        aws.end_operation(&segment.span, Some(closing), attempt, end);
    }
}

impl Policy for Invocation {
    fn operation_context(&self, _: &Run, id: &str) -> Option<Context> {
        let segments = self.lock();
        let segment = segments.get(id)?;
        Some(segment.running.as_ref().unwrap_or(&segment.span).clone())
    }

    fn perform(&self, aws: &Aws, run: &Run, action: Action, now: SystemTime) {
        match action {
            Action::Close { id, closing } => self.close(aws, run, &id, &closing, now),
            Action::Open(opening) => self.begin(aws, run, &opening, now),
            Action::Ride => {}
            Action::Whole {
                opening, closing, ..
            } => self.tell_whole(aws, run, &opening, &closing, now),
        }
    }

    fn mark_out_of_time(&self) {
        for segment in self.lock().values() {
            mark_out_of_time(&segment.span);
            segment.running.iter().for_each(mark_out_of_time);
        }
    }

    fn close_all(&self, aws: &Aws, end: SystemTime) {
        for segment in self.lock().drain().map(|(_, segment)| segment) {
            if let Some(attempt) = segment.running {
                aws.end_attempt(&attempt, &Ending::Unfinished, end);
            }
            aws.end_operation(&segment.span, None, None, end);
        }
    }
}
