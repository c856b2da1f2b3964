//! Lays spans out as lines of a table whose first column is a tree.

use super::{
    Ink,
    branches::{Line, lines},
    notes::Notes,
};
use crate::report::{LAMBDA_SPAN, Report, SUSPENDED_SPAN, SpanRecord};

/// One span's line.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) trace_id: &'a str,
    /// The lines that tie it to its parent.
    pub(super) branches: String,
    pub(super) name: &'a str,
    pub(super) name_ink: Ink,
    pub(super) resource: &'a str,
    pub(super) duration: String,
    pub(super) status: String,
    pub(super) status_ink: Ink,
    pub(super) note: String,
    pub(super) note_ink: Ink,
}

/// The columns that are aligned; the note behind them is not.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    Duration,
    Label,
    Resource,
    Status,
}

impl Column {
    /// In the order in which they are shown.
    pub(super) const ALL: [Self; 4] = [Self::Label, Self::Resource, Self::Duration, Self::Status];
}

impl Row<'_> {
    /// How many characters this line needs in a column.
    pub(super) fn width(&self, column: Column) -> usize {
        let chars = |text: &str| text.chars().count();
        match column {
            Column::Duration => chars(&self.duration),
            Column::Label => chars(&self.branches) + chars(self.name),
            Column::Resource => chars(self.resource),
            Column::Status => chars(&self.status),
        }
    }
}

/// The lines of all spans, trace by trace, parents before children.
pub(super) fn layout(report: &Report) -> Vec<Row<'_>> {
    let notes = Notes::of(report);
    let spans: Vec<&SpanRecord> = report.spans.iter().collect();
    let lines = lines(&spans).into_iter();
    lines.map(|line| row(line, &notes)).collect()
}

fn row<'a>(Line { branches, span }: Line<'a>, notes: &Notes<'a>) -> Row<'a> {
    let status = status_word(span);
    let status_ink = status_ink(&status);
    let (note, note_ink) = notes.note(span);
    Row {
        trace_id: &span.trace_id,
        branches,
        name: &span.name,
        name_ink: if span.name == LAMBDA_SPAN {
            Ink::Strong
        } else {
            Ink::Plain
        },
        resource: resource(span),
        duration: duration(span.duration),
        status,
        status_ink,
        note,
        note_ink,
    }
}

/// What the span is about, if it says more than its name. Under a map or a parallel the resource is the span's own name,
/// for it must not be one of thousands; the line shows the operation's.
pub(in crate::view) fn resource(span: &SpanRecord) -> &str {
    if span.resource != span.name {
        return &span.resource;
    }
    let operation = span.meta.get("aws.durable.operation_name");
    operation.map_or("", String::as_str)
}

/// The word for how it went: that of the execution or the invocation in lower case, or `ok`, `error`, `asleep`.
pub(in crate::view) fn status_word(span: &SpanRecord) -> String {
    let durable = span
        .meta
        .get("aws.durable.execution_status")
        .or_else(|| span.meta.get("aws.durable.invocation_status"));
    match durable {
        _ if span.error != 0 => "error".to_owned(),
        Some(status) => status.to_lowercase(),
        None if span.name == SUSPENDED_SPAN => "asleep".to_owned(),
        None => "ok".to_owned(),
    }
}

fn status_ink(word: &str) -> Ink {
    match word {
        "ok" | "succeeded" => Ink::Good,
        "asleep" | "pending" => Ink::Pending,
        _ => Ink::Bad,
    }
}

/// Three or more digits at a glance: `0.42 ms`, `41.2 ms`, `1.20 s`.
pub(in crate::view) fn duration(nanoseconds: i64) -> String {
    // Whole microseconds suffice; they fit for an hour, and beyond that nobody wants fractions.
    let us = u32::try_from((nanoseconds / 1_000).max(0)).map_or(f64::MAX, f64::from);
    match us {
        us if us >= f64::from(u32::MAX) => format!("{} s", nanoseconds / 1_000_000_000),
        us if us >= 1_000_000.0 => format!("{:.2} s", us / 1_000_000.0),
        us if us >= 10_000.0 => format!("{:.1} ms", us / 1_000.0),
        us => format!("{:.2} ms", us / 1_000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short_at_every_size() {
        for (nanoseconds, want) in [
            (-5, "0.00 ms"),
            (0, "0.00 ms"),
            (424_999, "0.42 ms"),
            (41_249_000, "41.2 ms"),
            (1_200_000_000, "1.20 s"),
            (4_200_000_000, "4.20 s"),
            (7_200_000_000_000, "7200 s"),
            (i64::MAX, "9223372036 s"),
        ] {
            assert_eq!(duration(nanoseconds), want, "{nanoseconds}");
        }
    }
}
