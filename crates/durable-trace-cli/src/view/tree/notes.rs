//! What stands behind a span's line: why it failed, what it resumed from, which attempt it is.

use std::collections::{HashMap, HashSet};

use super::{Ink, checkpoints};
use crate::report::{LAMBDA_SPAN, Report, SpanRecord};

/// The longest error message shown in a line, in characters.
const MAX_MESSAGE: usize = 60;

/// What has to be known of a whole run to say something about one of its spans.
pub(super) struct Notes<'a> {
    report: &'a Report,
    /// The names of the checkpoints that point at a span, by its id.
    anchors: HashMap<String, Vec<&'a str>>,
    /// The operations that were attempted more than once, by execution and id.
    repeated: HashSet<(Option<&'a str>, &'a str)>,
}

impl<'a> Notes<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let mut notes = Self {
            report,
            anchors: checkpoints::anchors(report),
            repeated: HashSet::new(),
        };
        let retries = report.spans.iter().filter(|s| attempt(s) > Some(1));
        notes.repeated = retries.filter_map(|s| notes.operation(s)).collect();
        notes
    }

    /// The note on a span, empty if there is nothing to say.
    pub(super) fn note(&self, span: &SpanRecord) -> (String, Ink) {
        if span.name == LAMBDA_SPAN {
            return self.invocation_note(span);
        }
        let mut notes = Vec::new();
        if tag(span, "aws.durable.replayed") == Some("true") && span.name != "aws.durable.execute" {
            notes.push("replayed".to_owned());
        }
        if let Some(number) = attempt(span)
            && self
                .operation(span)
                .is_some_and(|o| self.repeated.contains(&o))
        {
            notes.push(format!("{} attempt", ordinal(number)));
        }
        if let Some(function) = tag(span, "aws.durable.invoke.function_name") {
            notes.push(format!("of {function}"));
        }
        let mut ink = Ink::Dim;
        if let Some(names) = self.anchors.get(&span.span_id) {
            notes.push(format!("◀ the anchor in {}", names.join(", ")));
            ink = Ink::Resume;
        }
        let mut note = notes.join(", ");
        if span.error != 0 {
            let error = error_note(span);
            let colon = if note.is_empty() || error.is_empty() {
                ""
            } else {
                ": "
            };
            note = format!("{note}{colon}{error}");
            ink = Ink::Bad;
        }
        (note, ink)
    }

    fn invocation_note(&self, span: &SpanRecord) -> (String, Ink) {
        let Some(invocation) = span
            .invocation
            .and_then(|index| self.report.invocations.iter().find(|i| i.index == index))
        else {
            return ("of no known invocation".to_owned(), Ink::Bad);
        };
        let index = invocation.index;
        match &invocation.context {
            Some(resume) if !resume.source.starts_with("_datadog_") => (
                format!(
                    "invocation {index} goes on from span {} ({})",
                    resume.parent_id, resume.source
                ),
                Ink::Resume,
            ),
            Some(resume) => (
                format!(
                    "invocation {index} resumed from {}{}",
                    resume.source,
                    sleep_note(span)
                ),
                Ink::Resume,
            ),
            None => (format!("invocation {index} began the trace"), Ink::Dim),
        }
    }

    /// What makes a span's operation one among all executions.
    fn operation<'s>(&self, span: &'s SpanRecord) -> Option<(Option<&'a str>, &'s str)> {
        let id = tag(span, "aws.durable.operation_id")?;
        let invocations = &self.report.invocations;
        let invocation = invocations
            .iter()
            .find(|i| Some(i.index) == span.invocation);
        Some((invocation.map(|i| i.execution_arn.as_str()), id))
    }
}

fn tag<'s>(span: &'s SpanRecord, key: &str) -> Option<&'s str> {
    span.meta.get(key).map(String::as_str)
}

/// Which attempt a span is, 1 for the first; the tag counts from 0.
fn attempt(span: &SpanRecord) -> Option<u64> {
    let attempt = span.metrics.get("aws.durable.operation_attempt")?;
    format!("{attempt:.0}").parse::<u64>().ok()?.checked_add(1)
}

fn ordinal(number: u64) -> String {
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}

/// What the execution slept on before an invocation, where the span says so. Not how long: the tag counts from the
/// service's clock to that of the machine, and here the former skips what is slept.
fn sleep_note(span: &SpanRecord) -> String {
    tag(span, "aws.durable.suspended_on").map_or(String::new(), |reason| format!(" after {reason}"))
}

fn error_note(span: &SpanRecord) -> String {
    let kind = tag(span, "error.type").unwrap_or_default();
    let message = tag(span, "error.message").unwrap_or_default();
    let message = message.lines().next().unwrap_or_default();
    let text = if kind.is_empty() || message.contains(kind) {
        message.to_owned()
    } else if message.is_empty() {
        kind.to_owned()
    } else {
        format!("{kind}: {message}")
    };
    match text.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_as_people_do() {
        for (number, want) in [
            (1, "1st"),
            (2, "2nd"),
            (3, "3rd"),
            (4, "4th"),
            (11, "11th"),
            (12, "12th"),
            (13, "13th"),
            (21, "21st"),
            (112, "112th"),
        ] {
            assert_eq!(ordinal(number), want);
        }
    }
}
