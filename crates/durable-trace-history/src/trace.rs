//! The whole trace of an execution, made from its history.

use std::collections::BTreeMap;

use durable_trace_wire::{
    Context, ExecutionArn, Operation as WireOperation, OperationStatus, Payload, SamplingPriority,
    SpanId, Tags, TraceId, UnixMillis, derive_context,
};
use thiserror::Error;

use crate::history::History;
use crate::time::UnixMicros;
use crate::timeline::{Timeline, Viewpoint};

mod build;
mod names;
mod operations;

/// Which spans a trace is to hold.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Selection {
    /// Every span.
    All,
    /// What live tracing cannot send, where a checkpoint shows that there was some; else every span.
    #[default]
    Auto,
    /// What live tracing cannot send, whether a checkpoint shows that there was some or not: an execution that never slept has none.
    Rest,
}

/// Whether something goes on spans.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wish {
    Leave,
    Take,
}

/// How a trace is made.
#[derive(Clone, Debug)]
pub struct TraceRules {
    selection: Selection,
    data: Wish,
    error_messages: Wish,
    suspended: Wish,
}

impl Default for TraceRules {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            data: Wish::Leave,
            error_messages: Wish::Take,
            suspended: Wish::Take,
        }
    }
}

impl TraceRules {
    /// Says which spans the trace is to hold.
    #[must_use]
    pub const fn select(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// Puts inputs and results on spans, as `durable_trace.input` and `durable_trace.result`, each cut after 4096 bytes.
    #[must_use]
    pub const fn with_data(mut self) -> Self {
        self.data = Wish::Take;
        self
    }

    /// Leaves messages of errors out; their types stay.
    #[must_use]
    pub const fn without_error_messages(mut self) -> Self {
        self.error_messages = Wish::Leave;
        self
    }

    /// Leaves the times asleep out where the rest alone is taken: the functions send them, with `DURABLE_TRACE_SUSPENDED_SPANS`.
    #[must_use]
    pub const fn without_suspended(mut self) -> Self {
        self.suspended = Wish::Leave;
        self
    }
}

/// The trace of one execution.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Trace {
    /// The execution's ARN.
    pub arn: String,
    /// The function's name.
    pub function: String,
    /// The trace: that of the newest checkpoint, else the one that follows from the ARN.
    pub trace_id: TraceId,
    /// The sampling decision of the newest checkpoint, else to keep it.
    pub sampling_priority: SamplingPriority,
    /// Where the trace began, such as `rum`; `lambda` if no checkpoint names another.
    pub origin: String,
    /// The tags `_dd.p.*` that go with the trace.
    pub tags: Tags,
    /// What was found of tracing libraries' checkpoints.
    pub checkpoint: CheckpointState,
    /// Whether every span is there, or the rest alone.
    pub is_whole: bool,
    /// Whether the execution has ended. If not, spans end at what happened last, and a later trace has other ends under the same ids.
    pub has_ended: bool,
    /// The spans: the execution's first, then each behind its parent.
    pub spans: Vec<Span>,
}

/// One span.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// Follows from the ARN, the operation's id and the attempt.
    pub id: SpanId,
    /// The span that it hangs on.
    pub parent: Option<SpanId>,
    /// Such as `aws.durable.step`.
    pub name: &'static str,
    /// What it is grouped by: the operation's name, or the function's.
    pub resource: String,
    /// Who waits for whom.
    pub kind: SpanKind,
    /// When it began.
    pub start: UnixMicros,
    /// When it ended.
    pub end: UnixMicros,
    /// Whether it is an error.
    pub is_error: bool,
    /// More about it.
    pub attributes: BTreeMap<&'static str, Attribute>,
}

impl Span {
    /// Returns the message of its error, if it has one.
    pub fn error_message(&self) -> Option<&str> {
        match self.attributes.get(names::ERROR_MESSAGE)? {
            Attribute::Text(text) => Some(text),
            Attribute::Number(_) => None,
        }
    }
}

/// OpenTelemetry's kinds, as far as they occur.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SpanKind {
    /// It asks another function.
    Client,
    /// It stays within the execution.
    Internal,
    /// It is asked: an invocation.
    Server,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Attribute {
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
}

/// What a history holds of tracing libraries' checkpoints, which show that an execution was traced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CheckpointState {
    /// None: the execution was not traced, or it never slept.
    Absent,
    /// One that names the trace.
    Read,
    /// Some, but none could be read, such as in a history without execution data: which trace it was is not known.
    Unreadable,
}

