//! A condition that holds at the third check.

use std::time::Duration;

use aws_durable_execution_sdk::{
    BoxError, DurableContext, builders::wait_for_condition::WaitDecision,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the log keeps between two checks.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Polled {
    polls: u32,
}

pub(crate) async fn condition(_event: Value, ctx: DurableContext) -> Result<Polled, BoxError> {
    let polled = ctx
        .wait_for_condition(
            |_, state: Polled| async move {
                Ok(Polled {
                    polls: state.polls + 1,
                })
            },
            Polled { polls: 0 },
        )
        .name("poll")
        .wait_strategy_fn(|state, _| {
            if state.polls >= 3 {
                WaitDecision::complete()
            } else {
                WaitDecision::continue_with(Duration::from_secs(1))
            }
        })
        .await?;
    Ok(polled)
}
