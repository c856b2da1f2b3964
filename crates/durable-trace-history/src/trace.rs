//! The whole trace of an execution, made from its history.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use durable_trace_wire::{
    CarrierRules, Context, ExecutionArn, Operation as WireOperation, OperationStatus, Origin,
    Payload, SamplingPriority, SpanId, Tags, TraceId, UnixMillis, derive_context,
    extract_from_event,
};
use thiserror::Error;

use crate::history::History;
use crate::time::UnixMicros;
use crate::timeline::{ErrorEntry, Row, RowKind, Timeline, Viewpoint};

mod aws;
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

/// Which spans stand for an execution.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TraceView {
    /// Datadog's: `aws.durable.execute`, `aws.lambda`, `aws.durable.step` and their like.
    #[default]
    Datadog,
    /// AWS's, in which an operation is one span over its whole life. It is whole always: live spans of operations have the same ids.
    Execution,
    /// AWS's, in which an operation has a segment in each invocation. It is whole always.
    Invocation,
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
    view: TraceView,
}

impl Default for TraceRules {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            data: Wish::Leave,
            error_messages: Wish::Take,
            suspended: Wish::Take,
            view: TraceView::default(),
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

    /// Says which spans stand for the execution. Selection, inputs and results, and times asleep are of Datadog's view alone.
    #[must_use]
    pub const fn view(mut self, view: TraceView) -> Self {
        self.view = view;
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
    /// The trace: that of the newest checkpoint, else the one that follows from the ARN. In AWS's views that of X-Ray, else of the
    /// caller in the execution's input, else the one that follows from the ARN and the start.
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
    pub name: Cow<'static, str>,
    /// What it is grouped by: the operation's name, or the function's.
    pub resource: String,
    /// Who waits for whom.
    pub kind: SpanKind,
    /// When it began.
    pub start: UnixMicros,
    /// When it ended.
    pub end: UnixMicros,
    /// How it went.
    pub status: SpanStatus,
    /// Spans of the same trace that it has to do with beside its parent.
    pub links: Vec<SpanId>,
    /// More about it.
    pub attributes: BTreeMap<&'static str, Attribute>,
}

impl Span {
    /// Returns whether it is an error.
    pub const fn is_error(&self) -> bool {
        matches!(self.status, SpanStatus::Error)
    }

    /// Returns the message of its error, if it has one.
    pub fn error_message(&self) -> Option<&str> {
        match self.attributes.get(names::ERROR_MESSAGE)? {
            Attribute::Text(text) => Some(text),
            Attribute::Flag(_) | Attribute::Number(_) => None,
        }
    }
}

/// OpenTelemetry's statuses. In Datadog's view nothing is said to be in order: what is no error is unset.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SpanStatus {
    /// It failed.
    Error,
    /// It did what it was there for.
    Ok,
    /// Nothing is said.
    Unset,
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
    /// Yes or no.
    Flag(bool),
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
    /// let names: Vec<&str> = trace.spans.iter().map(|span| span.name.as_ref()).collect();
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
        let subject = build::Subject {
            history,
            timeline: &timeline,
            rules,
            arn,
            parts: ExecutionArn::parse(arn),
            anchor,
            derived_anchor: derived.parent_id,
            is_whole,
        };
        let is_datadogs = rules.view == TraceView::Datadog;
        let mut context = found.unwrap_or(derived);
        let spans = if is_datadogs {
            build::spans(&subject)
        } else {
            let input = history.execution.input.as_deref();
            let caller =
                input.and_then(|input| extract_from_event(input, &CarrierRules::default()));
            let caller = caller.as_ref().map(|carried| &carried.context);
            let origin = Origin::of(arn, Some(started_at), caller, history.execution.xray);
            // Nothing is saved in these views; what a checkpoint of Datadog's names is another trace.
            context.trace_id = origin.trace_id;
            aws::spans(&subject, origin, rules.view)
        };
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
            is_whole: is_whole || !is_datadogs,
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

impl Trace {
    /// Lays the spans out as rows of a timeline, each under its parent, by start.
    pub fn rows(&self) -> Vec<Row> {
        let known: HashMap<SpanId, usize> = self
            .spans
            .iter()
            .enumerate()
            .map(|(index, span)| (span.id, index))
            .collect();
        let mut children: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
        for (index, span) in self.spans.iter().enumerate() {
            let parent = span.parent.and_then(|id| known.get(&id).copied());
            // Ids are digests: a span that were its own parent would hang nowhere.
            let parent = parent.filter(|parent| *parent != index);
            children.entry(parent).or_default().push(index);
        }
        let by_start = |index: &usize| self.spans.get(*index).map(|span| span.start);
        for indices in children.values_mut() {
            indices.sort_by_key(by_start);
        }
        let mut rows: Vec<Row> = Vec::new();
        let mut next: Vec<(usize, Option<usize>, usize)> = Vec::new();
        let tops = children.remove(&None).unwrap_or_default();
        next.extend(tops.into_iter().rev().map(|index| (index, None, 0)));
        while let Some((index, parent, depth)) = next.pop() {
            let Some(span) = self.spans.get(index) else {
                continue;
            };
            let own = rows.len();
            rows.push(row(span, parent, depth));
            let below = children.remove(&Some(index)).unwrap_or_default();
            next.extend(
                below
                    .into_iter()
                    .rev()
                    .map(|child| (child, Some(own), depth + 1)),
            );
        }
        rows
    }
}

fn row(span: &Span, parent: Option<usize>, depth: usize) -> Row {
    let text = |key: &str| match span.attributes.get(key) {
        Some(Attribute::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let mut row = Row::new(RowKind::Span, span.id.get().to_string(), span.start);
    row.parent = parent;
    row.depth = depth;
    row.row_type = span.name.clone().into_owned();
    if span.resource != span.name {
        row.name.clone_from(&span.resource);
    }
    match span.status {
        SpanStatus::Error => "error",
        SpanStatus::Ok => "ok",
        SpanStatus::Unset => "unset",
    }
    .clone_into(&mut row.status);
    row.end_us = Some(span.end);
    row.error = span.is_error().then(|| ErrorEntry {
        error_type: text(names::ERROR_TYPE),
        message: text(names::ERROR_MESSAGE),
    });
    row.details = span
        .attributes
        .iter()
        .filter(|(key, _)| **key != names::INPUT && **key != names::RESULT)
        .map(|(key, value)| {
            let value = match value {
                Attribute::Flag(flag) => flag.to_string(),
                Attribute::Number(number) => number.to_string(),
                Attribute::Text(text) => text.clone(),
            };
            ((*key).to_owned(), value)
        })
        .collect();
    row
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
