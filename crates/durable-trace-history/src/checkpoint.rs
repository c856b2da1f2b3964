//! The checkpoints of tracing libraries, decoded.

use std::collections::BTreeMap;

use durable_trace_wire::{
    CheckpointNumber, Context, Headers, NAME_PREFIX, OperationType, SamplingPriority,
    known_derivation,
};

use crate::history::{History, Operation};
use crate::timeline::{CheckpointEntry, TraceEntry};

impl Operation {
    /// Whether it is named like a checkpoint, and is a step that has ended as one.
    pub(crate) fn is_checkpoint(&self) -> bool {
        self.kind == OperationType::Step
            && self.status == "SUCCEEDED"
            && self
                .name
                .as_deref()
                .and_then(CheckpointNumber::parse_name)
                .is_some()
    }

    /// Whether its name begins like a checkpoint's.
    pub(crate) fn is_in_name_space(&self) -> bool {
        self.name
            .as_deref()
            .is_some_and(|name| name.starts_with(NAME_PREFIX))
    }
}

/// Decodes every checkpoint, oldest first.
pub(crate) fn decode(history: &History) -> Vec<CheckpointEntry> {
    let mut before: Option<Context> = None;
    let mut entries = Vec::new();
    for operation in history
        .operations
        .iter()
        .filter(|operation| operation.is_checkpoint())
    {
        let read = context(operation);
        let changed = match (&before, &read) {
            (Some(before), Ok(now)) => changes(before, now),
            _ => Vec::new(),
        };
        entries.push(entry(operation, history.arn(), &read, changed));
        if let Ok(now) = read {
            before = Some(now);
        }
    }
    entries
}

fn context(operation: &Operation) -> Result<Context, String> {
    let payload = operation
        .result
        .as_deref()
        .ok_or("the history was read without execution data, or the step has no result")?;
    let headers = Headers::from_json(payload).map_err(|error| error.to_string())?;
    let (context, _) = Context::extract(&headers).ok_or("its headers hold no usable ids")?;
    Ok(context)
}

fn changes(before: &Context, now: &Context) -> Vec<String> {
    let parts = [
        ("trace_id", before.trace_id != now.trace_id),
        ("parent_id", before.parent_id != now.parent_id),
        (
            "sampling_priority",
            before.sampling_priority != now.sampling_priority,
        ),
        ("origin", before.origin != now.origin),
        ("tags", tags(before) != tags(now)),
    ];
    let changed = parts.into_iter().filter(|(_, changed)| *changed);
    changed.map(|(name, _)| name.to_owned()).collect()
}

fn tags(context: &Context) -> BTreeMap<String, String> {
    let tags = context.tags.iter();
    tags.map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn entry(
    operation: &Operation,
    arn: Option<&str>,
    read: &Result<Context, String>,
    changed: Vec<String>,
) -> CheckpointEntry {
    let name = operation.name.clone().unwrap_or_default();
    let context = read.as_ref().ok();
    CheckpointEntry {
        at_us: operation.end.unwrap_or(operation.start),
        trace_id: context.map(|context| context.trace_id.to_string()),
        trace_id_decimal: context.map(|context| context.trace_id.low().to_string()),
        parent_id: context.map(|context| context.parent_id.to_string()),
        sampling_priority: context
            .and_then(|context| context.sampling_priority.map(SamplingPriority::value)),
        origin: context.and_then(|context| context.origin.clone()),
        tags: context.map(tags).unwrap_or_default(),
        changed,
        is_known: arn.map(|arn| known_derivation(&operation.id, &name, arn)),
        unreadable: read.as_ref().err().cloned(),
        name,
    }
}

/// The trace of the last checkpoint that holds one, and its page.
pub(crate) fn trace(checkpoints: &[CheckpointEntry], site: Option<&str>) -> Option<TraceEntry> {
    let last = checkpoints.iter().rfind(|entry| entry.trace_id.is_some())?;
    let trace_id = last.trace_id.clone()?;
    Some(TraceEntry {
        url: site.map(|site| trace_url(site, &trace_id)),
        trace_id,
        parent_id: last.parent_id.clone()?,
    })
}

/// <https://docs.datadoghq.com/getting_started/site/>: those with a name of their own before the domain have no `app.`.
fn trace_url(site: &str, trace_id: &str) -> String {
    let host = if site.matches('.').count() > 1 {
        site.to_owned()
    } else {
        format!("app.{site}")
    };
    format!("https://{host}/apm/trace/{trace_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_has_a_page_on_each_site() {
        for (site, want) in [
            ("datadoghq.com", "https://app.datadoghq.com/apm/trace/2a"),
            ("datadoghq.eu", "https://app.datadoghq.eu/apm/trace/2a"),
            (
                "us5.datadoghq.com",
                "https://us5.datadoghq.com/apm/trace/2a",
            ),
            ("ddog-gov.com", "https://app.ddog-gov.com/apm/trace/2a"),
        ] {
            assert_eq!(trace_url(site, "2a"), want);
        }
    }
}
