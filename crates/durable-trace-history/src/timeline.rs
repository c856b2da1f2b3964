//! The view of a history that text, page and JSON share: rows, attempts, invocations, gaps. Pure.

mod gaps;
mod model;
mod rows;

pub use self::model::{
    Attempt, CheckpointEntry, ErrorEntry, ExecutionEntry, Gap, InvocationEntry, Row, RowKind,
    Timeline, TraceEntry, Warning,
};
use crate::checkpoint;
use crate::event::ErrorObject;
use crate::history::{History, Invocation};
use crate::time::UnixMicros;
use crate::warning;

/// What a layout needs to know beside the history.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Viewpoint<'a> {
    /// The moment of looking, to which the time of an execution that still runs extends; without it, that of its last event.
    pub now: Option<UnixMicros>,
    /// The Datadog site whose pages are linked to, such as `datadoghq.eu`; without it there is no link.
    pub site: Option<&'a str>,
}

impl<'a> Viewpoint<'a> {
    /// Sets the moment of looking.
    #[must_use]
    pub const fn at(mut self, now: UnixMicros) -> Self {
        self.now = Some(now);
        self
    }

    /// Sets the Datadog site, such as `datadoghq.eu`.
    #[must_use]
    pub const fn on_site(mut self, site: &'a str) -> Self {
        self.site = Some(site);
        self
    }
}

impl Timeline {
    /// Lays a history out in time.
    ///
    /// ```
    /// use durable_trace_history::{History, Timeline, Viewpoint};
    ///
    /// let history = History::parse(
    ///     r#"{"Events": [
    ///         {"EventType": "ExecutionStarted", "EventId": 1, "EventTimestamp": 1795337713, "Id": "e"},
    ///         {"EventType": "WaitStarted", "EventId": 2, "EventTimestamp": 1795337714, "Id": "w", "Name": "packing"},
    ///         {"EventType": "InvocationCompleted", "EventId": 3, "EventTimestamp": 1795337715},
    ///         {"EventType": "WaitSucceeded", "EventId": 4, "EventTimestamp": 1795337775, "Id": "w"}
    ///     ]}"#,
    /// )?;
    /// let timeline = Timeline::of(&history, &Viewpoint::default());
    /// assert_eq!(timeline.asleep_us, 60_000_000);
    /// assert_eq!(timeline.gaps[0].waits_for, ["wait packing"]);
    /// # Ok::<(), durable_trace_history::ParseHistoryError>(())
    /// ```
    pub fn of(history: &History, viewpoint: &Viewpoint<'_>) -> Self {
        let execution = &history.execution;
        let until = execution
            .end
            .unwrap_or_else(|| viewpoint.now.unwrap_or_default().max(history.last_at))
            .max(execution.start);
        let gaps = match &history.invocations {
            Some(invocations) => gaps::between(invocations, &history.operations, until),
            None => gaps::estimate(&history.operations, execution.start, until),
        };
        let asleep_us = gaps.iter().map(|gap| gap.end_us.since(gap.start_us)).sum();
        let duration_us = until.since(execution.start);
        let checkpoints = checkpoint::decode(history);
        let trace = checkpoint::trace(&checkpoints, viewpoint.site);
        let warnings = warning::find(history, &checkpoints);
        Self {
            schema: Self::SCHEMA,
            execution: ExecutionEntry {
                arn: execution.arn.clone(),
                name: execution.name.clone(),
                function: execution.function_name().map(str::to_owned),
                status: execution.status.clone(),
                start_us: execution.start,
                end_us: execution.end,
                duration_us,
                error: execution.error.as_ref().map(ErrorEntry::from),
            },
            until_us: until,
            running_us: running(history, until).unwrap_or(duration_us - asleep_us),
            asleep_us,
            invocations: entries(history),
            gaps,
            rows: rows::lay_out(history),
            checkpoints,
            trace,
            warnings,
        }
    }
}

/// Microseconds in which invocations ran, if any are known.
fn running(history: &History, until: UnixMicros) -> Option<i64> {
    let invocations = history.invocations.as_ref()?;
    let took = |invocation: &Invocation| invocation.end.unwrap_or(until).since(invocation.start);
    Some(invocations.iter().map(took).sum())
}

fn entries(history: &History) -> Vec<InvocationEntry> {
    let invocations = history.invocations.as_deref().unwrap_or_default();
    let last = invocations.len().saturating_sub(1);
    let entry = |(index, invocation): (usize, &Invocation)| InvocationEntry {
        index,
        request_id: invocation.request_id.clone(),
        status: invocation_status(history, invocation, index == last).to_owned(),
        start_us: invocation.start,
        end_us: invocation.end,
        is_start_estimated: invocation.is_start_estimated,
        error: invocation.error.as_ref().map(ErrorEntry::from),
    };
    invocations.iter().enumerate().map(entry).collect()
}

/// How an invocation went: history tells of those that broke only.
fn invocation_status<'a>(history: &'a History, invocation: &Invocation, is_last: bool) -> &'a str {
    if invocation.error.is_some() {
        return "FAILED";
    }
    if invocation.end.is_none() {
        return "RUNNING";
    }
    match history.status() {
        // The function itself says these two; the others come from outside.
        status @ ("SUCCEEDED" | "FAILED") if is_last => status,
        _ => "PENDING",
    }
}

impl From<&ErrorObject> for ErrorEntry {
    fn from(error: &ErrorObject) -> Self {
        Self {
            error_type: error.error_type.clone(),
            message: error.error_message.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
