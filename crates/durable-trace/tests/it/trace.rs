//! One trace over all invocations of an execution.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use durable_trace::CheckpointMode;
use durable_trace_local::{Clock, Config, ExecutionRecord, ExecutionStatus};
use serde_json::{Value, json};

use crate::world::{Setting, World, echo};

async fn step(ctx: &DurableContext, name: &str, value: i64) -> Result<i64, BoxError> {
    Ok(ctx
        .step(move |_| async move { Ok(value) })
        .name(name)
        .await?)
}

async fn wait(ctx: &DurableContext, name: &str) -> Result<(), BoxError> {
    Ok(ctx.wait(Duration::from_mins(1)).name(name).await?)
}

/// Two steps with a wait between them.
pub(crate) async fn step_wait_step(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let first = step(&ctx, "first", 1).await?;
    wait(&ctx, "pause").await?;
    let second = step(&ctx, "second", first + 1).await?;
    Ok(json!({"first": first, "second": second}))
}

/// Three waits in a row.
pub(crate) async fn three_waits(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    for name in ["w1", "w2", "w3"] {
        wait(&ctx, name).await?;
    }
    Ok(json!("done"))
}

async fn no_suspend(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    Ok(json!(
        step(&ctx, "one", 1).await? + step(&ctx, "two", 2).await?
    ))
}

async fn suspend_then_fail(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    step(&ctx, "ok-step", 1).await?;
    wait(&ctx, "pause").await?;
    Err("terminal failure after resume".into())
}

fn mode(mode: CheckpointMode) -> Setting {
    let mut setting = Setting::default();
    setting.options = setting.options.checkpoint_mode(mode);
    setting
}

