//! The tree of spans, a line each, and under it the checkpoints that held it together.

mod branches;
mod checkpoints;
mod notes;
mod rows;

use std::{collections::HashMap, fmt::Write as _};

pub(super) use self::branches::{Line, lines};
pub(super) use self::rows::{duration, resource, status_word};
use self::{
    notes::Notes,
    rows::{Column, Row},
};
use crate::report::{Failure, Report};

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Palette {
    Colour,
    Plain,
}

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ink {
    Bad,
    Dim,
    Good,
    Pending,
    Plain,
    Resume,
    Strong,
}

impl Palette {
    pub(super) fn paint(self, ink: Ink, text: &str) -> String {
        // https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters
        let code = match ink {
            _ if self == Self::Plain || text.is_empty() => return text.to_owned(),
            Ink::Plain => return text.to_owned(),
            Ink::Bad => "31",
            Ink::Dim => "2",
            Ink::Good => "32",
            Ink::Pending => "33",
            Ink::Resume => "36",
            Ink::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Renders a run for a reader: what happened, the tree, the checkpoints, the result.
pub(crate) fn render_tree(report: &Report, palette: Palette) -> String {
    let mut out = headline(report, palette);
    let rows = rows::layout(report);
    let widths = Column::ALL.map(|column| rows.iter().map(|row| row.width(column)).max());
    let mut trace_id = None;
    for row in &rows {
        if trace_id != Some(row.trace_id) {
            trace_id = Some(row.trace_id);
            let _ = write!(
                out,
                "\n{}\n",
                palette.paint(Ink::Dim, &format!("trace {}", row.trace_id))
            );
        }
        out.push_str(&render_row(
            row,
            widths.map(Option::unwrap_or_default),
            palette,
        ));
    }
    out.push_str(&checkpoints::render_checkpoints(report, palette));
    out.push_str(&ending(report, palette));
    out
}

/// What stands behind each span's line, where there is something to say, by the span's id.
pub(super) fn notes(report: &Report) -> HashMap<&str, String> {
    let notes = Notes::of(report);
    let said = report
        .spans
        .iter()
        .map(|span| (span.span_id.as_str(), notes.note(span).0));
    said.filter(|(_, note)| !note.is_empty()).collect()
}

pub(super) fn headline(report: &Report, palette: Palette) -> String {
    let mut traces: Vec<&str> = report.spans.iter().map(|s| s.trace_id.as_str()).collect();
    traces.sort_unstable();
    traces.dedup();
    let status = report.status.to_lowercase();
    let ink = match report.status.as_str() {
        "SUCCEEDED" => Ink::Good,
        _ => Ink::Bad,
    };
    format!(
        "{} {}: {}, {}\n",
        palette.paint(Ink::Strong, &report.workflow),
        palette.paint(ink, &status),
        match report.invocations.len() {
            1 => "1 invocation".to_owned(),
            n => format!("{n} invocations, each in a process of its own"),
        },
        match traces.len() {
            1 => "1 trace".to_owned(),
            n => format!("{n} traces"),
        },
    )
}

fn render_row(row: &Row<'_>, widths: [usize; 4], palette: Palette) -> String {
    let [label, resource, duration, status] = widths;
    let blanks = |column, width: usize| " ".repeat(width.saturating_sub(row.width(column)));
    let line = format!(
        "{}{}{}  {}{}  {}{}  {}{}  {}",
        palette.paint(Ink::Dim, &row.branches),
        palette.paint(row.name_ink, row.name),
        blanks(Column::Label, label),
        row.resource,
        blanks(Column::Resource, resource),
        blanks(Column::Duration, duration),
        palette.paint(Ink::Dim, &row.duration),
        palette.paint(row.status_ink, &row.status),
        blanks(Column::Status, status),
        palette.paint(row.note_ink, &row.note),
    );
    format!("{}\n", line.trim_end())
}

pub(super) fn ending(report: &Report, palette: Palette) -> String {
    let (ink, text) = match (&report.result, &report.error) {
        (_, Some(failure)) => (Ink::Bad, describe(failure)),
        (Some(result), None) => (Ink::Plain, result.clone()),
        (None, None) => return String::new(),
    };
    let label = if ink == Ink::Bad { "error" } else { "result" };
    format!(
        "\n{} {}\n",
        palette.paint(Ink::Dim, label),
        palette.paint(ink, &text)
    )
}

fn describe(failure: &Failure) -> String {
    match (&failure.kind, &failure.message) {
        (Some(kind), Some(message)) if !message.contains(kind.as_str()) => {
            format!("{kind}: {message}")
        }
        (_, Some(message)) => message.clone(),
        (Some(kind), None) => kind.clone(),
        (None, None) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(super) use self::tests::sample;
