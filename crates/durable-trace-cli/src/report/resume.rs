//! What each invocation resumed from, and what it wrote for the next.

use std::collections::HashSet;

use durable_trace_wire::{CheckpointNumber, checkpoint_id};
use serde::Serialize;
use serde_json::json;

use super::{Invocation, LAMBDA_SPAN, Operation, SpanRecord};

/// The context that an invocation's trace goes on from.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Resume {
    /// The checkpoint's name, or `unknown` if the span's parent is of no checkpoint in the log.
    pub(crate) source: String,
    pub(crate) trace_id: String,
    pub(crate) parent_id: String,
}

impl Resume {
    /// What the invocation's `aws.lambda` span continues; none if it has no parent.
    ///
    /// The span tells what happened; the checkpoints which were in the log by then tell where it came from.
    pub(crate) fn of(
        invocation: &Invocation,
        spans: &[SpanRecord],
        operations: &[Operation],
    ) -> Option<Self> {
        let span = spans
            .iter()
            .find(|span| span.name == LAMBDA_SPAN && span.invocation == Some(invocation.index))?;
        if span.parent_id == "0" {
            return None;
        }
        let source = readable_checkpoint(invocation, operations)
            .filter(|(_, trace_id, parent_id)| {
                *trace_id == span.trace_id && *parent_id == span.parent_id
            })
            .map_or_else(|| "unknown".to_owned(), |(name, ..)| name);
        Some(Self {
            source,
            trace_id: span.trace_id.clone(),
            parent_id: span.parent_id.clone(),
        })
    }
}

/// Name, trace id and parent id of the checkpoint that the invocation's event held.
fn readable_checkpoint(
    invocation: &Invocation,
    operations: &[Operation],
) -> Option<(String, String, String)> {
    let held: Vec<_> = operations
        .iter()
        .filter(|operation| operation.execution_arn == invocation.execution_arn)
        .filter(|operation| operation.written_by.is_some_and(|by| by < invocation.index))
        .map(|operation| {
            json!({
                "Id": operation.id,
                "Name": operation.name,
                "Type": operation.kind,
                "Status": operation.status,
                "StepDetails": { "Result": operation.result },
            })
        })
        .collect();
    let event = json!({
        "DurableExecutionArn": invocation.execution_arn,
        "InitialExecutionState": { "Operations": held },
    })
    .to_string();
    let event = durable_trace_wire::Invocation::parse(&event).ok()??;
    let found = durable_trace_wire::read(&event.arn, &event.operations).found?;
    Some((
        found.number.to_string(),
        found.context.trace_id.to_string(),
        found.context.parent_id.to_string(),
    ))
}

/// Whether an operation is a checkpoint that our library wrote: its name and its id are ours.
pub(crate) fn is_checkpoint(arn: &str, id: &str, name: &str) -> bool {
    CheckpointNumber::parse_name(name).is_some() && checkpoint_id(name, arn) == id
}

/// Sets on each operation which invocation wrote it first. `written` holds the ids that each invocation's accepted
/// requests name, in the order of the invocations: (index, execution ARN, ids).
pub(crate) fn note_writers(operations: &mut [Operation], written: &[(usize, &str, HashSet<&str>)]) {
    for operation in operations {
        operation.written_by = written
            .iter()
            .find(|(_, arn, ids)| {
                *arn == operation.execution_arn && ids.contains(operation.id.as_str())
            })
            .map(|(index, ..)| *index);
    }
}
