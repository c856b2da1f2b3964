//! An invocation as the service sees it: an event in, an answer or a crash out.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use durable_trace_local::{Function, FunctionError, Invocation};
use lambda_runtime::Context;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::Notify;

use super::FUNCTION;

tokio::task_local! {
    /// Rung by [`crash`].
    static CRASHED: Arc<Notify>;
}

/// The same, by the ARN of the execution, for [`kill`].
static RUNNING: Mutex<BTreeMap<String, Arc<Notify>>> = Mutex::new(BTreeMap::new());

/// Ends the process that serves an execution, from outside.
pub(crate) fn kill(arn: &str) {
    if let Some(running) = RUNNING.lock().unwrap().get(arn) {
        running.notify_one();
    }
}

/// The execution that an event is about; none if it is no durable one.
fn arn(event: &RawValue) -> Option<String> {
    let event: Value = serde_json::from_str(event.get()).ok()?;
    Some(event.get("DurableExecutionArn")?.as_str()?.to_owned())
}

/// Ends the process as far as the invocation can tell: nothing after this runs, and no answer is given.
pub(crate) async fn crash() {
    CRASHED.with(|crashed| crashed.notify_one());
    std::future::pending::<()>().await;
}

/// A function's handler as the service calls it.
pub(crate) type Handler = Arc<
    dyn Fn(Invocation) -> Pin<Box<dyn Future<Output = Result<Value, FunctionError>> + Send>>
        + Send
        + Sync,
>;

/// A handler as a function of the local service.
pub(super) fn function(handler: Handler) -> Function {
    Function::in_process(move |invocation| handler(invocation))
}

/// `serve` as a handler.
pub(super) fn handler<S, Fut, R>(serve: S) -> Handler
where
    S: Fn(Box<RawValue>, Context) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<R, lambda_runtime::Error>> + Send,
    R: Serialize,
{
    Arc::new(move |invocation| {
        let serve = serve.clone();
        Box::pin(async move {
            let mut context = Context::default();
            context.request_id = invocation.request_id;
            context.deadline = invocation.deadline.as_millis();
            context.invoked_function_arn = invocation.function_arn;
            context.env_config = Arc::new(lambda_runtime::Config {
                function_name: FUNCTION.to_owned(),
                ..Default::default()
            });
            let crashed = Arc::new(Notify::new());
            if let Some(arn) = arn(&invocation.payload) {
                RUNNING.lock().unwrap().insert(arn, Arc::clone(&crashed));
            }
            let answer = CRASHED.scope(Arc::clone(&crashed), serve(invocation.payload, context));
            tokio::select! {
                // What is dead does nothing more, whatever it was about to do.
                biased;
                () = crashed.notified() => Err(FunctionError::new(
                    "Runtime.ExitError",
                    "the process ended before it answered",
                )),
                answer = answer => match answer {
                    Ok(response) => Ok(serde_json::to_value(response).expect("a response is JSON")),
                    Err(error) => Err(FunctionError::new("Error", error.to_string())),
                },
            }
        })
    })
}
