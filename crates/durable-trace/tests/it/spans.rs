//! Where each span hangs and what it says.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext, RetryDecision, StepError};
use durable_trace::{Continuity, ReplayedSpans};
use durable_trace_local::{Clock, Config};
use serde_json::{Value, json};

use crate::trace::step_wait_step;
use crate::world::{FUNCTION, Layer, Setting, World};

/// The tree as lines: depth, name, resource, replayed, attempt, error.
fn tree(world: &World) -> Vec<String> {
    let all = world.spans.all();
    let mut lines = Vec::new();
    let mut stack: Vec<(usize, &crate::world::Seen)> = all
        .iter()
        .rev()
        .filter(|span| !all.iter().any(|parent| parent.span_id == span.parent_id))
        .map(|s| (0, s))
        .collect();
    while let Some((depth, span)) = stack.pop() {
        let optional = |key: &str| {
            span.text(key)
                .map(|value| format!(" {value}"))
                .unwrap_or_default()
        };
        lines.push(format!(
            "{}{} [{}]{}{}{}",
            "  ".repeat(depth),
            span.name,
            span.resource(),
            optional("aws.durable.replayed"),
            optional("aws.durable.operation_attempt"),
            if span.failed { " error" } else { "" },
        ));
        stack.extend(
            all.iter()
                .rev()
                .filter(|child| child.parent_id == span.span_id)
                .map(|child| (depth + 1, child)),
        );
    }
    lines
}

fn emitting() -> Setting {
    let mut setting = Setting::default();
    setting.options = setting.options.replayed_spans(ReplayedSpans::Emit);
    setting
}

#[tokio::test]
async fn the_tree_is_the_references_where_replays_are_emitted() {
    let world = World::new(emitting(), step_wait_step).await;
    world.run(&json!({})).await;
    assert_eq!(
        tree(&world),
        [
            "aws.lambda [orders]",
            "  aws.durable.execute [it::trace::step_wait_step] false",
            "    aws.durable.step [first] false 0",
            "    aws.durable.wait [pause] false",
            "    aws.lambda [orders]",
            "      aws.durable.execute [it::trace::step_wait_step] true",
            "        aws.durable.step [first] true 0",
            "        aws.durable.wait [pause] true",
            "        aws.durable.step [second] false 0",
        ]
    );
}

#[tokio::test]
async fn each_operation_is_one_span_where_they_are_not() {
    let world = World::new(Setting::default(), step_wait_step).await;
    world.run(&json!({})).await;
    let mut lines = tree(&world);
    let slept: Vec<_> = lines
        .extract_if(.., |line| line.contains("durable.wait "))
        .collect();
    assert_eq!(
        slept,
        ["        aws.durable.wait [pause] false"],
        "by the invocation that sees its end"
    );
    assert_eq!(
        lines,
        [
            "aws.lambda [orders]",
            "  aws.durable.execute [it::trace::step_wait_step] false",
            "    aws.durable.step [first] false 0",
            "    aws.lambda [orders]",
            "      aws.durable.execute [it::trace::step_wait_step] true",
            "        aws.durable.step [second] false 0",
        ]
    );
    let wait = world.spans.named("aws.durable.wait").remove(0);
    let length = wait.end.duration_since(wait.start).unwrap();
    assert_eq!(length, Duration::from_mins(1), "as long as it was");
}

#[tokio::test]
async fn without_our_layer_the_same_spans_are_inferred() {
    let setting = Setting {
        layer: Layer::Without,
        ..emitting()
    };
    let world = World::new(setting, step_wait_step).await;
    world.run(&json!({})).await;
    world.spans.assert_one_trace();
    let mut without = tree(&world);
    let world = World::new(emitting(), step_wait_step).await;
    world.run(&json!({})).await;
    let mut with = tree(&world);
    without.sort();
    with.sort();
    assert_eq!(without, with);
}

