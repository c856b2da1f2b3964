//! A large execution of mixed shape: nothing is lost, doubled, left open or orphaned.

use std::collections::HashSet;
use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use durable_trace::ReplayedSpans;
use durable_trace_local::ExecutionStatus;
use serde_json::{Value, json};

use crate::world::{Setting, World};

/// Suspensions before the map; one more is inside it.
const PAUSES: u64 = 3;

/// Pauses with a spawned step beside each; a race between a step and a wait; and a map whose items hold a child context each, the
/// first of them asleep for a while. Every third holds a step too: a thousand items stay below the service's 3,000 operations.
async fn mixed(items: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    for pause in 1..=PAUSES {
        let spawned = ctx
            .step(move |_| async move { Ok(pause) })
            .name("spawned")
            .spawn();
        ctx.wait(Duration::from_secs(pause)).name("pause").await?;
        spawned.await?;
    }
    let winner = ctx.step(|_| async { Ok(()) }).name("winner").future();
    let loser = ctx.wait(Duration::from_hours(1)).name("loser").future();
    ctx.race([winner, loser]).name("race").await?;
    let items: Vec<u64> = (0..items.as_u64().unwrap_or_default()).collect();
    let fan = ctx.map(items, |ctx: DurableContext, item, _| async move {
        let kid = ctx.run_in_child_context(move |ctx: DurableContext| async move {
            if item == 0 {
                ctx.wait(Duration::from_secs(1)).name("nap").await?;
            }
            if item % 3 == 0 {
                ctx.step(move |_| async move { Ok(item) })
                    .name("deep")
                    .await?;
            }
            Ok(item)
        });
        Ok(kid.await?)
    });
    let done: Vec<u64> = fan.name("fan").max_concurrency(64).await?;
    Ok(json!(done.len()))
}

#[tokio::test]
async fn a_large_execution_is_one_trace_with_the_predicted_number_of_spans() {
    for (items, replays, batching) in [
        (1_000_usize, ReplayedSpans::Omit, true),
        (1_000, ReplayedSpans::Emit, true),
        (50, ReplayedSpans::Omit, false),
        (50, ReplayedSpans::Emit, false),
    ] {
        let mut setting = Setting::default();
        setting.options = setting
            .options
            .replayed_spans(replays)
            .checkpoint_batching(batching);
        let world = World::new(setting, mixed).await;
        let ended = world.run(&json!(items)).await;
        assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
        assert_eq!(ended.result, Some(items.to_string()));
        assert_eq!(world.invocations(&ended.arn).len(), 5);
        world.spans.assert_one_trace();
        let all = world.spans.all();
        let ids: HashSet<_> = all.iter().map(|span| span.span_id).collect();
        assert_eq!(ids.len(), all.len(), "none is sent twice");
        let pauses = usize::try_from(PAUSES).unwrap();
        // By the formula of docs/contract.md, with the race's context, and the map and the child that slept twice.
        let omitted = 2 * 5 + (pauses + 1 + items.div_ceil(3)) + (pauses + 1) + (1 + 2 + 1 + items);
        if replays == ReplayedSpans::Omit {
            assert_eq!(all.len(), omitted, "batching: {batching}");
        } else {
            assert!(all.len() > omitted, "replays come on top");
        }
    }
}
