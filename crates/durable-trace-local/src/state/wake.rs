//! What ends without the function: timers, callbacks, targets of chained invokes.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::change::event_prefix;
use super::execution::Ending;
use super::log::{Details, Operation};
use super::update::MAX_PAYLOAD_BYTES;
use super::{Effect, FunctionKind, Outcome, Purpose, Run, State, Timer};
use crate::history::{error_details, result_details};
use crate::name::FunctionRef;
use crate::refusal::{ErrorRecord, Refusal};
use crate::time::UnixMillis;
use crate::vocabulary::{ExecutionStatus, OperationStatus};

/// What somebody outside says to a callback.
#[derive(Clone, Debug)]
pub(crate) enum CallbackOutcome {
    Failure(ErrorRecord),
    Heartbeat,
    Success(Option<String>),
}

/// How the service ends an operation.
struct OperationEnd {
    status: OperationStatus,
    result: Option<String>,
    error: Option<ErrorRecord>,
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

    /// Answers a callback or keeps it alive.
    pub(crate) fn answer_callback(
        &mut self,
        callback_id: &str,
        outcome: CallbackOutcome,
        now: UnixMillis,
    ) -> Result<(), Refusal> {
        let index = self.settle_callback(callback_id, outcome, now)?;
        self.wake(index, now);
        Ok(())
    }

    /// Answers a callback at a later time, whether it waits then or not.
    pub(crate) fn schedule_callback_answer(
        &mut self,
        callback_id: String,
        outcome: CallbackOutcome,
        at: UnixMillis,
    ) {
        self.timers.set(
            at,
            Timer::AnswerCallback {
                callback_id,
                outcome,
            },
        );
    }

