//! A run in time: the spans that came, and behind them the log of each execution.

mod clock;
mod spans;

use std::collections::HashMap;

use durable_trace_history::{Timeline, UnixMicros};

use self::clock::{Clock, Side};
use super::tree;
use crate::report::{Report, SpanRecord};

/// What a run is to be looked at as: the trace, if spans came, then the operations of each execution. Each with its name.
pub(crate) fn timelines(report: &Report, histories: &[Timeline]) -> Vec<(String, Timeline)> {
    let clock = Clock::of(report, histories);
    let mut views = Vec::new();
    for (index, history) in histories.iter().enumerate() {
        let mut operations = retime(history, report, &clock);
        if index == 0 && !report.spans.is_empty() {
            let mut trace = operations.clone();
            trace.rows = spans::rows(report, &clock, &tree::notes(report), history);
            views.push(("Trace".to_owned(), trace));
        }
        retime_steps(&mut operations, report, &clock);
        stretch_contexts(&mut operations);
        let label = match &history.execution.function {
            Some(function) if index > 0 => format!("Operations of {function}"),
            _ => "Operations".to_owned(),
        };
        views.push((label, operations));
    }
    views
}

/// Adds the time for which functions ran, in which the service's clock stood still.
fn retime(history: &Timeline, report: &Report, clock: &Clock) -> Timeline {
    let mut timeline = history.clone();
    let execution = &mut timeline.execution;
    execution.start_us = clock.place(execution.start_us, Side::Before);
    place_end(&mut execution.end_us, clock, Side::After);
    timeline.until_us = clock.place(timeline.until_us, Side::After);
    execution.duration_us = timeline.until_us.since(execution.start_us);
    let mut ran = 0;
    for entry in &mut timeline.invocations {
        let placed = entry
            .request_id
            .as_deref()
            .and_then(|id| clock.place_invocation(report, id));
        if let Some((start, end)) = placed {
            entry.start_us = start;
            entry.end_us = Some(end);
        }
        ran += entry.end_us.map_or(0, |end| end.since(entry.start_us));
    }
    timeline.running_us = ran;
    for gap in &mut timeline.gaps {
        gap.start_us = clock.place(gap.start_us, Side::After);
        gap.end_us = clock.place(gap.end_us, Side::Before);
    }
    timeline.asleep_us = timeline
        .gaps
        .iter()
        .map(|gap| gap.end_us.since(gap.start_us))
        .sum();
    for checkpoint in &mut timeline.checkpoints {
        checkpoint.at_us = clock.place(checkpoint.at_us, Side::After);
    }
    for row in &mut timeline.rows {
        let is_execution = row.kind == durable_trace_history::RowKind::Execution;
        let (start, end) = if is_execution {
            (Side::Before, Side::After)
        } else {
            (Side::After, Side::Before)
        };
        row.start_us = clock.place(row.start_us, start);
        place_end(&mut row.end_us, clock, end);
        row.end_us = row.end_us.map(|end| end.max(row.start_us));
    }
    timeline
}

fn place_end(end: &mut Option<UnixMicros>, clock: &Clock, side: Side) {
    *end = end.map(|end| clock.place(end, side));
}

/// Gives the steps, which took no time by the service, the time that their spans tell.
fn retime_steps(timeline: &mut Timeline, report: &Report, clock: &Clock) {
    let mut attempts: HashMap<&str, Vec<&SpanRecord>> = HashMap::new();
    let ours = |span: &&SpanRecord| {
        let known = report
            .invocations
            .iter()
            .find(|entry| Some(entry.index) == span.invocation);
        known.is_some_and(|entry| Some(&entry.execution_arn) == timeline.execution.arn.as_ref())
    };
    let is_work = |span: &&SpanRecord| {
        matches!(
            span.name.as_str(),
            "aws.durable.step" | "aws.durable.wait_for_condition"
        ) && !spans::is_replay(span)
    };
    for span in report.spans.iter().filter(is_work).filter(ours) {
        if let Some(id) = span.meta.get("aws.durable.operation_id") {
            attempts.entry(id).or_default().push(span);
        }
    }
    for row in &mut timeline.rows {
        let known = attempts
            .get(row.id.as_str())
            .map(Vec::as_slice)
            .unwrap_or_default();
        // What was not told of, attempt by attempt, stays where the service has it.
        if known.is_empty() || known.len() != row.attempts.len().max(1) {
            continue;
        }
        let placed: Vec<_> = known.iter().map(|span| clock.place_span(span)).collect();
        for (attempt, (start, end)) in row.attempts.iter_mut().zip(&placed) {
            attempt.start_us = *start;
            attempt.end_us = attempt.end_us.map(|_| *end);
        }
        if let (Some((start, _)), Some((_, end))) = (placed.first(), placed.last()) {
            row.start_us = *start;
            row.end_us = row.end_us.map(|_| *end);
        }
    }
}

/// Lets what holds others last as long as they do: the service's clock stood still when it began.
fn stretch_contexts(timeline: &mut Timeline) {
    for index in (0..timeline.rows.len()).rev() {
        let Some(row) = timeline.rows.get(index) else {
            continue;
        };
        let (start, end, parent) = (row.start_us, row.end_us, row.parent);
        let Some(parent) = parent.and_then(|parent| timeline.rows.get_mut(parent)) else {
            continue;
        };
        parent.start_us = parent.start_us.min(start);
        // What has not ended is open, whatever it holds.
        parent.end_us = parent.end_us.map(|own| own.max(end.unwrap_or(own)));
    }
}

#[cfg(test)]
mod tests;
