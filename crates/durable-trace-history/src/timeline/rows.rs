//! One row an operation, as a tree.

use std::collections::{BTreeMap, HashMap};

use durable_trace_wire::OperationType;

use super::{Attempt, ErrorEntry, Row, RowKind};
use crate::history::{AttemptRecord, History, Operation};

/// The row of the execution, then its operations, each under its parent, in the order in which they started.
pub(super) fn lay_out(history: &History) -> Vec<Row> {
    let mut rows = vec![execution_row(history)];
    let indices: HashMap<&str, usize> = history
        .operations
        .iter()
        .enumerate()
        .map(|(index, operation)| (operation.id.as_str(), index))
        .collect();
    let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut tops = Vec::new();
    for (index, operation) in history.operations.iter().enumerate() {
        let parent = operation
            .parent_id
            .as_deref()
            .and_then(|id| indices.get(id));
        match parent {
            // An operation starts after its parent. What says otherwise could hang in a circle.
            Some(parent) if *parent < index => children.entry(*parent).or_default().push(index),
            _ => tops.push(index),
        }
    }
    // (operation, its parent's row, depth), the next one last.
    let mut next: Vec<(usize, usize, usize)> =
        tops.into_iter().rev().map(|index| (index, 0, 1)).collect();
    while let Some((index, parent, depth)) = next.pop() {
        let Some(operation) = history.operations.get(index) else {
            continue;
        };
        let own = rows.len();
        rows.push(operation_row(operation, parent, depth));
        let below = children.remove(&index).unwrap_or_default();
        next.extend(below.into_iter().rev().map(|child| (child, own, depth + 1)));
    }
    rows
}

fn execution_row(history: &History) -> Row {
    let execution = &history.execution;
    Row {
        // Operation ids are hex digests; this is none.
        id: "execution".to_owned(),
        parent: None,
        depth: 0,
        kind: RowKind::Execution,
        row_type: "EXECUTION".to_owned(),
        subtype: None,
        name: execution
            .function_name()
            .or(execution.name.as_deref())
            .unwrap_or("execution")
            .to_owned(),
        status: execution.status.clone(),
        start_us: execution.start,
        end_us: execution.end,
        invocation: None,
        attempts: Vec::new(),
        error: execution.error.as_ref().map(ErrorEntry::from),
        waits_for: None,
        is_replay: false,
        is_checkpoint: false,
        details: BTreeMap::new(),
    }
}

fn operation_row(operation: &Operation, parent: usize, depth: usize) -> Row {
    Row {
        id: operation.id.clone(),
        parent: Some(parent),
        depth,
        kind: RowKind::Operation,
        row_type: operation.kind.as_str().to_owned(),
        subtype: operation.sub_type.clone(),
        name: operation.name.clone().unwrap_or_default(),
        status: operation.status.clone(),
        start_us: operation.start,
        end_us: operation.end,
        invocation: operation.invocation,
        attempts: operation.attempts.iter().map(Attempt::from).collect(),
        error: operation.error.as_ref().map(ErrorEntry::from),
        waits_for: waits_for(operation),
        is_replay: false,
        is_checkpoint: operation.is_checkpoint(),
        details: details(operation),
    }
}

fn waits_for(operation: &Operation) -> Option<String> {
    let waits = &operation.waits;
    match operation.kind {
        OperationType::Callback => waits
            .callback_id
            .as_ref()
            .map(|id| format!("callback {id}")),
        OperationType::ChainedInvoke => waits
            .function
            .as_ref()
            .map(|name| format!("function {name}")),
        OperationType::Wait => waits.until.map(|until| format!("until {until}")),
        OperationType::Step if operation.end.is_none() => {
            let number = operation.attempts.last()?.number + 1;
            waits
                .until
                .map(|until| format!("attempt {number}, due {until}"))
        }
        _ => None,
    }
}

fn details(operation: &Operation) -> BTreeMap<String, String> {
    let waits = &operation.waits;
    let seconds = |seconds: Option<u32>| seconds.map(|seconds| format!("{seconds} s"));
    let all = [
        ("callback_id", waits.callback_id.clone()),
        ("duration", seconds(waits.duration_s)),
        ("function", waits.function.clone()),
        ("heartbeat_timeout", seconds(waits.heartbeat_timeout_s)),
        ("target_execution", waits.target_arn.clone()),
        ("timeout", seconds(waits.timeout_s)),
    ];
    all.into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

impl From<&AttemptRecord> for Attempt {
    fn from(attempt: &AttemptRecord) -> Self {
        Self {
            number: attempt.number,
            start_us: attempt.start,
            end_us: attempt.end,
            outcome: attempt.outcome.as_str().to_owned(),
            error: attempt.error.as_ref().map(ErrorEntry::from),
            next_delay_s: attempt.next_delay_s,
        }
    }
}
