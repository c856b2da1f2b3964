//! AWS's two views of an execution, from its history: the spans that live tracing makes in these views, at the times that the service tells.
//!
//! The ids of `Workflow` and, in the execution view, of operations are those of live spans, so that nothing is there twice.

use std::borrow::Cow;
use std::collections::HashMap;

use durable_trace_wire::{
    OperationType, Origin, SpanId, derive_operation_span_id, derive_span_id, derive_workflow_id,
};

use super::build::{Attributes, Subject, is_failure, put};
use super::{Attribute, Span, SpanKind, SpanStatus, TraceView, names};
use crate::history::{AttemptRecord, Operation, Outcome};
use crate::time::UnixMicros;
use crate::timeline::InvocationEntry;

pub(super) fn spans(subject: &Subject<'_>, origin: Origin, view: TraceView) -> Vec<Span> {
    let mut making = Making {
        subject,
        origin,
        workflow: derive_workflow_id(subject.arn),
        spans: Vec::new(),
        segments: HashMap::new(),
    };
    making.workflow();
    for entry in &subject.timeline.invocations {
        making.invocation(entry);
    }
    let named = names_of(&subject.history.operations);
    for (operation, name) in subject.history.operations.iter().zip(named) {
        if operation.is_in_name_space() {
            continue;
        }
        match view {
            TraceView::Invocation => making.segmented(operation, &name),
            _ => making.whole(operation, &name),
        }
    }
    making.spans
}

struct Making<'a> {
    subject: &'a Subject<'a>,
    origin: Origin,
    workflow: SpanId,
    spans: Vec<Span>,
    /// The span of an operation in an invocation.
    segments: HashMap<(&'a str, usize), SpanId>,
}

impl<'a> Making<'a> {
    /// `Workflow` is made when the execution has ended, by whatever it ended.
    fn workflow(&mut self) {
        let execution = &self.subject.history.execution;
        let Some(end) = execution.end else {
            return;
        };
        let mut attributes = self.common();
        let status = execution.status.as_str();
        put(&mut attributes, names::AWS_EXECUTION_STATUS, word(status));
        let error = execution.error.as_ref().filter(|_| is_failure(status));
        if is_failure(status) {
            self.subject.put_error(&mut attributes, error, status);
        }
        let caller = self.origin.parent_id.filter(|_| self.origin.is_callers);
        self.spans.push(Span {
            parent: self.origin.parent_id,
            links: caller.into_iter().collect(),
            start: execution.start,
            end: end.max(execution.start),
            status: status_of(status),
            ..span(self.workflow, "Workflow".into(), attributes)
        });
    }

    fn invocation(&mut self, entry: &InvocationEntry) {
        let mut attributes = self.common();
        let first = Attribute::Flag(entry.index == 0);
        attributes.insert(names::AWS_INVOCATION_FIRST, first);
        if entry.status != "RUNNING" {
            put(&mut attributes, names::AWS_INVOCATION_STATUS, &entry.status);
        }
        if let Some(id) = &entry.request_id {
            put(&mut attributes, names::AWS_INVOCATION_ID, id);
        }
        if entry.is_start_estimated {
            put(&mut attributes, names::ESTIMATED, "true");
        }
        self.spans.push(Span {
            parent: self.origin.parent_id.or(Some(self.workflow)),
            start: entry.start_us,
            end: self.end_of(entry),
            status: match entry.status.as_str() {
                "PENDING" | "SUCCEEDED" => SpanStatus::Ok,
                "FAILED" => SpanStatus::Error,
                _ => SpanStatus::Unset,
            },
            ..span(
                self.id_of_invocation(entry.index),
                "Invocation".into(),
                attributes,
            )
        });
    }

    /// The execution view: an operation is one span over its whole life, told of when it has ended.
    fn whole(&mut self, operation: &'a Operation, name: &str) {
        let own = self.id_of(&operation.id);
        let parent = operation.parent_id.as_deref();
        let parent = parent.map_or(self.workflow, |id| self.id_of(id));
        if let Some(end) = operation.end {
            let mut attributes = self.attributes(operation, name);
            put(
                &mut attributes,
                names::AWS_OPERATION_STATUS,
                word(&operation.status),
            );
            put_last_attempt(&mut attributes, operation);
            self.put_failure(&mut attributes, operation);
            self.spans.push(Span {
                parent: Some(parent),
                start: operation.start,
                end: end.max(operation.start),
                status: status_of(&operation.status),
                links: self.link_at(end),
                ..span(own, name.to_owned().into(), attributes)
            });
        }
        for attempt in &operation.attempts {
            let links = self.link_at(attempt.end.unwrap_or(attempt.start));
            self.attempt(operation, name, attempt, own, links);
        }
    }

