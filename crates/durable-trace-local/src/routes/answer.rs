//! Asks the core what a request asks for, and words what it says.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ask::{Ask, EXECUTION_NAME, InvocationType, Invoke};
use super::path::Route;
use super::{Arrived, Reaction};
use crate::engine::Engine;
use crate::records::ExecutionRecord;
use crate::refusal::{ErrorRecord, Refusal};
use crate::state::{FunctionKind, Outcome};
use crate::vocabulary::ExecutionStatus;

/// Answers one request.
pub(super) async fn answer(engine: &Arc<Engine>, arrived: &Arrived) -> Result<Reaction, Refusal> {
    refuse_durable(engine, arrived)?;
    match Ask::parse(arrived)? {
        Ask::Core(ask) => engine
            .change(|state, now| ask.put(state, now))
            .map(|value| ok(&value)),
        Ask::Invoke(request) => invoke(engine, request).await,
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

async fn invoke(engine: &Arc<Engine>, request: Invoke) -> Result<Reaction, Refusal> {
    let Invoke { kind, start } = request;
    let version = start.function.version.clone();
    let mut reaction = match (
        engine.read(|state| state.function_kind(&start.function.name)),
        kind,
    ) {
        (Some(_), InvocationType::DryRun) => Reaction {
            status: 204,
            ..Reaction::default()
        },
        (Some(FunctionKind::Plain), _) => {
            let waiting = engine.run_direct(
                start.function,
                start.payload.unwrap_or_else(|| "null".to_owned()),
                start.headers,
            );
            match kind {
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
            let arn = engine.start_execution(start)?;
            let mut reaction = match kind {
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
