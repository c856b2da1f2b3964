//! Operations as JSON, in events and in answers.

use serde_json::{Map, Value, json};

use super::log::{Details, Operation};
use crate::time::UnixMillis;

/// Where the JSON goes. Only the form of timestamps differs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Answer,
    Event,
}

impl Place {
    fn stamp(self, at: UnixMillis) -> Value {
        match self {
            Self::Answer => at.to_answer_json(),
            Self::Event => at.to_event_json(),
        }
    }
}

/// Renders an operation as the API's `Operation`.
pub(crate) fn render_operation(operation: &Operation, place: Place) -> Value {
    let mut out = Map::new();
    out.insert("Id".to_owned(), json!(operation.id));
    put(
        &mut out,
        "ParentId",
        operation.parent_id.as_ref().map(|id| json!(id)),
    );
    put(
        &mut out,
        "Name",
        operation.name.as_ref().map(|name| json!(name)),
    );
    out.insert("Type".to_owned(), json!(operation.kind()));
    put(
        &mut out,
        "SubType",
        operation.sub_type.as_ref().map(|sub_type| json!(sub_type)),
    );
    out.insert(
        "StartTimestamp".to_owned(),
        place.stamp(operation.started_at),
    );
    put(
        &mut out,
        "EndTimestamp",
        operation.ended_at.map(|at| place.stamp(at)),
    );
    out.insert("Status".to_owned(), json!(operation.status));
    let (key, details) = render_details(operation, place);
    out.insert(key.to_owned(), Value::Object(details));
    Value::Object(out)
}

fn render_details(operation: &Operation, place: Place) -> (&'static str, Map<String, Value>) {
    let mut out = Map::new();
    let key = match &operation.details {
        Details::Callback { callback_id, .. } => {
            out.insert("CallbackId".to_owned(), json!(callback_id));
            "CallbackDetails"
        }
        Details::ChainedInvoke { .. } => "ChainedInvokeDetails",
        Details::Context { replay_children } => {
            put(
                &mut out,
                "ReplayChildren",
                replay_children.then_some(Value::Bool(true)),
            );
            "ContextDetails"
        }
        Details::Execution { input } => {
            out.insert("InputPayload".to_owned(), json!(input));
            return ("ExecutionDetails", out);
        }
        Details::Step {
            attempts,
            next_attempt_at,
        } => {
            out.insert("Attempt".to_owned(), json!(attempts));
            put(
                &mut out,
                "NextAttemptTimestamp",
                next_attempt_at.map(|at| place.stamp(at)),
            );
            "StepDetails"
        }
        Details::Wait { ends_at, .. } => {
            out.insert("ScheduledEndTimestamp".to_owned(), place.stamp(*ends_at));
            return ("WaitDetails", out);
        }
    };
    put(
        &mut out,
        "Result",
        operation.result.as_ref().map(|result| json!(result)),
    );
    put(
        &mut out,
        "Error",
        operation.error.as_ref().map(|error| json!(error)),
    );
    (key, out)
}

/// Puts a member that is there; the API leaves absent ones out.
pub(crate) fn put(out: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        out.insert(key.to_owned(), value);
    }
}