/// The execution's ARN, from which all ids follow, is not known.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the history does not tell the execution's ARN, from which the ids of its spans follow")]
pub struct UnknownArnError;

impl Trace {
    /// Makes the trace of an execution.
    ///
    /// ```
    /// use durable_trace_history::{History, Trace, TraceRules};
    ///
    /// let history = History::parse(
    ///     r#"{"Events": [
    ///         {"EventType": "ExecutionStarted", "EventId": 1, "EventTimestamp": 1795337713, "Id": "e"},
    ///         {"EventType": "WaitStarted", "EventId": 2, "EventTimestamp": 1795337714, "Id": "w", "Name": "packing"},
    ///         {"EventType": "WaitSucceeded", "EventId": 3, "EventTimestamp": 1795337774, "Id": "w"},
    ///         {"EventType": "ExecutionSucceeded", "EventId": 4, "EventTimestamp": 1795337775, "Id": "e"}
    ///     ]}"#,
    /// )?
    /// .with_arn("arn:aws:lambda:eu-west-1:123456789012:function:order:7/durable-execution/n/i");
    /// let trace = Trace::of(&history, &TraceRules::default())?;
    /// let names: Vec<&str> = trace.spans.iter().map(|span| span.name).collect();
    /// assert_eq!(names, ["aws.durable.execute", "aws.lambda", "aws.durable.wait"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`UnknownArnError`] if the history does not tell the ARN; [`History::with_arn`] sets it.
    pub fn of(history: &History, rules: &TraceRules) -> Result<Self, UnknownArnError> {
        let arn = history.arn().ok_or(UnknownArnError)?;
        let found = newest_context(history, arn);
        let is_whole = match rules.selection {
            Selection::All => true,
            Selection::Auto => found.is_none(),
            Selection::Rest => false,
        };
        let started_at = UnixMillis(history.execution.start.0.div_euclid(1_000));
        let derived = derive_context(arn, Some(started_at));
        let anchor = found.as_ref().map(|context| context.parent_id);
        let timeline = Timeline::of(history, &Viewpoint::default());
        let mut checkpoints = timeline.checkpoints.iter();
        let checkpoint = match &found {
            Some(_) => CheckpointState::Read,
            None if checkpoints.any(|entry| entry.is_known == Some(true)) => {
                CheckpointState::Unreadable
            }
            None => CheckpointState::Absent,
        };
        let spans = build::spans(&build::Subject {
            history,
            timeline: &timeline,
            rules,
            arn,
            parts: ExecutionArn::parse(arn),
            anchor,
            derived_anchor: derived.parent_id,
            is_whole,
        });
        let context = found.unwrap_or(derived);
        Ok(Self {
            arn: arn.to_owned(),
            function: history
                .execution
                .function_name()
                .unwrap_or("function")
                .to_owned(),
            trace_id: context.trace_id,
            sampling_priority: context
                .sampling_priority
                .unwrap_or(SamplingPriority::AutoKeep),
            origin: context.origin.unwrap_or_else(|| names::ORIGIN.to_owned()),
            tags: context.tags,
            checkpoint,
            is_whole,
            has_ended: history.has_ended(),
            spans,
        })
    }

    /// Returns when the last span ends.
    pub fn end(&self) -> UnixMicros {
        let ends = self.spans.iter().map(|span| span.end);
        ends.max().unwrap_or_default()
    }
}

/// The context of the checkpoint that a resumed invocation would go on with.
fn newest_context(history: &History, arn: &str) -> Option<Context> {
    let operations: Vec<WireOperation<'_>> = history
        .operations
        .iter()
        .filter(|operation| operation.is_in_name_space())
        .map(|operation| WireOperation {
            id: operation.id.as_str().into(),
            kind: operation.kind,
            status: OperationStatus::parse(&operation.status),
            name: operation.name.as_deref().map(Into::into),
            result: operation
                .result
                .as_deref()
                .map(|result| Payload::Text(result.into())),
            ..WireOperation::default()
        })
        .collect();
    let reading = durable_trace_wire::read(arn, &operations);
    reading.found.map(|found| found.context)
}

#[cfg(test)]
pub(crate) use tests::sample;

#[cfg(test)]
mod tests;
