//! One operation of an execution's log, as events and answers show it.

use std::borrow::Cow;

use crate::checkpoint::NAME_PREFIX;
use crate::timestamp::UnixMillis;

mod read;

/// What an operation is. <https://docs.aws.amazon.com/lambda/latest/api/API_Operation.html>
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OperationType {
    /// Waits for an answer from outside.
    Callback,
    /// Calls another function.
    ChainedInvoke,
    /// Groups other operations: a child context, a map, a branch.
    Context,
    /// The execution itself.
    Execution,
    /// Unknown to us, or not said.
    #[default]
    Other,
    /// Runs the user's code once.
    Step,
    /// Waits for a time.
    Wait,
}

impl OperationType {
    /// Reads AWS's word, such as `CHAINED_INVOKE`, in any case.
    pub fn parse(text: &str) -> Self {
        const WORDS: [(&str, OperationType); 6] = [
            ("CALLBACK", OperationType::Callback),
            ("CHAINED_INVOKE", OperationType::ChainedInvoke),
            ("CONTEXT", OperationType::Context),
            ("EXECUTION", OperationType::Execution),
            ("STEP", OperationType::Step),
            ("WAIT", OperationType::Wait),
        ];
        lookup(&WORDS, text).unwrap_or_default()
    }

    /// AWS's word, such as `CHAINED_INVOKE`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Callback => "CALLBACK",
            Self::ChainedInvoke => "CHAINED_INVOKE",
            Self::Context => "CONTEXT",
            Self::Execution => "EXECUTION",
            Self::Other => "OTHER",
            Self::Step => "STEP",
            Self::Wait => "WAIT",
        }
    }
}

/// How far an operation has come. <https://docs.aws.amazon.com/lambda/latest/api/API_Operation.html>
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum OperationStatus {
    /// Ended: given up before it could succeed or fail.
    Cancelled,
    /// Ended with an error.
    Failed,
    /// Unknown to us.
    Other,
    /// A step that waits for its next attempt.
    Pending,
    /// A step whose next attempt is due.
    Ready,
    /// Under way; what an operation without a status is.
    #[default]
    Started,
    /// Ended: stopped from outside.
    Stopped,
    /// Ended with a result.
    Succeeded,
    /// Ended: out of time.
    TimedOut,
}

impl OperationStatus {
    /// Reads AWS's word, such as `TIMED_OUT`, in any case.
    pub fn parse(text: &str) -> Self {
        const WORDS: [(&str, OperationStatus); 8] = [
            ("CANCELLED", OperationStatus::Cancelled),
            ("FAILED", OperationStatus::Failed),
            ("PENDING", OperationStatus::Pending),
            ("READY", OperationStatus::Ready),
            ("STARTED", OperationStatus::Started),
            ("STOPPED", OperationStatus::Stopped),
            ("SUCCEEDED", OperationStatus::Succeeded),
            ("TIMED_OUT", OperationStatus::TimedOut),
        ];
        lookup(&WORDS, text).unwrap_or(Self::Other)
    }

    /// Whether the operation will not change any more.
    pub const fn is_ended(self) -> bool {
        matches!(
            self,
            Self::Cancelled | Self::Failed | Self::Stopped | Self::Succeeded | Self::TimedOut
        )
    }
}