    /// The invocation view: a segment in each invocation that had to do with the operation, short where it ended asleep.
    fn segmented(&mut self, operation: &'a Operation, name: &str) {
        let last = self.subject.timeline.invocations.len().saturating_sub(1);
        let first_in = self.invocation_at(operation.start).unwrap_or(0);
        let last_in = operation
            .end
            .map_or(last, |end| self.invocation_at(end).unwrap_or(last));
        for entry in &self.subject.timeline.invocations {
            let index = entry.index;
            let ran = |attempt: &AttemptRecord| self.invocation_at(attempt.start) == Some(index);
            let is_in = match operation.kind {
                OperationType::Context => (first_in..=last_in).contains(&index),
                OperationType::Step => operation.attempts.iter().any(ran),
                _ => index == first_in || (index == last_in && operation.end.is_some()),
            };
            if !is_in {
                continue;
            }
            let is_end = operation.end.is_some() && index == last_in;
            let limit = self.end_of(entry);
            let start = operation.start.max(entry.start_us).min(limit);
            let end = operation.end.filter(|_| is_end).unwrap_or(limit);
            let mut attributes = self.attributes(operation, name);
            let status = if is_end {
                word(&operation.status)
            } else {
                "STARTED"
            };
            put(&mut attributes, names::AWS_OPERATION_STATUS, status);
            if is_end {
                put_last_attempt(&mut attributes, operation);
                self.put_failure(&mut attributes, operation);
            }
            let id = if index == first_in {
                self.id_of(&operation.id)
            } else {
                self.part(&format!("{} segment {index}", operation.id))
            };
            let parent = operation.parent_id.as_deref();
            let parent = parent.and_then(|parent| self.segments.get(&(parent, index)).copied());
            self.segments.insert((operation.id.as_str(), index), id);
            self.spans.push(Span {
                parent: Some(parent.unwrap_or_else(|| self.id_of_invocation(index))),
                start,
                end: end.clamp(start, limit.max(start)),
                status: if is_end {
                    status_of(&operation.status)
                } else {
                    SpanStatus::Unset
                },
                links: vec![self.workflow],
                ..span(id, name.to_owned().into(), attributes)
            });
        }
        for attempt in &operation.attempts {
            let index = self.invocation_at(attempt.start).unwrap_or(0);
            let segment = self.segments.get(&(operation.id.as_str(), index)).copied();
            let parent = segment.unwrap_or_else(|| self.id_of_invocation(index));
            self.attempt(operation, name, attempt, parent, vec![self.workflow]);
        }
    }

    fn attempt(
        &mut self,
        operation: &Operation,
        name: &str,
        attempt: &AttemptRecord,
        parent: SpanId,
        links: Vec<SpanId>,
    ) {
        let number = attempt.number;
        let mut attributes = self.attributes(operation, name);
        let counted = Attribute::Number(number.into());
        attributes.insert(names::AWS_ATTEMPT_NUMBER, counted);
        let status = match attempt.outcome {
            Outcome::Failed => SpanStatus::Error,
            // A condition that is not met yet is no failure.
            Outcome::Retry | Outcome::Succeeded => SpanStatus::Ok,
            Outcome::Started => SpanStatus::Unset,
        };
        match status {
            SpanStatus::Error => {
                put(&mut attributes, names::AWS_ATTEMPT_OUTCOME, "FAILED");
                self.subject
                    .put_error(&mut attributes, attempt.error.as_ref(), "FAILED");
            }
            SpanStatus::Ok => put(&mut attributes, names::AWS_ATTEMPT_OUTCOME, "SUCCEEDED"),
            SpanStatus::Unset => {}
        }
        let end = attempt.end.unwrap_or(self.subject.timeline.until_us);
        let id = self.part(&format!("{} attempt {number}", operation.id));
        self.spans.push(Span {
            parent: Some(parent),
            start: attempt.start,
            end: end.max(attempt.start),
            status,
            links,
            ..span(id, format!("{name} attempt {number}").into(), attributes)
        });
    }

