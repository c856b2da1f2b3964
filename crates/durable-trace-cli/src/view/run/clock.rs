//! One time for what two clocks tell: that of the functions, and that of a service whose clock stands still while they run.

use std::collections::HashMap;

use durable_trace_history::{Timeline, UnixMicros};

use crate::report::{LAMBDA_SPAN, Report, SpanRecord};

/// The time of the service, with the time added for which functions ran.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// By the service's start of each.
    runs: Vec<Run>,
}

/// One invocation, on both clocks. Microseconds.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// Counts over all executions.
    index: usize,
    /// On the service's clock.
    start: i64,
    end: i64,
    /// On the functions' clock.
    began: i64,
    ended: i64,
    /// In the time of both.
    placed: i64,
}

impl Run {
    /// For how long the service's clock stood still.
    fn unseen(self) -> i64 {
        ((self.ended - self.began) - (self.end - self.start)).max(0)
    }
}

/// Which of two moments is meant where the service's clock stood still: before an invocation, or after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    After,
    Before,
}

impl Clock {
    pub(super) fn of(report: &Report, histories: &[Timeline]) -> Self {
        let known: HashMap<&str, (i64, i64)> = histories
            .iter()
            .flat_map(|timeline| &timeline.invocations)
            .filter_map(|entry| {
                Some((
                    entry.request_id.as_deref()?,
                    (entry.start_us.0, entry.end_us?.0),
                ))
            })
            .collect();
        let lambda_spans = report.spans.iter().filter(|span| span.name == LAMBDA_SPAN);
        let mut runs: Vec<Run> = lambda_spans
            .filter_map(|span| {
                let index = span.invocation?;
                let entry = report
                    .invocations
                    .iter()
                    .find(|entry| entry.index == index)?;
                let (start, end) = *known.get(entry.request_id.as_str())?;
                let began = span.start / 1_000;
                let ended = end_of(span) / 1_000;
                Some(Run {
                    index,
                    start,
                    end,
                    began,
                    ended,
                    placed: start,
                })
            })
            .collect();
        runs.sort_by_key(|run| (run.start, run.index));
        let mut unseen = 0;
        for run in &mut runs {
            run.placed += unseen;
            unseen += run.unseen();
        }
        Self { runs }
    }

    /// A moment of the service's.
    pub(super) fn place(&self, at: UnixMicros, side: Side) -> UnixMicros {
        let is_past = |run: &&Run| match side {
            Side::After => run.end <= at.0,
            Side::Before => run.end < at.0,
        };
        let unseen: i64 = self
            .runs
            .iter()
            .filter(is_past)
            .map(|run| run.unseen())
            .sum();
        UnixMicros(at.0.saturating_add(unseen))
    }

    /// From when to when a span was. What lies outside its invocation is told by timestamps of the service's.
    pub(super) fn place_span(&self, span: &SpanRecord) -> (UnixMicros, UnixMicros) {
        let run = self
            .runs
            .iter()
            .find(|run| Some(run.index) == span.invocation);
        let place = |at: i64, side| match run {
            Some(run) if (run.began..=run.ended).contains(&at) => {
                UnixMicros(run.placed + (at - run.began))
            }
            _ => self.place(UnixMicros(at), side),
        };
        let start = place(span.start / 1_000, Side::After);
        let end = place(end_of(span) / 1_000, Side::Before);
        (start, end.max(start))
    }

    /// From when to when an invocation was, by its request.
    pub(super) fn place_invocation(
        &self,
        report: &Report,
        request_id: &str,
    ) -> Option<(UnixMicros, UnixMicros)> {
        let entry = report
            .invocations
            .iter()
            .find(|entry| entry.request_id == request_id)?;
        let run = self.runs.iter().find(|run| run.index == entry.index)?;
        Some((
            UnixMicros(run.placed),
            UnixMicros(run.placed + (run.ended - run.began)),
        ))
    }
}

fn end_of(span: &SpanRecord) -> i64 {
    span.start.saturating_add(span.duration.max(0))
}
