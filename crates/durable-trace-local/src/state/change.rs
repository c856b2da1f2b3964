//! Applies one update that has been checked.

use std::time::Duration;

use serde_json::Value;

use super::execution::Ending;
use super::log::{Details, Operation};
use super::update::Update;
use super::{State, Timer};
use crate::callback;
use crate::history::{Target, error_details, result_details, started_details, with_retry};
use crate::time::UnixMillis;
use crate::vocabulary::{OperationAction, OperationStatus, OperationType};

impl State {
    /// Changes the log and the history as `update` says, and sets the timers that follow.
    pub(super) fn change(&mut self, index: usize, update: Update, now: UnixMillis) {
        if update.kind == OperationType::Execution {
            self.announce_ending(index, update);
            return;
        }
        if update.action == OperationAction::Start {
            self.change_to_started(index, update, now);
        } else {
            self.change_to_ended(index, update, now);
        }
    }

    /// Keeps an end that is too large for the function's answer until the answer comes.
    fn announce_ending(&mut self, index: usize, update: Update) {
        let Some(execution) = self.executions.get_mut(index) else {
            return;
        };
        execution.announced = Some(match update.action {
            OperationAction::Succeed => Ending::succeeded(update.payload),
            _ => Ending::failed(update.error),
        });
    }

    fn change_to_started(&mut self, index: usize, update: Update, now: UnixMillis) {
        let id = update.id.clone();
        let is_known = self
            .executions
            .get(index)
            .is_some_and(|execution| execution.log.find(&id).is_some());
        if is_known {
            self.begin_next_attempt(index, &id, now);
            return;
        }
        let details = self.details_of(&update, now);
        let operation = operation_from(update, details, now);
        match &operation.details {
            Details::Callback { .. } => self.start_callback(index, &operation, now),
            Details::ChainedInvoke { .. } => {
                self.start_chained_invoke(index, operation, now);
                return;
            }
            Details::Wait { ends_at, .. } => {
                let timer = Timer::WaitOver {
                    execution: index,
                    operation_id: id,
                };
                self.timers.set(*ends_at, timer);
            }
            Details::Context { .. } | Details::Execution { .. } | Details::Step { .. } => {}
        }
        self.add_started(index, operation, Target::default(), now);
    }

    /// Adds an operation with the event of its beginning. `target` is what a chained
    /// invoke started.
    pub(super) fn add_started(
        &mut self,
        index: usize,
        operation: Operation,
        target: Target<'_>,
        now: UnixMillis,
    ) {
        let Some(execution) = self.executions.get_mut(index) else {
            return;
        };
        let details = started_details(&operation, target);
        let event_type = format!("{}Started", event_prefix(operation.kind()));
        execution
            .history
            .add(&event_type, Some((&operation).into()), details, now);
        execution.log.add(operation);
    }

    fn begin_next_attempt(&mut self, index: usize, id: &str, now: UnixMillis) {
        let Some(execution) = self.executions.get_mut(index) else {
            return;
        };
        let Some(operation) = execution.log.change(id) else {
            return;
        };
        operation.status = OperationStatus::Started;
        // An attempt begins without what the one before left.
        operation.result = None;
        operation.error = None;
        let details = started_details(operation, Target::default());
        execution
            .history
            .add("StepStarted", Some((&*operation).into()), details, now);
    }

    fn details_of(&mut self, update: &Update, now: UnixMillis) -> Details {
        match update.kind {
            OperationType::Callback => {
                let options = update.callback_options.clone().unwrap_or_default();
                Details::Callback {
                    callback_id: callback::new_id(&(self.new_id)()),
                    timeout_seconds: options.timeout_seconds,
                    heartbeat_seconds: options.heartbeat_timeout_seconds,
                    beats: 0,
                }
            }
            OperationType::ChainedInvoke => {
                let options = update.chained_invoke_options.as_ref();
                Details::ChainedInvoke {
                    function_name: options
                        .map(|options| options.function_name.clone())
                        .unwrap_or_default(),
                    tenant_id: options.and_then(|options| options.tenant_id.clone()),
                    payload: update.payload.clone(),
                }
            }
            OperationType::Context | OperationType::Execution => Details::Context {
                replay_children: false,
            },
            OperationType::Step => Details::Step {
                attempts: 0,
                next_attempt_at: None,
            },
            OperationType::Wait => {
                let options = update.wait_options.as_ref();
                let seconds = options
                    .and_then(|options| options.wait_seconds)
                    .unwrap_or_default();
                Details::Wait {
                    seconds,
                    ends_at: now.after(Duration::from_secs(seconds.into())),
                }
            }
        }
    }

