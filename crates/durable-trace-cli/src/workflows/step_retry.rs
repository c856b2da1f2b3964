//! A step that fails twice and succeeds at its third attempt.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext, RetryDecision, StepContext, TypedError};
use serde_json::Value;

pub(crate) async fn step_retry(_event: Value, ctx: DurableContext) -> Result<String, BoxError> {
    let answer = ctx
        .step(flaky)
        .name("flaky")
        .retry_strategy(|_, attempt| match attempt {
            1..3 => RetryDecision::Retry {
                delay: Duration::from_secs(1),
            },
            _ => RetryDecision::Stop,
        })
        .await?;
    Ok(answer)
}

/// Counts by what the log says: each attempt runs in a process that knows nothing of those before.
async fn flaky(step: StepContext) -> Result<String, BoxError> {
    match step.attempt() {
        attempt @ 1..3 => {
            Err(TypedError::with_type("FlakyError", format!("boom {attempt}")).into())
        }
        _ => Ok("ok".to_owned()),
    }
}
