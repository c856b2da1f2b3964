//! Every kind of operation: its span, its place, and the user's spans inside it.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_durable_execution_sdk::builders::wait_for_condition::WaitDecision;
use aws_durable_execution_sdk::{BoxError, Branch, DurableContext};
use durable_trace::ReplayedSpans;
use durable_trace_local::{CallbackAction, Config, ExecutionStatus};
use serde_json::{Value, json};

use crate::world::{Seen, Setting, World, echo};

const SECOND: Duration = Duration::from_secs(1);

/// All kinds, with a suspension inside each that can hold one.
pub(crate) async fn all_kinds(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let fan = ctx.map(vec![1_u32, 2], |ctx: DurableContext, item, _| async move {
        tracing::info_span!("in-item").in_scope(|| ());
        let part = ctx
            .step(move |_| async move { Ok(item) })
            .name("part")
            .await?;
        ctx.wait(SECOND).name("nap").await?;
        Ok(part)
    });
    let parts: Vec<u32> = fan.name("fan").await?;
    let branch = |value: u32| {
        Branch::new(format!("b{value}"), move |ctx: DurableContext| async move {
            tracing::info_span!("in-branch").in_scope(|| ());
            Ok(ctx
                .step(move |_| async move { Ok(value) })
                .name("side")
                .await?)
        })
    };
    let sides: Vec<u32> = ctx
        .parallel(vec![branch(3), branch(4)])
        .name("both")
        .await?;
    let kid = ctx.run_in_child_context(|ctx: DurableContext| async move {
        tracing::info_span!("in-kid").in_scope(|| ());
        ctx.wait(SECOND).name("inner").await?;
        Ok(ctx.step(|_| async { Ok(7) }).name("deep").await?)
    });
    let kid: i32 = kid.name("kid").await?;
    let polls = ctx
        .wait_for_condition(
            |_, polls: i32| async move {
                tracing::info_span!("in-check").in_scope(|| ());
                Ok(polls + 1)
            },
            0,
        )
        .wait_strategy_fn(|polls, _| {
            if polls >= 2 {
                WaitDecision::complete()
            } else {
                WaitDecision::continue_with(SECOND)
            }
        })
        .name("poll")
        .await?;
    let approval = ctx.wait_for_callback(|_, _| async {
        tracing::info_span!("in-submitter").in_scope(|| ());
        Ok(())
    });
    let answer: String = approval.name("approval").await?;
    let echoed: Value = ctx
        .invoke("plain-target", json!({"x": 1}))
        .name("call")
        .await?;
    Ok(json!([parts, sides, kid, polls, answer, echoed]))
}

async fn world(replays: ReplayedSpans) -> World {
    world_of(replays, all_kinds).await
}

