//! What the history of a durable execution says, after the fact: its timeline, and its whole trace.
//!
//! Any execution will do, whichever language it was written in, traced or not: the service keeps every start and every end.
//!
//! | from | by | to |
//! |---|---|---|
//! | what the AWS CLI prints | [`History::parse`] | [`History`] |
//! | a history | [`Timeline::of`] | [`Timeline`]: rows, attempts, invocations, times asleep, checkpoints, warnings |
//!
//! | an ARN | `Reader`, with the feature `fetch` | [`History`], from Lambda itself |
//!
//! All of it but `Reader` is pure: no clock, no environment; inputs and results of operations are never part of a timeline.

mod checkpoint;
mod document;
mod event;
#[cfg(feature = "fetch")]
mod fetch;
mod history;
mod time;
mod timeline;
mod warning;

pub use document::ParseHistoryError;
#[cfg(feature = "fetch")]
pub use fetch::{ExecutionSummary, FetchError, FetchErrorKind, Progress, Reader};
pub use history::History;
pub use time::UnixMicros;
pub use timeline::{
    Attempt, CheckpointEntry, ErrorEntry, ExecutionEntry, Gap, InvocationEntry, Row, RowKind,
    Timeline, TraceEntry, Viewpoint, Warning,
};
pub use warning::WARNING_KINDS;

/// The program in the README, compiled as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
