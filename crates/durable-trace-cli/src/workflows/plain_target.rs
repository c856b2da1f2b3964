//! A function that is not durable and answers with what it is given, when it is told to.

use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

/// Serves until the process ends. `after_ms` in an event is how long its answer takes.
pub(crate) async fn serve() -> Result<(), Error> {
    lambda_runtime::run(service_fn(echo)).await
}

async fn echo(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let after = event.payload.get("after_ms").and_then(Value::as_u64);
    if let Some(after) = after {
        tokio::time::sleep(Duration::from_millis(after)).await;
    }
    Ok(event.payload)
}
