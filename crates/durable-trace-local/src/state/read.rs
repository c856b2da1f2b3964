//! What the service tells without changing anything.

use serde_json::{Map, Value, json};

use super::checkpoint::parse_marker;
use super::{Execution, InvocationEntry, State};
use crate::history::without_data;
use crate::name::FunctionRef;
use crate::refusal::Refusal;
use crate::state::put;
use crate::time::UnixMillis;

/// How a client wants the history.
#[derive(Clone, Debug, Default)]
pub(crate) struct HistoryQuery {
    pub(crate) leave_data_out: bool,
    pub(crate) newest_first: bool,
    pub(crate) marker: Option<String>,
    pub(crate) max_items: Option<usize>,
}

/// Which executions of a function a client wants.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListQuery {
    pub(crate) name: Option<String>,
    /// Words of `ExecutionStatus`; empty means all.
    pub(crate) statuses: Vec<String>,
    pub(crate) started_after: Option<UnixMillis>,
    pub(crate) started_before: Option<UnixMillis>,
    /// `ReverseOrder`: this list, unlike a history, begins with the newest.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_ListDurableExecutionsByFunction.html>
    pub(crate) oldest_first: bool,
    pub(crate) marker: Option<String>,
    pub(crate) max_items: Option<usize>,
}

/// What a page of a list holds unless the client wants fewer.
const DEFAULT_MAX_ITEMS: usize = 1_000;

impl State {
    /// All executions by start.
    pub(crate) fn executions(&self) -> &[Execution] {
        &self.executions
    }

    /// All invocations by start.
    pub(crate) fn invocations(&self) -> &[InvocationEntry] {
        &self.invocations
    }

    /// The index of the invocation with this request id.
    pub(crate) fn invocation_by_request_id(&self, request_id: &str) -> Option<usize> {
        self.by_request_id.get(request_id).copied()
    }

    /// The index of an execution.
    pub(crate) fn find(&self, arn: &str) -> Result<usize, Refusal> {
        let unknown = || Refusal::not_found(format!("Durable execution not found: {arn}"));
        self.by_arn.get(arn).copied().ok_or_else(unknown)
    }

    pub(crate) fn execution(&self, index: usize) -> Result<&Execution, Refusal> {
        self.executions
            .get(index)
            .ok_or_else(|| Refusal::not_found("Durable execution not found."))
    }

    pub(super) fn execution_mut(&mut self, index: usize) -> Result<&mut Execution, Refusal> {
        let unknown = || Refusal::not_found("Durable execution not found.");
        self.executions.get_mut(index).ok_or_else(unknown)
    }

    /// `GetDurableExecution`.
    pub(crate) fn describe(&self, arn: &str, leave_data_out: bool) -> Result<Value, Refusal> {
        let execution = self.execution(self.find(arn)?)?;
        let mut out = self.summarize(execution);
        out.insert("Version".to_owned(), json!(execution.function.version));
        out.insert("ExecutionDataIncluded".to_owned(), json!(!leave_data_out));
        let config = json!({"ExecutionTimeout": self.settings.execution_timeout.as_secs()});
        out.insert("DurableConfig".to_owned(), config);
        if !leave_data_out {
            out.insert("InputPayload".to_owned(), json!(execution.input));
            put(
                &mut out,
                "Result",
                execution.ending.result.as_ref().map(|result| json!(result)),
            );
            put(
                &mut out,
                "Error",
                execution.ending.error.as_ref().map(|error| json!(error)),
            );
        }
        Ok(Value::Object(out))
    }

    /// `GetDurableExecutionHistory`.
    pub(crate) fn history(&self, arn: &str, query: &HistoryQuery) -> Result<Value, Refusal> {
        let execution = self.execution(self.find(arn)?)?;
        let mut events: Vec<Value> = if query.leave_data_out {
            execution.events().iter().map(without_data).collect()
        } else {
            execution.events().to_vec()
        };
        if query.newest_first {
            events.reverse();
        }
        paginate("Events", events, query.marker.as_deref(), query.max_items)
    }

    /// `ListDurableExecutionsByFunction`.
    pub(crate) fn list(&self, function: &FunctionRef, query: &ListQuery) -> Result<Value, Refusal> {
        if self.function_kind(&function.name).is_none() {
            return Err(self.unknown_function(function));
        }
        let is_asked_for = |execution: &&Execution| {
            execution.function.name == function.name
                && query
                    .name
                    .as_ref()
                    .is_none_or(|name| execution.name == *name)
                && query
                    .started_after
                    .is_none_or(|after| execution.started_at > after)
                && query
                    .started_before
                    .is_none_or(|before| execution.started_at < before)
                && (query.statuses.is_empty()
                    || query
                        .statuses
                        .iter()
                        .any(|status| execution.ending.status == *status.as_str()))
        };
        let chosen = self.executions.iter().filter(is_asked_for);
        let mut found: Vec<Value> = chosen
            .map(|execution| Value::Object(self.summarize(execution)))
            .collect();
        if !query.oldest_first {
            found.reverse();
        }
        paginate(
            "DurableExecutions",
            found,
            query.marker.as_deref(),
            query.max_items,
        )
    }

    /// The API's `Execution`.
    fn summarize(&self, execution: &Execution) -> Map<String, Value> {
        let function_arn = self.settings.place.function_arn(&execution.function.name);
        let mut out = Map::new();
        out.insert("DurableExecutionArn".to_owned(), json!(execution.arn));
        out.insert("DurableExecutionName".to_owned(), json!(execution.name));
        out.insert(
            "FunctionArn".to_owned(),
            json!(format!("{function_arn}:{}", execution.function.version)),
        );
        out.insert("Status".to_owned(), json!(execution.ending.status));
        out.insert(
            "StartTimestamp".to_owned(),
            execution.started_at.to_answer_json(),
        );
        put(
            &mut out,
            "EndTimestamp",
            execution.ended_at.map(UnixMillis::to_answer_json),
        );
        out
    }
}

fn paginate(
    key: &str,
    items: Vec<Value>,
    marker: Option<&str>,
    max_items: Option<usize>,
) -> Result<Value, Refusal> {
    let from = parse_marker(marker)?;
    // Zero stands for the default in the API model.
    let size = max_items
        .filter(|items| *items > 0)
        .unwrap_or(DEFAULT_MAX_ITEMS)
        .min(DEFAULT_MAX_ITEMS);
    let count = items.len();
    let page: Vec<Value> = items.into_iter().skip(from).take(size).collect();
    let next = from.saturating_add(size);
    let mut out = Map::new();
    out.insert(key.to_owned(), Value::Array(page));
    put(
        &mut out,
        "NextMarker",
        (next < count).then(|| json!(next.to_string())),
    );
    Ok(Value::Object(out))
}
