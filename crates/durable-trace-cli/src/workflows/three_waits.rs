//! Three suspensions and no step: the context changes on none of them.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use serde_json::Value;

pub(crate) async fn three_waits(_event: Value, ctx: DurableContext) -> Result<String, BoxError> {
    for name in ["w1", "w2", "w3"] {
        ctx.wait(Duration::from_secs(1)).name(name).await?;
    }
    Ok("done".to_owned())
}
