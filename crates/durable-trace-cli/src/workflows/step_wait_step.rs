//! The smallest workflow that suspends.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use serde_json::{Value, json};

pub(crate) async fn step_wait_step(_event: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let a: Value = ctx
        .step(|_| async { Ok(json!({ "a": 1 })) })
        .name("first")
        .await?;
    ctx.wait(Duration::from_secs(1)).name("pause").await?;
    let next = a.get("a").and_then(Value::as_i64).unwrap_or_default() + 1;
    let b: Value = ctx
        .step(move |_| async move { Ok(json!({ "b": next })) })
        .name("second")
        .await?;
    Ok(json!({ "a": a, "b": b }))
}
