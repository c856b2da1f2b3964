//! A workflow that ends in its first invocation.

use aws_durable_execution_sdk::{BoxError, DurableContext};
use serde_json::Value;

pub(crate) async fn no_suspend(_event: Value, ctx: DurableContext) -> Result<i32, BoxError> {
    let one: i32 = ctx.step(|_| async { Ok(1) }).name("one").await?;
    let two = ctx
        .step(move |_| async move { Ok(one + 1) })
        .name("two")
        .await?;
    Ok(two)
}
