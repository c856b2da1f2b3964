//! What a program may ask a running service about: snapshots, with every time by the virtual clock.

use serde_json::Value;

use crate::refusal::ErrorRecord;
use crate::state::{Details, Execution, InvocationEntry, Operation};
use crate::time::UnixMillis;
use crate::vocabulary::{ExecutionStatus, InvocationStatus, OperationStatus, OperationType};

/// One durable execution.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExecutionRecord {
    /// Its ARN.
    pub arn: String,
    /// Its name, given or made up.
    pub name: String,
    /// The name of its function.
    pub function: String,
    /// How far it has come.
    pub status: ExecutionStatus,
    /// The payload it was started with; `null` if there was none.
    pub input: String,
    /// The function's result, as it came.
    pub result: Option<String>,
    /// Why it failed, was stopped or timed out.
    pub error: Option<ErrorRecord>,
    /// When it was started.
    pub started_at: UnixMillis,
    /// When it ended.
    pub ended_at: Option<UnixMillis>,
}

/// One invocation of a durable function.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InvocationRecord {
    /// Counts over all executions by start, from 0.
    pub index: usize,
    /// The execution it belongs to.
    pub arn: String,
    /// What the function knows it by.
    pub request_id: String,
    /// How it ended.
    pub status: InvocationStatus,
    /// Why it counts as failed, or why its PENDING was refused.
    pub error: Option<ErrorRecord>,
    /// When it began.
    pub started_at: UnixMillis,
    /// When it ended.
    pub ended_at: Option<UnixMillis>,
    /// The requests whose token descends from its event's, in order of arrival.
    pub calls: Vec<CallRecord>,
}

/// One operation of an execution's log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OperationRecord {
    /// Its id.
    pub id: String,
    /// Its name, if the function gave one.
    pub name: Option<String>,
    /// What kind of operation it is.
    pub r#type: OperationType,
    /// What the SDK calls it more precisely.
    pub sub_type: Option<String>,
    /// How far it has come.
    pub status: OperationStatus,
    /// The context around it.
    pub parent_id: Option<String>,
    /// Its result.
    pub result: Option<String>,
    /// Its error.
    pub error: Option<ErrorRecord>,
    /// Attempts of a step that have ended.
    pub attempt: Option<u32>,
    /// What an answer to a callback has to name.
    pub callback_id: Option<String>,
    /// When it began.
    pub started_at: UnixMillis,
    /// When it ended.
    pub ended_at: Option<UnixMillis>,
}

/// One request that reached the service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CallRecord {
    /// The API's name of the operation: `CheckpointDurableExecution` for one.
    pub operation: String,
    /// The execution that the request is about; empty if it names none.
    pub arn: String,
    /// The index of the invocation that the request's token descends from.
    pub invocation: Option<usize>,
    /// The client's own count of its attempts at this request, from 1, if it tells.
    pub attempt: Option<u32>,
    /// The body; for requests without one an object of the query.
    pub request: Value,
    /// The HTTP status that was answered; 0 while there is no answer, and when none was sent.
    pub status: u16,
    /// The body that was answered, lost replies included; null if there was none.
    pub response: Value,
    /// When it arrived.
    pub arrived_at: UnixMillis,
}

impl From<&Execution> for ExecutionRecord {
    fn from(execution: &Execution) -> Self {
        Self {
            arn: execution.arn.clone(),
            name: execution.name.clone(),
            function: execution.function.name.clone(),
            status: execution.ending.status,
            input: execution.input.clone(),
            result: execution.ending.result.clone(),
            error: execution.ending.error.clone(),
            started_at: execution.started_at,
            ended_at: execution.ended_at,
        }
    }
}

impl From<&Operation> for OperationRecord {
    fn from(operation: &Operation) -> Self {
        let (attempt, callback_id) = match &operation.details {
            Details::Step { attempts, .. } => (Some(*attempts), None),
            Details::Callback { callback_id, .. } => (None, Some(callback_id.clone())),
            _ => (None, None),
        };
        Self {
            id: operation.id.clone(),
            name: operation.name.clone(),
            r#type: operation.kind(),
            sub_type: operation.sub_type.clone(),
            status: operation.status,
            parent_id: operation.parent_id.clone(),
            result: operation.result.clone(),
            error: operation.error.clone(),
            attempt,
            callback_id,
            started_at: operation.started_at,
            ended_at: operation.ended_at,
        }
    }
}

impl InvocationRecord {
    pub(crate) fn new(
        index: usize,
        arn: &str,
        entry: &InvocationEntry,
        calls: Vec<CallRecord>,
    ) -> Self {
        Self {
            index,
            arn: arn.to_owned(),
            request_id: entry.request_id.clone(),
            status: entry.status,
            error: entry.error.clone(),
            started_at: entry.started_at,
            ended_at: entry.ended_at,
            calls,
        }
    }
}
