//! What each invocation resumed from, and what it wrote for the next.

use std::collections::HashSet;

use durable_trace_wire::{CarrierRules, CheckpointNumber, checkpoint_id};
use serde::Serialize;
use serde_json::json;

use super::{Invocation, LAMBDA_SPAN, Operation, SpanRecord};

/// The context that an invocation's trace goes on from.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Resume {
    /// The checkpoint's name; what carried the caller's context, as `extract` names it; or `unknown`.
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
        input: Option<&str>,
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
            .map(|(name, ..)| name)
            .or_else(|| callers_source(input?, span))
            .unwrap_or_else(|| "unknown".to_owned());
        Some(Self {
            source,
            trace_id: span.trace_id.clone(),
            parent_id: span.parent_id.clone(),
        })
    }
}

/// What of the execution's event carried the context that the span hangs on.
fn callers_source(input: &str, span: &SpanRecord) -> Option<String> {
    let carried = durable_trace_wire::extract_from_event(input, &CarrierRules::default())?;
    let context = &carried.context;
    let is_its = context.trace_id.to_string() == span.trace_id
        && context.parent_id.to_string() == span.parent_id;
    is_its.then(|| carried.source.as_str().to_owned())
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:1:function:f:$LATEST/durable-execution/a/1";
    const TRACE: &str = "0000000000000000000000000000002a";

    fn checkpoint(n: u64, parent: &str, written_by: Option<usize>) -> Operation {
        let name = format!("_datadog_{n}");
        Operation {
            execution_arn: ARN.into(),
            id: checkpoint_id(&name, ARN),
            name: Some(name),
            kind: "STEP".into(),
            subtype: None,
            status: "SUCCEEDED".into(),
            parent_id: None,
            result: Some(
                json!({ "x-datadog-trace-id": "42", "x-datadog-parent-id": parent }).to_string(),
            ),
            written_by,
        }
    }

    fn invocation(index: usize) -> Invocation {
        Invocation {
            index,
            execution_arn: ARN.into(),
            request_id: String::new(),
            status: "PENDING".into(),
            context: None,
            api_calls: Vec::new(),
            checkpoint_written: None,
            checkpoint_by: None,
        }
    }

    fn lambda(invocation: usize, parent_id: &str) -> SpanRecord {
        SpanRecord {
            invocation: Some(invocation),
            trace_id: TRACE.into(),
            span_id: "1".into(),
            parent_id: parent_id.into(),
            name: LAMBDA_SPAN.into(),
            resource: String::new(),
            service: String::new(),
            kind: String::new(),
            error: 0,
            start: 0,
            duration: 0,
            meta: BTreeMap::new(),
            metrics: BTreeMap::new(),
            links: Vec::new(),
        }
    }

    #[test]
    fn the_span_tells_the_context_and_the_log_its_source() {
        let other = || Operation {
            execution_arn: "another".into(),
            ..checkpoint(0, "7", Some(0))
        };
        for (operations, parent, want, why) in [
            (
                vec![checkpoint(0, "7", Some(0))],
                "7",
                Some("_datadog_0"),
                "written before",
            ),
            (
                vec![checkpoint(0, "7", Some(0)), checkpoint(1, "7", Some(1))],
                "7",
                Some("_datadog_1"),
                "the highest that was there",
            ),
            (
                vec![checkpoint(0, "7", Some(0)), checkpoint(1, "7", Some(2))],
                "7",
                Some("_datadog_0"),
                "the other was written in this very invocation",
            ),
            (
                vec![checkpoint(0, "8", Some(0))],
                "7",
                Some("unknown"),
                "another parent",
            ),
            (
                vec![checkpoint(0, "7", None)],
                "7",
                Some("unknown"),
                "nobody wrote it",
            ),
            (
                vec![other()],
                "7",
                Some("unknown"),
                "in another execution's log",
            ),
            (vec![], "7", Some("unknown"), "no checkpoint at all"),
            (
                vec![checkpoint(0, "7", Some(0))],
                "0",
                None,
                "the span began a trace",
            ),
        ] {
            let got = Resume::of(&invocation(2), &[lambda(2, parent)], &operations, None);
            assert_eq!(got.map(|resume| resume.source).as_deref(), want, "{why}");
        }
        let no_span = Resume::of(&invocation(2), &[lambda(1, "7")], &[], None);
        assert_eq!(no_span, None, "no span of this invocation");
    }

    #[test]
    fn the_first_to_write_an_operation_is_its_writer() {
        let mut operations = [checkpoint(0, "7", None), checkpoint(1, "7", None)];
        let id = operations[0].id.clone();
        let ids = || HashSet::from([id.as_str()]);
        note_writers(
            &mut operations,
            &[(0, "another", ids()), (1, ARN, ids()), (2, ARN, ids())],
        );
        assert_eq!(
            operations[0].written_by,
            Some(1),
            "not by another execution's invocation"
        );
        assert_eq!(operations[1].written_by, None);
    }

    #[test]
    fn only_our_own_steps_are_checkpoints() {
        let id = checkpoint_id("_datadog_7", ARN);
        for (id, name, want, why) in [
            (id.as_str(), "_datadog_7", true, "ours"),
            (id.as_str(), "_datadog_8", false, "the id of another name"),
            (
                "d4735e3a",
                "_datadog_7",
                false,
                "a step of the user's, named like ours",
            ),
        ] {
            assert_eq!(is_checkpoint(ARN, id, name), want, "{why}");
        }
    }
}
