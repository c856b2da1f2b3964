//! Invocations of one execution that overlap in one process: the service gave up on one that still runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_durable_execution_sdk::DurableContext;
use durable_trace_local::{Config, ExecutionRecord, ExecutionStatus};
use serde_json::{Value, json};

use crate::world::{Setting, World};

#[tokio::test]
async fn a_late_call_of_an_invocation_that_timed_out_does_not_feed_its_retry() {
    let runs = Arc::new(AtomicUsize::new(0));
    let handler = move |_: Value, ctx: DurableContext| {
        let runs = Arc::clone(&runs);
        async move {
            let run = runs.fetch_add(1, Ordering::SeqCst);
            ctx.step(move |_| async move {
                if run == 0 {
                    std::future::pending::<()>().await; // until the service gives up
                }
                Ok(run)
            })
            .name("slow")
            .await?;
            ctx.wait(Duration::from_secs(1)).name("pause").await?;
            Ok(json!(runs.load(Ordering::SeqCst)))
        }
    };
    let setting = Setting {
        config: Config::default().function_timeout(Duration::from_secs(2)),
        ..Setting::default()
    };
    let world = World::new(setting, handler).await;
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    assert_eq!(world.spans.open(), 0);
    assert_eq!(world.checkpoint_names(&ended.arn), ["_datadog_0"]);
    let lambdas = world.spans.named("aws.lambda");
    let cut_short: Vec<bool> = lambdas
        .iter()
        .map(|lambda| lambda.text("durable_trace.deadline").as_deref() == Some("true"))
        .collect();
    assert_eq!(
        cut_short,
        [true, false, false],
        "the one that was given up on"
    );
    // The first wrote no checkpoint, so the others share the trace that follows from the execution.
    assert_eq!(lambdas[2].parent_id, lambdas[1].parent_id);
    assert_eq!(lambdas[2].trace_id, lambdas[1].trace_id);
}

#[tokio::test]
async fn many_executions_at_once_on_many_threads_keep_to_themselves() {
    let handler = |_: Value, ctx: DurableContext| async move {
        let branches = ctx.map(
            vec![1_u64, 2, 3],
            |ctx: DurableContext, item, index| async move {
                let value = ctx
                    .step(move |_| async move { Ok(item * 2) })
                    .name(format!("double-{index}"))
                    .await?;
                ctx.wait(Duration::from_secs(item))
                    .name(format!("pause-{index}"))
                    .await?;
                Ok(value)
            },
        );
        branches.name("fan").await?;
        Ok(Value::Null)
    };
    let world = World::new(Setting::default(), handler).await;
    let ended = world.run_together(6).await;
    for ExecutionRecord { arn, status, .. } in &ended {
        assert_eq!(*status, ExecutionStatus::Succeeded);
        assert_eq!(world.checkpoint_names(arn), ["_datadog_0"], "{arn}");
    }
    assert_eq!(world.spans.trace_ids().len(), 6);
    assert_eq!(world.spans.open(), 0);
}
