//! The caller's trace goes on into the execution, and the execution's into what it invokes.

use std::collections::HashSet;
use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use durable_trace::{Continuity, Options, ReplayedSpans};
use durable_trace_local::{CallbackAction, Config, ExecutionStatus};
use opentelemetry::{SpanId, TraceId};
use serde_json::{Value, json};

use crate::trace::three_waits;
use crate::world::{Setting, World, echo};

/// An HTTP request of somebody who is traced.
fn request() -> Value {
    json!({
        "version": "2.0",
        "routeKey": "POST /orders",
        "rawPath": "/orders",
        "requestContext": {
            "apiId": "a1b2c3",
            "stage": "$default",
            "domainName": "shop.example.com",
            "http": {"method": "POST", "path": "/orders"},
        },
        "headers": {
            "X-Datadog-Trace-Id": "7",
            "x-datadog-parent-id": "8",
            "x-datadog-sampling-priority": "2",
            "x-datadog-origin": "synthetics",
            "x-datadog-tags": "_dd.p.dm=-4,_dd.p.tid=6b02ac8400000000",
        },
        "body": "{}",
    })
}

#[tokio::test]
async fn the_callers_trace_goes_on_through_all_invocations() {
    let world = World::new(Setting::default(), three_waits).await;
    let ended = world.run(&request()).await;
    assert_eq!(ended.status, ExecutionStatus::Succeeded);
    let trace = TraceId::from(0x6b02_ac84_0000_0000_0000_0000_0000_0007_u128);
    assert_eq!(world.spans.trace_ids(), HashSet::from([trace]));
    let lambdas = world.spans.named("aws.lambda");
    let anchor = world.spans.named("aws.durable.execute").remove(0);
    assert_eq!(lambdas[0].parent_id, SpanId::from(8));
    assert!(
        lambdas[1..]
            .iter()
            .all(|lambda| lambda.parent_id == anchor.span_id)
    );
    for lambda in &lambdas {
        assert_eq!(
            lambda.text("function_trigger.event_source").as_deref(),
            Some("api-gateway")
        );
        assert_eq!(lambda.text("http.method").as_deref(), Some("POST"));
        assert_eq!(
            lambda.text("http.url").as_deref(),
            Some("https://shop.example.com/orders")
        );
    }
    let [(name, _, payload)] = &world.checkpoints(&ended.arn)[..] else {
        panic!("one checkpoint")
    };
    assert_eq!(name, "_datadog_0");
    assert_eq!(
        payload["x-datadog-sampling-priority"], "2",
        "the caller's decision"
    );
    assert_eq!(
        payload["x-datadog-origin"], "synthetics",
        "the caller's origin"
    );
    assert_eq!(
        payload["x-datadog-tags"], "_dd.p.dm=-4,_dd.p.tid=6b02ac8400000000",
        "the caller's tags"
    );
    assert!(
        world
            .spans
            .all()
            .iter()
            .all(|span| span.text("_dd.origin").as_deref() == Some("synthetics"))
    );
}

#[tokio::test]
async fn where_no_checkpoint_is_kept_only_the_first_invocation_hangs_on_the_caller() {
    let mut setting = Setting::default();
    setting.options = setting.options.cross_invocation_tracing(false);
    let world = World::new(setting, three_waits).await;
    world.run(&request()).await;
    let hang: Vec<_> = world
        .spans
        .named("aws.lambda")
        .iter()
        .map(|l| l.parent_id == SpanId::from(8))
        .collect();
    assert_eq!(hang, [true, false, false, false]);
}

#[tokio::test]
async fn a_caller_without_a_decision_is_followed_and_sampled_once() {
    let world = World::new(Setting::default(), three_waits).await;
    let input = json!({"_datadog": {"x-datadog-trace-id": "7", "x-datadog-parent-id": "8"}});
    let ended = world.run(&input).await;
    assert_eq!(world.spans.trace_ids(), HashSet::from([TraceId::from(7)]));
    let checkpoints = world.checkpoints(&ended.arn);
    assert_eq!(checkpoints.len(), 1, "the decision stands");
    assert_eq!(checkpoints[0].2["x-datadog-sampling-priority"], "1");
}

