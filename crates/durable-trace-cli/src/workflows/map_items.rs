//! Five items at once, each of which sleeps once.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use serde_json::Value;

pub(crate) async fn map_items(_event: Value, ctx: DurableContext) -> Result<Vec<u32>, BoxError> {
    let results = ctx
        .map([1, 2, 3, 4, 5], per_item)
        .name("fanmap")
        .item_namer(|index| format!("map-item-{index}"))
        .await?;
    Ok(results)
}

async fn per_item(ctx: DurableContext, item: u32, index: usize) -> Result<u32, BoxError> {
    let doubled = ctx
        .step(move |_| async move { Ok(item * 2) })
        .name(format!("double-{index}"))
        .await?;
    ctx.wait(Duration::from_secs(1))
        .name(format!("pause-{index}"))
        .await?;
    Ok(doubled)
}
