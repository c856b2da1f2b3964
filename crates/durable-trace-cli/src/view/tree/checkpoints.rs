//! The checkpoints in an execution's log, decoded.

use std::{collections::HashMap, fmt::Write as _};

use durable_trace_wire::{Context, Headers};

use super::{Ink, Palette};
use crate::report::{Operation, Report, is_checkpoint};

fn checkpoints(report: &Report) -> impl Iterator<Item = (&str, &Operation)> {
    report.operations.iter().filter_map(|operation| {
        let name = operation.name.as_deref()?;
        is_checkpoint(&operation.execution_arn, &operation.id, name).then_some((name, operation))
    })
}

fn decode(operation: &Operation) -> Option<Context> {
    let headers = Headers::from_json(operation.result.as_deref()?).ok()?;
    Some(Context::extract(&headers)?.0)
}

/// The names of the checkpoints that name each span as parent, by the span's id.
pub(super) fn anchors(report: &Report) -> HashMap<String, Vec<&str>> {
    let mut anchors: HashMap<String, Vec<&str>> = HashMap::new();
    for (name, operation) in checkpoints(report) {
        if let Some(context) = decode(operation) {
            anchors
                .entry(context.parent_id.to_string())
                .or_default()
                .push(name);
        }
    }
    anchors
}

/// A paragraph for each checkpoint: who wrote and read it, and what it says.
pub(super) fn render_checkpoints(report: &Report, palette: Palette) -> String {
    let mut out = String::new();
    for (name, operation) in checkpoints(report) {
        let _ = writeln!(
            out,
            "\n{}{}",
            palette.paint(Ink::Resume, name),
            palette.paint(Ink::Dim, &story(report, name, operation))
        );
        let Some(context) = decode(operation) else {
            let _ = writeln!(out, "  {}", palette.paint(Ink::Bad, "is not readable"));
            continue;
        };
        let priority = context
            .sampling_priority
            .map_or("none".to_owned(), |priority| priority.value().to_string());
        let tags: Vec<_> = context
            .tags
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        for (label, value) in [
            ("trace", context.trace_id.to_string()),
            ("parent", context.parent_id.to_string()),
            ("priority", priority),
            ("origin", context.origin.clone().unwrap_or_default()),
            ("tags", tags.join(", ")),
        ] {
            if !value.is_empty() {
                let _ = writeln!(out, "  {label:<8}  {value}");
            }
        }
    }
    out
}

fn story(report: &Report, name: &str, operation: &Operation) -> String {
    let readers: Vec<String> = report
        .invocations
        .iter()
        .filter(|invocation| invocation.execution_arn == operation.execution_arn)
        .filter(|invocation| {
            invocation
                .context
                .as_ref()
                .is_some_and(|c| c.source == name)
        })
        .map(|invocation| invocation.index.to_string())
        .collect();
    let writer = operation.written_by.map_or(String::new(), |index| {
        format!(", written by invocation {index}")
    });
    let read = match readers.as_slice() {
        [] => ", read by none".to_owned(),
        [one] => format!(", read by {one}"),
        [first @ .., last] => format!(", read by {} and {last}", first.join(", ")),
    };
    format!(" in the execution's log{writer}{read}")
}
