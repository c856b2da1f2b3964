//! When no invocation ran, and for what.

use durable_trace_wire::OperationType;

use super::Gap;
use crate::history::{Invocation, Operation};
use crate::time::UnixMicros;

/// The times between invocations, and that after the last one, unless nothing was pending: then it is but the time that the service takes to
/// end an execution.
pub(super) fn between(
    invocations: &[Invocation],
    operations: &[Operation],
    until: UnixMicros,
) -> Vec<Gap> {
    let mut gaps = Vec::new();
    // What has run by then: whatever a history says, no two gaps overlap.
    let mut covered: Option<UnixMicros> = None;
    let starts = invocations
        .iter()
        .map(|invocation| invocation.start.min(until));
    let ends = invocations
        .iter()
        .map(|invocation| invocation.end.unwrap_or(until));
    for (start, end) in starts.zip(ends).chain([(until, until)]) {
        if let Some(from) = covered.filter(|from| start > *from) {
            gaps.push(Gap {
                start_us: from,
                end_us: start,
                waits_for: pending(operations, from),
                is_estimated: false,
            });
        }
        covered = covered.max(Some(start.max(end)));
    }
    gaps.retain(|gap| gap.end_us < until || !gap.waits_for.is_empty());
    gaps
}

/// The times in which something was pending and no step ran.
pub(super) fn estimate(operations: &[Operation], start: UnixMicros, until: UnixMicros) -> Vec<Gap> {
    let mut edges = vec![start, until];
    for operation in operations {
        edges.push(operation.start);
        edges.extend(operation.end);
    }
    edges.retain(|edge| (start..=until).contains(edge));
    edges.sort_unstable();
    edges.dedup();
    let mut gaps: Vec<Gap> = Vec::new();
    for (from, to) in edges.iter().zip(edges.iter().skip(1)) {
        let runs = operations.iter().any(|operation| {
            operation.kind == OperationType::Step
                && operation.status != "PENDING"
                && operation.start <= *from
                && operation.end.is_none_or(|end| end > *from)
        });
        let waits_for = pending(operations, *from);
        if runs || waits_for.is_empty() {
            continue;
        }
        match gaps.last_mut() {
            Some(last) if last.end_us == *from && last.waits_for == waits_for => last.end_us = *to,
            _ => gaps.push(Gap {
                start_us: *from,
                end_us: *to,
                waits_for,
                is_estimated: true,
            }),
        }
    }
    gaps
}

/// What was pending at a moment, in the words of a person: each operation that ends without the function's doing.
fn pending(operations: &[Operation], at: UnixMicros) -> Vec<String> {
    let is_open =
        |operation: &&Operation| operation.start <= at && operation.end.is_none_or(|end| end > at);
    operations
        .iter()
        .filter(is_open)
        .filter_map(|operation| {
            let name = operation.name.as_deref();
            let word = match operation.kind {
                OperationType::Callback => "callback",
                OperationType::ChainedInvoke => "invoke",
                OperationType::Wait => "wait",
                OperationType::Step if waits_to_retry(operation, at) => "retry of",
                _ => return None,
            };
            Some(format!("{word} {}", name.unwrap_or(&operation.id)))
        })
        .collect()
}

/// Whether an attempt had ended by then and the next had not begun.
fn waits_to_retry(operation: &Operation, at: UnixMicros) -> bool {
    let before = operation
        .attempts
        .iter()
        .rfind(|attempt| attempt.start <= at);
    match before {
        Some(attempt) => attempt.next_delay_s.is_some() && attempt.end.is_some_and(|end| end <= at),
        None => operation.status == "PENDING",
    }
}
