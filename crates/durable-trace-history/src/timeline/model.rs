//! A timeline as data: what `inspect --format json` prints and what the page draws.
//!
//! The field names are a format that others read: fields are added, none is renamed.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::time::UnixMicros;

/// One execution, laid out in time: what happened, when, and what it slept for.
///
/// Times are microseconds since 1970 on the service's clock; see `docs/timeline.md` for the JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Timeline {
    /// The version of this format, [`Timeline::SCHEMA`].
    pub schema: u32,
    /// The execution itself.
    pub execution: ExecutionEntry,
    /// Where the time axis ends: the execution's end, or the moment it was looked at.
    pub until_us: UnixMicros,
    /// Microseconds in which an invocation ran.
    pub running_us: i64,
    /// Microseconds in which none ran.
    pub asleep_us: i64,
    /// Invocations of the function, oldest first.
    pub invocations: Vec<InvocationEntry>,
    /// Times asleep, oldest first; what is folded.
    pub gaps: Vec<Gap>,
    /// A row for each operation, or for each span; a parent comes before its children.
    pub rows: Vec<Row>,
    /// The checkpoints of tracing libraries in the log, oldest first.
    pub checkpoints: Vec<CheckpointEntry>,
    /// The trace that they name.
    pub trace: Option<TraceEntry>,
    /// What is wrong.
    pub warnings: Vec<Warning>,
}

impl Timeline {
    /// The version of the format.
    pub const SCHEMA: u32 = 1;
}

/// The execution, as a timeline has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExecutionEntry {
    /// Its ARN, if that is known: a file of a history does not tell.
    pub arn: Option<String>,
    /// The execution's name.
    pub name: Option<String>,
    /// The function's name.
    pub function: Option<String>,
    /// AWS's word, such as `SUCCEEDED`.
    pub status: String,
    /// When it started.
    pub start_us: UnixMicros,
    /// When it ended, if it has.
    pub end_us: Option<UnixMicros>,
    /// Microseconds from its start to its end, or to [`Timeline::until_us`].
    pub duration_us: i64,
    /// Why it failed.
    pub error: Option<ErrorEntry>,
}

/// One invocation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InvocationEntry {
    /// Counts from 0.
    pub index: usize,
    /// Lambda's request id, if the history tells it.
    pub request_id: Option<String>,
    /// `PENDING` for one that suspended; how the execution ended for the last; `FAILED` for one that broke; `RUNNING`.
    pub status: String,
    /// When it started.
    pub start_us: UnixMicros,
    /// When it ended, if it has.
    pub end_us: Option<UnixMicros>,
    /// Whether the history does not tell its start, so that it was concluded from what came next.
    pub is_start_estimated: bool,
    /// Why it broke.
    pub error: Option<ErrorEntry>,
}

/// A time asleep.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Gap {
    /// From when.
    pub start_us: UnixMicros,
    /// Until when.
    pub end_us: UnixMicros,
    /// What was pending, such as `wait packing`.
    pub waits_for: Vec<String>,
    /// Whether it was concluded from operations, for want of invocations.
    pub is_estimated: bool,
}

/// What a row stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RowKind {
    /// The execution.
    Execution,
    /// An operation of the log.
    Operation,
    /// A span that was received.
    Span,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Row {
    /// The operation's or the span's id; no two rows share one.
    pub id: String,
    /// The index of the row it hangs under.
    pub parent: Option<usize>,
    /// Steps down from the first row.
    pub depth: usize,
    /// What it stands for.
    pub kind: RowKind,
    /// AWS's word, such as `STEP`, or the span's name, such as `aws.durable.step`.
    #[serde(rename = "type")]
    pub row_type: String,
    /// AWS's word, such as `WaitForCondition`.
    pub subtype: Option<String>,
    /// The operation's name, or the span's resource.
    pub name: String,
    /// AWS's word, such as `SUCCEEDED`, or that of a span: `ok`, `error`.
    pub status: String,
    /// When it started.
    pub start_us: UnixMicros,
    /// When it ended, if it has.
    pub end_us: Option<UnixMicros>,
    /// The invocation in which it started.
    pub invocation: Option<usize>,
    /// Attempts of a step, oldest first.
    pub attempts: Vec<Attempt>,
    /// Why it failed.
    pub error: Option<ErrorEntry>,
    /// What it waits or waited for, such as `until 2026-11-28T07:15:00Z` or `callback c-1`.
    pub waits_for: Option<String>,
    /// Whether it tells of work that an earlier invocation had done.
    pub is_replay: bool,
    /// Whether it is a checkpoint of a tracing library.
    pub is_checkpoint: bool,
    /// More about it, by name; never inputs or results.
    pub details: BTreeMap<String, String>,
}