    /// Takes the end of a plain target.
    pub(crate) fn end_plain_target(
        &mut self,
        index: usize,
        operation_id: &str,
        outcome: Outcome,
        now: UnixMillis,
    ) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let ending = match outcome {
            Outcome::Answered(result) => Ending::succeeded(Some(result)),
            Outcome::Faulted(error) => Ending::failed(Some(error)),
        };
        self.end_target(index, operation_id, &ending, now);
    }

    /// Ends a chained invoke as its target ended, and wakes the caller.
    pub(super) fn end_target(
        &mut self,
        index: usize,
        operation_id: &str,
        ending: &Ending,
        now: UnixMillis,
    ) {
        let status = match ending.status {
            ExecutionStatus::Running => return,
            ExecutionStatus::Failed => OperationStatus::Failed,
            ExecutionStatus::Stopped => OperationStatus::Stopped,
            ExecutionStatus::Succeeded => OperationStatus::Succeeded,
            ExecutionStatus::TimedOut => OperationStatus::TimedOut,
        };
        let end = OperationEnd {
            status,
            result: ending.result.clone(),
            error: ending.error.clone(),
        };
        if self.end_operation(index, operation_id, end, now) {
            self.wake(index, now);
        }
    }

    /// Does one due thing; gives the execution that it changed.
    fn fire_one(&mut self, timer: Timer, now: UnixMillis) -> Option<usize> {
        if !is_wanted(&timer, &self.executions) {
            return None;
        }
        match timer {
            Timer::AnswerCallback {
                callback_id,
                outcome,
            } => self.settle_callback(&callback_id, outcome, now).ok(),
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
    fn wake(&mut self, index: usize, now: UnixMillis) {
        let is_asleep = |execution: &super::Execution| {
            execution.live.is_none()
                && !execution.is_scheduled
                && execution.log.untold().next().is_some()
        };
        if self.executions.get(index).is_some_and(is_asleep) {
            self.begin_invocation(index, now);
        }
    }

    /// Runs the plain target of a chained invoke, or ends the invoke if there is no such function.
    fn start_plain_target(
        &mut self,
        index: usize,
        operation_id: String,
        now: UnixMillis,
    ) -> Option<usize> {
        let operation = self.executions.get(index)?.log.find(&operation_id)?;
        let Details::ChainedInvoke {
            function_name,
            tenant_id,
            payload,
        } = operation.details.clone()
        else {
            return None;
        };
        let target = FunctionRef::parse(&function_name, None);
        let function = match target {
            Ok(function) if self.function_kind(&function.name) == Some(FunctionKind::Plain) => {
                function
            }
            other => {
                let refusal = other.map_or_else(
                    |refusal| refusal,
                    |function| self.unknown_function(&function),
                );
                let end = OperationEnd {
                    status: OperationStatus::Failed,
                    result: None,
                    error: Some(ErrorRecord::new(refusal.error_type, refusal.message)),
                };
                return self
                    .end_operation(index, &operation_id, end, now)
                    .then_some(index);
            }
        };
        let run = Run {
            purpose: Purpose::Target {
                execution: index,
                operation_id,
            },
            function,
            request_id: (self.new_id)(),
            payload: payload.unwrap_or_else(|| "null".to_owned()),
            client_context: None,
            tenant_id,
        };
        self.in_flight += 1;
        self.effects.push(Effect::Run(run));
        None
    }

    fn settle_callback(
        &mut self,
        callback_id: &str,
        outcome: CallbackOutcome,
        now: UnixMillis,
    ) -> Result<usize, Refusal> {
        let unknown = || Refusal::not_found(format!("Callback not found: {callback_id}"));
        let (index, operation_id) = self
            .callbacks
            .get(callback_id)
            .cloned()
            .ok_or_else(unknown)?;
        let execution = self.executions.get_mut(index).ok_or_else(unknown)?;
        let is_running = execution.is_running();
        let operation = execution.log.find(&operation_id).ok_or_else(unknown)?;
        match operation.status {
            OperationStatus::Started if is_running => {}
            OperationStatus::TimedOut => {
                return Err(Refusal::new(
                    400,
                    "CallbackTimeoutException",
                    "Callback has already timed out.",
                ));
            }
            _ => return Err(Refusal::invalid("Callback has already been completed.")),
        }
        let end = match outcome {
            CallbackOutcome::Heartbeat => {
                self.beat(index, &operation_id, now);
                return Ok(index);
            }
            CallbackOutcome::Success(result) => {
                if result
                    .as_ref()
                    .is_some_and(|result| result.len() > MAX_PAYLOAD_BYTES)
                {
                    let limit = format!(
                        "CALLBACK payload size must be less than or equal to {MAX_PAYLOAD_BYTES} bytes."
                    );
                    return Err(Refusal::invalid(limit));
                }
                OperationEnd {
                    status: OperationStatus::Succeeded,
                    result,
                    error: None,
                }
            }
            CallbackOutcome::Failure(error) => OperationEnd {
                status: OperationStatus::Failed,
                result: None,
                error: Some(error),
            },
        };
        self.end_operation(index, &operation_id, end, now);
        Ok(index)
    }

    fn beat(&mut self, index: usize, operation_id: &str, now: UnixMillis) {
        let Some(execution) = self.executions.get_mut(index) else {
            return;
        };
        let Some(Details::Callback {
            heartbeat_seconds,
            beats,
            ..
        }) = execution.log.details_mut(operation_id)
        else {
            return;
        };
        *beats += 1;
        let (seconds, beats) = (*heartbeat_seconds, *beats);
        self.expect_heartbeat(index, operation_id, seconds, beats, now);
    }

    /// Ends an operation that is begun and not ended; says whether it did.
    fn end_operation(
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
        // Whether the callback waits is looked up when due: it may be answered twice.
        Timer::AnswerCallback { .. } => true,
        Timer::CallbackTimeout {
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

/// How long after its start a chained invoke's target begins by default: long enough for the
/// caller's request to be answered first.
pub(crate) const CHAINED_INVOKE_DELAY: Duration = Duration::from_millis(1);
