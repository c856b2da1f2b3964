//! Waits.

use std::time::Duration;

use aws_durable_execution_sdk::DurableContext;
use serde_json::{Value, json};

use super::SECOND;
use crate::conformance::case::{Outcome, cases};

cases! {
    "2-1" => |event, ctx| wait(event, ctx, 2 * SECOND),
    "2-2" => named,
    "2-3" => twice,
    "2-4" => |event, ctx| wait(event, ctx, Duration::from_mins(1)),
    "2-5" => |event, ctx| wait(event, ctx, Duration::from_hours(1)),
}

async fn wait(_: Value, ctx: DurableContext, duration: Duration) -> Outcome {
    ctx.wait(duration).await?;
    Ok(Value::Null)
}

async fn named(_: Value, ctx: DurableContext) -> Outcome {
    ctx.wait(2 * SECOND).name("custom_wait_name").await?;
    Ok(Value::Null)
}

async fn twice(_: Value, ctx: DurableContext) -> Outcome {
    ctx.wait(2 * SECOND).name("wait-1").await?;
    ctx.wait(2 * SECOND).name("wait-2").await?;
    Ok(json!({"completedWaits": 2}))
}
