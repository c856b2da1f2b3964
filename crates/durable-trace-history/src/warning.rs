//! What is wrong with an execution's log, as far as it shows.

use crate::history::History;
use crate::timeline::{CheckpointEntry, Warning};

/// How many operations an execution may have. <https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html>
const OPERATION_CAP: usize = 3_000;

/// From here on it is worth a word.
const NEAR_CAP: usize = OPERATION_CAP * 8 / 10;

/// Every kind of warning, in the order in which they are given.
pub const WARNING_KINDS: [&str; 7] = [
    "incomplete-history",
    "near-operation-cap",
    "user-step-in-name-space",
    "unreadable-checkpoint",
    "trace-ids-differ",
    "anchor-moved",
    "checkpoint-rewritten",
];

/// Finds what is wrong, over data alone.
pub(crate) fn find(history: &History, checkpoints: &[CheckpointEntry]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |kind, message| warnings.push(Warning { kind, message });
    if history.is_cut {
        warn(
            "incomplete-history",
            "the last page names a next one: what happened later is missing here; ask for all pages".to_owned(),
        );
    }
    let count = history.operations.len();
    if count >= NEAR_CAP {
        warn(
            "near-operation-cap",
            format!(
                "{count} operations of {OPERATION_CAP} that an execution may have; at the cap it fails"
            ),
        );
    }
    for operation in history
        .operations
        .iter()
        .filter(|operation| operation.is_in_name_space())
    {
        let name = operation.name.as_deref().unwrap_or_default();
        let entry = checkpoints.iter().find(|entry| entry.name == name);
        let why = match entry {
            None => "no tracing library writes such a step",
            Some(entry) if entry.is_known == Some(false) => {
                "no tracing library makes its operation id"
            }
            Some(_) => continue,
        };
        warn(
            "user-step-in-name-space",
            format!(
                "{name} (operation {}) stands in the name space of checkpoints: {why}; rename the step, or it may be taken for one",
                operation.id
            ),
        );
    }
    for entry in checkpoints {
        if let Some(why) = &entry.unreadable {
            warn(
                "unreadable-checkpoint",
                format!("{} holds no context: {why}", entry.name),
            );
        }
    }
    for (before, entry) in readable_pairs(checkpoints) {
        let changed = |part: &str| entry.changed.iter().any(|name| name == part);
        let (kind, message) = if changed("trace_id") {
            ("trace-ids-differ", "names another trace than")
        } else if changed("parent_id") {
            ("anchor-moved", "names another parent than")
        } else {
            continue;
        };
        warn(
            kind,
            format!(
                "{} {message} {}: what ran after it hangs elsewhere",
                entry.name, before.name
            ),
        );
    }
    if let Some(message) = rewritten(checkpoints) {
        warn("checkpoint-rewritten", message);
    }
    warnings
}

/// Each checkpoint that holds a context, with the one before it.
fn readable_pairs(
    checkpoints: &[CheckpointEntry],
) -> impl Iterator<Item = (&CheckpointEntry, &CheckpointEntry)> {
    let readable = || {
        checkpoints
            .iter()
            .filter(|entry| entry.unreadable.is_none())
    };
    readable().zip(readable().skip(1))
}

/// Checkpoints after the first that say the same trace and the same parent again.
fn rewritten(checkpoints: &[CheckpointEntry]) -> Option<String> {
    let mut names = Vec::new();
    let mut changed: Vec<&str> = Vec::new();
    for (_, entry) in readable_pairs(checkpoints) {
        if entry
            .changed
            .iter()
            .any(|part| part == "trace_id" || part == "parent_id")
        {
            continue;
        }
        names.push(entry.name.as_str());
        for part in &entry.changed {
            if !changed.contains(&part.as_str()) {
                changed.push(part);
            }
        }
    }
    if names.is_empty() {
        return None;
    }
    let changed = if changed.is_empty() {
        "nothing".to_owned()
    } else {
        changed.join(", ")
    };
    Some(format!(
        "{} named the trace and the parent that were known (changed: {changed}); each costs a request and an operation",
        names.join(", "),
    ))
}
