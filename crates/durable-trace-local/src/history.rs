//! The history of one execution: an event for each transition, as
//! `GetDurableExecutionHistory` tells it.

use serde_json::{Map, Value, json};

use crate::refusal::ErrorRecord;
use crate::state::{Details, Operation, put};
use crate::time::UnixMillis;

/// The events of one execution, oldest first. Ids count from 1.
#[derive(Debug, Default)]
pub(crate) struct History {
    events: Vec<Value>,
}

/// Whom an event is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: Option<&'a str>,
    pub(crate) sub_type: Option<&'a str>,
    pub(crate) parent_id: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// The execution itself.
    pub(crate) fn execution(id: &'a str, name: &'a str) -> Self {
        Self {
            id,
            name: Some(name),
            sub_type: None,
            parent_id: None,
        }
    }
}

impl<'a> From<&'a Operation> for Subject<'a> {
    fn from(operation: &'a Operation) -> Self {
        Self {
            id: &operation.id,
            name: operation.name.as_deref(),
            sub_type: operation.sub_type.as_deref(),
            parent_id: operation.parent_id.as_deref(),
        }
    }
}

/// What a chained invoke started; nothing for other operations.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Target<'a> {
    /// The target's execution, if it is durable.
    pub(crate) arn: Option<&'a str>,
    pub(crate) version: Option<&'a str>,
}

/// How the invocation went that an `InvocationCompleted` event is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completed<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) started_at: UnixMillis,
    pub(crate) error: Option<&'a ErrorRecord>,
}

impl History {
    /// All events, oldest first.
    pub(crate) fn events(&self) -> &[Value] {
        &self.events
    }

    /// Adds an event of `event_type`; its details stand under the type's name and `Details`.
    pub(crate) fn add(
        &mut self,
        event_type: &str,
        subject: Option<Subject<'_>>,
        details: Value,
        now: UnixMillis,
    ) {
        let mut event = Map::new();
        event.insert("EventType".to_owned(), json!(event_type));
        event.insert("EventId".to_owned(), json!(self.events.len() + 1));
        event.insert("EventTimestamp".to_owned(), now.to_answer_json());
        if let Some(subject) = subject {
            event.insert("Id".to_owned(), json!(subject.id));
            put(&mut event, "Name", subject.name.map(|name| json!(name)));
            put(
                &mut event,
                "SubType",
                subject.sub_type.map(|sub_type| json!(sub_type)),
            );
            put(
                &mut event,
                "ParentId",
                subject.parent_id.map(|id| json!(id)),
            );
        }
        event.insert(format!("{event_type}Details"), details);
        self.events.push(Value::Object(event));
    }

    /// Adds the end of an invocation.
    pub(crate) fn add_invocation_completed(&mut self, completed: Completed<'_>, now: UnixMillis) {
        let mut details = Map::new();
        details.insert("RequestId".to_owned(), json!(completed.request_id));
        details.insert(
            "StartTimestamp".to_owned(),
            completed.started_at.to_answer_json(),
        );
        details.insert("EndTimestamp".to_owned(), now.to_answer_json());
        put(
            &mut details,
            "Error",
            completed.error.map(|error| event_error(Some(error))),
        );
        self.add("InvocationCompleted", None, Value::Object(details), now);
    }
}

/// The details of an operation's beginning.
pub(crate) fn started_details(operation: &Operation, target: Target<'_>) -> Value {
    match &operation.details {
        Details::Callback {
            callback_id,
            timeout_seconds,
            heartbeat_seconds,
            ..
        } => {
            let mut out = Map::new();
            out.insert("CallbackId".to_owned(), json!(callback_id));
            let limit = |seconds: u32| (seconds > 0).then(|| json!(seconds));
            put(&mut out, "Timeout", limit(*timeout_seconds));
            put(&mut out, "HeartbeatTimeout", limit(*heartbeat_seconds));
            Value::Object(out)
        }
        Details::ChainedInvoke {
            function_name,
            tenant_id,
            payload,
        } => {
            let mut out = Map::new();
            out.insert("FunctionName".to_owned(), json!(function_name));
            out.insert("Input".to_owned(), event_payload(payload.as_deref()));
            put(&mut out, "TenantId", tenant_id.as_ref().map(|id| json!(id)));
            put(
                &mut out,
                "ExecutedVersion",
                target.version.map(|version| json!(version)),
            );
            put(
                &mut out,
                "DurableExecutionArn",
                target.arn.map(|arn| json!(arn)),
            );
            Value::Object(out)
        }
        Details::Wait { seconds, ends_at } => {
            json!({"Duration": seconds, "ScheduledEndTimestamp": ends_at.to_answer_json()})
        }
        Details::Context { .. } | Details::Execution { .. } | Details::Step { .. } => json!({}),
    }
}

