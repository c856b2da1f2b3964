//! The checkpoints in the log, decoded, a paragraph each.

use std::fmt::Write as _;

use durable_trace_history::{CheckpointEntry, Timeline};

use super::super::tree::{Ink, Palette};
use super::visible;

pub(super) fn render(timeline: &Timeline, palette: Palette) -> String {
    let mut out = String::new();
    for entry in &timeline.checkpoints {
        let title = format!(", saved {}", entry.at_us);
        let _ = write!(
            out,
            "\n{}{}\n",
            palette.paint(Ink::Resume, &entry.name),
            palette.paint(Ink::Dim, &title)
        );
        if let Some(why) = &entry.unreadable {
            let _ = writeln!(
                out,
                "  {}",
                palette.paint(Ink::Bad, &format!("holds no context: {}", visible(why)))
            );
            continue;
        }
        for (label, value) in lines(entry) {
            let _ = writeln!(
                out,
                "  {}  {}",
                palette.paint(Ink::Dim, &format!("{label:<8}")),
                visible(&value)
            );
        }
    }
    out
}

fn lines(entry: &CheckpointEntry) -> Vec<(&'static str, String)> {
    let tags: Vec<_> = entry
        .tags
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let trace = match (&entry.trace_id, &entry.trace_id_decimal) {
        (Some(hex), Some(decimal)) => format!("{hex}, in decimals {decimal}"),
        _ => String::new(),
    };
    let writer = match entry.is_known {
        Some(false) => "no tracing library makes this operation id",
        _ => "",
    };
    let all = [
        ("trace", trace),
        ("parent", entry.parent_id.clone().unwrap_or_default()),
        (
            "priority",
            entry
                .sampling_priority
                .map_or("none".to_owned(), |priority| priority.to_string()),
        ),
        ("origin", entry.origin.clone().unwrap_or_default()),
        ("tags", tags.join(", ")),
        ("changed", entry.changed.join(", ")),
        ("writer", writer.to_owned()),
    ];
    all.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect()
}