/// A world in which all kinds can come to their ends.
pub(crate) async fn world_of<F, Fut>(replays: ReplayedSpans, handler: F) -> World
where
    F: Fn(Value, DurableContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Value, BoxError>> + Send + 'static,
{
    let config =
        Config::default().on_callback(|_| Some(CallbackAction::complete(SECOND, r#""approved""#)));
    let mut setting = Setting {
        config,
        ..Setting::default()
    };
    setting.options = setting.options.replayed_spans(replays);
    let world = World::new(setting, handler).await;
    world.service.register("plain-target", echo());
    world
}

fn parent<'a>(all: &'a [Seen], span: &Seen) -> Option<&'a Seen> {
    all.iter().find(|other| other.span_id == span.parent_id)
}

#[tokio::test]
async fn every_operation_has_its_place_in_one_trace() {
    for replays in [ReplayedSpans::Omit, ReplayedSpans::Emit] {
        let world = world(replays).await;
        let ended = world.run(&json!({})).await;
        assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
        assert_eq!(
            ended.result.as_deref(),
            Some(r#"[[1,2],[3,4],7,2,"approved",{"x":1}]"#)
        );
        world.spans.assert_one_trace();
        assert_eq!(world.checkpoint_names(&ended.arn), ["_datadog_0"]);
        let all = world.spans.all();
        for span in all
            .iter()
            .filter(|span| span.name.starts_with("aws.durable."))
        {
            let name = span.text("aws.durable.operation_name").unwrap_or_default();
            let around = parent(&all, span)
                .map(|parent| parent.name.as_str())
                .unwrap();
            let want = match (span.name.as_str(), name.as_str()) {
                (_, "part" | "nap") => "aws.durable.map",
                (_, "side") => "aws.durable.parallel",
                (_, "inner" | "deep") => "aws.durable.child_context",
                // A step without a name here is the submitter.
                ("aws.durable.create_callback" | "aws.durable.step", _) => {
                    "aws.durable.wait_for_callback"
                }
                ("aws.durable.execute", _) => "aws.lambda",
                _ => "aws.durable.execute",
            };
            assert_eq!(around, want, "{} {name}", span.name);
        }
    }
}

#[tokio::test]
async fn where_replays_are_omitted_each_operation_is_one_span_and_a_context_one_for_each_invocation_with_work()
 {
    let world = world(ReplayedSpans::Omit).await;
    world.run(&json!({})).await;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for span in world.spans.all() {
        let name = span.text("aws.durable.operation_name").unwrap_or_default();
        if span.name.starts_with("aws.durable.") && span.name != "aws.durable.execute" {
            *counts.entry(format!("{} {name}", span.name)).or_default() += 1;
        }
        assert_ne!(
            span.text("aws.durable.replayed").as_deref(),
            Some("true").filter(|_| span.name != "aws.durable.execute")
        );
    }
    let want = [
        ("aws.durable.child_context kid", 2), // where it began, and where it went on and ended
        ("aws.durable.create_callback ", 1),
        ("aws.durable.invoke call", 1),
        ("aws.durable.map fan", 2),
        ("aws.durable.parallel both", 1),
        ("aws.durable.step ", 1), // the submitter
        ("aws.durable.step deep", 1),
        ("aws.durable.step part", 2),
        ("aws.durable.step side", 2),
        ("aws.durable.wait inner", 1),
        ("aws.durable.wait nap", 2),
        ("aws.durable.wait_for_callback approval", 2),
        ("aws.durable.wait_for_condition poll", 2), // two checks
    ];
    let want: BTreeMap<String, usize> = want
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count))
        .collect();
    assert_eq!(counts, want);
}

#[tokio::test]
async fn the_users_spans_hang_on_the_operation_whose_code_made_them() {
    let world = world(ReplayedSpans::Emit).await;
    world.run(&json!({})).await;
    let all = world.spans.all();
    for (own, want) in [
        ("in-item", "aws.durable.map"),
        ("in-branch", "aws.durable.parallel"),
        ("in-kid", "aws.durable.child_context"),
        ("in-check", "aws.durable.wait_for_condition"),
        ("in-submitter", "aws.durable.step"),
    ] {
        // Where the code ran for the first time; a body that is passed through again has not said yet whose it is.
        let first = all.iter().find(|span| span.name == own).unwrap();
        assert_eq!(
            parent(&all, first).map(|parent| parent.name.as_str()),
            Some(want),
            "{own}"
        );
    }
}

#[tokio::test]
async fn invokes_that_end_in_the_same_moment_are_told_of_once_each() {
    let handler = |_: Value, ctx: DurableContext| async move {
        let both = ctx.map([1, 2], |ctx: DurableContext, item, _| async move {
            let echoed: Value = ctx.invoke("plain-target", json!(item)).await?;
            Ok(echoed)
        });
        Ok(json!(both.await?))
    };
    let world = World::new(Setting::default(), handler).await;
    world.service.register("plain-target", echo());
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.result.as_deref(), Some("[1,2]"));
    assert_eq!(world.spans.named("aws.durable.invoke").len(), 2);
}

#[tokio::test]
async fn a_check_that_is_not_met_yet_is_no_error() {
    let world = world(ReplayedSpans::Omit).await;
    world.run(&json!({})).await;
    let polls = world.spans.named("aws.durable.wait_for_condition");
    let seen: Vec<_> = polls
        .iter()
        .map(|poll| {
            (
                poll.text("aws.durable.operation_attempt").unwrap(),
                poll.failed,
            )
        })
        .collect();
    assert_eq!(seen, [("0".to_owned(), false), ("1".to_owned(), false)]);
}

#[tokio::test]
async fn a_failed_child_context_is_an_error_with_the_users_words() {
    let handler = |_: Value, ctx: DurableContext| async move {
        let kid = ctx.run_in_child_context(|_: DurableContext| async move {
            Err::<(), _>(BoxError::from("no kid"))
        });
        assert!(kid.name("kid").await.is_err());
        Ok(Value::Null)
    };
    let world = World::new(Setting::default(), handler).await;
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.status, ExecutionStatus::Succeeded);
    let kid = world.spans.named("aws.durable.child_context").remove(0);
    assert!(kid.failed && kid.text("error.message").unwrap().contains("no kid"));
    assert!(!world.spans.named("aws.durable.execute")[0].failed);
}
