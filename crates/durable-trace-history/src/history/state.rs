//! From a state, which tells how each operation stands and nothing of invocations and earlier attempts.

use std::collections::HashSet;

use durable_trace_wire::OperationType;

use super::{AttemptRecord, Execution, History, Operation, Outcome, Waits};
use crate::document::{Facts, OperationDetails, StateOperation};
use crate::time::UnixMicros;

/// Puts a history together from the operations of a state. The execution itself is one of them.
pub(super) fn gather(operations: Vec<StateOperation>, facts: &Facts) -> History {
    let starts = operations
        .iter()
        .filter_map(|operation| operation.start_timestamp);
    let start = starts.min().unwrap_or_default();
    let mut execution = Execution::of(facts, start);
    let mut last_at = start;
    let mut kept: Vec<Operation> = Vec::new();
    for operation in operations {
        let moments = [operation.start_timestamp, operation.end_timestamp];
        last_at = moments.into_iter().flatten().fold(last_at, UnixMicros::max);
        let kind = OperationType::parse(&operation.kind);
        if kind == OperationType::Execution {
            if let Some(start) = operation.start_timestamp {
                execution.start = start;
            }
            execution.end = execution.end.or(operation.end_timestamp);
            if execution.name.is_none() {
                execution.name = operation.name;
            }
        } else {
            kept.push(read(operation, kind, start));
        }
    }
    kept.sort_by_key(|operation| operation.start);
    // Pages that overlap tell of an operation twice.
    let mut seen = HashSet::new();
    kept.retain(|operation| seen.insert(operation.id.clone()));
    History {
        execution,
        operations: kept,
        invocations: None,
        last_at,
        is_cut: false,
    }
}

fn read(operation: StateOperation, kind: OperationType, otherwise: UnixMicros) -> Operation {
    let details = [
        operation.callback_details,
        operation.chained_invoke_details,
        operation.context_details,
        operation.step_details,
        operation.wait_details,
    ];
    let details: OperationDetails = details.into_iter().flatten().next().unwrap_or_default();
    let status = operation.status.unwrap_or_else(|| "STARTED".to_owned());
    let start = operation.start_timestamp.unwrap_or(otherwise);
    let attempts = match (kind, details.attempt) {
        // Of several attempts only the last is kept, and not when it started.
        (OperationType::Step, None | Some(0 | 1)) => vec![AttemptRecord {
            number: 1,
            start,
            end: operation.end_timestamp,
            outcome: outcome(&status),
            error: details.error.clone(),
            next_delay_s: None,
        }],
        _ => Vec::new(),
    };
    Operation {
        id: operation.id,
        parent_id: operation.parent_id,
        name: operation.name,
        kind,
        sub_type: operation.sub_type,
        status,
        start,
        end: operation.end_timestamp,
        invocation: None,
        attempts,
        error: details.error,
        input: None,
        result: details.result,
        waits: Waits {
            callback_id: details.callback_id,
            until: details
                .scheduled_end_timestamp
                .or(details.next_attempt_timestamp),
            ..Waits::default()
        },
    }
}

fn outcome(status: &str) -> Outcome {
    match status {
        "SUCCEEDED" => Outcome::Succeeded,
        "FAILED" | "PENDING" | "READY" => Outcome::Failed,
        _ => Outcome::Started,
    }
}
