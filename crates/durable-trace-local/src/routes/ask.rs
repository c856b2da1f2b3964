//! What a request asks of the core: read before the core is locked, then put to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Arrived;
use super::path::{Query, Route};
use crate::name::FunctionRef;
use crate::refusal::{ErrorRecord, Refusal};
use crate::state::{
    CallbackOutcome, CheckpointRequest, HistoryQuery, ListQuery, RunHeaders, StartRequest, State,
};
use crate::time::UnixMillis;

/// What a request asks for.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Core(CoreAsk),
    Invoke(Invoke),
}

/// What the core answers at once.
#[derive(Clone, Debug)]
pub(crate) enum CoreAsk {
    Callback {
        callback_id: String,
        outcome: CallbackOutcome,
    },
    Checkpoint {
        arn: String,
        request: CheckpointRequest,
    },
    Describe {
        arn: String,
        leave_data_out: bool,
    },
    History {
        arn: String,
        wanted: HistoryQuery,
    },
    List {
        function: FunctionRef,
        wanted: ListQuery,
    },
    State {
        arn: String,
        token: String,
        marker: Option<String>,
        max_items: Option<usize>,
    },
    Stop {
        arn: String,
        error: Option<ErrorRecord>,
    },
}

/// An Invoke, which runs a function.
#[derive(Clone, Debug)]
pub(crate) struct Invoke {
    pub(crate) kind: InvocationType,
    pub(crate) start: StartRequest,
}

/// How a client wants to hear of the end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InvocationType {
    DryRun,
    Event,
    RequestResponse,
}

/// With this header an Invoke names the execution that it starts.
pub(super) const EXECUTION_NAME: &str = "x-amz-durable-execution-name";

impl Ask {
    /// Reads a request.
    pub(crate) fn parse(arrived: &Arrived) -> Result<Self, Refusal> {
        let Arrived { query, body, .. } = arrived;
        let leave_data_out = || query.get("IncludeExecutionData") == Some("false");
        let reverse_order = || query.get("ReverseOrder") == Some("true");
        let marker = || query.get("Marker").map(str::to_owned);
        Ok(Self::Core(match arrived.route.clone() {
            Route::CallbackFailure { callback_id } => CoreAsk::Callback {
                callback_id,
                outcome: CallbackOutcome::Failure(parse_error(body)?.unwrap_or_default()),
            },
            Route::CallbackHeartbeat { callback_id } => CoreAsk::Callback {
                callback_id,
                outcome: CallbackOutcome::Heartbeat,
            },
            Route::CallbackSuccess { callback_id } => {
                let text = String::from_utf8(body.to_vec());
                let text = text.map_err(|_| Refusal::invalid("The result is not UTF-8."))?;
                CoreAsk::Callback {
                    callback_id,
                    outcome: CallbackOutcome::Success((!text.is_empty()).then_some(text)),
                }
            }
            Route::Checkpoint { arn } => CoreAsk::Checkpoint {
                arn,
                request: parse(body)?,
            },
            Route::Describe { arn } => CoreAsk::Describe {
                arn,
                leave_data_out: leave_data_out(),
            },
            Route::History { arn } => CoreAsk::History {
                arn,
                wanted: HistoryQuery {
                    leave_data_out: leave_data_out(),
                    newest_first: reverse_order(),
                    marker: marker(),
                    max_items: parse_count(query)?,
                },
            },
            Route::Invoke { function } => {
                return Invoke::parse(arrived, &function).map(Self::Invoke);
            }
            Route::List { function } => {
                let function = FunctionRef::parse(&function, query.get("Qualifier"))?;
                CoreAsk::List {
                    function,
                    wanted: ListQuery {
                        name: query.get("DurableExecutionName").map(str::to_owned),
                        statuses: query.all("Statuses").map(str::to_owned).collect(),
                        started_after: parse_moment(query, "StartedAfter")?,
                        started_before: parse_moment(query, "StartedBefore")?,
                        oldest_first: reverse_order(),
                        marker: marker(),
                        max_items: parse_count(query)?,
                    },
                }
            }
            Route::State { arn } => CoreAsk::State {
                arn,
                token: query.get("CheckpointToken").unwrap_or_default().to_owned(),
                marker: marker(),
                max_items: parse_count(query)?.filter(|items| *items > 0),
            },
            Route::Stop { arn } => CoreAsk::Stop {
                arn,
                error: parse_error(body)?,
            },
        }))
    }
}

impl CoreAsk {
    /// Puts it to the core; gives the body of the answer.
    pub(crate) fn put(self, state: &mut State, now: UnixMillis) -> Result<Value, Refusal> {
        match self {
            Self::Callback {
                callback_id,
                outcome,
            } => state
                .answer_callback(&callback_id, outcome, now)
                .map(|()| json!({})),
            Self::Checkpoint { arn, request } => state.checkpoint(&arn, request, now),
            Self::Describe {
                arn,
                leave_data_out,
            } => state.describe(&arn, leave_data_out),
            Self::History { arn, wanted } => state.history(&arn, &wanted),
            Self::List { function, wanted } => state.list(&function, &wanted),
            Self::State {
                arn,
                token,
                marker,
                max_items,
            } => state.state_page(&arn, &token, marker.as_deref(), max_items),
            Self::Stop { arn, error } => {
                let at = state.stop(&arn, error, now)?;
                Ok(json!({"StopTimestamp": at.to_answer_json()}))
            }
        }
    }
}

impl Invoke {
    fn parse(arrived: &Arrived, function: &str) -> Result<Self, Refusal> {
        let header = |name: &str| {
            let value = arrived.headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let function = FunctionRef::parse(function, arrived.query.get("Qualifier"))?;
        let payload = parse_payload(&arrived.body)?;
        let kind = match header("x-amz-invocation-type").as_deref() {
            None | Some("RequestResponse") => InvocationType::RequestResponse,
            Some("DryRun") => InvocationType::DryRun,
            Some("Event") => InvocationType::Event,
            Some(other) => {
                let message = format!("Invalid invocation type: {other}");
                return Err(Refusal::invalid(message));
            }
        };
        let client_context = header("x-amz-client-context")
            .and_then(|text| STANDARD.decode(text).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(Self {
            kind,
            start: StartRequest {
                function,
                payload,
                name: header(EXECUTION_NAME),
                headers: RunHeaders {
                    client_context,
                    tenant_id: header("x-amz-tenant-id"),
                },
            },
        })
    }
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

/// Reads a moment: RFC 3339, as AWS's clients write it in a query.
fn parse_moment(query: &Query, key: &str) -> Result<Option<UnixMillis>, Refusal> {
    let read = |text: &str| {
        UnixMillis::from_rfc3339(text).ok_or_else(|| Refusal::invalid(format!("Invalid {key}.")))
    };
    query.get(key).map(read).transpose()
}

fn parse_count(query: &Query) -> Result<Option<usize>, Refusal> {
    let Some(text) = query.get("MaxItems") else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|_| Refusal::invalid("Invalid MaxItems."))
}
