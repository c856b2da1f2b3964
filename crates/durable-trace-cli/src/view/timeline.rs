//! A timeline as text: a head, a row an operation with its bar, the checkpoints, the warnings. Pure.

mod axis;
mod bar;
mod changes;
mod checkpoints;
mod durations;
mod notes;

use std::fmt::Write as _;

use durable_trace_history::{Row, RowKind, Timeline};
use unicode_width::UnicodeWidthStr;

use self::axis::Axis;
pub(crate) use self::changes::render_changes;
use super::tree::{Ink, Palette};

/// Below this there is no use in a bar.
const LEAST_BAR: usize = 12;

/// What a row's label may take of the width.
const MOST_LABEL: usize = 44;

/// Renders a timeline for a reader whose lines hold `width` characters.
pub(crate) fn render_timeline(timeline: &Timeline, width: usize, palette: Palette) -> String {
    let mut out = head(timeline, palette);
    let lines: Vec<Line> = lay_out(timeline);
    let widest = |text: fn(&Line) -> &str| lines.iter().map(|line| text(line).width()).max();
    let label = widest(|line| &line.label)
        .unwrap_or_default()
        .min(MOST_LABEL);
    let status = widest(|line| &line.status).unwrap_or_default();
    let duration = widest(|line| &line.duration).unwrap_or_default();
    let taken = label + status + duration + 3 * GUTTER.len() + 2;
    let axis = Axis::of(timeline, width.saturating_sub(taken).max(LEAST_BAR));

    let lead = " ".repeat(label + status + duration + 3 * GUTTER.len());
    out.push('\n');
    if !timeline.invocations.is_empty() {
        let band = palette.paint(
            Ink::Dim,
            &format!("▏{}▕", bar::invocations(timeline, &axis)),
        );
        let _ = writeln!(out, "{lead}{band}");
    }
    for (line, row) in lines.iter().zip(&timeline.rows) {
        let bar = bar::row(row, timeline, &axis);
        let _ = writeln!(
            out,
            "{}{}{GUTTER}{}{}{GUTTER}{}{}{GUTTER}{}",
            palette.paint(row_ink(row), &fit(&line.label, label)),
            blanks(&line.label, label),
            palette.paint(status_ink(&row.status), &line.status),
            blanks(&line.status, status),
            blanks(&line.duration, duration),
            palette.paint(Ink::Dim, &line.duration),
            palette.paint(bar_ink(row), &format!("▏{bar}▕")),
        );
        for note in notes::of(row) {
            let _ = writeln!(
                out,
                "{}",
                palette.paint(Ink::Dim, &format!("{}  {note}", line.under))
            );
        }
    }
    out.push_str(&legend(timeline, &axis, palette));
    out.push_str(&checkpoints::render(timeline, palette));
    for warning in &timeline.warnings {
        let kind = palette.paint(Ink::Pending, &format!("warning: {}", warning.kind));
        let _ = write!(out, "\n{kind}\n  {}\n", visible(&warning.message));
    }
    out
}

const GUTTER: &str = "  ";

struct Line {
    label: String,
    /// What stands before its notes, so that the tree's lines go on.
    under: String,
    status: String,
    duration: String,
}

fn head(timeline: &Timeline, palette: Palette) -> String {
    let execution = &timeline.execution;
    let name = execution
        .function
        .as_deref()
        .or(execution.name.as_deref())
        .unwrap_or("execution");
    let invocations = match timeline.invocations.len() {
        0 => "invocations unknown".to_owned(),
        1 => "1 invocation".to_owned(),
        n => format!("{n} invocations"),
    };
    let verb = if execution.end_us.is_some() {
        "in"
    } else {
        "for"
    };
    let is_estimated = timeline.gaps.iter().any(|gap| gap.is_estimated)
        || timeline
            .invocations
            .iter()
            .any(|invocation| invocation.is_start_estimated);
    let about = if is_estimated { "about " } else { "" };
    let mut out = format!(
        "{} {} {verb} {}: {invocations}, {about}{} running, {} asleep\n",
        palette.paint(Ink::Strong, &visible(name)),
        palette.paint(
            status_ink(&execution.status),
            &execution.status.to_lowercase()
        ),
        durations::render(execution.duration_us),
        durations::render(timeline.running_us),
        durations::render(timeline.asleep_us),
    );
    let until = match execution.end_us {
        Some(end) => format!("to {end}"),
        None => "and still under way".to_owned(),
    };
    let about = [
        ("execution", execution.arn.clone()),
        ("from", Some(format!("{} {until}", execution.start_us))),
        ("error", execution.error.as_ref().map(notes::describe)),
        (
            "trace",
            timeline
                .trace
                .as_ref()
                .map(|trace| trace.url.clone().unwrap_or_else(|| trace.trace_id.clone())),
        ),
    ];
    for (label, value) in about {
        if let Some(value) = value {
            let _ = writeln!(
                out,
                "  {}  {}",
                palette.paint(Ink::Dim, &format!("{label:<9}")),
                visible(&value)
            );
        }
    }
    out
}

