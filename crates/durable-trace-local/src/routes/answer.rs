//! Asks the core what a request asks for, and words what it says.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::path::{Query, Route};
use super::{Arrived, Reaction};
use crate::engine::Engine;
use crate::name::FunctionRef;
use crate::records::ExecutionRecord;
use crate::refusal::{ErrorRecord, Refusal};
use crate::state::{
    CallbackOutcome, CheckpointRequest, FunctionKind, HistoryQuery, ListQuery, Outcome, RunHeaders,
    StartRequest,
};
use crate::vocabulary::ExecutionStatus;

/// Answers one request.
pub(super) async fn answer(engine: &Arc<Engine>, arrived: &Arrived) -> Result<Reaction, Refusal> {
    let Arrived { query, body, .. } = arrived;
    refuse_durable(engine, arrived)?;
    match &arrived.route {
        Route::CallbackFailure { callback_id } => {
            let error = parse_error(body)?.unwrap_or_default();
            engine
                .answer_callback(callback_id, CallbackOutcome::Failure(error))
                .map(|()| ok(&json!({})))
        }
        Route::CallbackHeartbeat { callback_id } => engine
            .answer_callback(callback_id, CallbackOutcome::Heartbeat)
            .map(|()| ok(&json!({}))),
        Route::CallbackSuccess { callback_id } => {
            let text = String::from_utf8(body.to_vec());
            let text = text.map_err(|_| Refusal::invalid("The result is not UTF-8."))?;
            let result = (!text.is_empty()).then_some(text);
            engine
                .answer_callback(callback_id, CallbackOutcome::Success(result))
                .map(|()| ok(&json!({})))
        }
        Route::Checkpoint { arn } => {
            let request: CheckpointRequest = parse(body)?;
            engine
                .change(|state, now| state.checkpoint(arn, request, now))
                .map(|value| ok(&value))
        }
        Route::Describe { arn } => {
            let leave_data_out = query.get("IncludeExecutionData") == Some("false");
            engine
                .read(|state| state.describe(arn, leave_data_out))
                .map(|value| ok(&value))
        }
        Route::History { arn } => {
            let wanted = HistoryQuery {
                leave_data_out: query.get("IncludeExecutionData") == Some("false"),
                newest_first: query.get("ReverseOrder") == Some("true"),
                marker: query.get("Marker").map(str::to_owned),
                max_items: parse_count(query)?,
            };
            engine
                .read(|state| state.history(arn, &wanted))
                .map(|value| ok(&value))
        }
        Route::Invoke { function } => invoke(engine, arrived, function).await,
        Route::List { function } => {
            let function = FunctionRef::parse(function, query.get("Qualifier"))?;
            for filter in ["StartedAfter", "StartedBefore"] {
                if query.get(filter).is_some() {
                    let message = format!("This local service has no filter {filter}.");
                    return Err(Refusal::invalid(message));
                }
            }
            let wanted = ListQuery {
                name: query.get("DurableExecutionName").map(str::to_owned),
                statuses: query.all("Statuses").map(str::to_owned).collect(),
                newest_first: query.get("ReverseOrder") == Some("true"),
                marker: query.get("Marker").map(str::to_owned),
                max_items: parse_count(query)?,
            };
            engine
                .read(|state| state.list(&function, &wanted))
                .map(|value| ok(&value))
        }
        Route::State { arn } => {
            let token = query.get("CheckpointToken").unwrap_or_default();
            let max_items = parse_count(query)?.filter(|items| *items > 0);
            engine
                .read(|state| state.state_page(arn, token, query.get("Marker"), max_items))
                .map(|value| ok(&value))
        }
        Route::Stop { arn } => {
            let error = parse_error(body)?;
            let at = engine.change(|state, now| state.stop(arn, error, now))?;
            Ok(ok(&json!({"StopTimestamp": at.to_answer_json()})))
        }
    }
}

/// Where executions are kept elsewhere, refuses what is about them.
fn refuse_durable(engine: &Engine, arrived: &Arrived) -> Result<(), Refusal> {
    let Some(endpoint) = &engine.config().durable_endpoint else {
        return Ok(());
    };
    let operation = match &arrived.route {
        Route::Invoke { .. } if arrived.headers.contains_key(EXECUTION_NAME) => {
            "Invoke with an execution's name"
        }
        Route::Invoke { .. } => return Ok(()),
        other => other.operation(),
    };
    Err(Refusal::invalid(format!(
        "This endpoint only invokes functions and keeps no executions: {operation} belongs to {endpoint}, \
         to which AWS_ENDPOINT_URL_LAMBDA of its functions points."
    )))
}

/// With this header an Invoke names the execution that it starts.
const EXECUTION_NAME: &str = "x-amz-durable-execution-name";

/// How a client wants to hear of the end.
#[derive(Clone, Copy)]
enum InvocationType {
    DryRun,
    Event,
    RequestResponse,
}

