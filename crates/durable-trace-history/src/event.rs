//! One event of a history, as `GetDurableExecutionHistory` tells it.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Event.html>

use durable_trace_wire::OperationType;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::time::UnixMicros;

/// What happened to what.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum EventKind {
    /// The execution.
    Execution(Transition),
    /// An invocation ended.
    InvocationCompleted,
    /// An operation.
    Operation(OperationType, Transition),
    /// Unknown to us: it is left out.
    Other,
}

/// How far something has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Transition {
    Cancelled,
    Failed,
    Started,
    Stopped,
    Succeeded,
    TimedOut,
}

impl Transition {
    /// AWS's word for the status that follows.
    pub(crate) const fn status(self) -> &'static str {
        match self {
            Self::Cancelled => "CANCELLED",
            Self::Failed => "FAILED",
            Self::Started => "STARTED",
            Self::Stopped => "STOPPED",
            Self::Succeeded => "SUCCEEDED",
            Self::TimedOut => "TIMED_OUT",
        }
    }
}

impl EventKind {
    /// Reads an `EventType`, such as `ChainedInvokeTimedOut`.
    pub(crate) fn parse(text: &str) -> Self {
        const TRANSITIONS: [(&str, Transition); 6] = [
            ("Cancelled", Transition::Cancelled),
            ("Failed", Transition::Failed),
            ("Started", Transition::Started),
            ("Stopped", Transition::Stopped),
            ("Succeeded", Transition::Succeeded),
            ("TimedOut", Transition::TimedOut),
        ];
        if text == "InvocationCompleted" {
            return Self::InvocationCompleted;
        }
        let found = TRANSITIONS
            .iter()
            .find_map(|(word, transition)| Some((text.strip_suffix(word)?, *transition)));
        match found {
            Some(("Callback", transition)) => Self::Operation(OperationType::Callback, transition),
            Some(("ChainedInvoke", transition)) => {
                Self::Operation(OperationType::ChainedInvoke, transition)
            }
            Some(("Context", transition)) => Self::Operation(OperationType::Context, transition),
            Some(("Execution", transition)) => Self::Execution(transition),
            Some(("Step", transition)) => Self::Operation(OperationType::Step, transition),
            Some(("Wait", transition)) => Self::Operation(OperationType::Wait, transition),
            _ => Self::Other,
        }
    }
}

/// One event.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) kind: EventKind,
    /// Counts from 1.
    pub(crate) number: i64,
    pub(crate) at: UnixMicros,
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) sub_type: Option<String>,
    pub(crate) parent_id: Option<String>,
    pub(crate) details: Details,
}

/// What the details of all kinds of events hold, each of them some of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Details {
    pub(crate) callback_id: Option<String>,
    pub(crate) durable_execution_arn: Option<String>,
    /// Seconds.
    pub(crate) duration: Option<u32>,
    pub(crate) end_timestamp: Option<UnixMicros>,
    pub(crate) error: Option<Data<ErrorObject>>,
    pub(crate) executed_version: Option<String>,
    /// Seconds.
    pub(crate) execution_timeout: Option<u32>,
    pub(crate) function_name: Option<String>,
    /// Seconds.
    pub(crate) heartbeat_timeout: Option<u32>,
    pub(crate) input: Option<Data<String>>,
    pub(crate) request_id: Option<String>,
    pub(crate) result: Option<Data<String>>,
    #[serde(rename = "RetryDetails")]
    pub(crate) retry: Option<Retry>,
    pub(crate) scheduled_end_timestamp: Option<UnixMicros>,
    pub(crate) start_timestamp: Option<UnixMicros>,
    /// Seconds.
    pub(crate) timeout: Option<u32>,
}

