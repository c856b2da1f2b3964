//! Callbacks: their limits, and the answers of whoever is outside.

use std::time::Duration;

use super::log::{Details, Operation};
use super::update::MAX_PAYLOAD_BYTES;
use super::wake::OperationEnd;
use super::{Effect, State, Timer};
use crate::callback::CallbackStarted;
use crate::refusal::{ErrorRecord, Refusal};
use crate::time::UnixMillis;
use crate::vocabulary::OperationStatus;

/// What somebody outside says to a callback.
#[derive(Clone, Debug)]
pub(crate) enum CallbackOutcome {
    Failure(ErrorRecord),
    Heartbeat,
    Success(Option<String>),
}

impl State {
    /// Announces a callback and sets its limits.
    pub(super) fn start_callback(&mut self, index: usize, operation: &Operation, now: UnixMillis) {
        let Details::Callback {
            callback_id,
            timeout_seconds,
            heartbeat_seconds,
            ..
        } = &operation.details
        else {
            return;
        };
        let operation_id = operation.id.clone();
        self.callbacks
            .insert(callback_id.clone(), (index, operation_id.clone()));
        if *timeout_seconds > 0 {
            let at = now.after(Duration::from_secs((*timeout_seconds).into()));
            let timer = Timer::CallbackTimeout {
                execution: index,
                operation_id: operation_id.clone(),
            };
            self.timers.set(at, timer);
        }
        self.expect_heartbeat(index, &operation_id, *heartbeat_seconds, 0, now);
        if let Some(execution) = self.executions.get(index) {
            let started = CallbackStarted::new(execution, operation, callback_id);
            self.effects.push(Effect::AnnounceCallback(started));
        }
    }

    /// Sets the timer that ends a callback unless its next heartbeat comes first.
    pub(super) fn expect_heartbeat(
        &mut self,
        execution: usize,
        operation_id: &str,
        seconds: u32,
        beats: u64,
        now: UnixMillis,
    ) {
        if seconds == 0 {
            return;
        }
        let timer = Timer::Heartbeat {
            execution,
            operation_id: operation_id.to_owned(),
            beats,
        };
        self.timers
            .set(now.after(Duration::from_secs(seconds.into())), timer);
    }

    /// Answers a callback or keeps it alive.
    pub(crate) fn answer_callback(
        &mut self,
        callback_id: &str,
        outcome: CallbackOutcome,
        now: UnixMillis,
    ) -> Result<(), Refusal> {
        let unknown = || Refusal::not_found(format!("Callback not found: {callback_id}"));
        let known = self.callbacks.get(callback_id).cloned();
        let (index, operation_id) = known.ok_or_else(unknown)?;
        self.settle_callback(index, &operation_id, outcome, now)?;
        self.wake(index, now);
        Ok(())
    }

    /// Answers a callback at a later time, if it still waits then.
    pub(crate) fn schedule_callback_answer(
        &mut self,
        callback_id: &str,
        outcome: CallbackOutcome,
        at: UnixMillis,
    ) {
        let Some((execution, operation_id)) = self.callbacks.get(callback_id).cloned() else {
            return;
        };
        let timer = Timer::AnswerCallback {
            execution,
            operation_id,
            outcome,
        };
        self.timers.set(at, timer);
    }

    /// Ends or keeps alive a callback that waits; gives its execution.
    pub(super) fn settle_callback(
        &mut self,
        index: usize,
        operation_id: &str,
        outcome: CallbackOutcome,
        now: UnixMillis,
    ) -> Result<usize, Refusal> {
        let execution = self.execution(index)?;
        let is_running = execution.is_running();
        let unknown = || Refusal::not_found("Callback not found.");
        let operation = execution.log.find(operation_id).ok_or_else(unknown)?;
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
                self.beat(index, operation_id, now);
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
        self.end_operation(index, operation_id, end, now);
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
}
