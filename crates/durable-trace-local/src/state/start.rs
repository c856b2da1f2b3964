//! The beginning and the end of executions.

use serde_json::{Map, Value, json};

use super::execution::{Ending, Execution};
use super::log::{Details, Log, Operation};
use super::{Effect, FunctionKind, RunHeaders, State};
use crate::history::{History, Subject, error_details, event_payload, result_details};
use crate::name::{FunctionRef, check_execution_name};
use crate::refusal::{ErrorRecord, Refusal};
use crate::time::UnixMillis;
use crate::vocabulary::{ExecutionStatus, OperationStatus};

/// An Invoke of a durable function.
#[derive(Clone, Debug)]
pub(crate) struct StartRequest {
    pub(crate) function: FunctionRef,
    /// JSON; absent counts as `null`.
    pub(crate) payload: Option<String>,
    /// The execution's name; a repeated one with the same payload is the same execution.
    pub(crate) name: Option<String>,
    pub(crate) headers: RunHeaders,
}

impl State {
    /// Starts an execution and its first invocation, or finds the one of the same name; gives its index.
    pub(crate) fn start(
        &mut self,
        request: StartRequest,
        now: UnixMillis,
    ) -> Result<usize, Refusal> {
        if let Some(name) = &request.name {
            check_execution_name(name)?;
        }
        match self.function_kind(&request.function.name) {
            Some(FunctionKind::Durable) => {}
            Some(FunctionKind::Plain) => {
                return Err(Refusal::invalid(
                    "You cannot start a durable execution of a function that is not durable.",
                ));
            }
            None => return Err(self.unknown_function(&request.function)),
        }
        if let Some(known) = self.find_by_name(&request)? {
            return Ok(known);
        }
        let execution = self.create_execution(request, None, now);
        self.begin_invocation(execution, now);
        Ok(execution)
    }

    pub(super) fn unknown_function(&self, function: &FunctionRef) -> Refusal {
        let arn = self.settings.place.function_arn(&function.name);
        Refusal::not_found(format!("Function not found: {arn}"))
    }

    fn find_by_name(&self, request: &StartRequest) -> Result<Option<usize>, Refusal> {
        let Some(name) = &request.name else {
            return Ok(None);
        };
        let same = |execution: &Execution| {
            execution.name == *name && execution.function.name == request.function.name
        };
        let Some(known) = self.executions.iter().position(same) else {
            return Ok(None);
        };
        let input = request.payload.as_deref().unwrap_or("null");
        if self
            .executions
            .get(known)
            .is_some_and(|execution| is_same_json(&execution.input, input))
        {
            return Ok(Some(known));
        }
        Err(Refusal::new(
            409,
            "DurableExecutionAlreadyStartedException",
            format!("A durable execution named {name} was started with another payload."),
        ))
    }

    /// Makes an execution without invoking its function yet.
    pub(super) fn create_execution(
        &mut self,
        request: StartRequest,
        caller: Option<(usize, String)>,
        now: UnixMillis,
    ) -> usize {
        let id = (self.new_id)();
        let name = request.name.unwrap_or_else(|| (self.new_id)());
        let input = request.payload.unwrap_or_else(|| "null".to_owned());
        let function_arn = self.settings.place.function_arn(&request.function.name);
        let version = &request.function.version;
        let arn = format!("{function_arn}:{version}/durable-execution/{name}/{id}");

        let mut history = History::default();
        let details = json!({
            "Input": event_payload(Some(&input)),
            "ExecutionTimeout": self.settings.execution_timeout.as_secs(),
        });
        history.add(
            "ExecutionStarted",
            Some(Subject::execution(&id, &name)),
            details,
            now,
        );
        let mut log = Log::default();
        log.add(Operation {
            id: id.clone(),
            parent_id: None,
            name: Some(name.clone()),
            sub_type: None,
            status: OperationStatus::Started,
            started_at: now,
            ended_at: None,
            result: None,
            error: None,
            details: Details::Execution {
                input: input.clone(),
            },
            version: 0,
        });
        // The execution itself never changes in the log; events bring it anyway.
        log.answer();

        let index = self.executions.len();
        self.by_arn.insert(arn.clone(), index);
        self.deadlines
            .set(now.after(self.settings.execution_timeout), index);
        self.running += 1;
        self.executions.push(Execution {
            arn,
            id,
            name,
            function: request.function,
            input,
            ending: Ending::none(),
            started_at: now,
            ended_at: None,
            log,
            history,
            client_context: request.headers.client_context,
            tenant_id: request.headers.tenant_id,
            tokens: 0,
            live: None,
            is_scheduled: false,
            failures: 0,
            refusals: 0,
            caller,
            announced: None,
            last_answer: None,
        });
        index
    }

    /// Ends an execution, and with it the chained invoke that started it.
    pub(super) fn end_execution(&mut self, index: usize, ending: &Ending, now: UnixMillis) {
        let Some(execution) = self
            .executions
            .get_mut(index)
            .filter(|execution| execution.is_running())
        else {
            return;
        };
        let (event_type, details): (_, Map<String, Value>) = match ending.status {
            ExecutionStatus::Running => return,
            ExecutionStatus::Succeeded => (
                "ExecutionSucceeded",
                result_details(ending.result.as_deref()),
            ),
            ExecutionStatus::Failed => ("ExecutionFailed", error_details(ending.error.as_ref())),
            ExecutionStatus::Stopped => ("ExecutionStopped", error_details(ending.error.as_ref())),
            ExecutionStatus::TimedOut => {
                ("ExecutionTimedOut", error_details(ending.error.as_ref()))
            }
        };
        let subject = Subject::execution(&execution.id, &execution.name);
        execution
            .history
            .add(event_type, Some(subject), Value::Object(details), now);
        execution.live = None;
        execution.ended_at = Some(now);
        execution.ending = ending.clone();
        self.running = self.running.saturating_sub(1);
        self.effects
            .push(Effect::AnnounceEnd(execution.arn.clone()));
        if let Some((caller, operation_id)) = execution.caller.clone() {
            self.end_target(caller, &operation_id, ending, now);
        }
    }

    /// Stops an execution from outside; gives when it ended, which may be long ago.
    pub(crate) fn stop(
        &mut self,
        arn: &str,
        error: Option<ErrorRecord>,
        now: UnixMillis,
    ) -> Result<UnixMillis, Refusal> {
        let index = self.find(arn)?;
        self.end_execution(index, &Ending::stopped(error), now);
        let ended_at = self
            .executions
            .get(index)
            .and_then(|execution| execution.ended_at);
        Ok(ended_at.unwrap_or(now))
    }
}

/// Whether two payloads are the same JSON, whatever their spaces and order of keys.
fn is_same_json(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    match (
        serde_json::from_str::<Value>(one),
        serde_json::from_str::<Value>(other),
    ) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
