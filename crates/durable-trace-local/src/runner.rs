//! Runs a function once and tells how it ended.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::task::JoinSet;

use crate::function::{Body, Function, Handler, Invocation};
use crate::process::{Job, ProcessPool};
use crate::refusal::ErrorRecord;
use crate::state::{Outcome, Run};
use crate::time::UnixMillis;

/// A function with the processes that serve it.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) function: Function,
    pool: ProcessPool,
}

/// What the service tells every function that it runs.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) durable: Durable,
    pub(crate) default_timeout: Duration,
}

/// Where functions checkpoint.
#[derive(Clone, Debug)]
pub(crate) enum Durable {
    /// At another service, which wants the region and the credentials that this process was given.
    Elsewhere(String),
    /// At this service.
    Here { endpoint: String, region: String },
}

impl Registered {
    pub(crate) fn new(function: Function, max_processes: usize) -> Self {
        Self {
            function,
            pool: ProcessPool::new(max_processes),
        }
    }

    /// Runs the function once. Dropping the future ends the run.
    pub(crate) async fn run(
        self: Arc<Self>,
        run: Run,
        function_arn: String,
        surroundings: &Surroundings,
    ) -> Outcome {
        let timeout = self
            .function
            .timeout
            .unwrap_or(surroundings.default_timeout);
        match &self.function.body {
            Body::InProcess(handler) => run_in_process(handler, run, function_arn, timeout).await,
            Body::Process(spec) => {
                let name = run.function.name.clone();
                let job = Job::new(run, function_arn, timeout);
                self.pool.run(spec, &name, job, surroundings).await
            }
        }
    }
}

async fn run_in_process(
    handler: &Handler,
    run: Run,
    function_arn: String,
    timeout: Duration,
) -> Outcome {
    let invocation = Invocation {
        payload: to_raw_json(run.payload),
        request_id: run.request_id.clone(),
        function_arn,
        deadline: UnixMillis::read_machine_clock().after(timeout),
        client_context: run.client_context,
        tenant_id: run.tenant_id,
    };
    // A set of one: dropping it ends the task.
    let mut task = JoinSet::new();
    task.spawn(handler(invocation));
    match tokio::time::timeout(timeout, task.join_next()).await {
        Err(_) => Outcome::Faulted(timed_out(&run.request_id, timeout)),
        Ok(Some(Ok(Ok(value)))) => Outcome::Answered(value.to_string()),
        Ok(Some(Ok(Err(error)))) => {
            Outcome::Faulted(ErrorRecord::new(error.error_type, error.message))
        }
        Ok(Some(Err(_)) | None) => Outcome::Faulted(exited(&run.request_id, "panic")),
    }
}

/// Takes the payload as it is if it is JSON, else as a JSON string.
fn to_raw_json(payload: String) -> Box<RawValue> {
    let as_string = serde_json::to_string(&payload);
    RawValue::from_string(payload)
        .or_else(|_| RawValue::from_string(as_string.unwrap_or_default()))
        .unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// The error of an invocation that took too long, in Lambda's words.
pub(crate) fn timed_out(request_id: &str, timeout: Duration) -> ErrorRecord {
    let seconds = timeout.as_secs_f64();
    let message =
        format!("RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds");
    ErrorRecord::new("Sandbox.Timedout", message)
}

/// The error of an invocation whose process ended, in Lambda's words.
pub(crate) fn exited(request_id: &str, how: &str) -> ErrorRecord {
    let message = format!("RequestId: {request_id} Error: Runtime exited with error: {how}");
    ErrorRecord::new("Runtime.ExitError", message)
}
