//! A handler for each requirement, suite by suite, and what several of them share.

pub(super) mod callback;
pub(super) mod child;
pub(super) mod invoke;
pub(super) mod map;
pub(super) mod parallel;
mod serdes;
pub(super) mod step;
pub(super) mod wait;
pub(super) mod wait_for_callback;
pub(super) mod wait_for_condition;

use std::time::Duration;

use aws_durable_execution_sdk::builders::map_parallel::{BatchResult, CompletionConfig};
use aws_durable_execution_sdk::builders::{JitterStrategy, RetryStrategyConfig};
use aws_durable_execution_sdk::{
    BoxError, DurableContext, OperationError, RetryDecision, StepError,
};
use serde_json::{Value, json};

/// One second.
const SECOND: Duration = Duration::from_secs(1);

/// Text of the event.
fn text(event: &Value) -> String {
    event.as_str().unwrap_or_default().to_owned()
}

/// No second attempt.
fn never(_: &StepError, _: u32) -> RetryDecision {
    RetryDecision::Stop
}

/// So many attempts, a second apart.
fn attempts(max: u32) -> RetryStrategyConfig {
    RetryStrategyConfig::builder()
        .max_attempts(max)
        .initial_delay(SECOND)
        .backoff_rate(1.0)
        .jitter(JitterStrategy::None)
        .build()
}

/// A step that gives what it is given.
async fn step<T>(ctx: &DurableContext, value: T) -> Result<T, OperationError>
where
    T: serde::Serialize + serde::de::DeserializeOwned + Send + 'static,
{
    ctx.step(move |_| async move { Ok(value) }).await
}

/// A step that fails for good.
async fn failing_step(ctx: &DurableContext) -> Result<(), OperationError> {
    ctx.step(|_| async { Err(BoxError::from("boom")) })
        .retry_strategy(never)
        .await
}

/// Figures of a batch that most requirements ask for.
const ALL: &[&str] = &[
    "completionReason",
    "status",
    "successCount",
    "failureCount",
    "totalCount",
];
const WITHOUT_STATUS: &[&str] = &[
    "completionReason",
    "successCount",
    "failureCount",
    "totalCount",
];

/// A batch that goes on after so many failures.
fn tolerating(failures: usize) -> CompletionConfig {
    CompletionConfig::with_tolerated_failure_count(failures)
}

/// What the requirements of map and parallel ask of a batch: these of its figures.
fn projection<T>(batch: &BatchResult<T>, figures: &[&str]) -> Value {
    let figure = |name: &str| match name {
        "completionReason" => json!(batch.reason.as_str()),
        "errorCount" => json!(batch.errors().len()),
        "failureCount" => json!(batch.failure_count()),
        "hasFailure" => json!(batch.has_failure()),
        "status" => json!(batch.status().as_str()),
        "successCount" => json!(batch.success_count()),
        "totalCount" => json!(batch.total_count()),
        other => panic!("a batch has no {other}"),
    };
    figures
        .iter()
        .map(|name| ((*name).to_owned(), figure(name)))
        .collect()
}

/// The first failure of a batch, as an error.
fn rethrown<T>(batch: &BatchResult<T>) -> Result<(), BoxError> {
    batch
        .errors()
        .first()
        .map_or(Ok(()), |error| Err(BoxError::from(error.message)))
}