impl Row {
    /// Makes a row for what is no operation of a history, such as a span that was received; its fields are to be filled in.
    ///
    /// ```
    /// use durable_trace_history::{Row, RowKind, UnixMicros};
    ///
    /// let mut row = Row::new(RowKind::Span, "7".to_owned(), UnixMicros(1_795_337_713_000_000));
    /// row.name = "card.authorize".to_owned();
    /// assert_eq!(row.end_us, None);
    /// ```
    pub fn new(kind: RowKind, id: String, start_us: UnixMicros) -> Self {
        Self {
            id,
            parent: None,
            depth: 0,
            kind,
            row_type: String::new(),
            subtype: None,
            name: String::new(),
            status: String::new(),
            start_us,
            end_us: None,
            invocation: None,
            attempts: Vec::new(),
            error: None,
            waits_for: None,
            is_replay: false,
            is_checkpoint: false,
            details: BTreeMap::new(),
        }
    }
}

/// One attempt of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Attempt {
    /// Counts from 1.
    pub number: u32,
    /// When it started.
    pub start_us: UnixMicros,
    /// When it ended, if it has.
    pub end_us: Option<UnixMicros>,
    /// `SUCCEEDED`, `FAILED`, `RETRY` for one after which the step asked for another without an error, or `STARTED`.
    pub outcome: String,
    /// Why it failed.
    pub error: Option<ErrorEntry>,
    /// Seconds until the next attempt was due.
    pub next_delay_s: Option<u32>,
}

/// An error, as AWS keeps it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ErrorEntry {
    /// Its type.
    #[serde(rename = "type")]
    pub error_type: Option<String>,
    /// Its message.
    pub message: Option<String>,
}

/// A checkpoint, decoded.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CheckpointEntry {
    /// Its name, `_datadog_{N}`.
    pub name: String,
    /// When it was saved.
    pub at_us: UnixMicros,
    /// 32 lower-case hex digits; none if the payload holds no context.
    pub trace_id: Option<String>,
    /// The lower half in decimals, as Datadog's headers and older pages write it.
    pub trace_id_decimal: Option<String>,
    /// The parent's id in decimals.
    pub parent_id: Option<String>,
    /// -1 to 2.
    pub sampling_priority: Option<i8>,
    /// Where the trace began, such as `rum`.
    pub origin: Option<String>,
    /// The tags `_dd.p.*` that go with the trace.
    pub tags: BTreeMap<String, String>,
    /// What differs from the checkpoint before, such as `parent_id`.
    pub changed: Vec<String>,
    /// Whether the operation's id is one that a tracing library makes; unknown without the ARN.
    pub is_known: Option<bool>,
    /// Why nothing could be read of it.
    pub unreadable: Option<String>,
}

/// Where the trace is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TraceEntry {
    /// 32 lower-case hex digits.
    pub trace_id: String,
    /// The anchor: what every invocation hangs on, in decimals.
    pub parent_id: String,
    /// Its page, if the site is known.
    pub url: Option<String>,
}

/// Something wrong.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Warning {
    /// One of a documented list, such as `anchor-moved`.
    pub kind: &'static str,
    /// What, where, and what comes of it.
    pub message: String,
}
