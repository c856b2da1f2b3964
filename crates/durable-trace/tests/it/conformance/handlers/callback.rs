//! Callbacks.

use std::time::Duration;

use aws_durable_execution_sdk::serdes::SerdesContext;
use aws_durable_execution_sdk::{BoxError, DurableContext, DurableFuture, OperationError, Serdes};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{SECOND, step, text};
use crate::conformance::case::{Outcome, cases};

cases! {
    "4-1" => |event, ctx| awaited(event, ctx, Limits::default()),
    "4-2" => |_, ctx| awaited(json!("approval"), ctx, Limits::default()),
    "4-3" => |event, ctx| awaited(event, ctx, timeout(5)),
    "4-4" => |event, ctx| awaited(event, ctx, heartbeat(5)),
    "4-5" => |event, ctx| awaited(event, ctx, heartbeat(10)),
    "4-6" => |event, ctx| awaited(event, ctx, Limits::default()),
    "4-7" => |event, ctx| after_a_step(event, ctx, Limits::default()),
    "4-8" => |event, ctx| after_a_step(event, ctx, timeout(5)),
    "4-9" => |event, ctx| after_a_wait(event, ctx, Limits::default(), 5 * SECOND),
    "4-10" => |event, ctx| after_a_wait(event, ctx, Limits::default(), 5 * SECOND),
    "4-11" => |event, ctx| after_a_wait(event, ctx, timeout(3), 6 * SECOND),
    "4-12" => before_a_wait,
    "4-13" => |event, ctx| caught_before_a_wait(event, ctx, Limits::default()),
    "4-14" => |event, ctx| caught_before_a_wait(event, ctx, timeout(3)),
    "4-15" => typed_payload,
    "4-16" => number,
    "4-17" => one_after_the_other,
    "4-18" => |event, ctx| side_by_side(event, ctx, true),
    "4-19" => |event, ctx| side_by_side(event, ctx, false),
}

#[derive(Clone, Copy, Default)]
struct Limits {
    timeout: Option<Duration>,
    heartbeat: Option<Duration>,
}

fn timeout(seconds: u64) -> Limits {
    Limits {
        timeout: Some(Duration::from_secs(seconds)),
        ..Limits::default()
    }
}

fn heartbeat(seconds: u64) -> Limits {
    Limits {
        heartbeat: Some(Duration::from_secs(seconds)),
        ..Limits::default()
    }
}

/// Creates a callback; its answer can be awaited when it is wanted.
async fn create(
    ctx: &DurableContext,
    name: String,
    limits: Limits,
) -> Result<DurableFuture<String>, OperationError> {
    let mut callback = ctx.create_callback().name(name);
    if let Some(timeout) = limits.timeout {
        callback = callback.timeout(timeout);
    }
    if let Some(interval) = limits.heartbeat {
        callback = callback.heartbeat(interval);
    }
    Ok(callback.await?.result())
}

async fn awaited(event: Value, ctx: DurableContext, limits: Limits) -> Outcome {
    Ok(json!(create(&ctx, text(&event), limits).await?.await?))
}

async fn after_a_step(event: Value, ctx: DurableContext, limits: Limits) -> Outcome {
    let answer = create(&ctx, text(&event), limits).await?;
    step(&ctx, ()).await?;
    Ok(json!(answer.await?))
}

async fn after_a_wait(
    event: Value,
    ctx: DurableContext,
    limits: Limits,
    pause: Duration,
) -> Outcome {
    let answer = create(&ctx, text(&event), limits).await?;
    ctx.wait(pause).await?;
    Ok(json!(answer.await?))
}

async fn before_a_wait(event: Value, ctx: DurableContext) -> Outcome {
    let answer = create(&ctx, text(&event), Limits::default()).await?;
    let answer = answer.await?;
    ctx.wait(2 * SECOND).await?;
    Ok(json!(answer))
}

async fn caught_before_a_wait(event: Value, ctx: DurableContext, limits: Limits) -> Outcome {
    let answer = create(&ctx, text(&event), limits).await?;
    let error = answer.await.err().map(|error| format!("{error:#}"));
    ctx.wait(2 * SECOND).await?;
    Ok(json!(error))
}

/// A note whose timestamp is a number here and a text outside.
#[derive(Serialize, Deserialize)]
struct Note {
    id: String,
    message: String,
    timestamp: u64,
}

struct NoteSerdes;

impl Serdes<Note> for NoteSerdes {
    async fn serialize(&self, value: Note, _: SerdesContext) -> Result<String, BoxError> {
        Ok(serde_json::to_string(&value)?)
    }

    async fn deserialize(&self, wire: String, _: SerdesContext) -> Result<Note, BoxError> {
        let mut value: Value = serde_json::from_str(&wire)?;
        let timestamp = text(&value["timestamp"]);
        let timestamp = aws_smithy_types::DateTime::from_str(
            &timestamp,
            aws_smithy_types::date_time::Format::DateTime,
        )?;
        value["timestamp"] = json!(timestamp.secs());
        Ok(serde_json::from_value(value)?)
    }
}

async fn typed_payload(event: Value, ctx: DurableContext) -> Outcome {
    let callback = ctx
        .create_callback::<Note>()
        .name(text(&event))
        .serdes(NoteSerdes);
    Ok(json!({"received": callback.await?.result().await?}))
}

async fn number(event: Value, ctx: DurableContext) -> Outcome {
    let callback = ctx.create_callback::<u32>().name(text(&event)).await?;
    let count = callback.result().await?;
    Ok(json!({"count": count, "doubled": count * 2}))
}

async fn one_after_the_other(event: Value, ctx: DurableContext) -> Outcome {
    let first = awaited(event[0].clone(), ctx.clone(), Limits::default()).await?;
    let second = awaited(event[1].clone(), ctx, Limits::default()).await?;
    Ok(json!([first, second]))
}

async fn side_by_side(event: Value, ctx: DurableContext, in_order: bool) -> Outcome {
    let first = create(&ctx, text(&event[0]), Limits::default()).await?;
    let second = create(&ctx, text(&event[1]), Limits::default()).await?;
    let (next, last) = if in_order {
        (first, second)
    } else {
        (second, first)
    };
    let next = next.await?;
    Ok(json!([next, last.await?]))
}
