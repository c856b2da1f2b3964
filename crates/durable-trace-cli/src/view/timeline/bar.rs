//! One line of the picture: what a row did in each column of the axis.

use durable_trace_history::{Row, RowKind, Timeline, UnixMicros};

use super::axis::Axis;

const ASLEEP: char = '┊';
const CHECKPOINT: char = '◆';
const EMPTY: char = ' ';
const FAILED: char = '✗';
const RUNS: char = '█';
const WAITS: char = '─';

/// The bar of a row.
pub(super) fn row(row: &Row, timeline: &Timeline, axis: &Axis) -> String {
    let mut cells = vec![EMPTY; axis.columns()];
    let end = row.end_us.unwrap_or(timeline.until_us);
    match row.kind {
        _ if row.is_checkpoint => fill(&mut cells, axis, row.start_us, row.start_us, CHECKPOINT),
        RowKind::Execution => {
            fill(&mut cells, axis, row.start_us, end, WAITS);
            for invocation in &timeline.invocations {
                let end = invocation.end_us.unwrap_or(timeline.until_us);
                fill_invocation(&mut cells, axis, invocation.start_us, end, RUNS);
            }
        }
        _ if row.attempts.is_empty() => {
            // A span is there because something ran.
            let runs = row.kind == RowKind::Span || row.row_type == "STEP";
            let mark = if runs { RUNS } else { WAITS };
            fill(&mut cells, axis, row.start_us, end, mark);
        }
        _ => {
            fill(&mut cells, axis, row.start_us, end, WAITS);
            for attempt in &row.attempts {
                let end = attempt.end_us.unwrap_or(timeline.until_us);
                fill(&mut cells, axis, attempt.start_us, end, RUNS);
            }
            for attempt in row
                .attempts
                .iter()
                .filter(|attempt| attempt.outcome == "FAILED")
            {
                let end = attempt.end_us.unwrap_or(timeline.until_us);
                fill(&mut cells, axis, end, end, FAILED);
            }
        }
    }
    if matches!(row.status.as_str(), "FAILED" | "TIMED_OUT" | "error") {
        fill(&mut cells, axis, end, end, FAILED);
    }
    for fold in axis.folds() {
        if let Some(cell) = cells
            .get_mut(fold)
            .filter(|cell| matches!(**cell, EMPTY | WAITS))
        {
            *cell = ASLEEP;
        }
    }
    cells.into_iter().collect()
}

/// A band above the rows: the number of each invocation where it begins.
pub(super) fn invocations(timeline: &Timeline, axis: &Axis) -> String {
    let mut cells = vec![EMPTY; axis.columns()];
    for fold in axis.folds() {
        if let Some(cell) = cells.get_mut(fold) {
            *cell = ASLEEP;
        }
    }
    for invocation in &timeline.invocations {
        let end = invocation.end_us.unwrap_or(timeline.until_us);
        fill_invocation(&mut cells, axis, invocation.start_us, end, '▔');
    }
    for invocation in &timeline.invocations {
        let first = axis.column(invocation.start_us);
        for (cell, digit) in cells
            .iter_mut()
            .skip(first)
            .zip(invocation.index.to_string().chars())
        {
            *cell = digit;
        }
    }
    cells.into_iter().collect()
}

/// From the column in which it starts to that in which it ends. What takes no time takes one column.
fn fill(cells: &mut [char], axis: &Axis, from: UnixMicros, to: UnixMicros, mark: char) {
    let first = axis.column(from);
    let last = if to > from {
        axis.last_column(to)
    } else {
        first
    };
    for cell in cells.iter_mut().take(last.max(first) + 1).skip(first) {
        *cell = mark;
    }
}

/// An invocation takes its stretch of the axis, even where the clock stood still.
fn fill_invocation(cells: &mut [char], axis: &Axis, from: UnixMicros, to: UnixMicros, mark: char) {
    let first = axis.column(from);
    let last = if to > from {
        axis.last_column(to)
    } else {
        axis.last_column_of_run(from)
    };
    for cell in cells.iter_mut().take(last.max(first) + 1).skip(first) {
        *cell = mark;
    }
}
