//! A durable function for Lambda with this library: it waits as often as its event says.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};

async fn waits(count: u32, ctx: DurableContext) -> Result<u32, BoxError> {
    for _ in 0..count {
        ctx.wait(Duration::from_secs(1)).await?;
    }
    Ok(count)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    durable_trace::run(waits).await
}
