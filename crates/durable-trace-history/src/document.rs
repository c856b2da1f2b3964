//! The JSON that the AWS CLI prints, read: a history, a state, an execution, one after another.

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::event::{ErrorObject, Event};
use crate::time::UnixMicros;

/// Why a text is no history; its message names the place.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct ParseHistoryError(#[from] Reason);

/// The message holds the cause, so none of them is a source as well.
#[derive(Debug, Error)]
enum Reason {
    #[error("expected JSON: {0}")]
    Json(serde_json::Error),
    #[error("{place}: {error}")]
    Part {
        place: String,
        error: serde_json::Error,
    },
    #[error(
        "expected the output of get-durable-execution-history (`Events`), get-durable-execution-state (`Operations`), \
         or the event of an invocation (`InitialExecutionState`)"
    )]
    Unknown,
}

/// What was read, before it is put together.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) facts: Facts,
    pub(crate) events: Vec<Event>,
    pub(crate) operations: Vec<StateOperation>,
    /// Whether the last page says that there is more.
    pub(crate) is_cut: bool,
}

/// What `GetDurableExecution` says of an execution. Each part is there or is not.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Facts {
    pub(crate) durable_execution_arn: Option<String>,
    pub(crate) durable_execution_name: Option<String>,
    pub(crate) end_timestamp: Option<UnixMicros>,
    pub(crate) error: Option<ErrorObject>,
    pub(crate) function_arn: Option<String>,
    pub(crate) start_timestamp: Option<UnixMicros>,
    pub(crate) status: Option<String>,
    pub(crate) trace_header: Option<TraceHeader>,
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_TraceHeader.html>
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct TraceHeader {
    pub(crate) x_amzn_trace_id: Option<String>,
}

/// One of a state's `Operations`. <https://docs.aws.amazon.com/lambda/latest/api/API_Operation.html>
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StateOperation {
    pub(crate) id: String,
    pub(crate) parent_id: Option<String>,
    pub(crate) name: Option<String>,
    #[serde(rename = "Type")]
    pub(crate) kind: String,
    pub(crate) sub_type: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) start_timestamp: Option<UnixMicros>,
    pub(crate) end_timestamp: Option<UnixMicros>,
    #[serde(default)]
    pub(crate) callback_details: Option<OperationDetails>,
    #[serde(default)]
    pub(crate) chained_invoke_details: Option<OperationDetails>,
    #[serde(default)]
    pub(crate) context_details: Option<OperationDetails>,
    #[serde(default)]
    pub(crate) step_details: Option<OperationDetails>,
    #[serde(default)]
    pub(crate) wait_details: Option<OperationDetails>,
}

/// What the details of all types of operations hold, each of them some of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct OperationDetails {
    pub(crate) attempt: Option<u32>,
    pub(crate) callback_id: Option<String>,
    pub(crate) error: Option<ErrorObject>,
    pub(crate) next_attempt_timestamp: Option<UnixMicros>,
    pub(crate) result: Option<String>,
    pub(crate) scheduled_end_timestamp: Option<UnixMicros>,
}

impl Document {
    /// Reads all JSON values of a text: pages of one history, or an execution and its history.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseHistoryError> {
        let mut document = Self::default();
        let mut is_known = false;
        for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
            is_known |= document.add(&value.map_err(Reason::Json)?)?;
        }
        if is_known {
            Ok(document)
        } else {
            Err(Reason::Unknown.into())
        }
    }

    /// Returns whether the value holds a log.
    fn add(&mut self, value: &Value) -> Result<bool, Reason> {
        let facts = read::<Facts>(value, String::new).or_else(|error| match value {
            // The keys of these are other things in other documents.
            Value::Object(_) => Err(error),
            _ => Ok(Facts::default()),
        })?;
        self.facts.fill(facts);
        let events = value.get("Events").and_then(Value::as_array);
        for (index, event) in events.into_iter().flatten().enumerate() {
            let event = Event::parse(event).map_err(|error| Reason::Part {
                place: format!("Events[{index}]"),
                error,
            })?;
            self.events.push(event);
        }
        let state = value.get("InitialExecutionState").unwrap_or(value);
        let operations = state.get("Operations").and_then(Value::as_array);
        for (index, operation) in operations.into_iter().flatten().enumerate() {
            self.operations
                .push(read(operation, || format!("Operations[{index}]"))?);
        }
        let has_log = events.is_some() || operations.is_some();
        if has_log {
            let marker = state.get("NextMarker").and_then(Value::as_str);
            self.is_cut = marker.is_some_and(|marker| !marker.is_empty());
        }
        Ok(has_log)
    }
}

