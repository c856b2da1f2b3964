//! A handler that fails once it was resumed.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext, TypedError};
use serde_json::Value;

pub(crate) async fn suspend_then_fail(_event: Value, ctx: DurableContext) -> Result<(), BoxError> {
    ctx.step(|_| async { Ok(1) }).name("ok-step").await?;
    ctx.wait(Duration::from_secs(1)).name("pause").await?;
    Err(TypedError::with_type("FatalError", "terminal failure after resume").into())
}
