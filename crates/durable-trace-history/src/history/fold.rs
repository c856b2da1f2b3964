//! From events.

use durable_trace_wire::OperationType;
use std::collections::HashMap;

use super::{AttemptRecord, Execution, History, Invocation, Operation, Outcome, Waits};
use crate::document::Facts;
use crate::event::{Details, ErrorObject, Event, EventKind, Transition};
use crate::time::UnixMicros;

/// Puts a history together from its events.
pub(super) fn gather(mut events: Vec<Event>, facts: &Facts) -> History {
    // Pages may have been asked for newest first.
    events.sort_by_key(|event| event.number);
    let start = events.first().map_or(UnixMicros(0), |event| event.at);
    let mut fold = Fold {
        execution: Execution::of(facts, start),
        operations: Vec::new(),
        by_id: HashMap::new(),
        invocations: Vec::new(),
        first_since: None,
        last_at: start,
    };
    for event in events {
        fold.take(event);
    }
    fold.end()
}

struct Fold {
    execution: Execution,
    operations: Vec<Operation>,
    by_id: HashMap<String, usize>,
    invocations: Vec<Invocation>,
    /// The first event of an operation since the last invocation ended: by then the next one was called for.
    first_since: Option<UnixMicros>,
    last_at: UnixMicros,
}

impl Fold {
    fn take(&mut self, event: Event) {
        self.last_at = self.last_at.max(event.at);
        match event.kind {
            EventKind::Execution(Transition::Started) => {
                self.execution.start = event.at;
                self.execution.input = event.details.input.and_then(|input| input.payload);
                if self.execution.name.is_none() {
                    self.execution.name = event.name;
                }
            }
            EventKind::Execution(transition) => {
                self.execution.end = Some(event.at);
                transition.status().clone_into(&mut self.execution.status);
                let error = event.details.error.and_then(|error| error.payload);
                // A stop without a reason has an error without parts.
                let error = error.filter(|error| *error != ErrorObject::default());
                self.execution.error = error.or(self.execution.error.take());
                self.execution.result = event.details.result.and_then(|result| result.payload);
            }
            EventKind::InvocationCompleted => self.end_invocation(event),
            EventKind::Operation(kind, transition) => {
                self.first_since.get_or_insert(event.at);
                self.take_operation(kind, transition, event);
            }
            EventKind::Other => {}
        }
    }

    fn take_operation(&mut self, kind: OperationType, transition: Transition, event: Event) {
        let Some(id) = event.id.clone() else {
            return;
        };
        let invocation = self.invocations.len();
        let known = self.by_id.get(&id).copied();
        let index = known.unwrap_or_else(|| {
            self.by_id.insert(id.clone(), self.operations.len());
            self.operations.push(begin(id, kind, &event, invocation));
            self.operations.len() - 1
        });
        let Some(operation) = self.operations.get_mut(index) else {
            return;
        };
        match (kind, transition) {
            (OperationType::Step, Transition::Started) => {
                "STARTED".clone_into(&mut operation.status);
                begin_attempt(operation, event.at);
            }
            (_, Transition::Started) => note_waits(operation, event.details),
            (OperationType::Step, _) => end_attempt(operation, transition, event),
            _ => end_operation(operation, transition, event.at, event.details),
        }
    }

    fn end_invocation(&mut self, event: Event) {
        let details = event.details;
        let (start, is_start_estimated) = match details.start_timestamp {
            Some(start) => (start, false),
            None => self.estimate_start(event.at),
        };
        self.invocations.push(Invocation {
            request_id: details.request_id,
            start,
            end: Some(details.end_timestamp.unwrap_or(event.at)),
            is_start_estimated,
            error: details.error.and_then(|error| error.payload),
        });
        self.first_since = None;
    }

    /// When the invocation must have started that is under way, and whether that is a conclusion: the first did with its execution, give
    /// or take a cold start; a later one by the time of the first event since.
    fn estimate_start(&self, by: UnixMicros) -> (UnixMicros, bool) {
        if self.invocations.is_empty() {
            return (self.execution.start, true);
        }
        (self.first_since.unwrap_or(by).min(by), true)
    }