#[tokio::test]
async fn two_invocations_are_one_trace_in_both_modes() {
    for (checkpoint_mode, added, why) in [
        (CheckpointMode::Ride, 0, "rides"),
        (CheckpointMode::Call, 1, "a call of its own"),
    ] {
        let world = World::new(mode(checkpoint_mode), step_wait_step).await;
        let ended = world.run(&json!({})).await;
        assert_eq!(ended.status, ExecutionStatus::Succeeded);
        assert_eq!(ended.result.as_deref(), Some(r#"{"first":1,"second":2}"#));
        world.spans.assert_one_trace();
        assert_eq!(world.checkpoint_names(&ended.arn), ["_datadog_0"]);
        // First: START, SUCCEED, and the wait's START. Second: START and SUCCEED.
        assert_eq!(world.calls(&ended.arn), [3 + added, 2], "{why}");
    }
}

#[tokio::test]
async fn four_invocations_are_one_trace_with_one_checkpoint_in_both_modes() {
    for checkpoint_mode in [CheckpointMode::Ride, CheckpointMode::Call] {
        let world = World::new(mode(checkpoint_mode), three_waits).await;
        let ended = world.run(&json!({})).await;
        assert_eq!(ended.status, ExecutionStatus::Succeeded);
        world.spans.assert_one_trace();
        assert_eq!(world.spans.named("aws.lambda").len(), 4);
        assert_eq!(
            world.checkpoint_names(&ended.arn),
            ["_datadog_0"],
            "{checkpoint_mode:?}"
        );
    }
}

#[tokio::test]
async fn the_checkpoint_is_the_one_that_the_python_library_would_write() {
    let world = World::new(Setting::default(), step_wait_step).await;
    let ended = world.run(&json!({})).await;
    let [(_, id, payload)] = &world.checkpoints(&ended.arn)[..] else {
        panic!("one checkpoint")
    };
    assert_eq!(
        *id,
        durable_trace_wire::checkpoint_id("_datadog_0", &ended.arn)
    );
    let execute = &world.spans.named("aws.durable.execute")[0];
    let trace_id = u128::from_be_bytes(execute.trace_id.to_bytes());
    let (high, low) = (trace_id >> 64, trace_id & u128::from(u64::MAX));
    assert_eq!(payload["x-datadog-trace-id"], low.to_string());
    assert_eq!(
        payload["x-datadog-parent-id"],
        u64::from_be_bytes(execute.span_id.to_bytes()).to_string()
    );
    assert_eq!(payload["x-datadog-sampling-priority"], "1");
    assert_eq!(
        payload["x-datadog-tags"],
        format!("_dd.p.dm=-0,_dd.p.tid={high:016x}")
    );
    let request = world
        .service
        .calls()
        .into_iter()
        .rfind(|call| call.invocation == Some(0))
        .unwrap()
        .request;
    let update = &request["Updates"][1];
    assert_eq!(update["Action"], "SUCCEED");
    assert_eq!(update["SubType"], "Step");
    assert!(
        update.get("ParentId").is_none(),
        "no parent: only a context may be one"
    );
}

#[tokio::test]
async fn an_execution_that_never_suspends_writes_nothing() {
    for checkpoint_mode in [CheckpointMode::Ride, CheckpointMode::Call] {
        let world = World::new(mode(checkpoint_mode), no_suspend).await;
        let ended = world.run(&json!({})).await;
        assert_eq!(world.checkpoint_names(&ended.arn), Vec::<String>::new());
        assert_eq!(world.calls(&ended.arn), [4], "{checkpoint_mode:?}");
        world.spans.assert_one_trace();
    }
}

#[tokio::test]
async fn a_failure_after_resuming_ends_execute_as_an_error_and_the_invocation_not() {
    let world = World::new(Setting::default(), suspend_then_fail).await;
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.status, ExecutionStatus::Failed);
    world.spans.assert_one_trace();
    let [first, second] = &world.spans.named("aws.durable.execute")[..] else {
        panic!("two invocations")
    };
    assert!(!first.failed, "a suspension is not an error");
    assert!(second.failed);
    assert_eq!(
        second.text("error.message").as_deref(),
        Some("terminal failure after resume")
    );
    assert_eq!(
        second.text("aws.durable.invocation_status").as_deref(),
        Some("failed")
    );
    let lambdas = world.spans.named("aws.lambda");
    assert!(
        lambdas.iter().all(|lambda| !lambda.failed),
        "the invocations succeeded"
    );
    let statuses: Vec<_> = lambdas
        .iter()
        .map(|l| l.text("aws.durable.execution_status").unwrap())
        .collect();
    assert_eq!(statuses, ["PENDING", "FAILED"]);
}

#[tokio::test]
async fn batching_and_coalescing_change_nothing() {
    let batching = |setting: &mut Setting| {
        setting.options = std::mem::take(&mut setting.options).checkpoint_batching(true);
    };
    let delay = |setting: &mut Setting| {
        setting.options =
            std::mem::take(&mut setting.options).checkpoint_delay(Duration::from_millis(5));
    };
    for set in [&batching as &dyn Fn(&mut Setting), &delay] {
        let mut setting = Setting::default();
        set(&mut setting);
        let world = World::new(setting, step_wait_step).await;
        let ended = world.run(&json!({})).await;
        assert_eq!(ended.status, ExecutionStatus::Succeeded);
        world.spans.assert_one_trace();
        assert_eq!(world.checkpoint_names(&ended.arn), ["_datadog_0"]);
        assert_eq!(world.calls(&ended.arn), [3, 2]);
    }
}

/// Three waits on a log that comes two operations at a time.
fn paged() -> Setting {
    Setting {
        config: Config::default().page_size(2),
        ..Setting::default()
    }
}

#[tokio::test]
async fn a_log_in_pages_is_read_to_its_end_without_a_call_of_our_own() {
    let world = World::new(paged(), three_waits).await;
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.status, ExecutionStatus::Succeeded);
    world.spans.assert_one_trace();
    assert_eq!(world.checkpoint_names(&ended.arn), ["_datadog_0"]);
    let sweeps: Vec<_> = world
        .invocations(&ended.arn)
        .iter()
        .map(|invocation| {
            let pages = invocation
                .calls
                .iter()
                .filter(|call| call.operation == "GetDurableExecutionState");
            pages
                .filter(|call| call.request.get("Marker").is_none())
                .count()
        })
        .collect();
    assert_eq!(
        sweeps,
        [0, 1, 1, 1],
        "the SDK's own sweep from the first page, and no other"
    );
}

#[tokio::test]
async fn a_first_invocation_whose_event_promises_a_page_that_is_empty_is_the_first() {
    let setting = Setting {
        config: Config::default().page_size(1).empty_last_page(),
        ..Setting::default()
    };
    let world = World::new(setting, step_wait_step).await;
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.status, ExecutionStatus::Succeeded);
    world.spans.assert_one_trace();
    assert_eq!(world.checkpoint_names(&ended.arn), ["_datadog_0"]);
    let lambdas = world.spans.named("aws.lambda");
    let firsts: Vec<_> = lambdas
        .iter()
        .filter_map(|lambda| lambda.text("aws.durable.first_invocation"))
        .collect();
    assert_eq!(firsts, ["true", "false"]);
}