/// The API's `EventInput`, `EventResult` and `EventError`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Data<T> {
    pub(crate) payload: Option<T>,
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_ErrorObject.html>
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ErrorObject {
    pub(crate) error_message: Option<String>,
    pub(crate) error_type: Option<String>,
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_RetryDetails.html>
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Retry {
    pub(crate) current_attempt: u32,
    /// Seconds. Where it is there, another attempt follows.
    pub(crate) next_attempt_delay_seconds: Option<u32>,
}

/// What all events have.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Raw {
    event_type: String,
    event_id: i64,
    event_timestamp: UnixMicros,
    id: Option<String>,
    name: Option<String>,
    sub_type: Option<String>,
    parent_id: Option<String>,
}

impl Event {
    /// Reads one element of `Events`. The details stand under the type's name and `Details`.
    pub(crate) fn parse(value: &Value) -> Result<Self, serde_json::Error> {
        let raw = Raw::deserialize(value)?;
        let details = value.get(format!("{}Details", raw.event_type));
        let details = match details {
            Some(Value::Object(details)) => Details::deserialize(&without_nulls(details))?,
            _ => Details::default(),
        };
        Ok(Self {
            kind: EventKind::parse(&raw.event_type),
            number: raw.event_id,
            at: raw.event_timestamp,
            id: raw.id,
            name: raw.name,
            sub_type: raw.sub_type,
            parent_id: raw.parent_id,
            details,
        })
    }
}

/// What is null is not there, whatever the key.
fn without_nulls(details: &Map<String, Value>) -> Value {
    let kept = details.iter().filter(|(_, value)| !value.is_null());
    Value::Object(
        kept.map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_events_type_says_what_happened_to_what() {
        use EventKind as K;
        use OperationType as O;
        use Transition as T;
        for (text, want) in [
            ("ExecutionStarted", K::Execution(T::Started)),
            ("ExecutionTimedOut", K::Execution(T::TimedOut)),
            ("ExecutionStopped", K::Execution(T::Stopped)),
            ("StepFailed", K::Operation(O::Step, T::Failed)),
            ("WaitCancelled", K::Operation(O::Wait, T::Cancelled)),
            (
                "ChainedInvokeStopped",
                K::Operation(O::ChainedInvoke, T::Stopped),
            ),
            ("CallbackSucceeded", K::Operation(O::Callback, T::Succeeded)),
            ("ContextStarted", K::Operation(O::Context, T::Started)),
            ("InvocationCompleted", K::InvocationCompleted),
            ("InvocationStarted", K::Other),
            ("StepSkipped", K::Other),
            ("", K::Other),
        ] {
            assert_eq!(EventKind::parse(text), want, "{text}");
        }
    }

    #[test]
    fn an_events_details_stand_under_its_type() {
        let event = Event::parse(&json!({
            "EventType": "StepFailed", "EventId": 3, "EventTimestamp": 1.5, "Id": "a", "Name": "flaky",
            "StepFailedDetails": {
                "Error": {"Truncated": false, "Payload": {"ErrorType": "E", "ErrorMessage": "m", "StackTrace": ["x"]}},
                "RetryDetails": {"CurrentAttempt": 2, "NextAttemptDelaySeconds": 7},
                "Result": null,
            },
            "StepStartedDetails": {"RequestId": "of another type"},
        }))
        .unwrap();
        assert_eq!(
            event.details.retry,
            Some(Retry {
                current_attempt: 2,
                next_attempt_delay_seconds: Some(7)
            })
        );
        let error = event.details.error.and_then(|error| error.payload).unwrap();
        assert_eq!(
            (error.error_type.as_deref(), error.error_message.as_deref()),
            (Some("E"), Some("m"))
        );
        assert!(event.details.result.is_none() && event.details.request_id.is_none());
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        let error = Event::parse(&json!({"EventType": "StepStarted", "EventId": 3})).unwrap_err();
        assert_eq!(error.to_string(), "missing field `EventTimestamp`");
        let error = Event::parse(&json!({
            "EventType": "WaitStarted", "EventId": 3, "EventTimestamp": 1, "WaitStartedDetails": {"Duration": "long"},
        }))
        .unwrap_err();
        assert!(error.to_string().contains("\"long\""), "{error}");
    }
}