    fn end(mut self) -> History {
        // What no `InvocationCompleted` tells of: one that runs, or one that was cut off by the execution's end.
        let is_under_way = self.first_since.is_some()
            || (self.invocations.is_empty() && self.execution.end.is_none());
        if is_under_way {
            let (start, is_start_estimated) = self.estimate_start(self.last_at);
            self.invocations.push(Invocation {
                request_id: None,
                start,
                end: self.execution.end,
                is_start_estimated,
                error: None,
            });
        }
        History {
            execution: self.execution,
            operations: self.operations,
            invocations: Some(self.invocations),
            last_at: self.last_at,
            is_cut: false,
        }
    }
}

fn begin(id: String, kind: OperationType, event: &Event, invocation: usize) -> Operation {
    Operation {
        id,
        parent_id: event.parent_id.clone(),
        name: event.name.clone(),
        kind,
        sub_type: event.sub_type.clone(),
        status: "STARTED".to_owned(),
        start: event.at,
        end: None,
        invocation: Some(invocation),
        attempts: Vec::new(),
        error: None,
        input: None,
        result: None,
        waits: Waits::default(),
    }
}

fn note_waits(operation: &mut Operation, details: Details) {
    operation.waits = Waits {
        callback_id: details.callback_id,
        duration_s: details.duration,
        function: details.function_name,
        heartbeat_timeout_s: details.heartbeat_timeout.filter(|seconds| *seconds > 0),
        target_arn: details.durable_execution_arn,
        timeout_s: details.timeout.filter(|seconds| *seconds > 0),
        until: details.scheduled_end_timestamp,
    };
    operation.input = details.input.and_then(|input| input.payload);
}

fn begin_attempt(operation: &mut Operation, at: UnixMicros) {
    let before = operation.attempts.last();
    let number = before.map_or(1, |attempt| attempt.number + 1);
    operation.attempts.push(AttemptRecord {
        number,
        start: at,
        end: None,
        outcome: Outcome::Started,
        error: None,
        next_delay_s: None,
    });
}

/// A step's attempt ends, and with it the step, unless another is to follow.
fn end_attempt(operation: &mut Operation, transition: Transition, event: Event) {
    let retry = event.details.retry.unwrap_or_default();
    let error = event
        .details
        .error
        .as_ref()
        .and_then(|error| error.payload.clone());
    let next_delay_s = retry.next_attempt_delay_seconds;
    if operation
        .attempts
        .last()
        .is_none_or(|attempt| attempt.end.is_some())
    {
        // A step that was written when it had ended: its beginning is not told of.
        begin_attempt(operation, event.at);
    }
    if let Some(attempt) = operation.attempts.last_mut() {
        attempt.number = attempt.number.max(retry.current_attempt);
        attempt.end = Some(event.at);
        attempt.outcome = match (transition, next_delay_s) {
            (Transition::Succeeded, Some(_)) => Outcome::Retry,
            (Transition::Succeeded, None) => Outcome::Succeeded,
            (_, Some(_)) if error.is_none() => Outcome::Retry,
            _ => Outcome::Failed,
        };
        attempt.error.clone_from(&error);
        attempt.next_delay_s = next_delay_s;
    }
    match next_delay_s {
        Some(seconds) => {
            "PENDING".clone_into(&mut operation.status);
            operation.waits.until = Some(event.at.after_seconds(seconds));
        }
        None => end_operation(operation, transition, event.at, event.details),
    }
}

fn end_operation(
    operation: &mut Operation,
    transition: Transition,
    at: UnixMicros,
    details: Details,
) {
    transition.status().clone_into(&mut operation.status);
    operation.end = Some(at);
    operation.error = details.error.and_then(|error| error.payload);
    operation.result = details.result.and_then(|result| result.payload);
}

#[cfg(test)]
mod tests;