    fn common(&self) -> Attributes {
        let mut attributes = self.subject.common();
        put(&mut attributes, names::AWS_EXECUTION_ARN, self.subject.arn);
        attributes
    }

    fn attributes(&self, operation: &Operation, name: &str) -> Attributes {
        let mut attributes = self.common();
        put(&mut attributes, names::AWS_OPERATION_ID, &operation.id);
        put(
            &mut attributes,
            names::AWS_OPERATION_TYPE,
            operation.kind.as_str(),
        );
        if let Some(sub_type) = &operation.sub_type {
            put(&mut attributes, names::AWS_OPERATION_SUBTYPE, sub_type);
        }
        if operation.name.is_some() || name != operation.kind.as_str() {
            put(&mut attributes, names::AWS_OPERATION_NAME, name);
        }
        attributes
    }

    fn put_failure(&self, attributes: &mut Attributes, operation: &Operation) {
        if is_failure(&operation.status) {
            let error = operation.error.as_ref();
            self.subject.put_error(attributes, error, &operation.status);
        }
    }

    fn link_at(&self, at: UnixMicros) -> Vec<SpanId> {
        let index = self.invocation_at(at);
        index
            .map(|index| self.id_of_invocation(index))
            .into_iter()
            .collect()
    }

    /// The invocation that ran then, or the next one, which saw what happened.
    fn invocation_at(&self, at: UnixMicros) -> Option<usize> {
        let mut entries = self.subject.timeline.invocations.iter();
        entries
            .find(|entry| self.end_of(entry) >= at)
            .map(|entry| entry.index)
    }

    fn end_of(&self, entry: &InvocationEntry) -> UnixMicros {
        let end = entry.end_us.unwrap_or(self.subject.timeline.until_us);
        end.max(entry.start_us)
    }

    fn id_of(&self, operation: &str) -> SpanId {
        derive_operation_span_id(self.subject.arn, operation)
    }

    fn id_of_invocation(&self, index: usize) -> SpanId {
        self.part(&format!("invocation {index}"))
    }

    /// The id of what live tracing gives a random one.
    fn part(&self, part: &str) -> SpanId {
        derive_span_id(self.subject.arn, &format!("workflow {part}"))
    }
}

/// On the whole of a step: how often it was tried.
fn put_last_attempt(attributes: &mut Attributes, operation: &Operation) {
    if let Some(attempt) = operation.attempts.last() {
        let number = Attribute::Number(attempt.number.into());
        attributes.insert(names::AWS_ATTEMPT_NUMBER, number);
    }
}

/// A span of no time, at the top.
fn span(id: SpanId, name: Cow<'static, str>, attributes: Attributes) -> Span {
    Span {
        id,
        parent: None,
        resource: name.clone().into_owned(),
        name,
        kind: SpanKind::Internal,
        start: UnixMicros::default(),
        end: UnixMicros::default(),
        status: SpanStatus::Unset,
        links: Vec::new(),
        attributes,
    }
}

/// AWS's words for how something ended: what ends from outside has failed.
fn word(status: &str) -> &str {
    if is_failure(status) { "FAILED" } else { status }
}

fn status_of(status: &str) -> SpanStatus {
    match status {
        "SUCCEEDED" => SpanStatus::Ok,
        status if is_failure(status) => SpanStatus::Error,
        _ => SpanStatus::Unset,
    }
}

/// What each operation is called: its name, else its type; the parts of a `wait_for_callback` as AWS's other SDKs call them.
fn names_of(operations: &[Operation]) -> Vec<String> {
    let by_id: HashMap<&str, &Operation> =
        operations.iter().map(|it| (it.id.as_str(), it)).collect();
    let name = |operation: &Operation| {
        if let Some(name) = &operation.name {
            return name.clone();
        }
        let parent = operation.parent_id.as_deref().and_then(|id| by_id.get(id));
        let whole = parent.filter(|it| it.sub_type.as_deref() == Some("WaitForCallback"));
        let part = match operation.kind {
            OperationType::Callback => Some("callback"),
            OperationType::Step => Some("submitter"),
            _ => None,
        };
        whole
            .and_then(|whole| Some(format!("{}-{}", whole.name.as_ref()?, part?)))
            .unwrap_or_else(|| operation.kind.as_str().to_owned())
    };
    operations.iter().map(name).collect()
}
