//! The spans of operations: one for each attempt of a step, one for each other operation, at its full length.

use std::collections::HashMap;

use durable_trace_wire::{OperationType, SpanId, derive_span_id};

use super::build::{Subject, is_failure, put, status_if};
use super::{Attribute, Span, SpanKind, SpanStatus, names};
use crate::history::{AttemptRecord, Operation, Outcome};

/// The id that AWS's SDK for Rust gives the first operation of an execution: the SHA-256 digest of `1`. The SDKs for other languages number
/// theirs by other digests.
const FIRST_ID_OF_RUST: &str = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";

pub(super) fn spans(subject: &Subject<'_>, root: SpanId) -> Vec<Span> {
    let operations = &subject.history.operations;
    let is_rust = operations
        .iter()
        .any(|operation| operation.id == FIRST_ID_OF_RUST);
    let mut spans = Vec::new();
    let mut parents: HashMap<&str, Parent> = HashMap::new();
    for operation in operations {
        let parent = operation.parent_id.as_deref();
        // A parent is told of before its children: an operation within none that is known hangs on the execution.
        let parent = parent.and_then(|id| parents.get(id).copied());
        let parent = parent.unwrap_or(Parent {
            span: root,
            is_batch: false,
        });
        let name = name(operation);
        let is_wanted = subject.is_whole || is_rest(subject, operation, is_rust);
        let first = spans.len();
        if let Some(name) = name.filter(|_| is_wanted) {
            if operation.attempts.is_empty() {
                spans.push(whole(subject, operation, name, parent));
            } else {
                let attempts = operation.attempts.iter();
                spans.extend(attempts.map(|it| attempt(subject, operation, it, name, parent)));
            }
        }
        let own = spans.get(first).map_or(parent.span, |span: &Span| span.id);
        parents.insert(
            &operation.id,
            Parent {
                span: own,
                is_batch: is_batch(operation),
            },
        );
    }
    spans
}

/// What an operation hangs on.
#[derive(Clone, Copy)]
struct Parent {
    span: SpanId,
    /// It is a map, a parallel, or an item of one: names below are without bound.
    is_batch: bool,
}

fn is_batch(operation: &Operation) -> bool {
    matches!(
        operation.sub_type.as_deref(),
        Some("Map" | "MapIteration" | "Parallel" | "ParallelBranch")
    )
}

/// The name of its spans; none for what nobody looks at: the iterations of a map, the branches of a parallel, checkpoints.
pub(super) fn name(operation: &Operation) -> Option<&'static str> {
    match (operation.kind, operation.sub_type.as_deref()) {
        (OperationType::Callback, _) => Some(names::CREATE_CALLBACK),
        (OperationType::ChainedInvoke, _) => Some(names::INVOKE),
        (OperationType::Context, Some("Map")) => Some(names::MAP),
        (OperationType::Context, Some("MapIteration" | "ParallelBranch")) => None,
        (OperationType::Context, Some("Parallel")) => Some(names::PARALLEL),
        (OperationType::Context, Some("WaitForCallback")) => Some(names::WAIT_FOR_CALLBACK),
        (OperationType::Context, _) => Some(names::CHILD_CONTEXT),
        (OperationType::Step, _) if operation.is_in_name_space() => None,
        (OperationType::Step, Some("WaitForCondition")) => Some(names::WAIT_FOR_CONDITION),
        (OperationType::Step, _) => Some(names::STEP),
        (OperationType::Wait, _) => Some(names::WAIT),
        _ => None,
    }
}

/// Whether live tracing cannot have sent it at its full length.
///
/// durable-trace sends what the service ends in the invocation that sees its end, from start to end; Datadog's libraries send what of it lies
/// in an invocation, in each.
fn is_rest(subject: &Subject<'_>, operation: &Operation, is_rust: bool) -> bool {
    let is_ended_by_service = matches!(
        operation.kind,
        OperationType::Callback | OperationType::ChainedInvoke | OperationType::Wait
    );
    let was_sent = is_rust && operation.end.is_some_and(|end| subject.was_seen(end));
    is_ended_by_service && !was_sent
}

fn whole(subject: &Subject<'_>, operation: &Operation, name: &'static str, parent: Parent) -> Span {
    let mut span = begin(subject, operation, name, parent);
    span.id = derive_span_id(subject.arn, &format!("operation {}", operation.id));
    if let Some(end) = operation.end {
        span.end = end.max(span.start);
    } else {
        put(&mut span.attributes, names::UNFINISHED, "true");
    }
    span.status = status_if(is_failure(&operation.status));
    if span.is_error() {
        let error = operation.error.as_ref();
        subject.put_error(&mut span.attributes, error, &operation.status);
    }
    subject.put_data(
        &mut span.attributes,
        names::RESULT,
        operation.result.as_deref(),
    );
    span
}

fn attempt(
    subject: &Subject<'_>,
    operation: &Operation,
    attempt: &AttemptRecord,
    name: &'static str,
    parent: Parent,
) -> Span {
    let mut span = begin(subject, operation, name, parent);
    // Spans count from 0, the service from 1.
    let number = attempt.number.saturating_sub(1);
    let part = format!("operation {} attempt {number}", operation.id);
    span.id = derive_span_id(subject.arn, &part);
    span.start = attempt.start;
    span.end = span.end.max(span.start);
    if let Some(end) = attempt.end {
        span.end = end.max(span.start);
    } else {
        put(&mut span.attributes, names::UNFINISHED, "true");
    }
    let number = Attribute::Number(number.into());
    span.attributes.insert(names::OPERATION_ATTEMPT, number);
    span.status = status_if(attempt.outcome == Outcome::Failed);
    if span.is_error() {
        subject.put_error(&mut span.attributes, attempt.error.as_ref(), "FAILED");
    }
    let is_last = attempt.outcome == Outcome::Succeeded;
    let result = operation.result.as_deref().filter(|_| is_last);
    subject.put_data(&mut span.attributes, names::RESULT, result);
    span
}

fn begin(subject: &Subject<'_>, operation: &Operation, name: &'static str, parent: Parent) -> Span {
    let mut attributes = subject.common();
    put(&mut attributes, names::OPERATION_ID, &operation.id);
    put(&mut attributes, names::REPLAYED, "false");
    if let Some(own) = &operation.name {
        put(&mut attributes, names::OPERATION_NAME, own);
    }
    if let Some(function) = &operation.waits.function {
        put(&mut attributes, names::INVOKED_FUNCTION, function);
    }
    subject.put_data(&mut attributes, names::INPUT, operation.input.as_deref());
    let own = operation.name.clone().filter(|_| !parent.is_batch);
    Span {
        id: parent.span,
        parent: Some(parent.span),
        name: name.into(),
        resource: own.unwrap_or_else(|| name.to_owned()),
        kind: if name == names::INVOKE {
            SpanKind::Client
        } else {
            SpanKind::Internal
        },
        start: operation.start,
        end: subject.timeline.until_us.max(operation.start),
        status: SpanStatus::Unset,
        links: Vec::new(),
        attributes,
    }
}