/// An operation of the log. A field that is absent, or of an unexpected type, is `None`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Operation<'a> {
    /// `Id`; empty if absent.
    pub id: Cow<'a, str>,
    /// `Type`.
    pub kind: OperationType,
    /// `Status`.
    pub status: OperationStatus,
    /// `SubType`, the SDK's own word, such as `WaitForCondition`.
    pub sub_type: Option<Cow<'a, str>>,
    /// `Name`.
    pub name: Option<Cow<'a, str>>,
    /// `ParentId`: the context that it belongs to.
    pub parent_id: Option<Cow<'a, str>>,
    /// `StartTimestamp`.
    pub started_at: Option<UnixMillis>,
    /// `EndTimestamp`.
    pub ended_at: Option<UnixMillis>,
    /// `StepDetails.Attempt`: attempts begun so far, from 1.
    pub attempt: Option<u32>,
    /// `StepDetails.NextAttemptTimestamp`.
    pub next_attempt_at: Option<UnixMillis>,
    /// `WaitDetails.ScheduledEndTimestamp`.
    pub scheduled_end_at: Option<UnixMillis>,
    /// `CallbackDetails.CallbackId`.
    pub callback_id: Option<Cow<'a, str>>,
    /// What a callback was completed with, undecoded.
    pub callback_result: Option<Payload<'a>>,
    /// The `Error` of whichever details it has.
    pub error: Option<ErrorObject<'a>>,
    /// `StepDetails.Result`, or `Payload` if that is absent; only of an operation whose name begins
    /// with [`NAME_PREFIX`]: others' results are nobody's business here.
    pub result: Option<Payload<'a>>,
}

impl Operation<'_> {
    /// Returns the same operation, borrowing nothing.
    pub fn into_owned(self) -> Operation<'static> {
        Operation {
            id: Cow::Owned(self.id.into_owned()),
            kind: self.kind,
            status: self.status,
            sub_type: self.sub_type.map(own),
            name: self.name.map(own),
            parent_id: self.parent_id.map(own),
            started_at: self.started_at,
            ended_at: self.ended_at,
            attempt: self.attempt,
            next_attempt_at: self.next_attempt_at,
            scheduled_end_at: self.scheduled_end_at,
            callback_id: self.callback_id.map(own),
            callback_result: self.callback_result.map(Payload::into_owned),
            error: self.error.map(ErrorObject::into_owned),
            result: self.result.map(Payload::into_owned),
        }
    }

    /// Returns the trace context of whoever completed the callback: the headers under `_datadog` at the
    /// top level of its result, a JSON object.
    pub fn completer(&self) -> Option<crate::Context> {
        let text = match self.callback_result.as_ref()? {
            Payload::Json(json) => crate::json::text(json)?,
            Payload::Text(text) => Cow::Borrowed(text.as_ref()),
        };
        let headers = crate::nested::member(&text, "_datadog")?;
        let headers = crate::Headers::from_json(headers).ok()?;
        crate::Context::extract(&headers).map(|(context, _)| context)
    }

    /// Whether the name begins with [`NAME_PREFIX`].
    pub fn is_in_name_space(&self) -> bool {
        self.name
            .as_deref()
            .is_some_and(|name| name.starts_with(NAME_PREFIX))
    }
}

/// What went wrong in an operation.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ErrorObject<'a> {
    /// `ErrorType`.
    pub error_type: Option<Cow<'a, str>>,
    /// `ErrorMessage`.
    pub message: Option<Cow<'a, str>>,
}

impl ErrorObject<'_> {
    /// Returns the same error, borrowing nothing.
    pub fn into_owned(self) -> ErrorObject<'static> {
        ErrorObject {
            error_type: self.error_type.map(own),
            message: self.message.map(own),
        }
    }
}

/// What a checkpoint holds, in one of the two forms in which it reaches us.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Payload<'a> {
    /// A JSON value as it stands in the event: normally a JSON string that holds a JSON object.
    Json(Cow<'a, str>),
    /// The text itself, as the AWS client gives it.
    Text(Cow<'a, str>),
}

impl Payload<'_> {
    /// Returns the same payload, borrowing nothing.
    pub fn into_owned(self) -> Payload<'static> {
        match self {
            Self::Json(json) => Payload::Json(own(json)),
            Self::Text(text) => Payload::Text(own(text)),
        }
    }
}

fn own(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn lookup<T: Copy>(words: &[(&str, T)], text: &str) -> Option<T> {
    // As AWS writes it, nearly always.
    let word = words.iter().find(|(word, _)| *word == text);
    let word = word.or_else(|| {
        let mut words = words.iter();
        words.find(|(word, _)| word.eq_ignore_ascii_case(text))
    });
    Some(word?.1)
}

#[cfg(test)]
mod tests;