/// The details of a result.
pub(crate) fn result_details(result: Option<&str>) -> Map<String, Value> {
    [("Result".to_owned(), event_payload(result))]
        .into_iter()
        .collect()
}

/// The details of an error.
pub(crate) fn error_details(error: Option<&ErrorRecord>) -> Map<String, Value> {
    Map::from_iter([("Error".to_owned(), event_error(error))])
}

/// Adds what an attempt of a step has beside its outcome.
pub(crate) fn with_retry(
    mut details: Map<String, Value>,
    attempt: u32,
    delay_seconds: Option<u32>,
) -> Value {
    let mut retry = Map::new();
    retry.insert("CurrentAttempt".to_owned(), json!(attempt));
    put(
        &mut retry,
        "NextAttemptDelaySeconds",
        delay_seconds.map(|seconds| json!(seconds)),
    );
    details.insert("RetryDetails".to_owned(), Value::Object(retry));
    Value::Object(details)
}

/// The API's `EventInput` and `EventResult`.
pub(crate) fn event_payload(payload: Option<&str>) -> Value {
    let mut out = Map::new();
    put(&mut out, "Payload", payload.map(|payload| json!(payload)));
    out.insert("Truncated".to_owned(), Value::Bool(false));
    Value::Object(out)
}

fn event_error(error: Option<&ErrorRecord>) -> Value {
    json!({"Payload": error.cloned().unwrap_or_default(), "Truncated": false})
}

/// Takes the payloads out of an event, as a client asks with `IncludeExecutionData=false`.
pub(crate) fn without_data(event: &Value) -> Value {
    let mut event = event.clone();
    let details = event
        .as_object_mut()
        .into_iter()
        .flat_map(Map::iter_mut)
        .filter(|(key, _)| key.ends_with("Details"));
    for (_, details) in details {
        for key in ["Error", "Input", "Result"] {
            let Some(data) = details.get_mut(key).and_then(Value::as_object_mut) else {
                continue;
            };
            if data.remove("Payload").is_some() {
                data.insert("Truncated".to_owned(), Value::Bool(true));
            }
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_count_from_one_and_name_their_details() {
        let mut history = History::default();
        history.add("ExecutionStarted", None, json!({}), UnixMillis::new(1_500));
        let completed = Completed {
            request_id: "r",
            started_at: UnixMillis::new(1_500),
            error: None,
        };
        history.add_invocation_completed(completed, UnixMillis::new(2_000));
        assert_eq!(
            history.events(),
            [
                json!({"EventType": "ExecutionStarted", "EventId": 1, "EventTimestamp": 1.5, "ExecutionStartedDetails": {}}),
                json!({"EventType": "InvocationCompleted", "EventId": 2, "EventTimestamp": 2.0, "InvocationCompletedDetails":
                    {"RequestId": "r", "StartTimestamp": 1.5, "EndTimestamp": 2.0}}),
            ]
        );
    }

    #[test]
    fn data_can_be_left_out_and_its_absence_shows() {
        let event = json!({"EventId": 2, "StepSucceededDetails": {"Result": {"Payload": "secret", "Truncated": false}, "RetryDetails": {"CurrentAttempt": 1}}});
        let want = json!({"EventId": 2, "StepSucceededDetails": {"Result": {"Truncated": true}, "RetryDetails": {"CurrentAttempt": 1}}});
        assert_eq!(without_data(&event), want);
    }
}
