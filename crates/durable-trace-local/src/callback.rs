//! Callbacks: what is told of one that has started, and how a program may answer.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::refusal::ErrorRecord;
use crate::state::{CallbackOutcome, Details, Execution, Operation};

/// A callback that somebody outside is to answer.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CallbackStarted {
    /// The execution that waits.
    pub arn: String,
    /// What the answer has to name.
    pub callback_id: String,
    /// The operation's id.
    pub operation_id: String,
    /// The operation's name, if the function gave one.
    pub name: Option<String>,
    /// The name of the context around it: that of `wait_for_callback`, for one.
    pub parent_name: Option<String>,
}

impl CallbackStarted {
    pub(crate) fn new(execution: &Execution, operation: &Operation, callback_id: &str) -> Self {
        let is_parent = |other: &&Operation| Some(&other.id) == operation.parent_id.as_ref();
        Self {
            arn: execution.arn.clone(),
            callback_id: callback_id.to_owned(),
            operation_id: operation.id.clone(),
            name: operation.name.clone(),
            parent_name: execution
                .operations()
                .iter()
                .find(is_parent)
                .and_then(|parent| parent.name.clone()),
        }
    }
}

/// The callbacks of an execution that wait for an answer, in log order.
pub(crate) fn pending(execution: &Execution) -> Vec<CallbackStarted> {
    let waits = |operation: &&Operation| execution.is_running() && operation.is_slept_on();
    let waiting = execution.operations().iter().filter(waits);
    waiting
        .filter_map(|operation| match &operation.details {
            Details::Callback { callback_id, .. } => {
                Some(CallbackStarted::new(execution, operation, callback_id))
            }
            _ => None,
        })
        .collect()
}

/// What a program does about a callback that has started; see `Config::on_callback`.
#[derive(Clone, Debug)]
pub struct CallbackAction {
    pub(crate) after: Duration,
    pub(crate) outcome: CallbackOutcome,
}

impl CallbackAction {
    /// Completes the callback with `result`, which the function reads as JSON unless it chose
    /// otherwise, `after` its start by the virtual clock.
    pub fn complete(after: Duration, result: impl Into<String>) -> Self {
        Self {
            after,
            outcome: CallbackOutcome::Success(Some(result.into())),
        }
    }

    /// Completes the callback without a result, `after` its start by the virtual clock.
    pub fn complete_without_result(after: Duration) -> Self {
        Self {
            after,
            outcome: CallbackOutcome::Success(None),
        }
    }

    /// Fails the callback `after` its start by the virtual clock.
    pub fn fail(after: Duration, error: ErrorRecord) -> Self {
        Self {
            after,
            outcome: CallbackOutcome::Failure(error),
        }
    }

    /// Sends a heartbeat `after` the callback's start by the virtual clock.
    pub fn heartbeat(after: Duration) -> Self {
        Self {
            after,
            outcome: CallbackOutcome::Heartbeat,
        }
    }
}

/// Makes a callback id of a unique one: opaque, and fit for a path.
pub(crate) fn new_id(unique: &str) -> String {
    URL_SAFE_NO_PAD.encode(unique)
}
