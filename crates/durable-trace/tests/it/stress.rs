//! A large execution of mixed shape: nothing is lost, doubled, left open or orphaned.

use std::collections::HashSet;
use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use durable_trace::ReplayedSpans;
use durable_trace_local::{Config, ExecutionStatus};
use serde_json::{Value, json};

use crate::world::{Setting, World};

/// Items of the map. With three operations an item the execution stays below the service's 3,000.
const ITEMS: u32 = 400;
const SUSPENSIONS: u64 = 4;

/// A map whose items hold a child context with a step each, spawned steps, a race, and waits between.
async fn mixed(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    for pause in 1..SUSPENSIONS {
        let spawned = ctx
            .step(move |_| async move { Ok(pause) })
            .name("spawned")
            .spawn();
        ctx.wait(Duration::from_secs(pause)).name("pause").await?;
        spawned.await?;
    }
    let items = ctx.map(
        (0..ITEMS).collect::<Vec<_>>(),
        |ctx: DurableContext, item, _| async move {
            let kid = ctx.run_in_child_context(move |ctx: DurableContext| async move {
                if item == 0 {
                    ctx.wait(Duration::from_secs(1)).name("nap").await?;
                }
                Ok(ctx
                    .step(move |_| async move { Ok(item) })
                    .name("deep")
                    .await?)
            });
            Ok(kid.await?)
        },
    );
    let items: Vec<u32> = items.name("fan").max_concurrency(16).await?;
    Ok(json!(items.len()))
}

#[tokio::test]
async fn a_large_execution_is_one_trace_with_the_predicted_number_of_spans() {
    for (replays, batching) in [
        (ReplayedSpans::Omit, true),
        (ReplayedSpans::Emit, true),
        (ReplayedSpans::Omit, false),
    ] {
        let mut setting = Setting {
            config: Config::default(),
            ..Setting::default()
        };
        setting.options = setting
            .options
            .replayed_spans(replays)
            .checkpoint_batching(batching);
        let world = World::new(setting, mixed).await;
        let ended = world.run(&json!({})).await;
        assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
        assert_eq!(ended.result.as_deref(), Some(ITEMS.to_string().as_str()));
        world.spans.assert_one_trace();
        let all = world.spans.all();
        let ids: HashSet<_> = all.iter().map(|span| span.span_id).collect();
        assert_eq!(ids.len(), all.len(), "none is sent twice");
        if replays == ReplayedSpans::Omit {
            let invocations = world.invocations(&ended.arn).len();
            let items = usize::try_from(ITEMS).unwrap();
            let pauses = usize::try_from(SUSPENSIONS - 1).unwrap();
            let contexts = items + 1 + 2; // each once, but for the map and the child that slept: also where they woke
            let expected = 2 * invocations + items + contexts + 2 * pauses + 1;
            assert_eq!(all.len(), expected, "batching: {batching}");
        }
    }
}
