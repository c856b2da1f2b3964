//! What the service, the log or the user's code may do to us, and that the workflow does not notice.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_durable_execution_sdk::DurableContext;
use durable_trace::{CheckpointMode, ErrorType, Location, Options, health};
use durable_trace_local::{Call, Config, ExecutionStatus, Fault};
use serde_json::{Value, json};

use crate::checkpoints::carries_ours;
use crate::trace::{step_wait_step, three_waits};
use crate::world::{Setting, World};

const RESULT: &str = r#"{"first":1,"second":2}"#;

/// Whether the request carries a checkpoint.
pub(crate) fn has_checkpoint(call: &Call<'_>) -> bool {
    carries_ours(call.body)
}

fn with_fault(rule: impl Fn(&Call<'_>) -> Option<Fault> + Send + Sync + 'static) -> Setting {
    Setting {
        config: Config::default().fault(rule),
        ..Setting::default()
    }
}

pub(crate) fn refusal() -> Fault {
    Fault::Refuse {
        status: 400,
        error_type: "InvalidParameterValueException".to_owned(),
        message: "STEP SUCCEED without START".to_owned(),
    }
}

fn count(location: Location, error_type: ErrorType) -> u64 {
    health().error_count(location, error_type)
}

#[tokio::test]
async fn a_refused_ride_goes_out_again_without_us_and_is_not_tried_again() {
    let setting = with_fault(|call| has_checkpoint(call).then(refusal));
    let world = World::new(setting, step_wait_step).await;
    let before = count(Location::Ride, ErrorType::Refused);
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.result.as_deref(), Some(RESULT));
    assert_eq!(world.checkpoint_names(&ended.arn), Vec::<String>::new());
    assert!(count(Location::Ride, ErrorType::Refused) > before);
    let calls: Vec<_> = world.service.calls();
    let start_of_wait: Vec<_> = calls
        .iter()
        .filter(|call| call.request["Updates"][0]["Type"] == "WAIT")
        .collect();
    let [refused, again] = &start_of_wait[..] else {
        panic!("two attempts: {start_of_wait:?}")
    };
    assert_eq!((refused.status, again.status), (400, 200));
    assert_eq!(
        refused.request["CheckpointToken"], again.request["CheckpointToken"],
        "the same token"
    );
    assert_eq!(
        again.request["Updates"].as_array().map(Vec::len),
        Some(1),
        "ours is out"
    );
    let mut expected = refused.request["Updates"].clone();
    expected.as_array_mut().unwrap().pop();
    assert_eq!(again.request["Updates"], expected, "the SDK's is as it was");
    // A call of our own was tried once, and refused too. In a second execution nothing is tried again.
    let ended = world.run(&json!({})).await;
    let calls = world.service.calls();
    assert!(
        calls
            .iter()
            .filter(|call| call.arn == ended.arn)
            .all(|call| call.status == 200)
    );
}

#[tokio::test]
async fn nothing_rides_where_the_client_has_one_attempt() {
    let setting = Setting {
        max_attempts: 1,
        ..Setting::default()
    };
    let world = World::new(setting, step_wait_step).await;
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.result.as_deref(), Some(RESULT));
    let rides = world.service.calls().into_iter().filter(|call| {
        call.request["Updates"]
            .as_array()
            .is_some_and(|updates| updates.len() > 1)
    });
    assert_eq!(rides.count(), 0);
    // The wait outlasts the budget twice over, so a call of our own is safe and is made.
    assert_eq!(world.checkpoint_names(&ended.arn), ["_datadog_0"]);
}

#[tokio::test]
async fn a_request_that_failed_for_another_reason_goes_on_without_us() {
    for fault in [Fault::Throttle, refusal_5xx()] {
        let first = fault.clone();
        let setting = with_fault(move |call| {
            (has_checkpoint(call) && call.attempt == Some(1)).then(|| first.clone())
        });
        let world = World::new(setting, step_wait_step).await;
        let ended = world.run(&json!({})).await;
        assert_eq!(ended.result.as_deref(), Some(RESULT), "{fault:?}");
        let waits: Vec<_> = world
            .service
            .calls()
            .into_iter()
            .filter(|call| call.request["Updates"][0]["Type"] == "WAIT")
            .map(|call| call.request["Updates"].as_array().map_or(0, Vec::len))
            .collect();
        assert_eq!(
            waits,
            [2, 1],
            "{fault:?}: the second attempt is the SDK's alone"
        );
    }
}

