//! Three branches at once that wait for one, two and three seconds.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, Branch, DurableContext};
use serde_json::Value;

pub(crate) async fn parallel_waits(
    _event: Value,
    ctx: DurableContext,
) -> Result<Vec<u32>, BoxError> {
    let branches = (0..3).map(|index| {
        Branch::new(
            format!("parallel-branch-{index}"),
            move |ctx: DurableContext| branch(ctx, index),
        )
    });
    let results = ctx.parallel(branches).name("fan").await?;
    Ok(results)
}

async fn branch(ctx: DurableContext, index: u32) -> Result<u32, BoxError> {
    let before = ctx
        .step(move |_| async move { Ok(index * 10) })
        .name(format!("b{index}-before"))
        .await?;
    ctx.wait(Duration::from_secs(u64::from(index) + 1))
        .name(format!("b{index}-wait"))
        .await?;
    let after = ctx
        .step(move |_| async move { Ok(before + 1) })
        .name(format!("b{index}-after"))
        .await?;
    Ok(after)
}
