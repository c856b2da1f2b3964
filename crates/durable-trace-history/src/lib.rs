//! What the history of a durable execution says, after the fact: its timeline, and its whole trace.
//!
//! Any execution will do, whichever language it was written in, traced or not: the service keeps every start and every end.
//!
//! | from | by | to |
//! |---|---|---|
//! | what the AWS CLI prints | [`History::parse`] | [`History`] |
//! | an ARN | `Reader`, with the feature `fetch` | [`History`], from Lambda itself |
//! | a history | [`Timeline::of`] | [`Timeline`]: rows, attempts, invocations, times asleep, checkpoints, warnings |
//! | a history | [`Trace::of`] | [`Trace`]: spans whose ids follow from the execution, so that they are the same each time |
//! | traces | [`to_datadog_payloads`], [`to_otlp_requests`], [`to_chrome_json`], … | what an agent, a collector and Perfetto read |
//! | traces | `Sender`, with the feature `send` | an agent, a collector |
//!
//! All of it but `Reader` and `Sender` is pure: no clock, no environment; inputs and results of operations are never part of a timeline, and of a
//! trace only if asked for.

mod checkpoint;
mod document;
mod encode;
mod event;
#[cfg(feature = "fetch")]
mod fetch;
mod history;
#[cfg(feature = "send")]
mod send;
mod time;
mod timeline;
mod trace;
mod warning;

pub use document::ParseHistoryError;
pub use encode::{
    Identity, Payload, to_chrome_json, to_datadog_json, to_datadog_payloads, to_otlp_json,
    to_otlp_requests,
};
#[cfg(feature = "fetch")]
pub use fetch::{ExecutionSummary, FetchError, FetchErrorKind, Progress, Reader};
pub use history::History;
#[cfg(feature = "send")]
pub use send::{Destination, ParseDestinationError, SendError, Sender};
pub use time::UnixMicros;
pub use timeline::{
    Attempt, CheckpointEntry, ErrorEntry, ExecutionEntry, Gap, InvocationEntry, Row, RowKind,
    Timeline, TraceEntry, Viewpoint, Warning,
};
pub use trace::{
    Attribute, CheckpointState, Selection, Span, SpanKind, SpanStatus, Trace, TraceRules,
    TraceView, UnknownArnError,
};
pub use warning::WARNING_KINDS;

/// The program in the README, compiled as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