#[tokio::test]
async fn a_request_whose_reply_was_lost_goes_out_again_as_it_was() {
    for fault in [Fault::CutConnection, Fault::LoseReply] {
        let first = fault.clone();
        let setting = with_fault(move |call| {
            (has_checkpoint(call) && call.attempt == Some(1)).then(|| first.clone())
        });
        let world = World::new(setting, step_wait_step).await;
        let ended = world.run(&json!({})).await;
        assert_eq!(ended.result.as_deref(), Some(RESULT), "{fault:?}");
        let calls = world.service.calls();
        let waits: Vec<_> = calls
            .iter()
            .filter(|call| call.request["Updates"][0]["Type"] == "WAIT")
            .collect();
        let [lost, again] = &waits[..] else {
            panic!("{fault:?}: two attempts")
        };
        assert_eq!(
            lost.request, again.request,
            "{fault:?}: the very same, so that the service knows it"
        );
        assert_eq!(
            world.checkpoint_names(&ended.arn),
            ["_datadog_0"],
            "{fault:?}"
        );
        assert_eq!(
            world.invocations(&ended.arn).len(),
            2,
            "{fault:?}: no invocation is lost"
        );
        world.spans.assert_one_trace();
    }
}

fn refusal_5xx() -> Fault {
    Fault::Refuse {
        status: 500,
        error_type: "ServiceException".to_owned(),
        message: "try again".to_owned(),
    }
}

#[tokio::test]
async fn a_stale_token_is_the_sdks_to_see() {
    let hit = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&hit);
    let setting = with_fault(move |call| {
        (has_checkpoint(call) && seen.fetch_add(1, Ordering::SeqCst) == 0)
            .then_some(Fault::StaleToken)
    });
    let world = World::new(setting, step_wait_step).await;
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.result.as_deref(), Some(RESULT));
    let statuses: Vec<_> = world
        .invocations(&ended.arn)
        .iter()
        .map(|invocation| format!("{:?}", invocation.status))
        .collect();
    assert_eq!(
        statuses.len(),
        3,
        "the SDK fails the invocation, the service invokes again: {statuses:?}"
    );
    let waits = world
        .service
        .calls()
        .into_iter()
        .filter(|call| call.request["Updates"][0]["Type"] == "WAIT");
    assert_eq!(waits.count(), 2, "the refused request was not sent twice");
}

