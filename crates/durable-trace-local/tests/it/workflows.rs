//! Workflows on AWS's SDK.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use aws_durable_execution_sdk::builders::wait_for_condition::WaitDecision;
use aws_durable_execution_sdk::{Branch, DurableContext, RetryDecision};
use durable_trace_local::{Clock, Config, OperationStatus};
use serde_json::Value;

use crate::support::{event_types, register, start};

const SECOND: Duration = Duration::from_secs(1);

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
    let calls: Vec<usize> = service
        .invocations()
        .iter()
        .map(|invocation| invocation.calls.len())
        .collect();
    assert_eq!(calls, [3, 2], "each call belongs to its invocation");
}

#[tokio::test]
async fn a_failed_step_is_tried_again_after_its_delay() {
    let service = start(Config::default()).await;
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    register(&service, "flaky", move |_: Value, ctx: DurableContext| {
        let counted = Arc::clone(&counted);
        async move {
            let body = move |_| async move {
                match counted.fetch_add(1, Ordering::Relaxed) {
                    0 | 1 => Err("boom".into()),
                    _ => Ok("ok".to_owned()),
                }
            };
            let retry = |_: &_, _| RetryDecision::Retry { delay: 7 * SECOND };
            ctx.step(body)
                .name("flaky")
                .retry_strategy(retry)
                .await
                .map_err(Into::into)
        }
    });
    let arn = service.start_execution("flaky", None, None).await.unwrap();
    let ended = service.ended(&arn).await;
    assert_eq!(ended.result.as_deref(), Some("\"ok\""));
    assert_eq!(ended.ended_at.unwrap().since(ended.started_at), 14 * SECOND);
    assert_eq!(runs.load(Ordering::Relaxed), 3);
    assert_eq!(service.operations(&arn)[0].attempt, Some(3));
    let history = service.history(&arn);
    assert_eq!(
        history[2]["StepFailedDetails"]["RetryDetails"]["NextAttemptDelaySeconds"],
        7
    );
    assert_eq!(
        history.iter().rev().nth(2).unwrap()["StepSucceededDetails"]["RetryDetails"]["CurrentAttempt"],
        3
    );
}

#[tokio::test]
async fn branches_wait_each_on_their_own() {
    let service = start(Config::default().page_size(4)).await;
    register(
        &service,
        "fan",
        |_: Value, ctx: DurableContext| async move {
            let branches = (1..=3).map(|n| {
                Branch::new(
                    format!("branch-{n}"),
                    move |ctx: DurableContext| async move {
                        ctx.wait(n * SECOND).await?;
                        Ok(ctx.step(move |_| async move { Ok(n * 10) }).await?)
                    },
                )
            });
            let waited = ctx.parallel(branches).name("fan").await?;
            let mapped = ctx
                .map([1, 2, 3, 4], |ctx, item: u32, _| async move {
                    ctx.wait(SECOND).await?;
                    Ok(item)
                })
                .name("items")
                .await?;
            Ok((waited, mapped))
        },
    );
    let arn = service.start_execution("fan", None, None).await.unwrap();
    let ended = service.ended(&arn).await;
    assert_eq!(
        ended.result.as_deref(),
        Some("[[10,20,30],[1,2,3,4]]"),
        "{:?}",
        ended.error
    );
    assert_eq!(ended.ended_at.unwrap().since(ended.started_at), 4 * SECOND);
    assert_eq!(
        service.invocations().len(),
        5,
        "three ends of waits, and one of four together"
    );
    let pages = service
        .calls()
        .into_iter()
        .filter(|call| call.operation == "GetDurableExecutionState");
    assert!(pages.count() > 4, "the log is longer than a page");
    assert!(
        service
            .operations(&arn)
            .iter()
            .all(|operation| operation.status == OperationStatus::Succeeded)
    );
}

#[tokio::test]
async fn a_condition_is_polled_with_its_own_state() {
    let service = start(Config::default()).await;
    register(
        &service,
        "poll",
        |_: Value, ctx: DurableContext| async move {
            let strategy = |polls: u32, _| match polls {
                3.. => WaitDecision::Complete,
                _ => WaitDecision::Continue { delay: SECOND },
            };
            let polls = ctx
                .wait_for_condition(|_, polls: u32| async move { Ok(polls + 1) }, 0)
                .wait_strategy_fn(strategy);
            Ok(polls.name("poll").await?)
        },
    );
    let arn = service.start_execution("poll", None, None).await.unwrap();
    assert_eq!(service.ended(&arn).await.result.as_deref(), Some("3"));
    assert_eq!(service.invocations().len(), 3);
}

#[tokio::test]
async fn a_skipping_clock_does_not_fall_behind_between_executions() {
    let service = start(Config::default()).await;
    register(
        &service,
        "quick",
        |_: Value, _: DurableContext| async move { Ok(()) },
    );
    let machine_now = || UNIX_EPOCH.elapsed().unwrap().as_millis();
    let began = machine_now();
    while machine_now() < began + 3 {}
    let arn = service.start_execution("quick", None, None).await.unwrap();
    let ended = service.ended(&arn).await;
    assert!(u128::from(ended.started_at.as_millis()) >= began + 3);
    assert_eq!(
        ended.ended_at,
        Some(ended.started_at),
        "it stands still while a function runs"
    );
}

#[tokio::test]
async fn a_faster_clock_waits_for_less_time() {
    let service = start(Config::default().clock(Clock::Factor(1000.0))).await;
    register(
        &service,
        "pause",
        |_: Value, ctx: DurableContext| async move {
            ctx.wait(10 * SECOND).await?;
            Ok(())
        },
    );
    let began = std::time::Instant::now();
    let arn = service.start_execution("pause", None, None).await.unwrap();
    let ended = service.ended(&arn).await;
    assert!(ended.ended_at.unwrap().since(ended.started_at) >= 10 * SECOND);
    assert!(began.elapsed() < 10 * SECOND);
}

#[tokio::test]
async fn executions_run_side_by_side() {
    let service = start(Config::default()).await;
    register(
        &service,
        "pause",
        |n: u64, ctx: DurableContext| async move {
            ctx.wait(Duration::from_secs(n % 5 + 1)).await?;
            Ok(n)
        },
    );
    let mut arns = Vec::new();
    for n in 0..50 {
        arns.push(
            service
                .start_execution("pause", Some(n.to_string()), None)
                .await
                .unwrap(),
        );
    }
    for (n, arn) in arns.iter().enumerate() {
        assert_eq!(service.ended(arn).await.result, Some(n.to_string()));
    }
    assert_eq!(service.invocations().len(), 100);
}
