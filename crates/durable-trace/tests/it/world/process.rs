//! An invocation as the service sees it: an event in, an answer or a crash out.

use std::sync::Arc;

use durable_trace_local::{Function, FunctionError};
use lambda_runtime::Context;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::Notify;

use super::FUNCTION;

tokio::task_local! {
    /// Rung by [`crash`].
    static CRASHED: Arc<Notify>;
}

/// Ends the process as far as the invocation can tell: nothing after this runs, and no answer is given.
pub(crate) async fn crash() {
    CRASHED.with(|crashed| crashed.notify_one());
    std::future::pending::<()>().await;
}

/// `serve` as a function of the local service.
pub(super) fn function<S, Fut, R>(serve: S) -> Function
where
    S: Fn(Box<RawValue>, Context) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<R, lambda_runtime::Error>> + Send,
    R: Serialize,
{
    Function::in_process(move |invocation| {
        let serve = serve.clone();
        async move {
            let mut context = Context::default();
            context.request_id = invocation.request_id;
            context.deadline = invocation.deadline.as_millis();
            context.invoked_function_arn = invocation.function_arn;
            context.env_config = Arc::new(lambda_runtime::Config {
                function_name: FUNCTION.to_owned(),
                ..Default::default()
            });
            let crashed = Arc::new(Notify::new());
            let answer = CRASHED.scope(Arc::clone(&crashed), serve(invocation.payload, context));
            tokio::select! {
                answer = answer => match answer {
                    Ok(response) => Ok(serde_json::to_value(response).expect("a response is JSON")),
                    Err(error) => Err(FunctionError::new("Error", error.to_string())),
                },
                () = crashed.notified() => Err(FunctionError::new(
                    "Runtime.ExitError",
                    "the process ended before it answered",
                )),
            }
        }
    })
}