    fn change_to_ended(&mut self, index: usize, update: Update, now: UnixMillis) {
        let is_known = self
            .executions
            .get(index)
            .is_some_and(|execution| execution.log.find(&update.id).is_some());
        if !is_known {
            // Ended without a beginning: one operation, one event.
            let details = self.details_of(&update, now);
            let mut begun = operation_from(update.clone(), details, now);
            begun.result = None;
            if let Some(execution) = self.executions.get_mut(index) {
                execution.log.add(begun);
            }
        }
        let delay_seconds = update
            .step_options
            .as_ref()
            .and_then(|options| options.next_attempt_delay_seconds);
        let Some(execution) = self.executions.get_mut(index) else {
            return;
        };
        let Some(operation) = execution.log.change(&update.id) else {
            return;
        };
        operation.name = operation.name.take().or(update.name);
        operation.sub_type = operation.sub_type.take().or(update.sub_type);
        operation.result = update.payload;
        operation.error = update.error;
        operation.status = match update.action {
            OperationAction::Cancel => OperationStatus::Cancelled,
            OperationAction::Fail => OperationStatus::Failed,
            OperationAction::Retry | OperationAction::Start => OperationStatus::Pending,
            OperationAction::Succeed => OperationStatus::Succeeded,
        };
        operation.ended_at = operation.status.is_final().then_some(now);
        let is_failure = operation.error.is_some() || update.action == OperationAction::Fail;
        let outcome = if is_failure {
            error_details(operation.error.as_ref())
        } else {
            result_details(operation.result.as_deref())
        };
        let details = match &mut operation.details {
            Details::Step {
                attempts,
                next_attempt_at,
            } => {
                *attempts += 1;
                let is_retry = update.action == OperationAction::Retry;
                let delay_seconds = delay_seconds.filter(|_| is_retry);
                *next_attempt_at =
                    delay_seconds.map(|seconds| now.after(Duration::from_secs(seconds.into())));
                if let Some(at) = *next_attempt_at {
                    let timer = Timer::StepDue {
                        execution: index,
                        operation_id: update.id,
                    };
                    self.timers.set(at, timer);
                }
                with_retry(outcome, *attempts, delay_seconds)
            }
            Details::Context { replay_children } => {
                let options = update.context_options.as_ref();
                *replay_children =
                    options.is_some_and(|options| options.replay_children == Some(true));
                Value::Object(outcome)
            }
            _ => Value::Object(error_details(operation.error.as_ref())),
        };
        let suffix = match update.action {
            OperationAction::Cancel => "Cancelled",
            _ if is_failure => "Failed",
            _ => "Succeeded",
        };
        // The history knows no cancelled callback or chained invoke.
        let kind = operation.kind();
        if update.action != OperationAction::Cancel || kind == OperationType::Wait {
            let event_type = format!("{}{suffix}", event_prefix(kind));
            execution
                .history
                .add(&event_type, Some((&*operation).into()), details, now);
        }
    }
}

/// How the names of an operation's events begin.
pub(super) fn event_prefix(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Callback => "Callback",
        OperationType::ChainedInvoke => "ChainedInvoke",
        OperationType::Context => "Context",
        OperationType::Execution => "Execution",
        OperationType::Step => "Step",
        OperationType::Wait => "Wait",
    }
}

fn operation_from(update: Update, details: Details, now: UnixMillis) -> Operation {
    Operation {
        id: update.id,
        parent_id: update.parent_id,
        name: update.name,
        sub_type: update.sub_type,
        status: OperationStatus::Started,
        started_at: now,
        ended_at: None,
        result: None,
        error: None,
        details,
        version: 0,
    }
}
