//! What ends without the function: timers, callbacks, targets of chained invokes.

use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

use super::change::event_prefix;
use super::execution::Ending;
use super::log::{Details, Operation};
use super::{State, Timer};
use crate::history::{error_details, result_details};
use crate::refusal::ErrorRecord;
use crate::time::UnixMillis;
use crate::vocabulary::OperationStatus;

/// How the service ends an operation.
pub(super) struct OperationEnd {
    pub(super) status: OperationStatus,
    pub(super) result: Option<String>,
    pub(super) error: Option<ErrorRecord>,
}

impl State {
    /// Does all that is due at `now`. Executions whose operations ended at the same time are
    /// invoked once.
    pub(crate) fn fire(&mut self, now: UnixMillis) {
        let mut woken = BTreeSet::new();
        while let Some(timer) = self.timers.take_due(now) {
            woken.extend(self.fire_one(timer, now));
        }
        while let Some(index) = self.deadlines.take_due(now) {
            let seconds = self.settings.execution_timeout.as_secs();
            let error = ErrorRecord::new(
                "Execution.Timeout",
                format!("Execution timed out after {seconds} seconds"),
            );
            self.end_execution(index, &Ending::timed_out(error), now);
        }
        for index in woken {
            self.wake(index, now);
        }
    }

    /// When the next timer is due. With `jumping` the time-out of an execution alone is none: an
    /// execution that only somebody outside can end is waited for.
    pub(crate) fn next_due(&mut self, jumping: bool) -> Option<UnixMillis> {
        let executions = &self.executions;
        let next = self.timers.next(|timer| is_wanted(timer, executions));
        let is_running = |index: &usize| {
            executions
                .get(*index)
                .is_some_and(super::Execution::is_running)
        };
        let deadline = self.deadlines.next(is_running);
        match (next, deadline) {
            (None, _) if jumping => None,
            (next, deadline) => next.into_iter().chain(deadline).min(),
        }
    }

    /// Does one due thing; gives the execution that it changed.
    fn fire_one(&mut self, timer: Timer, now: UnixMillis) -> Option<usize> {
        if !is_wanted(&timer, &self.executions) {
            return None;
        }
        match timer {
            Timer::AnswerCallback {
                execution,
                operation_id,
                outcome,
            } => self
                .settle_callback(execution, &operation_id, outcome, now)
                .ok(),
            Timer::CallbackTimeout {
                execution,
                operation_id,
            } => {
                let error = ErrorRecord::new("Callback.Timeout", "Callback timed out");
                self.end_operation(
                    execution,
                    &operation_id,
                    OperationEnd::timed_out(error),
                    now,
                )
                .then_some(execution)
            }
            Timer::Heartbeat {
                execution,
                operation_id,
                ..
            } => {
                let error = ErrorRecord::new("Callback.Heartbeat", "Callback heartbeat timed out");
                self.end_operation(
                    execution,
                    &operation_id,
                    OperationEnd::timed_out(error),
                    now,
                )
                .then_some(execution)
            }
            Timer::Invoke { execution } => {
                self.begin_invocation(execution, now);
                None
            }
            Timer::StartTarget {
                execution,
                operation_id,
            } => self.start_plain_target(execution, operation_id, now),
            Timer::StepDue {
                execution,
                operation_id,
            } => {
                let operation = self
                    .executions
                    .get_mut(execution)?
                    .log
                    .change(&operation_id)?;
                operation.status = OperationStatus::Ready;
                if let Details::Step {
                    next_attempt_at, ..
                } = &mut operation.details
                {
                    *next_attempt_at = None;
                }
                Some(execution)
            }
            Timer::WaitOver {
                execution,
                operation_id,
            } => {
                let end = OperationEnd {
                    status: OperationStatus::Succeeded,
                    result: None,
                    error: None,
                };
                self.end_operation(execution, &operation_id, end, now)
                    .then_some(execution)
            }
        }
    }

    /// Invokes an execution that has news, unless its function runs or is about to.
    pub(super) fn wake(&mut self, index: usize, now: UnixMillis) {
        let is_asleep = |execution: &super::Execution| {
            execution.live.is_none()
                && !execution.is_scheduled
                && execution.log.untold().next().is_some()
        };
        if self.executions.get(index).is_some_and(is_asleep) {
            self.begin_invocation(index, now);
        }
    }

    /// Ends an operation that is begun and not ended; says whether it did.
    pub(super) fn end_operation(
        &mut self,
        index: usize,
        id: &str,
        end: OperationEnd,
        now: UnixMillis,
    ) -> bool {
        let Some(execution) = self
            .executions
            .get_mut(index)
            .filter(|execution| execution.is_running())
        else {
            return false;
        };
        if !execution
            .log
            .find(id)
            .is_some_and(|operation| operation.status == OperationStatus::Started)
        {
            return false;
        }
        let Some(operation) = execution.log.change(id) else {
            return false;
        };
        operation.status = end.status;
        operation.result = end.result;
        operation.error = end.error;
        operation.ended_at = Some(now);
        let (suffix, details) = describe_end(operation);
        let event_type = format!("{}{suffix}", event_prefix(operation.kind()));
        execution.history.add(
            &event_type,
            Some((&*operation).into()),
            Value::Object(details),
            now,
        );
        true
    }
}

impl OperationEnd {
    fn timed_out(error: ErrorRecord) -> Self {
        Self {
            status: OperationStatus::TimedOut,
            result: None,
            error: Some(error),
        }
    }
}

fn describe_end(operation: &Operation) -> (&'static str, Map<String, Value>) {
    match (operation.status, &operation.details) {
        (_, Details::Wait { seconds, .. }) => (
            "Succeeded",
            Map::from_iter([("Duration".to_owned(), json!(seconds))]),
        ),
        (OperationStatus::Succeeded, _) => {
            ("Succeeded", result_details(operation.result.as_deref()))
        }
        (OperationStatus::Stopped, _) => ("Stopped", error_details(operation.error.as_ref())),
        (OperationStatus::TimedOut, _) => ("TimedOut", error_details(operation.error.as_ref())),
        _ => ("Failed", error_details(operation.error.as_ref())),
    }
}

/// Whether a timer still has something to do. Clocks that jump do not stop at others.
fn is_wanted(timer: &Timer, executions: &[super::Execution]) -> bool {
    let find = |index: &usize| {
        executions
            .get(*index)
            .filter(|execution| execution.is_running())
    };
    let is_in = |index: &usize, id: &String, status: OperationStatus| {
        find(index)
            .and_then(|execution| execution.log.find(id))
            .is_some_and(|operation| operation.status == status)
    };
    match timer {
        Timer::AnswerCallback {
            execution,
            operation_id,
            ..
        }
        | Timer::CallbackTimeout {
            execution,
            operation_id,
        }
        | Timer::StartTarget {
            execution,
            operation_id,
        }
        | Timer::WaitOver {
            execution,
            operation_id,
        } => is_in(execution, operation_id, OperationStatus::Started),
        Timer::Heartbeat {
            execution,
            operation_id,
            beats: expected,
        } => {
            let operation = find(execution).and_then(|execution| execution.log.find(operation_id));
            operation.is_some_and(|operation| {
                operation.status == OperationStatus::Started
                    && matches!(operation.details, Details::Callback { beats, .. } if beats == *expected)
            })
        }
        Timer::Invoke { execution } => {
            find(execution).is_some_and(|execution| execution.is_scheduled)
        }
        Timer::StepDue {
            execution,
            operation_id,
        } => is_in(execution, operation_id, OperationStatus::Pending),
    }
}
