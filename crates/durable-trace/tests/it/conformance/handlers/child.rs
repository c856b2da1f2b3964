//! Child contexts.

use aws_durable_execution_sdk::{BoxError, DurableContext, StepContext};
use serde_json::{Value, json};

use super::serdes::Uppercase;
use super::{SECOND, attempts, failing_step, step, text};
use crate::conformance::case::{Outcome, cases};
use crate::world::crash;

cases! {
    "3-1" => basic,
    "3-2" => named_by_input,
    "3-3" => two_steps,
    "3-4" => failing,
    "3-5" => caught,
    "3-6" => nested,
    "3-7" => |event, ctx| flaky_inside(event, ctx, 1),
    "3-8" => |event, ctx| flaky_inside(event, ctx, 2),
    "3-9" => replayed_from_the_log,
    "3-10" => wait_inside,
    "3-11" => large_result,
    "3-12" => interrupted,
    "3-13" => only_a_wait_inside,
    "3-14" => own_serdes,
    "3-15" => failing_without_a_step,
    "3-16" => nothing,
    "3-17" => only_a_log_line_inside,
    "3-18" => waits_inside_and_after,
}

async fn basic(event: Value, ctx: DurableContext) -> Outcome {
    let given = text(&event);
    let child =
        ctx.run_in_child_context(
            |child: DurableContext| async move { Ok(step(&child, given).await?) },
        );
    Ok(json!(child.await?))
}

async fn named_by_input(event: Value, ctx: DurableContext) -> Outcome {
    let (name, value) = (text(&event["name"]), text(&event["value"]));
    let child =
        ctx.run_in_child_context(
            |child: DurableContext| async move { Ok(step(&child, value).await?) },
        );
    Ok(json!(child.name(name).await?))
}

async fn two_steps(event: Value, ctx: DurableContext) -> Outcome {
    let given = text(&event);
    let child = ctx.run_in_child_context(|child: DurableContext| async move {
        let first = step(&child, given).await?;
        Ok(step(&child, first).await?)
    });
    Ok(json!(child.name("two-steps").await?))
}

async fn failing_child(ctx: &DurableContext, name: Option<&str>) -> Result<(), BoxError> {
    let child =
        ctx.run_in_child_context(
            |child: DurableContext| async move { Ok(failing_step(&child).await?) },
        );
    match name {
        Some(name) => child.name(name).await?,
        None => child.await?,
    }
    Ok(())
}

async fn failing(_: Value, ctx: DurableContext) -> Outcome {
    failing_child(&ctx, Some("failing")).await?;
    Ok(Value::Null)
}

async fn caught(event: Value, ctx: DurableContext) -> Outcome {
    let failed = failing_child(&ctx, None).await.is_err();
    assert!(failed, "the child fails");
    Ok(json!(step(&ctx, text(&event)).await?))
}

async fn nested(event: Value, ctx: DurableContext) -> Outcome {
    let given = text(&event);
    let outer = ctx.run_in_child_context(|outer: DurableContext| async move {
        let value = step(&outer, given).await?;
        let inner = outer.run_in_child_context(|inner: DurableContext| async move {
            Ok(step(&inner, value).await?)
        });
        Ok(inner.name("inner").await?)
    });
    Ok(json!(outer.name("outer").await?))
}

/// A step that fails so often; it has two attempts.
async fn flaky_inside(event: Value, ctx: DurableContext, failures: u32) -> Outcome {
    let given = text(&event);
    let child = ctx.run_in_child_context(move |child: DurableContext| async move {
        let flaky = child.step(move |step: StepContext| async move {
            if step.attempt() <= failures {
                return Err(BoxError::from("not yet"));
            }
            Ok(given)
        });
        Ok(flaky.retry_strategy_config(attempts(2)).await?)
    });
    Ok(json!(child.name("flaky-inside").await?))
}

async fn replayed_from_the_log(event: Value, ctx: DurableContext) -> Outcome {
    let value = basic(event, ctx.clone()).await?;
    ctx.wait(SECOND).await?;
    Ok(value)
}

async fn step_and_wait(ctx: &DurableContext, given: String) -> Result<String, BoxError> {
    let child = ctx.run_in_child_context(|child: DurableContext| async move {
        let value = step(&child, given).await?;
        child.wait(SECOND).await?;
        Ok(value)
    });
    Ok(child.name("step-and-wait").await?)
}

async fn wait_inside(event: Value, ctx: DurableContext) -> Outcome {
    Ok(json!(step_and_wait(&ctx, text(&event)).await?))
}

/// More than the 256 KB that the log takes.
async fn large_result(event: Value, ctx: DurableContext) -> Outcome {
    let given = text(&event);
    let child = ctx.run_in_child_context(|child: DurableContext| async move {
        tracing::info!("{given}");
        let small = step(&child, "x".to_owned()).await?;
        Ok(small.repeat(300 * 1024))
    });
    let large = child.name("large").await?;
    ctx.wait(SECOND).await?;
    Ok(json!(large.len()))
}

async fn interrupted(event: Value, ctx: DurableContext) -> Outcome {
    let given = text(&event);
    let child = ctx.run_in_child_context(|child: DurableContext| async move {
        let again = child.is_replaying();
        let once = child.step(move |_| async move {
            if !again {
                crash().await;
            }
            Ok(given)
        });
        Ok(once.await?)
    });
    Ok(json!(child.await?))
}

async fn only_a_wait_inside(event: Value, ctx: DurableContext) -> Outcome {
    let given = text(&event);
    let child = ctx.run_in_child_context(|child: DurableContext| async move {
        child.wait(SECOND).await?;
        Ok(given)
    });
    let value = child.name("pause").await?;
    Ok(json!(step(&ctx, value).await?))
}

async fn own_serdes(event: Value, ctx: DurableContext) -> Outcome {
    let given = text(&event);
    let child =
        ctx.run_in_child_context(
            |child: DurableContext| async move { Ok(step(&child, given).await?) },
        );
    Ok(json!(child.name("shouted").serdes(Uppercase).await?))
}

async fn failing_without_a_step(_: Value, ctx: DurableContext) -> Outcome {
    let child = ctx
        .run_in_child_context(|_: DurableContext| async { Err::<(), _>(BoxError::from("boom")) });
    child.name("failing").await?;
    Ok(Value::Null)
}

async fn nothing(_: Value, ctx: DurableContext) -> Outcome {
    let child = ctx.run_in_child_context(|_: DurableContext| async { Ok(()) });
    child.name("nothing").await?;
    Ok(Value::Null)
}

async fn only_a_log_line_inside(event: Value, ctx: DurableContext) -> Outcome {
    let given = text(&event);
    let child = ctx.run_in_child_context(|_: DurableContext| async move {
        tracing::info!("{given}");
        Ok(given)
    });
    let value = child.name("logging").await?;
    ctx.wait(SECOND).await?;
    Ok(json!(value))
}

async fn waits_inside_and_after(event: Value, ctx: DurableContext) -> Outcome {
    let value = step_and_wait(&ctx, text(&event)).await?;
    let value = step(&ctx, value).await?;
    ctx.wait(SECOND).await?;
    Ok(json!(value))
}
