//! A step that fails for good once the execution was resumed.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext, RetryDecision, TypedError};
use serde_json::Value;

pub(crate) async fn step_fail_after_wait(
    _event: Value,
    ctx: DurableContext,
) -> Result<(), BoxError> {
    ctx.wait(Duration::from_secs(1)).name("pause").await?;
    ctx.step(|_| async { explode() })
        .name("bad")
        .retry_strategy(|_, _| RetryDecision::Stop)
        .await?;
    Ok(())
}

fn explode() -> Result<(), BoxError> {
    Err(TypedError::with_type("FatalError", "step exploded").into())
}
