//! What an execution did, put together from the events of its history or the operations of its state.

use durable_trace_wire::{OperationType, XRayHeader};

use crate::document::{Document, Facts, ParseHistoryError};
use crate::event::ErrorObject;
use crate::time::UnixMicros;

mod fold;
mod state;

/// The history of one durable execution: everything that the service keeps of it, whichever language it was written in.
///
/// ```
/// use durable_trace_history::History;
///
/// let printed = r#"{"Events": [
///     {"EventType": "ExecutionStarted", "EventId": 1, "EventTimestamp": "2026-11-28T07:15:00Z", "Id": "e", "Name": "order-1"},
///     {"EventType": "WaitStarted", "EventId": 2, "EventTimestamp": "2026-11-28T07:15:01Z", "Id": "w", "Name": "packing"}
/// ]}"#;
/// let history = History::parse(printed)?;
/// assert_eq!(history.status(), "RUNNING");
/// # Ok::<(), durable_trace_history::ParseHistoryError>(())
/// ```
#[derive(Clone, Debug)]
pub struct History {
    pub(crate) execution: Execution,
    /// In the order in which they started.
    pub(crate) operations: Vec<Operation>,
    /// Oldest first; nothing is known of them where only a state was read.
    pub(crate) invocations: Option<Vec<Invocation>>,
    /// When the last thing happened that is told of.
    pub(crate) last_at: UnixMicros,
    /// Whether there is more of it than was read.
    pub(crate) is_cut: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Execution {
    pub(crate) arn: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) function_arn: Option<String>,
    /// AWS's word.
    pub(crate) status: String,
    pub(crate) start: UnixMicros,
    pub(crate) end: Option<UnixMicros>,
    pub(crate) error: Option<ErrorObject>,
    pub(crate) input: Option<String>,
    pub(crate) result: Option<String>,
    /// X-Ray's header of the execution.
    pub(crate) xray: Option<XRayHeader>,
}

/// One operation over its whole life.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) parent_id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) kind: OperationType,
    pub(crate) sub_type: Option<String>,
    /// AWS's word.
    pub(crate) status: String,
    pub(crate) start: UnixMicros,
    pub(crate) end: Option<UnixMicros>,
    /// How many invocations had ended when it started.
    pub(crate) invocation: Option<usize>,
    /// Of a step, oldest first.
    pub(crate) attempts: Vec<AttemptRecord>,
    pub(crate) error: Option<ErrorObject>,
    pub(crate) input: Option<String>,
    pub(crate) result: Option<String>,
    pub(crate) waits: Waits,
}

/// What an operation waits for, as far as it does and is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waits {
    pub(crate) callback_id: Option<String>,
    pub(crate) duration_s: Option<u32>,
    pub(crate) function: Option<String>,
    pub(crate) heartbeat_timeout_s: Option<u32>,
    pub(crate) target_arn: Option<String>,
    pub(crate) timeout_s: Option<u32>,
    pub(crate) until: Option<UnixMicros>,
}

#[derive(Clone, Debug)]
pub(crate) struct AttemptRecord {
    pub(crate) number: u32,
    pub(crate) start: UnixMicros,
    pub(crate) end: Option<UnixMicros>,
    pub(crate) outcome: Outcome,
    pub(crate) error: Option<ErrorObject>,
    /// Seconds from its end until the next one is due.
    pub(crate) next_delay_s: Option<u32>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Failed,
    /// Ended without an error, to be tried again: a condition that does not hold yet.
    Retry,
    Started,
    Succeeded,
}

impl Outcome {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "FAILED",
            Self::Retry => "RETRY",
            Self::Started => "STARTED",
            Self::Succeeded => "SUCCEEDED",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(crate) request_id: Option<String>,
    pub(crate) start: UnixMicros,
    pub(crate) end: Option<UnixMicros>,
    pub(crate) is_start_estimated: bool,
    pub(crate) error: Option<ErrorObject>,
}

impl History {
    /// Reads what the AWS CLI prints for `get-durable-execution-history` or `get-durable-execution-state`, or an invocation's event;
    /// what it prints for `get-durable-execution` may stand before or behind it, and tells the ARN, the function and the status.
    ///
    /// # Errors
    ///
    /// If it is not JSON, or none of these, or one of its events is malformed; the message names the place.
    pub fn parse(text: &str) -> Result<Self, ParseHistoryError> {
        Ok(Self::of(Document::parse(text)?))
    }

    pub(crate) fn of(document: Document) -> Self {
        let Document {
            facts,
            events,
            operations,
            is_cut,
        } = document;
        let mut history = if events.is_empty() && !operations.is_empty() {
            state::gather(operations, &facts)
        } else {
            fold::gather(events, &facts)
        };
        history.is_cut = is_cut;
        history
    }

    /// Sets the ARN, which a history does not tell.
    #[must_use]
    pub fn with_arn(mut self, arn: impl Into<String>) -> Self {
        self.execution.set_arn(arn.into());
        self
    }

    /// Returns the execution's ARN, if it is known.
    pub fn arn(&self) -> Option<&str> {
        self.execution.arn.as_deref()
    }

    /// Returns AWS's word for the execution's status, such as `TIMED_OUT`.
    pub fn status(&self) -> &str {
        &self.execution.status
    }

    /// Returns whether the execution has ended, however it did.
    pub const fn has_ended(&self) -> bool {
        self.execution.end.is_some()
    }

    /// Returns how many operations there are, checkpoints included.
    pub const fn operation_count(&self) -> usize {
        self.operations.len()
    }
}

impl Execution {
    /// What is known before any event is looked at.
    fn of(facts: &Facts, start: UnixMicros) -> Self {
        let mut execution = Self {
            arn: None,
            name: facts.durable_execution_name.clone(),
            function_arn: facts.function_arn.clone(),
            status: facts.status.clone().unwrap_or_else(|| "RUNNING".to_owned()),
            start: facts.start_timestamp.unwrap_or(start),
            end: facts.end_timestamp,
            error: facts.error.clone(),
            input: None,
            result: None,
            xray: facts
                .trace_header
                .as_ref()
                .and_then(|header| XRayHeader::parse(header.x_amzn_trace_id.as_deref()?)),
        };
        if let Some(arn) = &facts.durable_execution_arn {
            execution.set_arn(arn.clone());
        }
        execution
    }

    fn set_arn(&mut self, arn: String) {
        if let Some(parts) = durable_trace_wire::ExecutionArn::parse(&arn) {
            self.name = Some(parts.execution_name().to_owned());
            self.function_arn
                .get_or_insert_with(|| parts.function_arn().to_owned());
        }
        self.arn = Some(arn);
    }

    /// The function's name out of its ARN, `arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER`.
    pub(crate) fn function_name(&self) -> Option<&str> {
        self.function_arn.as_deref()?.split(':').nth(6)
    }
}