#[tokio::test]
async fn the_users_extractor_comes_first() {
    let mut setting = Setting::default();
    setting.options = setting.options.extractor(|event| {
        let event: Value = serde_json::from_str(event.get()).ok()?;
        Some(durable_trace::Context {
            trace_id: durable_trace::TraceId::from_u128(
                event["headers"]["x-datadog-parent-id"]
                    .as_str()?
                    .parse()
                    .ok()?,
            )?,
            parent_id: durable_trace::SpanId::new(99)?,
            sampling_priority: None,
            origin: None,
            tags: durable_trace::Tags::default(),
        })
    });
    let world = World::new(setting, crate::trace::step_wait_step).await;
    world
        .run(&json!({"headers": {"x-datadog-parent-id": "5"}}))
        .await;
    assert_eq!(world.spans.trace_ids(), HashSet::from([TraceId::from(5)]));
    assert_eq!(
        world.spans.named("aws.lambda")[0].parent_id,
        SpanId::from(99)
    );
}

/// Invokes `billing`, with a suspension on either side.
async fn invoking(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    ctx.wait(Duration::from_secs(1)).name("before").await?;
    let bill: Value = ctx
        .invoke("billing", json!({"order": 1}))
        .name("bill")
        .await?;
    ctx.wait(Duration::from_secs(1)).name("after").await?;
    Ok(bill)
}

/// The invoked side: fails the first time, suspends, and gives back what it was given.
async fn billing(input: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    ctx.wait(Duration::from_secs(2)).name("settle").await?;
    let attempted = ctx
        .step(|step| async move {
            if step.attempt() < 2 {
                Err(BoxError::from("declined"))
            } else {
                Ok(())
            }
        })
        .name("charge");
    attempted.await?;
    Ok(input)
}

#[tokio::test]
async fn both_executions_are_one_trace_each_with_its_own_anchor() {
    for replays in [ReplayedSpans::Omit, ReplayedSpans::Emit] {
        let mut setting = Setting::default();
        setting.options = setting
            .options
            .replayed_spans(replays)
            .invoke_targets(["billing"]);
        let world = World::new(setting, invoking).await;
        world.register(
            "billing",
            Options::builder().replayed_spans(replays),
            billing,
        );
        let ended = world.run(&json!({})).await;
        assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
        assert_eq!(world.spans.trace_ids().len(), 1);
        assert_eq!(world.spans.open(), 0);
        let executions = world.service.executions();
        let billed = executions
            .iter()
            .find(|execution| execution.function == "billing")
            .unwrap();
        for execution in &executions {
            assert_eq!(
                world.checkpoint_names(&execution.arn),
                ["_datadog_0"],
                "{}",
                execution.function
            );
        }
        let payload = |arn: &str| world.checkpoints(arn).remove(0).2["x-datadog-parent-id"].clone();
        assert_ne!(payload(&ended.arn), payload(&billed.arn), "an anchor each");
        let id = billed.arn.rsplit('/').next().unwrap();
        let first = world
            .spans
            .named("aws.lambda")
            .into_iter()
            .find(|lambda| lambda.text("aws.durable.execution_id").as_deref() == Some(id))
            .unwrap();
        let all = world.spans.all();
        let parent = all
            .iter()
            .find(|span| span.span_id == first.parent_id)
            .unwrap();
        assert_eq!(parent.name, "aws.durable.invoke", "{replays:?}");
        assert_eq!(
            parent.text("aws.durable.invoke.function_name").as_deref(),
            Some("billing")
        );
    }
}

