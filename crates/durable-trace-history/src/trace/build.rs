//! The spans of one trace: the execution, its invocations, the times asleep; operations are beside this.

use std::collections::BTreeMap;

use durable_trace_wire::{ExecutionArn, SpanId, derive_span_id};

use super::{Attribute, Span, SpanKind, SpanStatus, TraceRules, Wish, names, operations};
use crate::event::ErrorObject;
use crate::history::{History, Operation};
use crate::time::UnixMicros;
use crate::timeline::{ErrorEntry, Gap, InvocationEntry, Timeline};

/// The longest input or result on a span, in bytes.
const DATA_BYTES: usize = 4_096;

/// What the spans are made from.
pub(super) struct Subject<'a> {
    pub(super) history: &'a History,
    pub(super) timeline: &'a Timeline,
    pub(super) rules: &'a TraceRules,
    pub(super) arn: &'a str,
    pub(super) parts: Option<ExecutionArn<'a>>,
    /// What the newest checkpoint names as the parent.
    pub(super) anchor: Option<SpanId>,
    /// What live tracing hangs invocations on where there is no checkpoint.
    pub(super) derived_anchor: SpanId,
    pub(super) is_whole: bool,
}

/// Attributes while they are gathered.
pub(super) type Attributes = BTreeMap<&'static str, Attribute>;

pub(super) fn spans(subject: &Subject<'_>) -> Vec<Span> {
    let execution = execution(subject);
    let root = execution.id;
    let mut spans = vec![execution];
    if subject.is_whole {
        let invocations = subject.timeline.invocations.iter();
        spans.extend(invocations.map(|entry| invocation(subject, root, entry)));
    }
    if subject.is_whole || subject.rules.suspended == Wish::Take {
        let gaps = subject.timeline.gaps.iter().enumerate();
        spans.extend(gaps.map(|(index, gap)| suspended(subject, root, index, gap)));
    }
    spans.extend(operations::spans(subject, root));
    spans
}

fn execution(subject: &Subject<'_>) -> Span {
    let execution = &subject.history.execution;
    let status = execution.status.as_str();
    let mut attributes = subject.common();
    put(&mut attributes, names::EXECUTION_ARN, subject.arn);
    put(&mut attributes, names::EXECUTION_STATUS, status);
    put(&mut attributes, names::REPLAYED, "false");
    if let Some(parts) = &subject.parts {
        put_execution(&mut attributes, parts);
    }
    subject.put_data(&mut attributes, names::INPUT, execution.input.as_deref());
    subject.put_data(&mut attributes, names::RESULT, execution.result.as_deref());
    let is_error = is_failure(status);
    if is_error {
        subject.put_error(&mut attributes, execution.error.as_ref(), status);
    }
    Span {
        // Invocations that found no checkpoint hang on the derived anchor: this is it.
        id: match subject.anchor {
            Some(_) => derive_span_id(subject.arn, "execution"),
            None => subject.derived_anchor,
        },
        parent: subject.anchor,
        name: names::EXECUTE.into(),
        resource: execution
            .function_name()
            .unwrap_or(names::EXECUTE)
            .to_owned(),
        kind: SpanKind::Internal,
        start: execution.start,
        end: subject.timeline.until_us,
        status: status_if(is_error),
        links: Vec::new(),
        attributes,
    }
}

fn invocation(subject: &Subject<'_>, root: SpanId, entry: &InvocationEntry) -> Span {
    let mut attributes = subject.common();
    let first = if entry.index == 0 { "true" } else { "false" };
    put(&mut attributes, names::FIRST_INVOCATION, first);
    if let Some(parts) = &subject.parts {
        put_execution(&mut attributes, parts);
        if let Some(name) = parts.function_name() {
            put(&mut attributes, names::FUNCTION_NAME, &name.to_lowercase());
            put(&mut attributes, names::RESOURCE_NAMES, name);
        }
        let version = parts.qualifier().unwrap_or("$LATEST");
        put(&mut attributes, names::FUNCTION_VERSION, version);
        let function = parts.function_arn();
        let bare = function
            .strip_suffix(version)
            .and_then(|arn| arn.strip_suffix(':'))
            .unwrap_or(function);
        put(&mut attributes, names::FUNCTION_ARN, &bare.to_lowercase());
    }
    if entry.status != "RUNNING" {
        put(&mut attributes, names::EXECUTION_STATUS, &entry.status);
    }
    if let Some(id) = &entry.request_id {
        put(&mut attributes, names::REQUEST_ID, id);
    }
    if entry.is_start_estimated {
        put(&mut attributes, names::ESTIMATED, "true");
    }
    if let Some(ErrorEntry {
        error_type,
        message,
        ..
    }) = &entry.error
    {
        let error = ErrorObject {
            error_type: error_type.clone(),
            error_message: message.clone(),
        };
        subject.put_error(&mut attributes, Some(&error), "FAILED");
    }
    let end = entry.end_us.unwrap_or(subject.timeline.until_us);
    Span {
        id: derive_span_id(subject.arn, &format!("invocation {}", entry.index)),
        parent: Some(root),
        name: names::LAMBDA.into(),
        resource: subject
            .history
            .execution
            .function_name()
            .unwrap_or(names::LAMBDA)
            .to_owned(),
        kind: SpanKind::Server,
        start: entry.start_us,
        end: end.max(entry.start_us),
        status: status_if(entry.error.is_some()),
        links: Vec::new(),
        attributes,
    }
}

