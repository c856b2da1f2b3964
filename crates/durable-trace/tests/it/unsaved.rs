//! Executions without a checkpoint: none got through, or none is wanted.

use durable_trace::{CheckpointMode, Options};
use durable_trace_local::{Config, ExecutionStatus, Fault};
use durable_trace_wire::derive_context;
use opentelemetry::TraceId;
use serde_json::{Value, json};

use crate::faults::{has_checkpoint, refusal};
use crate::trace::three_waits;
use crate::world::{Seen, Setting, World};

/// Refuses every request that holds a checkpoint.
fn nothing_gets_through() -> Setting {
    Setting {
        config: Config::default().fault(|call| has_checkpoint(call).then(refusal)),
        ..Setting::default()
    }
}

fn without_checkpoints() -> Setting {
    Setting {
        options: Options::builder().checkpoint_mode(CheckpointMode::None),
        ..Setting::default()
    }
}

/// What the execution's ARN and start come to.
fn derived(world: &World, arn: &str) -> (TraceId, u64) {
    let started_at = world.service.execution(arn).unwrap().started_at.as_millis();
    let started_at = durable_trace_wire::UnixMillis(i64::try_from(started_at).unwrap());
    let context = derive_context(arn, Some(started_at));
    let trace_id = TraceId::from_bytes(context.trace_id.as_u128().to_be_bytes());
    (trace_id, context.parent_id.get())
}

fn parent(span: &Seen) -> u64 {
    u64::from_be_bytes(span.parent_id.to_bytes())
}

/// Asserts that the anchor is no span's id, and that just those are marked that hang on it; nothing else is without its parent.
fn assert_only_the_anchor_is_missing(world: &World, anchor: u64) {
    let all = world.spans.all();
    assert_eq!(world.spans.open(), 0);
    for span in &all {
        let marked = span.text("durable_trace.derived_parent").as_deref() == Some("true");
        assert_eq!(marked, parent(span) == anchor, "{}", span.name);
        assert_ne!(u64::from_be_bytes(span.span_id.to_bytes()), anchor);
    }
    for orphan in world.spans.orphans() {
        assert_eq!(parent(&orphan), anchor, "{}", orphan.name);
    }
}

#[tokio::test]
async fn where_no_checkpoint_gets_through_all_but_the_first_invocation_share_the_executions_own_trace()
 {
    let world = World::new(nothing_gets_through(), three_waits).await;
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.status, ExecutionStatus::Succeeded);
    assert!(world.checkpoint_names(&ended.arn).is_empty());
    let (trace_id, anchor) = derived(&world, &ended.arn);
    let lambdas = world.spans.named("aws.lambda");
    let traces: Vec<TraceId> = lambdas.iter().map(|lambda| lambda.trace_id).collect();
    let [first, others @ ..] = &traces[..] else {
        panic!("four invocations")
    };
    assert_eq!(others, [trace_id; 3]);
    assert_ne!(*first, trace_id);
    assert_only_the_anchor_is_missing(&world, anchor);
}

#[tokio::test]
async fn where_no_checkpoint_gets_through_and_there_is_a_caller_it_is_one_trace() {
    let world = World::new(nothing_gets_through(), three_waits).await;
    let ended = world
        .run(&json!({"headers": {
            "x-datadog-trace-id": "41", "x-datadog-parent-id": "42", "x-datadog-sampling-priority": "1"
        }}))
        .await;
    assert!(world.checkpoint_names(&ended.arn).is_empty());
    assert_eq!(world.spans.trace_ids().len(), 1);
    let lambdas = world.spans.named("aws.lambda");
    assert_eq!(lambdas.len(), 4);
    assert!(lambdas.iter().all(|lambda| parent(lambda) == 42));
}

#[tokio::test]
async fn a_checkpoint_that_is_written_late_carries_the_executions_own_trace_and_wins() {
    // The first call of our own is throttled for good, the second one gets through.
    let config = Config::default().fault(|call| {
        let first = call.invocation == Some(0);
        (first && has_checkpoint(call)).then_some(Fault::Throttle)
    });
    let setting = Setting {
        config,
        max_attempts: 1,
        options: Options::builder().checkpoint_mode(CheckpointMode::Call),
        ..Setting::default()
    };
    let world = World::new(setting, three_waits).await;
    let ended = world.run(&json!({})).await;
    let (trace_id, anchor) = derived(&world, &ended.arn);
    let checkpoints = world.checkpoints(&ended.arn);
    let [(name, _, headers)] = &checkpoints[..] else {
        panic!("one checkpoint: {checkpoints:?}")
    };
    assert_eq!(name, "_datadog_0");
    assert_eq!(headers["x-datadog-parent-id"], anchor.to_string());
    let traces: Vec<bool> = world
        .spans
        .named("aws.lambda")
        .iter()
        .map(|lambda| lambda.trace_id == trace_id)
        .collect();
    assert_eq!(traces, [false, true, true, true]);
    assert_only_the_anchor_is_missing(&world, anchor);
}

#[tokio::test]
async fn without_checkpoints_it_is_one_trace_that_costs_no_request_and_no_operation() {
    let world = World::new(without_checkpoints(), three_waits).await;
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.status, ExecutionStatus::Succeeded);
    assert!(world.checkpoint_names(&ended.arn).is_empty());
    let plain = World::new(
        Setting {
            options: Options::builder().cross_invocation_tracing(false),
            ..Setting::default()
        },
        three_waits,
    )
    .await;
    let untouched = plain.run(&json!({})).await;
    assert_eq!(world.calls(&ended.arn), plain.calls(&untouched.arn));
    let (trace_id, anchor) = derived(&world, &ended.arn);
    assert_eq!(world.spans.trace_ids(), [trace_id].into());
    assert_only_the_anchor_is_missing(&world, anchor);
    assert_eq!(
        world.spans.orphans().len(),
        4,
        "each invocation hangs on the anchor"
    );
}

#[tokio::test]
async fn opted_out_each_invocation_is_a_trace_and_only_the_first_has_the_caller() {
    let opted_out = || Setting {
        options: Options::builder().cross_invocation_tracing(false),
        ..Setting::default()
    };
    let world = World::new(opted_out(), three_waits).await;
    world.run(&json!({})).await;
    assert_eq!(world.spans.trace_ids().len(), 4);
    assert!(world.spans.orphans().is_empty());

    let world = World::new(opted_out(), three_waits).await;
    let caller = json!({"headers": {"x-datadog-trace-id": "41", "x-datadog-parent-id": "42"}});
    world.run(&caller).await;
    let parents: Vec<u64> = world.spans.named("aws.lambda").iter().map(parent).collect();
    assert_eq!(parents, [42, 0, 0, 0]);
}

#[tokio::test]
async fn an_invocation_that_is_run_again_under_the_executions_own_trace_makes_no_span_twice() {
    // The second invocation dies before its first request is answered, and is tried again.
    let config = Config::default().fault(|call| {
        (call.invocation == Some(1) && call.attempt == Some(1)).then_some(Fault::StaleToken)
    });
    let setting = Setting {
        config,
        ..without_checkpoints()
    };
    let world = World::new(setting, three_waits).await;
    let ended = world.run(&Value::Null).await;
    assert_eq!(ended.status, ExecutionStatus::Succeeded);
    let all = world.spans.all();
    let ids: std::collections::HashSet<_> = all.iter().map(|span| span.span_id).collect();
    assert_eq!(ids.len(), all.len());
    assert_eq!(
        world.spans.named("aws.lambda").len(),
        5,
        "four invocations, one of them twice"
    );
}
