//! The tree of one of AWS's views, a line for each span.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::tree::{Ink, Line, Palette, duration, ending, headline, lines};
use crate::report::{Report, SpanRecord};

/// Renders a run for a reader: what happened, the tree, the result.
pub(crate) fn render_aws_tree(report: &Report, palette: Palette) -> String {
    let mut out = headline(report, palette);
    let layout = Layout::of(&report.spans);
    let widest = layout.lines.iter().map(width).max().unwrap_or_default();
    let mut trace_id = "";
    for line in &layout.lines {
        let span = line.span;
        if trace_id != span.trace_id {
            trace_id = &span.trace_id;
            let heading = palette.paint(Ink::Dim, &format!("trace {trace_id}"));
            let _ = write!(out, "\n{heading}\n");
        }
        let (ink, status) = status(span);
        let text = format!(
            "{}{}{}  {}  {}  {}",
            palette.paint(Ink::Dim, &line.branches),
            span.name,
            " ".repeat(widest.saturating_sub(width(line))),
            palette.paint(Ink::Dim, &format!("{:>9}", duration(span.duration))),
            palette.paint(ink, &format!("{status:5}")),
            palette.paint(Ink::Dim, &layout.note(span)),
        );
        let _ = writeln!(out, "{}", text.trim_end());
    }
    out.push_str(&ending(report, palette));
    out
}

/// How many characters the tree and the name need.
fn width(line: &Line<'_>) -> usize {
    line.branches.chars().count() + line.span.name.chars().count()
}

struct Layout<'a> {
    lines: Vec<Line<'a>>,
    by_id: HashMap<&'a str, &'a SpanRecord>,
}

impl<'a> Layout<'a> {
    /// Parents above their children, these by their start; what has no known parent stands at the left.
    fn of(spans: &'a [SpanRecord]) -> Self {
        let mut ordered: Vec<&SpanRecord> = spans.iter().collect();
        ordered.sort_by_key(|span| (&span.trace_id, span.start, span.invocation));
        Self {
            lines: lines(&ordered),
            by_id: spans.iter().map(|s| (s.span_id.as_str(), s)).collect(),
        }
    }

    /// What the span links to, and what else there is to say.
    fn note(&self, span: &SpanRecord) -> String {
        let mut notes: Vec<String> = span
            .invocation
            .iter()
            .filter(|_| span.name == "Invocation")
            .map(|index| format!("invocation {index}"))
            .collect();
        for link in &span.links {
            let linked = self.by_id.get(link.span_id.as_str());
            notes.push(match linked {
                Some(linked) if linked.name == "Invocation" => {
                    let index = linked
                        .invocation
                        .map_or_else(String::new, |i| format!(" {i}"));
                    format!("→ invocation{index}")
                }
                Some(linked) => format!("→ {}", linked.name),
                None => format!("→ span {}", link.span_id),
            });
        }
        notes.extend(span.meta.get("error.message").cloned());
        notes.join(", ")
    }
}

fn status(span: &SpanRecord) -> (Ink, &'static str) {
    match span.meta.get("otel.status_code").map(String::as_str) {
        Some("OK") => (Ink::Good, "ok"),
        Some("ERROR") => (Ink::Bad, "error"),
        _ => (Ink::Pending, "unset"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::LinkRecord;
    use crate::view::tree::sample;

    fn span(name: &str, id: &str, parent: &str, start: i64, links: &[&str]) -> SpanRecord {
        let mut span = sample().spans.remove(0);
        name.clone_into(&mut span.name);
        id.clone_into(&mut span.span_id);
        parent.clone_into(&mut span.parent_id);
        (span.start, span.duration, span.invocation) = (start, 1_000_000, Some(0));
        span.meta.clear();
        let link = |id: &&str| LinkRecord {
            trace_id: span.trace_id.clone(),
            span_id: (*id).to_owned(),
        };
        span.links = links.iter().map(link).collect();
        span
    }

    #[test]
    fn parents_stand_above_their_children_and_links_are_told() {
        let mut report = sample();
        report.spans = vec![
            span("nap", "3", "1", 5, &["2"]),
            span("Invocation", "2", "1", 4, &[]),
            span("Workflow", "1", "0", 4, &[]),
            span("stray", "9", "8", 1, &["7"]),
        ];
        report.spans[0]
            .meta
            .insert("otel.status_code".into(), "OK".into());
        let text = render_aws_tree(&report, Palette::Plain);
        let rows: Vec<&str> = text.lines().skip(3).take(4).collect();
        assert_eq!(
            rows,
            [
                "stray            1.00 ms  unset  → span 7",
                "Workflow         1.00 ms  unset",
                "├─ Invocation    1.00 ms  unset  invocation 0",
                "└─ nap           1.00 ms  ok     → invocation 0",
            ]
        );
    }

    #[test]
    fn a_ring_of_parents_ends() {
        let mut report = sample();
        report.spans = vec![span("a", "1", "2", 1, &[]), span("b", "2", "1", 1, &[])];
        assert!(!render_aws_tree(&report, Palette::Plain).is_empty());
    }
}
