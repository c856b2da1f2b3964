//! Spans as lines, each with the strokes that tie it to its parent.

use std::collections::{HashMap, HashSet};

use crate::report::SpanRecord;

/// One span's place.
pub(in crate::view) struct Line<'a> {
    /// The lines that tie it to its parent.
    pub(in crate::view) branches: String,
    pub(in crate::view) span: &'a SpanRecord,
}

/// The lines of all spans, trace by trace, parents before children. A span whose parent was not received is a root.
pub(in crate::view) fn lines<'a>(spans: &[&'a SpanRecord]) -> Vec<Line<'a>> {
    let known: HashSet<&str> = spans.iter().map(|s| s.span_id.as_str()).collect();
    let mut children: HashMap<&str, Vec<&SpanRecord>> = HashMap::new();
    let mut roots = Vec::new();
    for span in spans.iter().copied() {
        if known.contains(span.parent_id.as_str()) && span.parent_id != span.span_id {
            children.entry(&span.parent_id).or_default().push(span);
        } else {
            roots.push(span);
        }
    }
    // Stable: within a trace the order stays that of the spans, and traces come in the order of their first span.
    let first_of = |trace_id: &str| roots.iter().position(|root| root.trace_id == trace_id);
    let mut ordered = roots.clone();
    ordered.sort_by_key(|root| first_of(&root.trace_id));

    let mut layout = Layout {
        children,
        lines: Vec::new(),
    };
    for root in ordered {
        layout.place(root, String::new(), "");
    }
    // Spans that are each other's parents hang under no root.
    while let Some(stray) = layout.take_stray() {
        layout.place(stray, String::new(), "");
    }
    layout.lines
}

struct Layout<'a> {
    /// Taken out as they are placed, so that a cycle of parents ends.
    children: HashMap<&'a str, Vec<&'a SpanRecord>>,
    lines: Vec<Line<'a>>,
}

impl<'a> Layout<'a> {
    /// A span that still waits to be placed under its parent; it is taken from there.
    fn take_stray(&mut self) -> Option<&'a SpanRecord> {
        let parent = *self.children.keys().min()?;
        let waiting = self.children.get_mut(parent)?;
        let stray = waiting.pop();
        if waiting.is_empty() {
            self.children.remove(parent);
        }
        stray
    }

    fn place(&mut self, span: &'a SpanRecord, branches: String, below: &str) {
        self.lines.push(Line { branches, span });
        let children = self
            .children
            .remove(span.span_id.as_str())
            .unwrap_or_default();
        let last = children.len().saturating_sub(1);
        for (index, child) in children.into_iter().enumerate() {
            let (own, next) = if index == last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            self.place(child, format!("{below}{own}"), &format!("{below}{next}"));
        }
    }
}