#[tokio::test]
async fn a_failed_invoke_is_an_error_in_the_same_trace() {
    let handler = |_: Value, ctx: DurableContext| async move {
        let billed = ctx
            .invoke::<Value, _>("billing", json!({}))
            .name("bill")
            .await;
        Ok(json!(billed.is_err()))
    };
    let mut setting = Setting::default();
    setting.options = setting.options.invoke_targets(["*"]);
    let world = World::new(setting, handler).await;
    let broke = |_: Value, ctx: DurableContext| async move {
        ctx.wait(Duration::from_secs(1)).name("settle").await?;
        Err::<Value, _>(BoxError::from("broke"))
    };
    world.register("billing", Options::builder(), broke);
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.result.as_deref(), Some("true"), "{ended:?}");
    assert_eq!(world.spans.trace_ids().len(), 1);
    let invokes = world.spans.named("aws.durable.invoke");
    assert_eq!(
        invokes.len(),
        2,
        "where it was handed over, and where its end was seen"
    );
    let failed: Vec<_> = invokes.iter().filter(|invoke| invoke.failed).collect();
    let [failed] = &failed[..] else {
        panic!("one of them tells of the failure")
    };
    assert!(failed.text("error.message").unwrap().contains("broke"));
}

#[tokio::test]
async fn a_function_that_is_not_named_is_given_just_what_it_was_sent() {
    for (targets, want) in [
        (vec![], json!({"order": 1})),
        (vec!["shipping"], json!({"order": 1})),
    ] {
        let mut setting = Setting::default();
        setting.options = setting.options.invoke_targets(targets);
        let world = World::new(setting, invoking).await;
        world.service.register("billing", echo());
        let ended = world.run(&json!({})).await;
        assert_eq!(ended.result, Some(want.to_string()));
    }
}

#[tokio::test]
async fn who_completes_a_callback_is_linked_not_followed() {
    let handler = |_: Value, ctx: DurableContext| async move {
        let answer: Value = ctx
            .wait_for_callback(|_, _| async { Ok(()) })
            .name("approval")
            .await?;
        Ok(answer)
    };
    let result = r#"{"ok":true,"_datadog":{"x-datadog-trace-id":"21","x-datadog-parent-id":"22","x-datadog-sampling-priority":"1"}}"#;
    let setting = Setting {
        config: Config::default()
            .on_callback(move |_| Some(CallbackAction::complete(Duration::from_secs(1), result))),
        ..Setting::default()
    };
    let world = World::new(setting, handler).await;
    let ended = world.run(&json!({})).await;
    let got: Value = serde_json::from_str(&ended.result.unwrap()).unwrap();
    assert_eq!(
        got,
        serde_json::from_str::<Value>(result).unwrap(),
        "the handler is given what was sent"
    );
    let callback = world.spans.named("aws.durable.create_callback").remove(0);
    assert_eq!(callback.links, [(TraceId::from(21), SpanId::from(22))]);
    world.spans.assert_one_trace();
}

#[tokio::test]
async fn a_batch_hangs_on_its_first_record_and_links_to_the_others() {
    let record = |trace: u64| {
        let headers = json!({
            "x-datadog-trace-id": trace.to_string(),
            "x-datadog-parent-id": "3",
            "x-datadog-sampling-priority": "1",
        });
        json!({
            "eventSource": "aws:sqs",
            "body": "x",
            "attributes": {},
            "messageAttributes": {"_datadog": {"dataType": "String", "stringValue": headers.to_string()}},
        })
    };
    let mut setting = Setting::default();
    setting.options = setting.options.continuity(Continuity::Parent);
    let world = World::new(setting, crate::trace::step_wait_step).await;
    world
        .run(&json!({"Records": [record(11), record(12), record(11), record(13)]}))
        .await;
    assert_eq!(world.spans.trace_ids(), HashSet::from([TraceId::from(11)]));
    let first = world.spans.named("aws.lambda").remove(0);
    assert_eq!(
        first.links,
        [
            (TraceId::from(12), SpanId::from(3)),
            (TraceId::from(13), SpanId::from(3))
        ]
    );
}
