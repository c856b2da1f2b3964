//! The end of an invocation's time: what is open is sent as it is, and nothing of ours runs past it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use aws_durable_execution_sdk::DurableContext;
use durable_trace::{CheckpointMode, Options};
use durable_trace_local::{Config, ExecutionStatus, Fault};
use serde_json::{Value, json};

use crate::faults::has_checkpoint;
use crate::trace::step_wait_step;
use crate::world::{Agent, FUNCTION, Layer, Setting, World, client, traced_function};

const TIMEOUT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn what_is_open_near_the_deadline_is_sent_once_and_a_retry_repeats_nothing() {
    let runs = Arc::new(AtomicUsize::new(0));
    let handler = move |_: Value, ctx: DurableContext| {
        let first = runs.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            ctx.step(|_| async { Ok(1) }).name("done").await?;
            let endless = ctx.step(move |_| async move {
                if first {
                    std::future::pending::<()>().await; // until Lambda ends it
                }
                Ok(2)
            });
            Ok(json!(endless.name("endless").await?))
        }
    };
    let config = Config::default().function_timeout(TIMEOUT);
    let world = World::new(
        Setting {
            config,
            ..Setting::default()
        },
        handler,
    )
    .await;
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.status, ExecutionStatus::Succeeded);
    assert_eq!(world.spans.open(), 0);
    let all = world.spans.all();
    let ids: HashSet<_> = all.iter().map(|span| span.span_id).collect();
    assert_eq!(ids.len(), all.len());
    let told: Vec<(String, bool)> = all
        .iter()
        .map(|span| {
            let name = span
                .text("aws.durable.operation_name")
                .unwrap_or_else(|| span.name.clone());
            (name, span.text("durable_trace.deadline").is_some())
        })
        .collect();
    let mut told: Vec<(&str, bool)> = told
        .iter()
        .map(|(name, cut)| (name.as_str(), *cut))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("aws.durable.execute", false),
            ("aws.durable.execute", true),
            ("aws.lambda", false),
            ("aws.lambda", true),
            ("done", false),
            ("endless", false),
            ("endless", true),
        ]
    );
    let lambda = &world.spans.named("aws.lambda")[0];
    let deadline = lambda.start + TIMEOUT;
    assert!(
        lambda.end < deadline && !lambda.failed,
        "it is told of before it is ended"
    );
}

/// Runs an execution whose service and agent hang for us; gives the time that each invocation took.
async fn hanging(flush: Duration, checkpoint: Duration, timeout: Duration) -> Vec<Duration> {
    let config = Config::default()
        .function_timeout(timeout)
        .fault(|call| has_checkpoint(call).then_some(Fault::Hang));
    let world = World::beside(Agent::Hangs, config, Layer::With).await;
    let options = Options::builder()
        .checkpoint_mode(CheckpointMode::Call)
        .checkpoint_budget(checkpoint)
        .flush_budget(flush);
    let options = world.options_with(options, client(&world.service, 3));
    let traced = durable_trace::wrap(step_wait_step, options);
    let times = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&times);
    let measured = move |event| -> durable_trace::InvocationFuture {
        let (invocation, seen) = (traced(event), Arc::clone(&seen));
        Box::pin(async move {
            let began = SystemTime::now();
            let answer = invocation.await;
            seen.lock().unwrap().push(began.elapsed().unwrap());
            answer
        })
    };
    world.service.register(FUNCTION, traced_function(measured));
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.status, ExecutionStatus::Succeeded);
    assert_eq!(
        world.invocations(&ended.arn).len(),
        2,
        "none ran out of time for us"
    );
    times.lock().unwrap().clone()
}

#[tokio::test]
async fn a_hanging_service_and_a_hanging_agent_cost_no_more_than_both_budgets() {
    let (flush, checkpoint) = (Duration::from_millis(300), Duration::from_millis(200));
    let times = hanging(flush, checkpoint, Duration::from_mins(1)).await;
    // Both run out in the first invocation; the second has nothing to save.
    assert!(times[0] >= flush + checkpoint, "{times:?}: both hang");
    assert!(
        times[0] < 4 * (flush + checkpoint),
        "{times:?}: neither is waited for any longer"
    );
}

#[tokio::test]
async fn no_budget_however_large_outlasts_the_deadline() {
    let day = Duration::from_hours(24);
    let times = hanging(day, day, 3 * TIMEOUT).await;
    assert!(times.iter().all(|time| *time < 3 * TIMEOUT), "{times:?}");
}
