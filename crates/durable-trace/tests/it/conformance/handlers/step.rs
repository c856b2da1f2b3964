//! Steps: results, names, retries, interruptions.

use std::error::Error;
use std::time::Duration;

use aws_durable_execution_sdk::builders::{JitterStrategy, RetryStrategyConfig};
use aws_durable_execution_sdk::{
    BoxError, DurableContext, RetryDecision, StepContext, StepError, StepSemantics, TypedError,
};
use serde_json::{Value, json};

use super::serdes::Uppercase;
use super::{SECOND, attempts, failing_step, never, step, text};
use crate::conformance::case::{Outcome, cases};
use crate::world::crash;

cases! {
    "1-1" => greeting,
    "1-2" => named,
    "1-3" => second_needs_first,
    "1-4" => complex_object,
    "1-5" => nothing,
    "1-6" => own_serdes,
    "1-7" => logging,
    "1-8" => |event, ctx| step_and_wait(event, ctx, "computed", 2 * SECOND),
    "1-9" => |event, ctx| step_and_wait(event, ctx, "cached_value", SECOND),
    "1-10" => failure_is_replayed,
    "1-11" => |event, ctx| flaky(event, ctx, 1, attempts(2)),
    "1-12" => always_failing,
    "1-13" => default_retries,
    "1-14" => |event, ctx| flaky(event, ctx, 2, growing_delay()),
    "1-15" => |event, ctx| transient(event, ctx, true),
    "1-16" => |event, ctx| transient(event, ctx, false),
    "1-17" => interrupted_without_retry,
    "1-18" => interrupted_with_retry,
    "1-19" => failing,
    "1-20" => caught,
}

async fn greeting(event: Value, ctx: DurableContext) -> Outcome {
    Ok(json!(
        step(&ctx, format!("Hello, {}!", text(&event))).await?
    ))
}

async fn named(event: Value, ctx: DurableContext) -> Outcome {
    let greeting = format!("Hello, {}!", text(&event));
    let greet = ctx.step(|_| async move { Ok(greeting) });
    Ok(json!(greet.name("custom_step_name").await?))
}

async fn second_needs_first(_: Value, ctx: DurableContext) -> Outcome {
    let first = step(&ctx, "first".to_owned()).await?;
    Ok(json!(step(&ctx, format!("{first}_second")).await?))
}

async fn complex_object(event: Value, ctx: DurableContext) -> Outcome {
    let count = event["tags"].as_array().map_or(0, Vec::len);
    Ok(step(&ctx, json!({"user": event, "count": count})).await?)
}

async fn nothing(_: Value, ctx: DurableContext) -> Outcome {
    step(&ctx, ()).await?;
    Ok(Value::Null)
}

async fn own_serdes(event: Value, ctx: DurableContext) -> Outcome {
    let given = text(&event);
    let shouted = ctx.step(|_| async move { Ok(given) }).serdes(Uppercase);
    Ok(json!(shouted.await?))
}

async fn logging(event: Value, ctx: DurableContext) -> Outcome {
    let name = text(&event);
    let greet = ctx.step(|_| async move {
        tracing::info!("Greeting step started for: {name}");
        let greeting = format!("Hello, {name}!");
        tracing::info!("Greeting step completed with: {greeting}");
        Ok(greeting)
    });
    Ok(json!(greet.await?))
}

async fn step_and_wait(
    _: Value,
    ctx: DurableContext,
    value: &'static str,
    pause: Duration,
) -> Outcome {
    let value = step(&ctx, value.to_owned()).await?;
    ctx.wait(pause).await?;
    Ok(json!(value))
}

async fn failure_is_replayed(_: Value, ctx: DurableContext) -> Outcome {
    let failed = failing_step(&ctx).await.is_err();
    ctx.wait(SECOND).await?;
    Ok(json!(failed))
}

/// Fails so often, then succeeds.
async fn flaky(
    _: Value,
    ctx: DurableContext,
    failures: u32,
    retry: RetryStrategyConfig,
) -> Outcome {
    let step = ctx.step(move |step: StepContext| async move {
        if step.attempt() <= failures {
            return Err(BoxError::from("not yet"));
        }
        Ok("Operation succeeded".to_owned())
    });
    Ok(json!(step.retry_strategy_config(retry).await?))
}

fn growing_delay() -> RetryStrategyConfig {
    RetryStrategyConfig::builder()
        .max_attempts(5)
        .initial_delay(2 * SECOND)
        .backoff_rate(3.0)
        .jitter(JitterStrategy::None)
        .build()
}

async fn always_failing(_: Value, ctx: DurableContext) -> Outcome {
    let step = ctx.step(|_| async { Err::<(), _>(BoxError::from("never")) });
    step.retry_strategy_config(attempts(4)).await?;
    Ok(Value::Null)
}

async fn default_retries(_: Value, ctx: DurableContext) -> Outcome {
    let step = ctx.step(|step: StepContext| async move {
        if step.attempt() < 3 {
            return Err(BoxError::from("not yet"));
        }
        Ok(())
    });
    step.await?;
    Ok(Value::Null)
}

fn is_transient(error: &StepError) -> bool {
    let mut next = error.source();
    while let Some(error) = next {
        if error
            .downcast_ref()
            .is_some_and(|typed: &TypedError| typed.error_type() == "TransientError")
        {
            return true;
        }
        next = error.source();
    }
    false
}

/// Fails once with a transient error, which is worth another attempt or is not.
async fn transient(_: Value, ctx: DurableContext, worth_it: bool) -> Outcome {
    let step = ctx.step(|step: StepContext| async move {
        if step.attempt() == 1 {
            return Err(TypedError::with_type("TransientError", "try later").into());
        }
        Ok(())
    });
    let strategy = move |error: &StepError, _| {
        if is_transient(error) == worth_it {
            RetryDecision::Retry { delay: SECOND }
        } else {
            RetryDecision::Stop
        }
    };
    step.retry_strategy(strategy).await?;
    Ok(Value::Null)
}

async fn interrupted_without_retry(event: Value, ctx: DurableContext) -> Outcome {
    let step = ctx.step(move |_| async move {
        tracing::info!("{}", text(&event));
        crash().await;
        Ok(())
    });
    step.name("at_most_once_flaky_step")
        .semantics(StepSemantics::AtMostOncePerRetry)
        .retry_strategy(never)
        .await?;
    Ok(Value::Null)
}

async fn interrupted_with_retry(event: Value, ctx: DurableContext) -> Outcome {
    let step = ctx.step(move |step: StepContext| async move {
        tracing::info!("{}", text(&event));
        if step.attempt() == 1 {
            crash().await;
        }
        Ok("succeeded on second attempt".to_owned())
    });
    let value = step
        .semantics(StepSemantics::AtMostOncePerRetry)
        .retry_strategy_config(attempts(2))
        .await?;
    Ok(json!(value))
}

async fn failing(_: Value, ctx: DurableContext) -> Outcome {
    failing_step(&ctx).await?;
    Ok(Value::Null)
}

async fn caught(_: Value, ctx: DurableContext) -> Outcome {
    let failed = failing_step(&ctx).await.is_err();
    let next = if failed {
        "fallback_result"
    } else {
        "unexpected"
    };
    Ok(json!(step(&ctx, next.to_owned()).await?))
}