#[tokio::test]
async fn every_span_of_ours_carries_what_datadogs_views_ask_for() {
    let world = World::new(Setting::default(), step_wait_step).await;
    let ended = world.run(&json!({})).await;
    let mut arn = ended.arn.rsplit('/');
    let (id, name) = (
        arn.next().unwrap().to_owned(),
        arn.next().unwrap().to_owned(),
    );
    for (index, lambda) in world.spans.named("aws.lambda").iter().enumerate() {
        let request_id = &world.invocations(&ended.arn)[index].request_id;
        for (key, want) in [
            ("span.type", "serverless"),
            ("_dd.origin", "lambda"),
            ("request_id", request_id),
            ("aws.durable.execution_name", &name),
            ("aws.durable.execution_id", &id),
            (
                "aws.durable.first_invocation",
                if index == 0 { "true" } else { "false" },
            ),
            (
                "aws.durable.execution_status",
                if index == 0 { "PENDING" } else { "SUCCEEDED" },
            ),
            ("function_version", "$LATEST"),
            ("functionname", FUNCTION),
            ("resource_names", FUNCTION),
        ] {
            assert_eq!(lambda.text(key).as_deref(), Some(want), "{key}");
        }
    }
    for (name, keys) in [
        (
            "aws.durable.execute",
            [
                "aws.durable.execution_arn",
                "aws.durable.replayed",
                "aws.durable.invocation_status",
            ],
        ),
        (
            "aws.durable.step",
            [
                "aws.durable.operation_id",
                "aws.durable.operation_name",
                "aws.durable.operation_attempt",
            ],
        ),
        (
            "aws.durable.wait",
            [
                "aws.durable.operation_id",
                "aws.durable.operation_name",
                "aws.durable.replayed",
            ],
        ),
    ] {
        for span in world.spans.named(name) {
            for key in keys {
                assert!(span.text(key).is_some(), "{name}: {key}");
            }
            assert_eq!(
                span.text("component").as_deref(),
                Some("aws_durable_execution_sdk_rust")
            );
            assert_eq!(span.text("_dd.measured").as_deref(), Some("1"));
            assert_eq!(span.text("_dd.origin").as_deref(), Some("lambda"));
        }
    }
    let payload = &world.checkpoints(&ended.arn)[0].2;
    assert!(
        payload.get("x-datadog-origin").is_none(),
        "our own origin is not propagated"
    );
}

#[tokio::test]
async fn the_users_spans_hang_on_the_step_whose_body_made_them() {
    let handler = |_: Value, ctx: DurableContext| async move {
        tracing::info_span!("between").in_scope(|| ());
        let spawned = ctx
            .step(|_| async {
                tracing::info_span!("in-spawned").in_scope(|| ());
                Ok(1)
            })
            .name("spawned")
            .spawn();
        ctx.run_in_child_context(|child: DurableContext| async move {
            child
                .step(|_| async {
                    let span = tracing::info_span!("in-child");
                    tracing::Instrument::instrument(tokio::task::yield_now(), span).await;
                    Ok(2)
                })
                .name("nested")
                .await
                .map_err(Into::into)
        })
        .name("kid")
        .await?;
        spawned.await?;
        Ok(Value::Null)
    };
    let world = World::new(Setting::default(), handler).await;
    world.run(&json!({})).await;
    world.spans.assert_one_trace();
    let parent_of = |name: &str| {
        let span = world.spans.named(name).remove(0);
        let parent = world
            .spans
            .all()
            .into_iter()
            .find(|parent| parent.span_id == span.parent_id)
            .unwrap();
        (
            parent.name.clone(),
            parent
                .text("aws.durable.operation_name")
                .unwrap_or_default(),
        )
    };
    assert_eq!(parent_of("between").0, "aws.durable.execute");
    assert_eq!(
        parent_of("in-spawned"),
        ("aws.durable.step".to_owned(), "spawned".to_owned())
    );
    assert_eq!(
        parent_of("in-child"),
        ("aws.durable.step".to_owned(), "nested".to_owned())
    );
    let names: std::collections::HashSet<_> = world
        .spans
        .all()
        .into_iter()
        .map(|span| span.name)
        .collect();
    let others: Vec<_> = names
        .iter()
        .filter(|name| !name.starts_with("aws.") && !name.contains("in-") && *name != "between")
        .collect();
    assert_eq!(
        others,
        Vec::<&String>::new(),
        "neither the SDK's, nor the runtime's, nor the client's"
    );
}