fn calling(
    rule: impl Fn(&Call<'_>) -> Option<Fault> + Send + Sync + 'static,
    budget: Duration,
) -> Setting {
    let mut setting = with_fault(rule);
    setting.options = setting
        .options
        .checkpoint_mode(CheckpointMode::Call)
        .checkpoint_budget(budget);
    setting
}

#[tokio::test]
async fn a_call_of_our_own_that_fails_is_counted_and_changes_nothing() {
    let long = Duration::from_secs(20);
    for (fault, error_type) in [
        (Fault::Throttle, ErrorType::Throttled),
        (Fault::StaleToken, ErrorType::StaleToken),
        (refusal(), ErrorType::Refused),
        (Fault::CutConnection, ErrorType::Io),
        (Fault::MalformedReply, ErrorType::Malformed),
    ] {
        let kind = fault.clone();
        let setting = calling(move |call| has_checkpoint(call).then(|| kind.clone()), long);
        let world = World::new(setting, step_wait_step).await;
        let before = count(Location::CreateCheckpoint, error_type);
        let ended = world.run(&json!({})).await;
        assert_eq!(ended.result.as_deref(), Some(RESULT), "{fault:?}");
        assert!(
            count(Location::CreateCheckpoint, error_type) > before,
            "{fault:?} is {error_type}"
        );
    }
}

#[tokio::test]
async fn a_call_that_hangs_is_given_up_within_its_budget() {
    let setting = calling(
        |call| has_checkpoint(call).then_some(Fault::Hang),
        Duration::from_millis(20),
    );
    let world = World::new(setting, step_wait_step).await;
    let before = count(Location::CreateCheckpoint, ErrorType::Timeout);
    let ended = world.run(&json!({})).await; // or never, with the call
    assert_eq!(ended.result.as_deref(), Some(RESULT));
    assert!(count(Location::CreateCheckpoint, ErrorType::Timeout) > before);
}

#[tokio::test]
async fn errors_are_told_on_the_next_execute_span() {
    let setting = calling(
        |call| has_checkpoint(call).then_some(Fault::Throttle),
        Duration::from_secs(20),
    );
    let world = World::new(setting, step_wait_step).await;
    world.run(&json!({})).await;
    let told = world
        .spans
        .named("aws.durable.execute")
        .into_iter()
        .filter_map(|span| {
            Some((
                span.text("aws.durable.integration_errors")?,
                span.text("aws.durable.integration_error_locations")?,
            ))
        });
    // Other tests of this process may have added theirs; ours is among them.
    assert!(
        told.into_iter()
            .any(|(_, places)| places.contains("create_checkpoint"))
    );
}

#[tokio::test]
async fn a_panic_of_the_users_ends_the_spans_as_errors_and_goes_on() {
    let panics = Arc::new(AtomicUsize::new(0));
    let handler = move |_: Value, ctx: DurableContext| {
        let panics = Arc::clone(&panics);
        async move {
            ctx.wait(Duration::from_secs(1)).name("pause").await?;
            assert!(panics.fetch_add(1, Ordering::SeqCst) > 0, "the first time");
            Ok(json!("recovered"))
        }
    };
    let world = World::new(Setting::default(), handler).await;
    let ended = world.run(&json!({})).await;
    assert_eq!(
        ended.result.as_deref(),
        Some(r#""recovered""#),
        "the service invoked again"
    );
    world.spans.assert_one_trace();
    let failed: Vec<_> = world
        .spans
        .named("aws.lambda")
        .iter()
        .map(|span| span.failed)
        .collect();
    assert_eq!(failed, [false, true, false]);
    let execute = &world.spans.named("aws.durable.execute")[1];
    assert_eq!(
        execute.text("error.message").as_deref(),
        Some("the first time")
    );
}

#[tokio::test]
async fn garbage_in_prior_checkpoints_is_passed_over() {
    for garbage in [
        "not JSON",
        "[]",
        "{}",
        r#"{"x-datadog-trace-id":"0","x-datadog-parent-id":"1"}"#,
        "",
    ] {
        let handler = move |_: Value, ctx: DurableContext| async move {
            ctx.step(move |_| async move { Ok(garbage.to_owned()) })
                .name("_datadog_3")
                .await?;
            ctx.wait(Duration::from_secs(1)).name("pause").await?;
            Ok(Value::Null)
        };
        let world = World::new(Setting::default(), handler).await;
        let ended = world.run(&json!({})).await;
        assert_eq!(ended.status, ExecutionStatus::Succeeded, "{garbage}");
        world.spans.assert_one_trace();
        assert_eq!(
            world.checkpoint_names(&ended.arn),
            ["_datadog_3", "_datadog_4"],
            "{garbage}"
        );
    }
}

#[tokio::test]
async fn near_the_cap_the_operations_are_the_users() {
    let handler = |_: Value, ctx: DurableContext| async move {
        let items: Vec<u32> = (0..1_498).collect();
        let many = ctx.map(items, |ctx: DurableContext, item, _| async move {
            ctx.step(move |_| async move { Ok(item) })
                .await
                .map_err(Into::into)
        });
        many.await?;
        ctx.wait(Duration::from_secs(1)).await?;
        Ok(Value::Null)
    };
    let mut setting = Setting::default();
    setting.options = setting.options.checkpoint_batching(true);
    let world = World::new(setting, handler).await;
    let before = health().outcome_count(durable_trace::Outcome::Capped);
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.status, ExecutionStatus::Succeeded);
    assert_eq!(world.checkpoint_names(&ended.arn), Vec::<String>::new());
    assert!(health().outcome_count(durable_trace::Outcome::Capped) > before);
}

#[tokio::test]
async fn an_event_that_is_not_durable_is_the_sdks_to_refuse() {
    let world = World::new(Setting::default(), step_wait_step).await;
    let options = Options::builder()
        .lambda_client(crate::world::client(&world.service, 1))
        .tracer_provider(
            opentelemetry_sdk::trace::SdkTracerProvider::builder()
                .with_span_processor(world.spans.clone())
                .build(),
        )
        .build()
        .unwrap();
    let service = durable_trace::wrap(step_wait_step, options);
    let raw = serde_json::value::RawValue::from_string(r#"{"not": "durable"}"#.to_owned()).unwrap();
    let event = lambda_runtime::LambdaEvent::new(raw.into(), lambda_runtime::Context::default());
    let error = service(event).await.expect_err("the SDK refuses it");
    assert!(
        error.to_string().contains("durable execution envelope"),
        "{error}"
    );
    assert_eq!(world.spans.all().len(), 0, "and nothing of it is traced");
}

#[tokio::test]
async fn an_invocation_whose_log_cannot_be_fetched_is_in_the_executions_trace() {
    for (mode, page_size, why) in [
        (
            CheckpointMode::Ride,
            3,
            "the checkpoint is on the page that the event holds",
        ),
        (
            CheckpointMode::None,
            2,
            "the trace follows from the execution",
        ),
    ] {
        let failures = Arc::new(AtomicUsize::new(0));
        let rule = move |call: &Call<'_>| {
            let fails = call.operation == "GetDurableExecutionState"
                && failures.fetch_add(1, Ordering::SeqCst) == 0;
            fails.then(refusal)
        };
        let setting = Setting {
            config: Config::default().page_size(page_size).fault(rule),
            options: Options::builder().checkpoint_mode(mode),
            ..Setting::default()
        };
        let world = World::new(setting, three_waits).await;
        let ended = world.run(&json!({})).await;
        assert_eq!(ended.status, ExecutionStatus::Succeeded, "{why}");
        let lambdas = world.spans.named("aws.lambda");
        let failed = lambdas.iter().filter(|lambda| lambda.failed).count();
        assert_eq!((lambdas.len(), failed), (5, 1), "{why}");
        assert_eq!(world.spans.trace_ids().len(), 1, "{why}");
        let parents: HashSet<_> = lambdas[1..].iter().map(|lambda| lambda.parent_id).collect();
        assert_eq!(parents.len(), 1, "siblings: {why}");
    }
}

#[tokio::test]
async fn where_the_log_cannot_be_fetched_the_invocation_alone_is_sent_as_an_error() {
    let failures = Arc::new(AtomicUsize::new(0));
    let rule = move |call: &Call<'_>| {
        let fails = call.operation == "GetDurableExecutionState"
            && failures.fetch_add(1, Ordering::SeqCst) == 0;
        fails.then(refusal)
    };
    let setting = Setting {
        config: Config::default().page_size(2).fault(rule),
        ..Setting::default()
    };
    let world = World::new(setting, step_wait_step).await;
    let ended = world.run(&json!({})).await;
    assert_eq!(
        ended.result.as_deref(),
        Some(RESULT),
        "the service invoked again"
    );
    let lambdas = world.spans.named("aws.lambda");
    let failed: Vec<_> = lambdas.iter().map(|lambda| lambda.failed).collect();
    assert_eq!(failed, [false, true, false]);
    assert!(
        lambdas[1]
            .text("error.message")
            .unwrap()
            .contains("paginate")
    );
    assert_eq!(
        world.spans.named("aws.durable.execute").len(),
        2,
        "none for the one that read nothing"
    );
    assert_eq!(world.spans.open(), 0);
}
