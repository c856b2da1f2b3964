//! What a checkpoint request asks for, and whether it may.
//!
//! The rules and their messages are those of AWS's local runner where it has them:
//! <https://github.com/aws/aws-durable-execution-sdk-python-testing>.

use std::collections::HashMap;

use serde::Deserialize;

use super::log::Log;
use crate::refusal::{ErrorRecord, Refusal};
use crate::vocabulary::OperationAction::{Cancel, Fail, Retry, Start, Succeed};
use crate::vocabulary::OperationStatus::{Pending, Ready, Started};
use crate::vocabulary::{OperationAction, OperationStatus, OperationType};

/// The most bytes that a payload or an error may have in one update.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 256 * 1024;

/// The most operations that a function may make in one execution.
pub(crate) const MAX_OPERATIONS: usize = 3_000;

/// The most bytes of an execution's own result: what a synchronous invocation may answer.
const MAX_EXECUTION_RESULT_BYTES: usize = 6 * 1024 * 1024;

/// The body of a `CheckpointDurableExecution` request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CheckpointRequest {
    pub(crate) checkpoint_token: String,
    #[serde(default)]
    pub(crate) updates: Option<Vec<Update>>,
    #[serde(default)]
    pub(crate) client_token: Option<String>,
}

/// One change to one operation: the API's `OperationUpdate`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Update {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) parent_id: Option<String>,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(rename = "Type")]
    pub(crate) kind: OperationType,
    #[serde(default)]
    pub(crate) sub_type: Option<String>,
    pub(crate) action: OperationAction,
    #[serde(default)]
    pub(crate) payload: Option<String>,
    #[serde(default)]
    pub(crate) error: Option<ErrorRecord>,
    #[serde(default)]
    pub(crate) context_options: Option<ContextOptions>,
    #[serde(default)]
    pub(crate) step_options: Option<StepOptions>,
    #[serde(default)]
    pub(crate) wait_options: Option<WaitOptions>,
    #[serde(default)]
    pub(crate) callback_options: Option<CallbackOptions>,
    #[serde(default)]
    pub(crate) chained_invoke_options: Option<ChainedInvokeOptions>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ContextOptions {
    #[serde(default)]
    pub(crate) replay_children: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StepOptions {
    #[serde(default)]
    pub(crate) next_attempt_delay_seconds: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct WaitOptions {
    #[serde(default)]
    pub(crate) wait_seconds: Option<u32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct CallbackOptions {
    pub(crate) timeout_seconds: u32,
    pub(crate) heartbeat_timeout_seconds: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ChainedInvokeOptions {
    pub(crate) function_name: String,
    #[serde(default)]
    pub(crate) tenant_id: Option<String>,
}

/// Checks all updates of one request against the log; a request is taken whole or not at all.
pub(crate) fn check_updates(updates: &[Update], log: &Log) -> Result<(), Refusal> {
    let is_execution = |update: &&Update| update.kind == OperationType::Execution;
    if updates.iter().filter(is_execution).count() > 1 {
        return Err(Refusal::invalid(
            "Cannot checkpoint multiple EXECUTION updates.",
        ));
    }
    if updates
        .iter()
        .rev()
        .skip(1)
        .any(|update| is_execution(&update))
    {
        return Err(Refusal::invalid(
            "EXECUTION checkpoint must be the last update.",
        ));
    }
    let mut seen: HashMap<&str, Seen> = HashMap::new();
    let mut made = log.made();
    for update in updates {
        check_size(update)?;
        if is_execution(&update) {
            check_execution(update)?;
            continue;
        }
        check_parent(update, &seen, log)?;
        let before = match seen.get(update.id.as_str()) {
            Some(seen) if !seen.may_end_at_once(update) => {
                return Err(Refusal::invalid(
                    "Cannot update the same operation twice in a single request.",
                ));
            }
            Some(seen) => Some((seen.kind, seen.status)),
            None => log
                .find(&update.id)
                .map(|known| (known.kind(), known.status)),
        };
        if before.is_none() {
            made += 1;
        }
        if made > MAX_OPERATIONS {
            return Err(Refusal::invalid(format!(
                "The execution has more than {MAX_OPERATIONS} operations."
            )));
        }
        let now = Seen {
            kind: update.kind,
            status: check_transition(update, before)?,
            updates: seen.get(update.id.as_str()).map_or(0, |seen| seen.updates) + 1,
            action: update.action,
        };
        seen.insert(&update.id, now);
    }
    Ok(())
}

/// An operation as earlier updates of the same request leave it.
struct Seen {
    kind: OperationType,
    status: OperationStatus,
    action: OperationAction,
    updates: u8,
}

impl Seen {
    /// SDKs send the beginning and the end of a short step or context together; nothing else may
    /// come twice.
    fn may_end_at_once(&self, update: &Update) -> bool {
        self.updates == 1
            && self.action == Start
            && update.action != Start
            && matches!(self.kind, OperationType::Context | OperationType::Step)
    }
}

fn check_size(update: &Update) -> Result<(), Refusal> {
    let limit = match update.kind {
        OperationType::Execution => MAX_EXECUTION_RESULT_BYTES,
        _ => MAX_PAYLOAD_BYTES,
    };
    let payload = update.payload.as_ref().map_or(0, String::len);
    let error = update.error.as_ref().map_or(0, |error| {
        serde_json::to_string(error).map_or(usize::MAX, |text| text.len())
    });
    if payload.max(error) > limit {
        return Err(Refusal::invalid(format!(
            "{} payload size must be less than or equal to {limit} bytes.",
            update.kind
        )));
    }
    Ok(())
}

fn check_execution(update: &Update) -> Result<(), Refusal> {
    match update.action {
        Succeed if update.error.is_some() => Err(Refusal::invalid(
            "Cannot provide an Error for SUCCEED action.",
        )),
        Fail if update.payload.is_some() => Err(Refusal::invalid(
            "Cannot provide a Payload for FAIL action.",
        )),
        Fail | Succeed => Ok(()),
        _ => Err(Refusal::invalid("Invalid EXECUTION action.")),
    }
}

fn check_parent(update: &Update, seen: &HashMap<&str, Seen>, log: &Log) -> Result<(), Refusal> {
    let Some(parent_id) = update.parent_id.as_deref() else {
        return Ok(());
    };
    let kind = seen
        .get(parent_id)
        .map(|seen| seen.kind)
        .or_else(|| log.find(parent_id).map(super::log::Operation::kind));
    if kind == Some(OperationType::Context) {
        return Ok(());
    }
    Err(Refusal::invalid("Invalid parent operation id."))
}

/// Gives the status that the update leads to from what was `before`.
fn check_transition(
    update: &Update,
    before: Option<(OperationType, OperationStatus)>,
) -> Result<OperationStatus, Refusal> {
    let kind = update.kind;
    if before.is_some_and(|(known, _)| known != kind) {
        return Err(Refusal::invalid(
            "Invalid operation type for an existing operation.",
        ));
    }
    let before = before.map(|(_, status)| status);
    let is_fine = match (kind, update.action) {
        (OperationType::Step, Start) => matches!(before, None | Some(Ready)),
        (OperationType::Step, Succeed | Fail | Retry) => {
            matches!(before, None | Some(Started | Ready))
        }
        (OperationType::Context, Succeed | Fail) => matches!(before, None | Some(Started)),
        (
            OperationType::Context
            | OperationType::Wait
            | OperationType::Callback
            | OperationType::ChainedInvoke,
            Start,
        ) => before.is_none(),
        (OperationType::Wait | OperationType::Callback | OperationType::ChainedInvoke, Cancel) => {
            before == Some(Started)
        }
        _ => return Err(Refusal::invalid(format!("Invalid {kind} action."))),
    };
    if !is_fine {
        return Err(Refusal::invalid(describe_bad_transition(
            kind,
            update.action,
        )));
    }
    check_members(update)?;
    Ok(match update.action {
        Cancel => OperationStatus::Cancelled,
        Fail => OperationStatus::Failed,
        Retry => Pending,
        Start => Started,
        Succeed => OperationStatus::Succeeded,
    })
}

fn describe_bad_transition(kind: OperationType, action: OperationAction) -> String {
    match (kind, action) {
        (OperationType::Step, Start) => "Invalid current STEP state to start.".to_owned(),
        (OperationType::Step, Retry) => "Invalid current STEP state to re-attempt.".to_owned(),
        (_, Start) => format!("Cannot start a {kind} that already exist."),
        (_, Cancel) => {
            format!("Cannot cancel a {kind} that does not exist or has already completed.")
        }
        _ => format!("Invalid current {kind} state to close."),
    }
}

/// Checks that an update brings what its action needs and nothing that contradicts it.
fn check_members(update: &Update) -> Result<(), Refusal> {
    let has_delay = update
        .step_options
        .as_ref()
        .is_some_and(|options| options.next_attempt_delay_seconds.is_some());
    let has_wait = update
        .wait_options
        .as_ref()
        .is_some_and(|options| options.wait_seconds.is_some_and(|seconds| seconds > 0));
    let message = match (update.kind, update.action) {
        (_, Succeed) if update.error.is_some() => "Cannot provide an Error for SUCCEED action.",
        (_, Fail) if update.payload.is_some() => "Cannot provide a Payload for FAIL action.",
        (OperationType::Step, Retry) if !has_delay => "Invalid StepOptions for the given action.",
        (OperationType::Step, Retry) if update.error.is_some() && update.payload.is_some() => {
            "Cannot provide both error and payload to RETRY a STEP."
        }
        (OperationType::Wait, Start) if !has_wait => "Invalid WaitOptions for the given action.",
        (OperationType::ChainedInvoke, Start) if update.chained_invoke_options.is_none() => {
            "Invalid ChainedInvokeOptions for the given action."
        }
        _ => return Ok(()),
    };
    Err(Refusal::invalid(message))
}

#[cfg(test)]
mod tests;
