//! Spans as rows, parents before children.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
};

use durable_trace_history::{ErrorEntry, Row, RowKind, Timeline};

use super::{clock::Clock, tree};
use crate::report::{Report, SpanRecord};

/// Tags that tell of the tracer, not of what was traced, or that have a place of their own in a row.
const LEFT_OUT: &[&str] = &["_", "error.", "otel.", "span.kind", "telemetry."];

/// A row for each span. `history` is that of the execution whose invocations the rows name.
pub(super) fn rows(
    report: &Report,
    clock: &Clock,
    notes: &HashMap<&str, String>,
    history: &Timeline,
) -> Vec<Row> {
    let own: HashMap<&str, usize> = history
        .invocations
        .iter()
        .filter_map(|entry| Some((entry.request_id.as_deref()?, entry.index)))
        .collect();
    let invocation = |span: &SpanRecord| {
        let index = span.invocation?;
        let known = report
            .invocations
            .iter()
            .find(|entry| entry.index == index)?;
        own.get(known.request_id.as_str()).copied()
    };
    let placed = order(report, clock).into_iter();
    let row = |Placed {
                   span,
                   parent,
                   depth,
               }: Placed<'_>| {
        let mut row = row(span, clock);
        row.parent = parent;
        row.depth = depth;
        row.invocation = invocation(span);
        if let Some(note) = notes.get(span.span_id.as_str()) {
            row.details.insert("note".to_owned(), note.clone());
        }
        row
    };
    placed.map(row).collect()
}

/// Whether a span tells of work that an earlier invocation had done. Of a resume's own span the tag says that it resumes.
pub(super) fn is_replay(span: &SpanRecord) -> bool {
    span.name != "aws.durable.execute"
        && span
            .meta
            .get("aws.durable.replayed")
            .is_some_and(|value| value == "true")
}

fn row(span: &SpanRecord, clock: &Clock) -> Row {
    let (start, end) = clock.place_span(span);
    let mut row = Row::new(RowKind::Span, span.span_id.clone(), start);
    let resource = tree::resource(span);
    let name = if resource.is_empty() {
        &span.name
    } else {
        resource
    };
    name.clone_into(&mut row.name);
    row.row_type.clone_from(&span.name);
    row.status = tree::status_word(span);
    row.end_us = Some(end);
    row.error = (span.error != 0).then(|| {
        let mut error = ErrorEntry::default();
        error.error_type = span.meta.get("error.type").cloned();
        error.message = span.meta.get("error.message").cloned();
        error
    });
    row.is_replay = is_replay(span);
    row.details = details(span);
    row
}

fn details(span: &SpanRecord) -> BTreeMap<String, String> {
    let is_told = |key: &String| !LEFT_OUT.iter().any(|prefix| key.starts_with(prefix));
    let texts = span
        .meta
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()));
    let numbers = span
        .metrics
        .iter()
        .map(|(key, value)| (key.clone(), value.to_string()));
    let own = [("service", &span.service), ("trace_id", &span.trace_id)];
    let own = own.map(|(key, value)| (key.to_owned(), value.clone()));
    texts
        .chain(numbers)
        .filter(|(key, _)| is_told(key))
        .chain(own)
        .collect()
}

/// A span's place among the rows.
struct Placed<'a> {
    span: &'a SpanRecord,
    parent: Option<usize>,
    depth: usize,
}

/// The spans with each one's children behind it, by start. A span whose parent was not received is a root.
fn order<'a>(report: &'a Report, clock: &Clock) -> Vec<Placed<'a>> {
    let known: HashSet<&str> = report
        .spans
        .iter()
        .map(|span| span.span_id.as_str())
        .collect();
    let mut children: HashMap<Option<&str>, Vec<&SpanRecord>> = HashMap::new();
    for span in &report.spans {
        let parent = span.parent_id.as_str();
        let is_under = known.contains(parent) && parent != span.span_id;
        children
            .entry(is_under.then_some(parent))
            .or_default()
            .push(span);
    }
    for siblings in children.values_mut() {
        // From the last on, as they come off a stack; of those that start together the first stays the first.
        siblings.reverse();
        siblings.sort_by_key(|span| Reverse(clock.place_span(span).0));
    }
    let mut placed: Vec<Placed<'a>> = Vec::new();
    let mut seen = HashSet::new();
    let roots = children.remove(&None).unwrap_or_default();
    // Those that are each other's parents hang under no root: they come last, each as a root.
    let strays: Vec<&SpanRecord> = report.spans.iter().rev().collect();
    for start in [roots, strays] {
        let place = |parent, depth| {
            move |span| Placed {
                span,
                parent,
                depth,
            }
        };
        let mut waiting: Vec<Placed<'a>> = start.into_iter().map(place(None, 0)).collect();
        while let Some(next) = waiting.pop() {
            let id = next.span.span_id.as_str();
            if !seen.insert(id) {
                continue;
            }
            let below = children.remove(&Some(id)).unwrap_or_default();
            waiting.extend(
                below
                    .into_iter()
                    .map(place(Some(placed.len()), next.depth + 1)),
            );
            placed.push(next);
        }
    }
    placed
}
