//! A callback whose answer is waited for only after something else is done.

use aws_durable_execution_sdk::{BoxError, DurableContext};
use serde_json::Value;

pub(crate) async fn create_callback(
    _event: Value,
    ctx: DurableContext,
) -> Result<String, BoxError> {
    let callback = ctx.create_callback::<String>().name("ext").await?;
    ctx.step(|_| async { Ok("sent".to_owned()) })
        .name("notify")
        .await?;
    let answer = callback.result().await?;
    Ok(answer)
}