async fn invoke(
    engine: &Arc<Engine>,
    arrived: &Arrived,
    function: &str,
) -> Result<Reaction, Refusal> {
    let header = |name: &str| {
        arrived
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let function = FunctionRef::parse(function, arrived.query.get("Qualifier"))?;
    let payload = parse_payload(&arrived.body)?;
    let invocation_type = match header("x-amz-invocation-type").as_deref() {
        None | Some("RequestResponse") => InvocationType::RequestResponse,
        Some("DryRun") => InvocationType::DryRun,
        Some("Event") => InvocationType::Event,
        Some(other) => {
            return Err(Refusal::invalid(format!(
                "Invalid invocation type: {other}"
            )));
        }
    };
    let client_context = header("x-amz-client-context")
        .and_then(|text| STANDARD.decode(text).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let headers = RunHeaders {
        client_context,
        tenant_id: header("x-amz-tenant-id"),
    };
    let version = function.version.clone();
    let mut reaction = match (
        engine.read(|state| state.function_kind(&function.name)),
        invocation_type,
    ) {
        (Some(_), InvocationType::DryRun) => Reaction {
            status: 204,
            ..Reaction::default()
        },
        (Some(FunctionKind::Plain), _) => {
            let waiting = engine.run_direct(
                function,
                payload.unwrap_or_else(|| "null".to_owned()),
                headers,
            );
            match invocation_type {
                InvocationType::RequestResponse => {
                    word_outcome(waiting.await.unwrap_or_else(|_| {
                        Outcome::Faulted(ErrorRecord::new(
                            "ServiceException",
                            "The service is ending.",
                        ))
                    }))
                }
                _ => accepted(),
            }
        }
        _ => {
            let request = StartRequest {
                function,
                payload,
                name: header(EXECUTION_NAME),
                headers,
            };
            let arn = engine.start_execution(request)?;
            let mut reaction = match invocation_type {
                InvocationType::RequestResponse => word_execution(engine.ended(&arn).await),
                _ => accepted(),
            };
            reaction.headers.push(("x-amz-durable-execution-arn", arn));
            reaction
        }
    };
    reaction.headers.push(("x-amz-executed-version", version));
    Ok(reaction)
}

fn accepted() -> Reaction {
    Reaction {
        status: 202,
        ..Reaction::default()
    }
}

fn word_execution(execution: ExecutionRecord) -> Reaction {
    match execution.status {
        ExecutionStatus::Succeeded => {
            payload(execution.result.unwrap_or_else(|| "null".to_owned()))
        }
        _ => function_error(&execution.error.unwrap_or_default()),
    }
}

fn word_outcome(outcome: Outcome) -> Reaction {
    match outcome {
        Outcome::Answered(text) => payload(text),
        Outcome::Faulted(error) => function_error(&error),
    }
}

fn payload(text: String) -> Reaction {
    Reaction {
        status: 200,
        headers: Vec::new(),
        body: text.into_bytes(),
    }
}

/// Lambda answers 200 for a function's own error too, and says so in a header.
fn function_error(error: &ErrorRecord) -> Reaction {
    let mut body = json!({
        "errorType": error.error_type.as_deref().unwrap_or("Error"),
        "errorMessage": error.error_message.as_deref().unwrap_or_default(),
    });
    if let (Some(body), Some(data)) = (body.as_object_mut(), &error.error_data) {
        body.insert("errorData".to_owned(), json!(data));
    }
    if let (Some(body), Some(frames)) = (body.as_object_mut(), &error.stack_trace) {
        body.insert("stackTrace".to_owned(), json!(frames));
    }
    Reaction {
        headers: vec![("x-amz-function-error", "Unhandled".to_owned())],
        ..payload(body.to_string())
    }
}

fn ok(value: &Value) -> Reaction {
    payload(value.to_string())
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|cause| Refusal::invalid(format!("Invalid request body: {cause}")))
}

fn parse_error(body: &[u8]) -> Result<Option<ErrorRecord>, Refusal> {
    if body.is_empty() {
        return Ok(None);
    }
    parse(body)
}

fn parse_payload(body: &[u8]) -> Result<Option<String>, Refusal> {
    if body.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(body).map_err(|_| not_json())?;
    check_json(text)?;
    Ok(Some(text.to_owned()))
}

/// Checks that a payload is JSON, as Lambda does before it invokes.
pub(crate) fn check_json(text: &str) -> Result<(), Refusal> {
    serde_json::from_str::<serde::de::IgnoredAny>(text)
        .map(|_| ())
        .map_err(|_| not_json())
}

fn not_json() -> Refusal {
    Refusal::new(
        400,
        "InvalidRequestContentException",
        "Could not parse request body into json",
    )
}

fn parse_count(query: &Query) -> Result<Option<usize>, Refusal> {
    let Some(text) = query.get("MaxItems") else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|_| Refusal::invalid("Invalid MaxItems."))
}