impl Facts {
    /// Takes what is not there yet.
    pub(crate) fn fill(&mut self, other: Self) {
        fn fill<T>(mine: &mut Option<T>, other: Option<T>) {
            if mine.is_none() {
                *mine = other;
            }
        }
        fill(&mut self.durable_execution_arn, other.durable_execution_arn);
        fill(
            &mut self.durable_execution_name,
            other.durable_execution_name,
        );
        fill(&mut self.end_timestamp, other.end_timestamp);
        fill(&mut self.error, other.error);
        fill(&mut self.function_arn, other.function_arn);
        fill(&mut self.start_timestamp, other.start_timestamp);
        fill(&mut self.status, other.status);
        fill(&mut self.trace_header, other.trace_header);
    }
}

fn read<'de, T: Deserialize<'de>>(
    value: &'de Value,
    place: impl FnOnce() -> String,
) -> Result<T, Reason> {
    T::deserialize(value).map_err(|error| {
        let place = place();
        let place = if place.is_empty() {
            "the execution".to_owned()
        } else {
            place
        };
        Reason::Part { place, error }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_one_execution_come_one_after_another() {
        let text = r#"
            {"DurableExecutionArn": "arn", "Status": "RUNNING", "StartTimestamp": "2026-11-28T07:15:00Z"}
            {"Events": [{"EventType": "ExecutionStarted", "EventId": 1, "EventTimestamp": 5}], "NextMarker": "more"}
            {"Events": [{"EventType": "WaitStarted", "EventId": 2, "EventTimestamp": 6}]}"#;
        let document = Document::parse(text).unwrap();
        assert_eq!(document.facts.durable_execution_arn.as_deref(), Some("arn"));
        assert_eq!(document.facts.status.as_deref(), Some("RUNNING"));
        assert_eq!(document.events.len(), 2);
        assert!(!document.is_cut, "the last page is there");
    }

    #[test]
    fn a_page_that_is_not_the_last_is_known_for_one() {
        let document = Document::parse(r#"{"Events": [], "NextMarker": "more"}"#).unwrap();
        assert!(document.is_cut);
        let event = r#"{"DurableExecutionArn": "arn", "InitialExecutionState":
            {"Operations": [{"Id": "a", "Type": "STEP", "Status": "SUCCEEDED"}], "NextMarker": "more"}}"#;
        let document = Document::parse(event).unwrap();
        assert!(document.is_cut);
        assert_eq!(document.operations.len(), 1);
    }

    #[test]
    fn what_is_no_history_is_told_of_with_its_place() {
        for (text, want) in [
            (
                "{",
                "expected JSON: EOF while parsing an object at line 1 column 1",
            ),
            (
                "",
                "expected the output of get-durable-execution-history (`Events`), get-durable-execution-state (`Operations`), or the event of an invocation (`InitialExecutionState`)",
            ),
            (
                r#"{"Events": [{"EventType": "StepStarted", "EventId": 1, "EventTimestamp": 5}, {}]}"#,
                "Events[1]: missing field `EventType`",
            ),
            (
                r#"{"Operations": [{"Id": "a"}]}"#,
                "Operations[0]: missing field `Type`",
            ),
            (
                r#"{"Status": 7, "Events": []}"#,
                "the execution: invalid type: integer `7`, expected a string",
            ),
        ] {
            assert_eq!(
                Document::parse(text).unwrap_err().to_string(),
                want,
                "{text}"
            );
        }
        for text in ["[]", "7", "null", "{}", r#"{"DurableExecutionArn": "arn"}"#] {
            assert!(
                matches!(
                    Document::parse(text),
                    Err(ParseHistoryError(Reason::Unknown))
                ),
                "{text}"
            );
        }
    }
}
