//! A workflow that waits for somebody's approval.

use aws_durable_execution_sdk::{BoxError, DurableContext};
use serde_json::Value;

pub(crate) async fn callback(_event: Value, ctx: DurableContext) -> Result<String, BoxError> {
    // The demo itself approves, so that the id need not be told to anybody.
    let answer = ctx
        .wait_for_callback::<String, _, _>(|_, _callback_id| async { Ok(()) })
        .name("approval")
        .await?;
    let told = ctx
        .step(move |_| async move { Ok(format!("got {answer}")) })
        .name("after")
        .await?;
    Ok(told)
}
