//! Conditions that are polled.

use std::time::Duration;

use aws_durable_execution_sdk::builders::JitterStrategy;
use aws_durable_execution_sdk::builders::wait_for_condition::{WaitDecision, WaitStrategy};
use aws_durable_execution_sdk::{BoxError, DurableContext, OperationError};
use serde_json::{Value, json};

use super::serdes::Marked;
use super::{SECOND, step};
use crate::conformance::case::{Outcome, cases};

cases! {
    "6-1" => |event, ctx| counting(event, ctx, 0),
    "6-2" => already_met,
    "6-3" => named,
    "6-4" => |event, ctx| counting(event, ctx, 5),
    "6-5" => fixed_delay,
    "6-6" => never_met,
    "6-7" => failing,
    "6-8" => caught,
    "6-9" => structured_state,
    "6-10" => nothing,
    "6-11" => own_serdes,
    "6-12" => before_a_step,
    "6-13" => one_after_the_other,
}

fn until<T>(met: impl Fn(&T) -> bool + Send + Sync + 'static) -> impl Fn(T, u32) -> WaitDecision {
    move |state, _| {
        if met(&state) {
            WaitDecision::complete()
        } else {
            WaitDecision::continue_with(SECOND)
        }
    }
}

/// Counts from `first` until `goal`.
async fn count(ctx: &DurableContext, first: u64, goal: u64) -> Result<u64, OperationError> {
    ctx.wait_for_condition(|_, count| async move { Ok(count + 1) }, first)
        .wait_strategy_fn(until(move |count| *count >= goal))
        .await
}

fn goal(event: &Value) -> u64 {
    event.as_u64().unwrap_or_default()
}

async fn counting(event: Value, ctx: DurableContext, first: u64) -> Outcome {
    Ok(json!(count(&ctx, first, goal(&event)).await?))
}

async fn already_met(event: Value, ctx: DurableContext) -> Outcome {
    let goal = goal(&event);
    let poll = ctx.wait_for_condition(|_, state| async move { Ok(state) }, 5_u64);
    Ok(json!(
        poll.wait_strategy_fn(until(move |state| *state >= goal))
            .await?
    ))
}

async fn named(event: Value, ctx: DurableContext) -> Outcome {
    let goal = goal(&event);
    let poll = ctx.wait_for_condition(|_, count| async move { Ok(count + 1) }, 0_u64);
    let poll = poll.wait_strategy_fn(until(move |count| *count >= goal));
    Ok(json!(poll.name("poll-status").await?))
}

fn every(delay: Duration, checks: u32, goal: u64) -> WaitStrategy<u64> {
    WaitStrategy::builder(move |count| *count >= goal)
        .initial_delay(delay)
        .backoff_rate(1.0)
        .jitter(JitterStrategy::None)
        .max_attempts(checks)
        .build()
}

async fn fixed_delay(event: Value, ctx: DurableContext) -> Outcome {
    let strategy = every(2 * SECOND, 60, goal(&event));
    let poll = ctx.wait_for_condition(|_, count| async move { Ok(count + 1) }, 0);
    Ok(json!(poll.wait_strategy(strategy).await?))
}

async fn never_met(_: Value, ctx: DurableContext) -> Outcome {
    let strategy = every(SECOND, 3, u64::MAX);
    let poll = ctx.wait_for_condition(|_, count| async move { Ok(count + 1) }, 0);
    Ok(json!(poll.wait_strategy(strategy).await?))
}

async fn fail(ctx: &DurableContext) -> Result<u64, OperationError> {
    ctx.wait_for_condition(|_, _| async { Err(BoxError::from("cannot check")) }, 0)
        .wait_strategy_fn(until(|_| true))
        .await
}

async fn failing(_: Value, ctx: DurableContext) -> Outcome {
    Ok(json!(fail(&ctx).await?))
}

async fn caught(_: Value, ctx: DurableContext) -> Outcome {
    let failed = fail(&ctx).await.is_err();
    Ok(json!(if failed { "recovered" } else { "unexpected" }))
}

async fn structured_state(_: Value, ctx: DurableContext) -> Outcome {
    let check = |_, mut state: Value| async move {
        let attempts = state["attempts"].as_u64().unwrap_or_default() + 1;
        state["attempts"] = json!(attempts);
        if attempts >= 2 {
            state["status"] = json!("DONE");
        }
        Ok(state)
    };
    let poll = ctx.wait_for_condition(check, json!({"status": "PENDING", "attempts": 0}));
    let done = until(|state: &Value| state["status"] != "PENDING");
    Ok(poll.wait_strategy_fn(done).await?)
}

async fn nothing(_: Value, ctx: DurableContext) -> Outcome {
    let poll = ctx.wait_for_condition(|_, ()| async { Ok(()) }, ());
    poll.wait_strategy_fn(until(|()| true)).await?;
    Ok(Value::Null)
}

async fn own_serdes(_: Value, ctx: DurableContext) -> Outcome {
    let poll = ctx.wait_for_condition(
        |_, state| async move { Ok(format!("{state}x")) },
        String::new(),
    );
    let poll = poll.wait_strategy_fn(until(|state: &String| state.len() >= 2));
    Ok(json!(poll.serdes(Marked("encoded:")).await?))
}

async fn before_a_step(event: Value, ctx: DurableContext) -> Outcome {
    let counted = count(&ctx, 0, goal(&event)).await?;
    Ok(json!(step(&ctx, counted * 10).await?))
}

async fn one_after_the_other(_: Value, ctx: DurableContext) -> Outcome {
    let first = count(&ctx, 0, 2).await?;
    Ok(json!(count(&ctx, first, 4).await?))
}
