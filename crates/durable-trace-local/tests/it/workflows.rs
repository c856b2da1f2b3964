//! Workflows on AWS's SDK.

use std::time::Duration;

use aws_durable_execution_sdk::DurableContext;
use durable_trace_local::Config;
use serde_json::Value;

use crate::support::{event_types, register, start};

#[tokio::test]
async fn a_workflow_that_waits_an_hour_takes_no_time() {
    let service = start(Config::default()).await;
    register(
        &service,
        "pause",
        |_: Value, ctx: DurableContext| async move {
            let one = ctx.step(|_| async { Ok(1) }).name("one").await?;
            ctx.wait(Duration::from_hours(1)).name("pause").await?;
            let two = ctx
                .step(move |_| async move { Ok(one + 1) })
                .name("two")
                .await?;
            Ok(two)
        },
    );
    let arn = service.start_execution("pause", None, None).await.unwrap();
    let ended = service.ended(&arn).await;
    assert_eq!(ended.result.as_deref(), Some("2"));
    assert_eq!(
        event_types(&service, &arn),
        [
            "ExecutionStarted",
            "StepStarted",
            "StepSucceeded",
            "WaitStarted",
            "InvocationCompleted",
            "WaitSucceeded",
            "StepStarted",
            "StepSucceeded",
            "InvocationCompleted",
            "ExecutionSucceeded",
        ]
    );
    assert_eq!(
        ended.ended_at.unwrap().since(ended.started_at),
        Duration::from_hours(1)
    );
}
