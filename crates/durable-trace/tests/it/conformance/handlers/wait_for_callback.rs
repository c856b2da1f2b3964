//! Callbacks with their submitter.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use serde_json::{Value, json};

use super::{SECOND, attempts, step, text};
use crate::conformance::case::{Outcome, cases};

cases! {
    "7-1" => basic,
    "7-2" => |_, ctx| basic(json!("approval"), ctx),
    "7-3" => unnamed,
    "7-4" => basic,
    "7-5" => |event, ctx| with_timeout(event, ctx, 3 * SECOND),
    "7-6" => |event, ctx| caught(event, ctx, None, "recovered"),
    "7-7" => failing_submitter,
    "7-8" => in_a_child_context,
    "7-9" => one_after_the_other,
    "7-10" => after_a_wait_and_a_step,
    "7-11" => object,
    "7-12" => |event, ctx| with_heartbeat(event, ctx, 5 * SECOND),
    "7-13" => |event, ctx| with_heartbeat(event, ctx, 10 * SECOND),
    "7-14" => |event, ctx| caught(event, ctx, Some(3 * SECOND), "timed-out-handled"),
    "7-15" => no_payload,
}

async fn submit(_: aws_durable_execution_sdk::StepContext, _: String) -> Result<(), BoxError> {
    Ok(())
}

async fn answered(ctx: &DurableContext, name: String) -> Result<String, BoxError> {
    Ok(ctx.wait_for_callback(submit).name(name).await?)
}

async fn basic(event: Value, ctx: DurableContext) -> Outcome {
    Ok(json!(answered(&ctx, text(&event)).await?))
}

async fn unnamed(_: Value, ctx: DurableContext) -> Outcome {
    let answer: String = ctx.wait_for_callback(submit).await?;
    Ok(json!(answer))
}

async fn with_timeout(event: Value, ctx: DurableContext, limit: Duration) -> Outcome {
    let callback = ctx.wait_for_callback(submit).name(text(&event));
    let answer: String = callback.timeout(limit).await?;
    Ok(json!(answer))
}

async fn with_heartbeat(event: Value, ctx: DurableContext, interval: Duration) -> Outcome {
    let callback = ctx.wait_for_callback(submit).name(text(&event));
    let answer: String = callback.heartbeat(interval).await?;
    Ok(json!(answer))
}

async fn caught(
    event: Value,
    ctx: DurableContext,
    limit: Option<Duration>,
    instead: &'static str,
) -> Outcome {
    let answer = match limit {
        Some(limit) => with_timeout(event, ctx, limit).await,
        None => basic(event, ctx).await,
    };
    Ok(answer.unwrap_or_else(|_| json!(instead)))
}

async fn failing_submitter(event: Value, ctx: DurableContext) -> Outcome {
    let callback = ctx.wait_for_callback(|_, _| async { Err(BoxError::from("cannot submit")) });
    let answer: String = callback
        .name(text(&event))
        .submitter_retry_config(attempts(2))
        .await?;
    Ok(json!(answer))
}

async fn in_a_child_context(event: Value, ctx: DurableContext) -> Outcome {
    let name = text(&event);
    let child = ctx
        .run_in_child_context(|child: DurableContext| async move { answered(&child, name).await });
    Ok(json!(child.name("wrapper").await?))
}

async fn one_after_the_other(_: Value, ctx: DurableContext) -> Outcome {
    answered(&ctx, "first".to_owned()).await?;
    Ok(json!(answered(&ctx, "second".to_owned()).await?))
}

async fn after_a_wait_and_a_step(event: Value, ctx: DurableContext) -> Outcome {
    ctx.wait(SECOND).await?;
    step(&ctx, "fixed".to_owned()).await?;
    basic(event, ctx).await
}

async fn object(event: Value, ctx: DurableContext) -> Outcome {
    let answer: Value = ctx.wait_for_callback(submit).name(text(&event)).await?;
    Ok(answer["status"].clone())
}

async fn no_payload(event: Value, ctx: DurableContext) -> Outcome {
    let answer: Option<String> = ctx.wait_for_callback(submit).name(text(&event)).await?;
    Ok(json!(answer))
}
