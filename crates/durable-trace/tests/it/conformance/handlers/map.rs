//! A function over items; one at a time, but where a requirement asks for more.

use aws_durable_execution_sdk::builders::map_parallel::{CompletionConfig, NestingMode};
use aws_durable_execution_sdk::{BoxError, DurableContext, OperationError};
use serde_json::{Value, json};

use super::serdes::{Listed, Marked};
use super::{ALL, SECOND, WITHOUT_STATUS, projection, rethrown, step, text, tolerating};
use crate::conformance::case::{Outcome, cases};

cases! {
    "9-1" => basic,
    "9-2" => unnamed,
    "9-3" => with_index,
    "9-4" => empty,
    "9-5" => |_, ctx| batch(ctx, "+-+", tolerating(0), ALL),
    "9-6" => throwing,
    "9-7" => |_, ctx| batch(ctx, "++++", CompletionConfig::with_min_successful(2), &["completionReason", "successCount", "totalCount"]),
    "9-8" => |_, ctx| batch(ctx, "+-+", tolerating(1), ALL),
    "9-9" => |_, ctx| batch(ctx, "---", tolerating(1), WITHOUT_STATUS),
    "9-10" => |_, ctx| batch(ctx, "----", CompletionConfig::with_tolerated_failure_percentage(25), WITHOUT_STATUS),
    "9-11" => concurrent,
    "9-12" => flat,
    "9-13" => item_names,
    "9-14" => own_item_serdes,
    "9-15" => one_suspends,
    "9-16" => large_results,
    "9-17" => before_a_wait,
    "9-18" => failure_before_a_wait,
    "9-19" => |_, ctx| own_result_serdes(ctx, false),
    "9-20" => |_, ctx| own_result_serdes(ctx, true),
}

fn items(event: Value) -> Vec<Value> {
    match event {
        Value::Array(items) => items,
        other => vec![other],
    }
}

fn number(item: &Value) -> u64 {
    item.as_u64().unwrap_or_default()
}

async fn basic(event: Value, ctx: DurableContext) -> Outcome {
    let greet = |child: DurableContext, item: Value, _| async move {
        Ok(step(&child, format!("Hello, {}!", text(&item))).await?)
    };
    Ok(json!(
        ctx.map(items(event), greet)
            .name("map")
            .max_concurrency(1)
            .await?
    ))
}

async fn unnamed(event: Value, ctx: DurableContext) -> Outcome {
    let double = |_, item: Value, _| async move { Ok(number(&item) * 2) };
    Ok(json!(
        ctx.map(items(event), double).max_concurrency(1).await?
    ))
}

async fn with_index(event: Value, ctx: DurableContext) -> Outcome {
    let add = |_, item: Value, index| async move { Ok(number(&item) + index as u64) };
    Ok(json!(
        ctx.map(items(event), add)
            .name("indexed")
            .max_concurrency(1)
            .await?
    ))
}

async fn empty(event: Value, ctx: DurableContext) -> Outcome {
    let same = |_, item: Value, _| async move { Ok(item) };
    Ok(json!(ctx.map(items(event), same).name("empty").await?))
}

/// `+` gives "ok", `-` fails.
fn by_letter(letter: char) -> Result<String, BoxError> {
    if letter == '+' {
        Ok("ok".to_owned())
    } else {
        Err(BoxError::from("item failed"))
    }
}

async fn batch(
    ctx: DurableContext,
    pattern: &'static str,
    completion: CompletionConfig,
    figures: &'static [&'static str],
) -> Outcome {
    let map = ctx.map(
        pattern.chars(),
        |_, letter, _| async move { by_letter(letter) },
    );
    let map = map.name("batch").max_concurrency(1).completion(completion);
    Ok(projection(&map.await_batch().await?, figures))
}

async fn throwing(_: Value, ctx: DurableContext) -> Outcome {
    let map = ctx.map(
        "-+".chars(),
        |_, letter, _| async move { by_letter(letter) },
    );
    let map = map
        .name("throwing")
        .max_concurrency(1)
        .completion(tolerating(0));
    rethrown(&map.await_batch().await?)?;
    Ok(Value::Null)
}

async fn concurrent(_: Value, ctx: DurableContext) -> Outcome {
    let constant = |_, _: u32, index| async move { Ok(format!("r{index}")) };
    Ok(json!(
        ctx.map(0..3, constant)
            .name("concurrent")
            .max_concurrency(2)
            .await?
    ))
}

async fn flat(_: Value, ctx: DurableContext) -> Outcome {
    let same = |child: DurableContext, item: &'static str, _| async move {
        Ok(step(&child, item.to_owned()).await?)
    };
    let map = ctx.map(["fa", "fb"], same).name("flat").max_concurrency(1);
    Ok(json!(map.nesting(NestingMode::Flat).await?))
}

async fn item_names(event: Value, ctx: DurableContext) -> Outcome {
    let items = items(event);
    let names: Vec<String> = items.iter().map(|item| format!("item-{item}")).collect();
    let map = ctx.map(
        items,
        |_, item: Value, _| async move { Ok(number(&item) * 10) },
    );
    let map = map.name("named-items").max_concurrency(1);
    Ok(json!(
        map.item_namer(move |index| names[index].clone()).await?
    ))
}

async fn own_item_serdes(_: Value, ctx: DurableContext) -> Outcome {
    let map = ctx.map(["x", "y"], |_, item: &str, _| {
        let upper = item.to_uppercase();
        async move { Ok(upper) }
    });
    Ok(json!(
        map.name("serdes")
            .max_concurrency(1)
            .serdes(Marked("wrapped:"))
            .await?
    ))
}

async fn one_suspends(_: Value, ctx: DurableContext) -> Outcome {
    let map = ctx.map(
        ["r0", "r1"],
        |child: DurableContext, item: &'static str, index| async move {
            if index == 1 {
                child.wait(SECOND).await?;
            }
            Ok(step(&child, item.to_owned()).await?)
        },
    );
    Ok(json!(map.name("suspend").max_concurrency(1).await?))
}

async fn large_results(_: Value, ctx: DurableContext) -> Outcome {
    let map = ctx.map(0..4, |_, _: u32, _| async { Ok("x".repeat(70 * 1024)) });
    let batch = map.name("large").max_concurrency(1).await_batch().await?;
    Ok(projection(&batch, &["successCount", "totalCount"]))
}

async fn upper(_: DurableContext, item: &'static str, _: usize) -> Result<String, BoxError> {
    Ok(item.to_uppercase())
}

async fn before_a_wait(_: Value, ctx: DurableContext) -> Outcome {
    let results = ctx
        .map(["a", "b"], upper)
        .name("then-wait")
        .max_concurrency(1)
        .await?;
    ctx.wait(SECOND).await?;
    Ok(json!(results))
}

async fn failure_before_a_wait(_: Value, ctx: DurableContext) -> Outcome {
    let batch = batch(ctx.clone(), "+-", tolerating(1), ALL).await?;
    ctx.wait(SECOND).await?;
    Ok(batch)
}

async fn own_result_serdes(ctx: DurableContext, sleeping: bool) -> Outcome {
    let map = ctx
        .map(["x", "y"], upper)
        .name("op-serde")
        .max_concurrency(1);
    let results: Result<Vec<String>, OperationError> = map.result_serdes(Listed).await;
    let results = results?;
    if sleeping {
        ctx.wait(SECOND).await?;
    }
    Ok(json!(results))
}
