//! Branches side by side; one at a time, but where a requirement asks for more.

use aws_durable_execution_sdk::builders::map_parallel::{CompletionConfig, NestingMode};
use aws_durable_execution_sdk::{BoxError, Branch, DurableContext};
use serde_json::{Value, json};

use super::serdes::Wrapped;
use super::{ALL, SECOND, WITHOUT_STATUS, projection, rethrown, step, tolerating};
use crate::conformance::case::{Outcome, cases};

cases! {
    "8-1" => basic,
    "8-2" => unnamed,
    "8-3" => named_branches,
    "8-4" => different_types,
    "8-5" => empty,
    "8-6" => |_, ctx| batch(ctx, "+--", tolerating(0), ALL),
    "8-7" => throwing,
    "8-8" => |_, ctx| batch(ctx, "++++", CompletionConfig::with_min_successful(2), &["completionReason", "successCount", "totalCount"]),
    "8-9" => |_, ctx| batch(ctx, "+-+", tolerating(1), ALL),
    "8-10" => |_, ctx| batch(ctx, "---", tolerating(1), WITHOUT_STATUS),
    "8-11" => concurrent,
    "8-12" => flat,
    "8-13" => |_, ctx| batch(ctx, "----", tolerating_percent(25), WITHOUT_STATUS),
    "8-14" => one_suspends,
    "8-15" => own_serdes,
    "8-16" => |_, ctx| batch(ctx, "---", tolerating(3), ALL),
    "8-17" => |_, ctx| batch(ctx, "+-+", CompletionConfig::with_min_successful(3), ALL),
    "8-18" => |_, ctx| batch(ctx, "----", both(3, 1), WITHOUT_STATUS),
    "8-19" => no_concurrency,
    "8-20" => |_, ctx| batch(ctx, "+-+", tolerating(1), &["hasFailure", "successCount", "failureCount", "errorCount"]),
    "8-21" => nested,
    "8-22" => |_, ctx| batch(ctx, "-+++", tolerating_percent(25), ALL),
}

fn tolerating_percent(percent: usize) -> CompletionConfig {
    CompletionConfig::with_tolerated_failure_percentage(percent)
}

fn both(min_successful: usize, failures: usize) -> CompletionConfig {
    CompletionConfig::builder()
        .min_successful(min_successful)
        .tolerated_failure_count(failures)
        .build()
        .expect("thresholds that do not contradict each other")
}

/// A branch that gives a value and does nothing durable.
fn constant(name: &str, value: Value) -> Branch<Value> {
    Branch::new(name, move |_: DurableContext| async move { Ok(value) })
}

/// A branch with one step.
fn stepping(name: &str, value: &'static str) -> Branch<String> {
    Branch::new(name, move |branch: DurableContext| async move {
        Ok(step(&branch, value.to_owned()).await?)
    })
}

async fn basic(_: Value, ctx: DurableContext) -> Outcome {
    let branches = vec![stepping("b0", "task-1"), stepping("b1", "task-2")];
    let results = ctx.parallel(branches).name("parallel").max_concurrency(1);
    Ok(json!(results.await?))
}

async fn unnamed(_: Value, ctx: DurableContext) -> Outcome {
    let branches = vec![
        constant("b0", json!("alpha")),
        constant("b1", json!("beta")),
    ];
    Ok(json!(ctx.parallel(branches).max_concurrency(1).await?))
}

async fn named_branches(_: Value, ctx: DurableContext) -> Outcome {
    let branches = vec![
        constant("first", json!("one")),
        constant("second", json!("two")),
    ];
    Ok(json!(
        ctx.parallel(branches)
            .name("named")
            .max_concurrency(1)
            .await?
    ))
}

async fn different_types(_: Value, ctx: DurableContext) -> Outcome {
    let branches = vec![
        constant("b0", json!("hello")),
        constant("b1", json!(42)),
        constant("b2", json!({"k": "v"})),
    ];
    Ok(json!(
        ctx.parallel(branches)
            .name("hetero")
            .max_concurrency(1)
            .await?
    ))
}

async fn empty(_: Value, ctx: DurableContext) -> Outcome {
    Ok(json!(
        ctx.parallel(Vec::<Branch<Value>>::new())
            .name("empty")
            .await?
    ))
}

/// Branches by letter: `+` gives a text ("ok"), `-` fails.
fn branches(pattern: &str) -> Vec<Branch<Value>> {
    let branch = |(index, letter)| {
        Branch::new(format!("b{index}"), move |_: DurableContext| async move {
            if letter == '+' {
                Ok(json!("ok"))
            } else {
                Err(BoxError::from("branch failed"))
            }
        })
    };
    pattern.chars().enumerate().map(branch).collect()
}

async fn batch(
    ctx: DurableContext,
    pattern: &'static str,
    completion: CompletionConfig,
    figures: &'static [&'static str],
) -> Outcome {
    let parallel = ctx
        .parallel(branches(pattern))
        .name("batch")
        .max_concurrency(1);
    let batch = parallel.completion(completion).await_batch().await?;
    Ok(projection(&batch, figures))
}

async fn throwing(_: Value, ctx: DurableContext) -> Outcome {
    let parallel = ctx
        .parallel(branches("-+"))
        .name("throwing")
        .max_concurrency(1);
    let batch = parallel.completion(tolerating(0)).await_batch().await?;
    rethrown(&batch)?;
    Ok(Value::Null)
}

async fn concurrent(_: Value, ctx: DurableContext) -> Outcome {
    let branches = (0..3).map(|index| constant(&format!("b{index}"), json!(format!("r{index}"))));
    let parallel = ctx
        .parallel(branches.collect::<Vec<_>>())
        .name("concurrent");
    Ok(json!(parallel.max_concurrency(2).await?))
}

async fn flat(_: Value, ctx: DurableContext) -> Outcome {
    let branches = vec![stepping("b0", "fa"), stepping("b1", "fb")];
    let parallel = ctx.parallel(branches).name("flat").max_concurrency(1);
    Ok(json!(parallel.nesting(NestingMode::Flat).await?))
}

async fn one_suspends(_: Value, ctx: DurableContext) -> Outcome {
    let sleeping = Branch::new("b1", |branch: DurableContext| async move {
        branch.wait(2 * SECOND).await?;
        Ok("b1".to_owned())
    });
    let branches = vec![stepping("b0", "b0"), sleeping];
    Ok(json!(
        ctx.parallel(branches)
            .name("replay")
            .max_concurrency(1)
            .await?
    ))
}

async fn own_serdes(_: Value, ctx: DurableContext) -> Outcome {
    let branch = |name, value: &'static str| {
        Branch::new(name, move |_: DurableContext| async move {
            Ok(value.to_owned())
        })
    };
    let parallel = ctx
        .parallel(vec![branch("b0", "x"), branch("b1", "y")])
        .name("serde");
    Ok(json!(parallel.max_concurrency(1).serdes(Wrapped).await?))
}

async fn no_concurrency(_: Value, ctx: DurableContext) -> Outcome {
    let parallel = ctx.parallel(branches("++")).name("bad-concurrency");
    Ok(json!(parallel.max_concurrency(0).await?))
}

async fn nested(_: Value, ctx: DurableContext) -> Outcome {
    let outer = Branch::new("a", |branch: DurableContext| async move {
        let inner = vec![stepping("s0", "i1"), stepping("s1", "i2")];
        Ok(branch
            .parallel(inner)
            .name("inner")
            .max_concurrency(1)
            .await?)
    });
    Ok(json!(
        ctx.parallel(vec![outer])
            .name("outer")
            .max_concurrency(1)
            .await?
    ))
}
