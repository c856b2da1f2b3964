//! A child context that sleeps: its second part runs in another invocation than its first.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use serde_json::Value;

pub(crate) async fn child_wait(_event: Value, ctx: DurableContext) -> Result<u32, BoxError> {
    let kid = ctx.run_in_child_context(child).name("kid").await?;
    let doubled = ctx
        .step(move |_| async move { Ok(kid * 2) })
        .name("outer-step")
        .await?;
    Ok(doubled)
}

async fn child(ctx: DurableContext) -> Result<u32, BoxError> {
    let before: u32 = ctx.step(|_| async { Ok(7) }).name("inner-step").await?;
    ctx.wait(Duration::from_secs(1)).name("inner-wait").await?;
    let after = ctx
        .step(move |_| async move { Ok(before + 1) })
        .name("inner-step-2")
        .await?;
    Ok(after)
}
