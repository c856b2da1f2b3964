//! A workflow that calls another function and sleeps until that has answered.

use aws_durable_execution_sdk::{BoxError, DurableContext};
use serde_json::{Value, json};

/// The function that is called; the demo registers it as one that answers with what it is given.
pub(crate) const TARGET: &str = "plain-target";

pub(crate) async fn invoke(_event: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let answer: Value = ctx
        .invoke(TARGET, json!({ "x": 1 }))
        .name("call-plain")
        .await?;
    let kept = ctx
        .step(move |_| async move { Ok(answer) })
        .name("after-invoke")
        .await?;
    Ok(kept)
}