fn suspended(subject: &Subject<'_>, root: SpanId, index: usize, gap: &Gap) -> Span {
    let mut attributes = subject.common();
    put(&mut attributes, names::EXECUTION_ARN, subject.arn);
    let on = suspended_on(subject, gap);
    if let Some(on) = &on {
        put(&mut attributes, names::SUSPENDED_ON, on);
    }
    if gap.is_estimated {
        put(&mut attributes, names::ESTIMATED, "true");
    }
    Span {
        id: derive_span_id(subject.arn, &format!("suspended {index}")),
        parent: Some(root),
        name: names::SUSPENDED.into(),
        resource: on.unwrap_or_else(|| names::SUSPENDED.to_owned()),
        kind: SpanKind::Internal,
        start: gap.start_us,
        end: gap.end_us,
        status: SpanStatus::Unset,
        links: Vec::new(),
        attributes,
    }
}

/// What an execution slept on as live tracing has it: of several operations the one that was ready first, by the kind of its span and its
/// name if it has one.
fn suspended_on(subject: &Subject<'_>, gap: &Gap) -> Option<String> {
    let is_waited_for = |operation: &&Operation| {
        let name = operation.name.as_deref().unwrap_or(&operation.id);
        let is_open = operation.end.is_none_or(|end| end > gap.start_us);
        let mut waits_for = gap.waits_for.iter();
        operation.start <= gap.start_us && is_open && waits_for.any(|on| on.ends_with(name))
    };
    let ready = |operation: &&Operation| {
        let attempts = operation.attempts.iter().map(|attempt| attempt.start);
        let next = attempts.filter(|start| *start > gap.start_us).min();
        next.or(operation.end).unwrap_or(UnixMicros(i64::MAX))
    };
    let operations = subject.history.operations.iter();
    let operation = operations.filter(is_waited_for).min_by_key(ready)?;
    let kind = operations::name(operation)?.trim_start_matches("aws.durable.");
    Some(match &operation.name {
        Some(name) => format!("{kind} {name}"),
        // Ids are without bound, and name a resource here.
        None => kind.to_owned(),
    })
}

pub(super) const fn status_if(is_error: bool) -> SpanStatus {
    if is_error {
        SpanStatus::Error
    } else {
        SpanStatus::Unset
    }
}

/// Whether a status is an error. A cancelled operation is none: its execution had no more use for it.
pub(super) fn is_failure(status: &str) -> bool {
    matches!(status, "FAILED" | "STOPPED" | "TIMED_OUT")
}

pub(super) fn put(attributes: &mut Attributes, key: &'static str, text: &str) {
    attributes.insert(key, Attribute::Text(text.to_owned()));
}

fn put_execution(attributes: &mut Attributes, parts: &ExecutionArn<'_>) {
    put(attributes, names::EXECUTION_NAME, parts.execution_name());
    put(attributes, names::EXECUTION_ID, parts.execution_id());
}

impl Subject<'_> {
    /// What every span has.
    #[expect(
        clippy::unused_self,
        reason = "reads as the other parts of an attribute list do"
    )]
    pub(super) fn common(&self) -> Attributes {
        let mut attributes = Attributes::new();
        put(&mut attributes, names::COMPONENT, names::HISTORY_COMPONENT);
        put(&mut attributes, names::SOURCE, names::HISTORY);
        attributes
    }

    pub(super) fn put_error(
        &self,
        attributes: &mut Attributes,
        error: Option<&ErrorObject>,
        status: &str,
    ) {
        let error_type = error.and_then(|error| error.error_type.as_deref());
        put(attributes, names::ERROR_TYPE, error_type.unwrap_or(status));
        let message = error.and_then(|error| error.error_message.as_deref());
        if let Some(message) = message.filter(|_| self.rules.error_messages == Wish::Take) {
            put(attributes, names::ERROR_MESSAGE, message);
        }
    }

    pub(super) fn put_data(
        &self,
        attributes: &mut Attributes,
        key: &'static str,
        data: Option<&str>,
    ) {
        if let Some(data) = data.filter(|_| self.rules.data == Wish::Take) {
            put(attributes, key, &cut(data));
        }
    }

    /// Whether live tracing can have told of something that ended then: an invocation ran then, or began later.
    pub(super) fn was_seen(&self, end: UnixMicros) -> bool {
        match &self.history.invocations {
            Some(invocations) => invocations
                .iter()
                .any(|invocation| invocation.end.is_none_or(|last| last >= end)),
            None => true,
        }
    }
}

/// At most as many bytes as a span takes, whole characters.
fn cut(data: &str) -> String {
    if data.len() <= DATA_BYTES {
        return data.to_owned();
    }
    let end = data.floor_char_boundary(DATA_BYTES);
    format!("{}…", data.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(DATA_BYTES);
        let kept = cut(&format!("x{long}"));
        assert_eq!(kept.len(), DATA_BYTES - 1 + "…".len());
        assert!(kept.ends_with("ä…"));
    }
}