#[tokio::test]
async fn each_attempt_of_a_retried_step_is_a_span_with_the_users_error() {
    let handler = |_: Value, ctx: DurableContext| async move {
        let value = ctx
            .step(|step| async move {
                if step.attempt() < 3 {
                    Err(BoxError::from(format!("boom {}", step.attempt())))
                } else {
                    Ok("ok".to_owned())
                }
            })
            .name("flaky")
            .retry_strategy(|_: &StepError, attempt: u32| {
                if attempt >= 3 {
                    RetryDecision::Stop
                } else {
                    RetryDecision::Retry {
                        delay: Duration::from_secs(1),
                    }
                }
            })
            .await?;
        Ok(json!(value))
    };
    let world = World::new(Setting::default(), handler).await;
    let ended = world.run(&json!({})).await;
    world.spans.assert_one_trace();
    let steps: Vec<_> = world
        .spans
        .named("aws.durable.step")
        .into_iter()
        .map(|s| {
            (
                s.text("aws.durable.operation_attempt").unwrap(),
                s.failed,
                s.text("error.message"),
            )
        })
        .collect();
    let boom = |n: u32| Some(format!("boom {n}"));
    assert_eq!(
        steps,
        [
            ("0".to_owned(), true, boom(1)),
            ("1".to_owned(), true, boom(2)),
            ("2".to_owned(), false, None)
        ]
    );
    assert_eq!(
        world.checkpoint_names(&ended.arn),
        ["_datadog_0"],
        "rode on the first retry"
    );
    assert_eq!(
        world.calls(&ended.arn),
        [2, 2, 2],
        "START and RETRY, START and RETRY, START and SUCCEED"
    );
}

#[tokio::test]
async fn a_span_that_another_library_has_open_for_the_invocation_takes_the_place_of_ours() {
    let setting = Setting {
        inside_lambda_span: true,
        ..Setting::default()
    };
    let world = World::new(setting, step_wait_step).await;
    let ended = world.run(&json!({})).await;
    let lambdas = world.spans.named("aws.lambda");
    assert_eq!(lambdas.len(), 2, "none of ours beside them");
    for (lambda, status) in lambdas.iter().zip(["PENDING", "SUCCEEDED"]) {
        assert!(lambda.text("request_id").is_none(), "the other library's");
        assert!(
            ended
                .arn
                .ends_with(&lambda.text("aws.durable.execution_id").unwrap())
        );
        assert_eq!(
            lambda.text("aws.durable.execution_status").as_deref(),
            Some(status)
        );
    }
    for execute in world.spans.named("aws.durable.execute") {
        assert!(
            lambdas
                .iter()
                .any(|lambda| lambda.span_id == execute.parent_id)
        );
    }
}

#[tokio::test]
async fn a_resumed_invocation_tells_what_it_slept_on_and_how_long() {
    // On the machine's clock: a clock that jumps would be ahead of the function's.
    let handler = |_: Value, ctx: DurableContext| async move {
        ctx.wait(Duration::from_secs(1)).name("nap").await?;
        Ok(Value::Null)
    };
    let mut setting = Setting {
        config: Config::default().clock(Clock::Real),
        ..Setting::default()
    };
    setting.options = setting.options.suspended_spans(true);
    let world = World::new(setting, handler).await;
    world.run(&json!({})).await;
    let [first, second] = &world.spans.named("aws.lambda")[..] else {
        panic!("two invocations")
    };
    let figure = |key: &str| second.text(key).and_then(|ms| ms.parse::<u64>().ok());
    assert!(
        first.text("aws.durable.suspended_on").is_none(),
        "it has not slept"
    );
    assert_eq!(
        second.text("aws.durable.suspended_on").as_deref(),
        Some("wait nap")
    );
    let (slept, delay) = (
        figure("aws.durable.suspended_ms").unwrap(),
        figure("aws.durable.resume_delay_ms").unwrap(),
    );
    assert!(slept >= 1_000 && slept >= delay, "{slept} {delay}");
    let asleep = world.spans.named("aws.durable.suspended").remove(0);
    assert_eq!(
        asleep.parent_id, second.parent_id,
        "beside the invocations, under the anchor"
    );
    assert_eq!(asleep.end, second.start);
    let length = asleep.end.duration_since(asleep.start).unwrap();
    assert!(
        u128::from(slept).abs_diff(length.as_millis()) <= 1,
        "{slept} {length:?}"
    );
}

#[tokio::test]
async fn linked_invocations_are_traces_of_their_own_that_point_at_the_first() {
    let mut setting = Setting::default();
    setting.options = setting.options.continuity(Continuity::Link);
    let world = World::new(setting, crate::trace::three_waits).await;
    let ended = world.run(&json!({})).await;
    assert_eq!(world.spans.trace_ids().len(), 4);
    assert_eq!(
        world.checkpoint_names(&ended.arn),
        ["_datadog_0"],
        "the first stays what all link to"
    );
    let anchor = world.spans.named("aws.durable.execute").remove(0);
    for lambda in world.spans.named("aws.lambda").iter().skip(1) {
        assert_eq!(lambda.links, [(anchor.trace_id, anchor.span_id)]);
    }
}