#[tokio::test]
async fn what_ends_on_a_later_page_of_an_answer_is_told_of_once() {
    // On the machine's clock, so that the invoke ends while the step is running.
    let handler = |_: Value, ctx: DurableContext| async move {
        let both = ctx.map([0, 1], |ctx: DurableContext, item, _| async move {
            if item == 1 {
                let echoed: Value = ctx.invoke("plain-target", json!(item)).await?;
                return Ok(echoed);
            }
            let slow = ctx.step(|_| async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                Ok(json!("slow"))
            });
            Ok(slow.await?)
        });
        Ok(json!(both.await?))
    };
    let setting = Setting {
        config: Config::default().clock(Clock::Real).page_size(1),
        ..Setting::default()
    };
    let world = World::new(setting, handler).await;
    world.service.register("plain-target", echo());
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.result.as_deref(), Some(r#"["slow",1]"#));
    assert_eq!(world.spans.named("aws.durable.invoke").len(), 1);
    assert_eq!(world.spans.open(), 0);
}

#[tokio::test]
async fn spans_of_a_paged_invocation_are_as_old_as_the_invocation() {
    let world = World::new(paged(), step_wait_step).await;
    world.run(&json!({})).await;
    let lambda = &world.spans.named("aws.lambda")[1];
    let execute = &world.spans.named("aws.durable.execute")[1];
    assert_eq!(lambda.start, execute.start);
    assert_eq!(
        lambda.text("aws.durable.first_invocation").as_deref(),
        Some("false")
    );
    assert_eq!(
        execute.text("aws.durable.replayed").as_deref(),
        Some("true")
    );
}

#[tokio::test]
async fn switched_off_nothing_is_written_and_what_is_there_is_still_read() {
    let mut setting = Setting::default();
    setting.options = setting.options.cross_invocation_tracing(false);
    let world = World::new(setting, step_wait_step).await;
    let ended = world.run(&json!({})).await;
    assert_eq!(world.checkpoint_names(&ended.arn), Vec::<String>::new());
    assert_eq!(world.calls(&ended.arn), [3, 2]);
    assert_eq!(
        world.spans.trace_ids().len(),
        2,
        "each invocation is a trace of its own"
    );
}

#[tokio::test]
async fn a_step_of_the_users_in_our_name_space_is_not_mistaken_and_not_overwritten() {
    let handler = |_: Value, ctx: DurableContext| async move {
        let headers = json!({"x-datadog-trace-id": "7", "x-datadog-parent-id": "7", "x-datadog-sampling-priority": "2"});
        ctx.step(move |_| async move { Ok(headers) })
            .name("_datadog_7")
            .await?;
        wait(&ctx, "pause").await?;
        wait(&ctx, "again").await?;
        Ok(Value::Null)
    };
    let world = World::new(Setting::default(), handler).await;
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.status, ExecutionStatus::Succeeded);
    world.spans.assert_one_trace();
    assert_eq!(
        world.checkpoint_names(&ended.arn),
        ["_datadog_7", "_datadog_8"],
        "the number after the user's"
    );
}

#[tokio::test]
async fn concurrent_executions_in_one_process_keep_to_themselves() {
    let world = World::new(Setting::default(), three_waits).await;
    let ended = world.run_together(8).await;
    for ExecutionRecord { arn, status, .. } in &ended {
        assert_eq!(*status, ExecutionStatus::Succeeded);
        assert_eq!(world.checkpoint_names(arn), ["_datadog_0"]);
    }
    assert_eq!(world.spans.trace_ids().len(), 8);
    for ExecutionRecord { arn, .. } in &ended {
        let executes: Vec<_> = world
            .spans
            .named("aws.durable.execute")
            .into_iter()
            .filter(|span| span.text("aws.durable.execution_arn").as_deref() == Some(arn))
            .collect();
        assert_eq!(executes.len(), 4);
        assert!(
            executes
                .iter()
                .all(|span| span.trace_id == executes[0].trace_id),
            "{arn}"
        );
    }
}
