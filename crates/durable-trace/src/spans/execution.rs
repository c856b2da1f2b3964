//! AWS's execution view: an operation is one span over its whole life, wherever its parts ran.
//!
//! Workflow → operation → attempt, and Invocation beside them. Operations link to the invocation in which they ended, attempts to the
//! one in which they ran. A span whose life outlasts an invocation is sent when it ends, under an id that children have named before.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use opentelemetry::Context;

use super::aws::{Aws, Policy, Run, is_final, link, mark_out_of_time, named};
use crate::plan::{Action, Closing, Ending, Facts, Opening, Shape};

#[derive(Debug, Default)]
pub(super) struct Execution {
    operations: Mutex<HashMap<String, Operation>>,
}

/// An operation that has not ended.
#[derive(Debug)]
struct Operation {
    facts: Facts,
    start: SystemTime,
    parent: Context,
    /// Counts from 0.
    attempt: u32,
    /// The attempt that is running.
    running: Option<Context>,
}

impl Execution {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Operation>> {
        self.operations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up an operation, or its next attempt.
    fn take_up(&self, aws: &Aws, run: &Run, mut opening: Opening, now: SystemTime) {
        let Some(shape) = opening.facts.shape() else {
            return;
        };
        let at = run.at(opening.start, now);
        let mut operations = self.lock();
        opening.facts = name(&operations, &opening);
        let begin = || Operation::begin(run, &opening, at);
        let operation = operations
            .entry(opening.facts.id.clone())
            .or_insert_with(begin);
        if shape.has_attempts() {
            operation.attempt = opening.attempt;
            let start = at.max(run.begin());
            let span = run
                .attempt(&opening.facts, opening.attempt, start)
                .with_links(link(&run.invocation));
            let parent = run.promised(&opening.facts.id);
            operation.running = Some(aws.open(run, None, &parent, span));
        }
    }

    fn close(&self, aws: &Aws, run: &Run, id: &str, closing: &Closing, now: SystemTime) {
        let end = run.at(closing.end, now);
        let mut operations = self.lock();
        let Some(operation) = operations.get_mut(id) else {
            return;
        };
        if let Some(attempt) = operation.running.take() {
            aws.end_attempt(&attempt, &closing.ending, end);
        }
        if is_final(&closing.ending)
            && let Some(operation) = operations.remove(id)
        {
            operation.tell(aws, run, closing, end);
        }
    }
}

/// The operation's facts, named as AWS's other SDKs do.
fn name(operations: &HashMap<String, Operation>, opening: &Opening) -> Facts {
    let parent = opening.parent.as_ref().map(|parent| {
        let whole = operations.get(&parent.id);
        (parent.shape, whole.and_then(|it| it.facts.name.as_deref()))
    });
    named(&opening.facts, parent)
}

impl Operation {
    fn begin(run: &Run, opening: &Opening, at: SystemTime) -> Self {
        let parent = opening.parent.as_ref();
        Self {
            facts: opening.facts.clone(),
            // Earlier than this invocation, if an earlier one began it.
            start: opening
                .begun
                .map_or(at, |begun| run.recorded(begun).min(at)),
            parent: parent.map_or_else(|| run.workflow.clone(), |parent| run.promised(&parent.id)),
            attempt: opening.attempt,
            running: None,
        }
    }

    fn tell(self, aws: &Aws, run: &Run, closing: &Closing, end: SystemTime) {
        let span = run
            .operation(&self.facts, self.start)
            .with_links(link(&run.invocation));
        let own = run.id_of(&self.facts.id);
        let context = aws.open(run, Some(own), &self.parent, span);
        let has_attempts = self.facts.shape().is_some_and(Shape::has_attempts);
        let attempt = has_attempts.then_some(self.attempt);
        aws.end_operation(&context, Some(closing), attempt, end.max(self.start));
    }
}

impl Policy for Execution {
    fn operation_context(&self, run: &Run, id: &str) -> Option<Context> {
        let operations = self.lock();
        let running = operations.get(id)?.running.clone();
        Some(running.unwrap_or_else(|| run.promised(id)))
    }

    fn perform(&self, aws: &Aws, run: &Run, action: Action, now: SystemTime) {
        match action {
            Action::Close { id, closing } => self.close(aws, run, &id, &closing, now),
            Action::Open(opening) => self.take_up(aws, run, opening, now),
            Action::Ride => {}
            Action::Whole {
                mut opening,
                closing,
                ..
            } => {
                opening.facts = name(&self.lock(), &opening);
                let start = run.at(opening.start, now);
                let end = run.at(closing.end, now);
                Operation::begin(run, &opening, start).tell(aws, run, &closing, end);
            }
        }
    }

    fn mark_out_of_time(&self) {
        let operations = self.lock();
        let running = operations.values().filter_map(|it| it.running.as_ref());
        running.for_each(mark_out_of_time);
    }

    fn close_all(&self, aws: &Aws, end: SystemTime) {
        for operation in self.lock().drain().map(|(_, operation)| operation) {
            if let Some(attempt) = operation.running {
                aws.end_attempt(&attempt, &Ending::Unfinished, end);
            }
        }
    }
}