fn lay_out(timeline: &Timeline) -> Vec<Line> {
    let rows = &timeline.rows;
    // Whether another row of the same parent comes later, and so for each step up.
    let mut is_last = vec![true; rows.len()];
    let mut seen_parents = std::collections::HashSet::new();
    for (row, last) in rows.iter().zip(&mut is_last).rev() {
        *last = seen_parents.insert(row.parent);
    }
    rows.iter()
        .enumerate()
        .map(|(index, row)| Line {
            label: format!("{}{}", branches(rows, &is_last, index, BESIDE), label(row)),
            under: branches(rows, &is_last, index, UNDER),
            status: row.status.to_lowercase().replace('_', " "),
            duration: durations::render(
                row.end_us.unwrap_or(timeline.until_us).since(row.start_us),
            ),
        })
        .collect()
}

/// The tree's lines before a row's own, (where it is the last of its parent, where it is not).
const BESIDE: (&str, &str) = ("└─ ", "├─ ");
const UNDER: (&str, &str) = ("   ", "│  ");

fn branches(rows: &[Row], is_last: &[bool], index: usize, own: (&str, &str)) -> String {
    let mut parts = Vec::new();
    let mut at = index;
    while let Some(row) = rows.get(at) {
        let Some(parent) = row.parent else { break };
        let last = is_last.get(at).copied().unwrap_or(true);
        parts.push(match (at == index, last) {
            (true, true) => own.0,
            (true, false) => own.1,
            (false, true) => UNDER.0,
            (false, false) => UNDER.1,
        });
        at = parent;
    }
    parts.iter().rev().copied().collect()
}

fn label(row: &Row) -> String {
    let name = visible(&row.name);
    if row.kind == RowKind::Execution {
        return name;
    }
    let word = if row.is_checkpoint {
        "checkpoint"
    } else {
        kind_word(row)
    };
    if name.is_empty() {
        word.to_owned()
    } else {
        format!("{word} {name}")
    }
}

/// What a person would call it: the subtype says more than the type.
fn kind_word(row: &Row) -> &str {
    match (row.row_type.as_str(), row.subtype.as_deref()) {
        (_, Some("Map")) => "map",
        (_, Some("MapIteration")) => "item",
        (_, Some("Parallel")) => "parallel",
        (_, Some("ParallelBranch")) => "branch",
        (_, Some("RunInChildContext")) => "child context",
        (_, Some("WaitForCallback")) => "wait for callback",
        (_, Some("WaitForCondition")) => "wait for condition",
        ("CALLBACK", _) => "callback",
        ("CHAINED_INVOKE", _) => "invoke",
        ("CONTEXT", _) => "context",
        ("STEP", _) => "step",
        ("WAIT", _) => "wait",
        (other, _) => other,
    }
}

fn legend(timeline: &Timeline, axis: &Axis, palette: Palette) -> String {
    let mut parts = vec!["█ runs", "─ waits", "✗ failed"];
    if axis.is_folded() {
        parts.push("┊ asleep, folded");
    }
    if timeline.rows.iter().any(|row| row.is_checkpoint) {
        parts.push("◆ checkpoint");
    }
    format!("\n{}\n", palette.paint(Ink::Dim, &parts.join("   ")))
}

fn row_ink(row: &Row) -> Ink {
    match row.kind {
        RowKind::Execution => Ink::Strong,
        _ if row.is_checkpoint => Ink::Resume,
        _ => Ink::Plain,
    }
}

fn bar_ink(row: &Row) -> Ink {
    match row.status.as_str() {
        "FAILED" | "TIMED_OUT" | "error" => Ink::Bad,
        _ if row.is_checkpoint => Ink::Resume,
        _ => Ink::Plain,
    }
}

fn status_ink(status: &str) -> Ink {
    match status {
        "SUCCEEDED" | "ok" => Ink::Good,
        "FAILED" | "TIMED_OUT" | "STOPPED" | "error" => Ink::Bad,
        "unset" => Ink::Dim,
        _ => Ink::Pending,
    }
}

fn blanks(text: &str, width: usize) -> String {
    " ".repeat(width.saturating_sub(text.width()))
}

/// Cuts a label at the end, so that what tells it from others, its place in the tree and its type, stays.
fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    for character in text.chars() {
        if cut.width() + unicode_width::UnicodeWidthChar::width(character).unwrap_or(0) >= width {
            break;
        }
        cut.push(character);
    }
    cut.push('…');
    cut
}

/// Names and messages are anybody's: what would steer a terminal is shown, not done.
pub(super) fn visible(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests;
