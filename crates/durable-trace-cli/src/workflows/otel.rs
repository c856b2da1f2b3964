//! The scenarios of AWS's requirements for OpenTelemetry traces, each as a workflow: `otel-SCENARIO`.
//!
//! Operations are named as the requirements say; where a branch or an item is one of several, they run one at a time.

use std::time::Duration;

use aws_durable_execution_sdk::{
    BoxError, Branch, DurableContext, RetryDecision, StepContext, TypedError,
    builders::{map_parallel::CompletionConfig, wait_for_condition::WaitDecision},
};
use serde_json::Value;

use super::{Serving, Workflow, traced};

/// The durable function that `otel-chained-invoke` calls.
const TARGET: &str = "otel-target";
/// The one that `otel-chained-invoke-failure` calls.
const FAILING_TARGET: &str = "otel-failing-target";

/// The scenario whose callback somebody rejects.
pub(crate) const REJECTED: &str = "otel-wait-for-callback-failure";
/// The one whose execution runs out of time.
pub(crate) const INTERRUPTED: &str = "otel-wait-interrupted";

/// How long an execution of [`INTERRUPTED`] may take, which waits for longer.
pub(crate) const INTERRUPTED_AFTER: Duration = Duration::from_mins(1);

/// The longest wait of a scenario that has one.
const LONG: Duration = Duration::from_hours(24);

macro_rules! scenarios {
    ($($name:literal $about:literal => $handler:ident),* $(,)?) => {
        /// Every scenario.
        pub(crate) const ALL: &[Workflow] = &[$(
            Workflow {
                name: $name,
                about: $about,
                input: "{}",
                serve: || serve($name, $handler),
            }
        ),*];
    };
}

scenarios! {
    "otel-success" "AWS's requirement: a step" => success,
    "otel-wait-resume" "AWS's requirement: a wait, then a step" => wait_resume,
    "otel-retry" "AWS's requirement: a step whose second attempt succeeds" => retry,
    "otel-terminal-failure" "AWS's requirement: a step that fails for good" => terminal_failure,
    "otel-child-context" "AWS's requirement: a step in a child context" => child_context,
    "otel-parallel-hierarchy" "AWS's requirement: two branches with a step each" => parallel_hierarchy,
    "otel-map-hierarchy" "AWS's requirement: two items with a step each" => map_hierarchy,
    "otel-handled-failure" "AWS's requirement: a step that fails, and one that makes up for it" => handled_failure,
    "otel-wait-for-condition" "AWS's requirement: a condition that holds at the second check" => wait_for_condition,
    "otel-wait-for-callback" "AWS's requirement: a callback that somebody completes" => wait_for_callback,
    "otel-chained-invoke" "AWS's requirement: a call of another durable function" => chained_invoke,
    "otel-child-context-failure" "AWS's requirement: a child context that fails" => child_context_failure,
    "otel-parallel-failure" "AWS's requirement: a branch that fails" => parallel_failure,
    "otel-map-failure" "AWS's requirement: an item that fails" => map_failure,
    "otel-wait-interrupted" "AWS's requirement: a wait that outlasts the execution's time" => wait_interrupted,
    "otel-wait-for-condition-failure" "AWS's requirement: a check that fails" => wait_for_condition_failure,
    "otel-wait-for-callback-failure" "AWS's requirement: a callback that somebody rejects" => wait_for_callback_failure,
    "otel-chained-invoke-failure" "AWS's requirement: a call of a durable function that fails" => chained_invoke_failure,
    "otel-execution-failure" "AWS's requirement: a handler that fails" => execution_failure,
    "otel-virtual-context" "AWS's requirement: a context of which the log knows nothing" => virtual_context,
    "otel-long-wait" "AWS's requirement: a wait of a day" => long_wait,
    "otel-long-retry" "AWS's requirement: a retry after a day" => long_retry,
    "otel-long-condition" "a condition that is checked again after a day" => long_condition,
    "otel-long-callback" "a callback that is completed late" => long_callback,
}

/// The functions that scenarios call.
pub(crate) const TARGETS: &[Workflow] = &[
    Workflow {
        name: TARGET,
        about: "the durable function that otel-chained-invoke calls",
        input: "{}",
        serve: || serve(TARGET, target),
    },
    Workflow {
        name: FAILING_TARGET,
        about: "the durable function that otel-chained-invoke-failure calls",
        input: "{}",
        serve: || serve(FAILING_TARGET, execution_failure),
    },
];

fn serve<F, Fut>(resource: &'static str, handler: F) -> Serving
where
    F: Fn(Value, DurableContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    traced(resource, handler)
}

type Outcome = Result<Value, BoxError>;

fn failure(message: &str) -> BoxError {
    TypedError::with_type("IntentionalError", message.to_owned()).into()
}

async fn step(ctx: &DurableContext, name: &str) -> Outcome {
    let done = name.to_owned();
    Ok(ctx
        .step(move |_| async move { Ok(Value::from(done)) })
        .name(name)
        .await?)
}

async fn failing_step(ctx: &DurableContext, name: &str) -> Outcome {
    Ok(ctx
        .step(|_| async { Err::<Value, _>(failure("as the scenario wants it")) })
        .name(name)
        .retry_strategy(|_, _| RetryDecision::Stop)
        .await?)
}

async fn success(_: Value, ctx: DurableContext) -> Outcome {
    step(&ctx, "otel-success").await
}

async fn wait_resume(_: Value, ctx: DurableContext) -> Outcome {
    ctx.wait(Duration::from_secs(1)).name("otel-wait").await?;
    step(&ctx, "otel-after-resume").await
}

async fn retry(_: Value, ctx: DurableContext) -> Outcome {
    retried(&ctx, "otel-retry", Duration::from_secs(1)).await
}

/// A step whose second attempt succeeds.
async fn retried(ctx: &DurableContext, name: &str, delay: Duration) -> Outcome {
    // Counts by what the log says: each attempt runs in a process that knows nothing of those before.
    let second_time_lucky = |step: StepContext| async move {
        if step.attempt() < 2 {
            return Err(failure("not yet"));
        }
        Ok(Value::from("retried"))
    };
    Ok(ctx
        .step(second_time_lucky)
        .name(name)
        .retry_strategy(move |_, _| RetryDecision::Retry { delay })
        .await?)
}

async fn terminal_failure(_: Value, ctx: DurableContext) -> Outcome {
    failing_step(&ctx, "otel-terminal-failure").await
}

async fn child_context(_: Value, ctx: DurableContext) -> Outcome {
    let child = |child: DurableContext| async move { step(&child, "otel-child-step").await };
    Ok(ctx
        .run_in_child_context(child)
        .name("otel-child-context")
        .await?)
}

async fn parallel_hierarchy(_: Value, ctx: DurableContext) -> Outcome {
    let branches = ["a", "b"].map(|letter| {
        Branch::new(
            format!("otel-parallel-branch-{letter}"),
            move |branch: DurableContext| async move {
                step(&branch, &format!("otel-parallel-step-{letter}")).await
            },
        )
    });
    let done: Vec<Value> = ctx
        .parallel(branches)
        .name("otel-parallel")
        .max_concurrency(1)
        .await?;
    Ok(done.into())
}

async fn map_hierarchy(_: Value, ctx: DurableContext) -> Outcome {
    let each = |item: DurableContext, _: u32, index: usize| async move {
        step(&item, &format!("otel-map-step-{index}")).await
    };
    let done: Vec<Value> = ctx
        .map([0_u32, 1], each)
        .name("otel-map")
        .item_namer(|index| format!("otel-map-iteration-{index}"))
        .max_concurrency(1)
        .await?;
    Ok(done.into())
}

async fn handled_failure(_: Value, ctx: DurableContext) -> Outcome {
    // It fails, as the scenario wants it; the next step makes up for it.
    let _ = failing_step(&ctx, "otel-handled-failure").await;
    step(&ctx, "otel-recovery-step").await
}

async fn wait_for_condition(_: Value, ctx: DurableContext) -> Outcome {
    checked_twice(&ctx, "otel-condition", Duration::from_secs(1)).await
}

async fn checked_twice(ctx: &DurableContext, name: &str, delay: Duration) -> Outcome {
    let checks: u32 = ctx
        .wait_for_condition(|_, checks: u32| async move { Ok(checks + 1) }, 0)
        .name(name)
        .wait_strategy_fn(move |checks, _| {
            if checks >= 2 {
                WaitDecision::complete()
            } else {
                WaitDecision::continue_with(delay)
            }
        })
        .await?;
    Ok(checks.into())
}

async fn wait_for_callback(_: Value, ctx: DurableContext) -> Outcome {
    called_back(&ctx, "otel-callback").await
}

/// The demo itself completes it, so that its id need not be told to anybody.
async fn called_back(ctx: &DurableContext, name: &str) -> Outcome {
    let answer = ctx.wait_for_callback::<Value, _, _>(|_, _| async { Ok(()) });
    Ok(answer.name(name).await?)
}

async fn chained_invoke(_: Value, ctx: DurableContext) -> Outcome {
    let answer = ctx.invoke(TARGET, Value::from("a call"));
    Ok(answer.name("otel-invoke").await?)
}

async fn target(event: Value, _: DurableContext) -> Outcome {
    Ok(event)
}

async fn child_context_failure(_: Value, ctx: DurableContext) -> Outcome {
    let child = |_: DurableContext| async { Err::<Value, _>(failure("as the scenario wants it")) };
    Ok(ctx
        .run_in_child_context(child)
        .name("otel-failed-child-context")
        .await?)
}

/// One failure is too many for nobody but the handler.
fn tolerant() -> CompletionConfig {
    CompletionConfig::with_tolerated_failure_count(1)
}

async fn parallel_failure(_: Value, ctx: DurableContext) -> Outcome {
    let branch = |_: DurableContext| async { Err::<Value, _>(failure("as the scenario wants it")) };
    let results = ctx
        .parallel([Branch::new("otel-failed-parallel-branch", branch)])
        .name("otel-failed-parallel")
        .completion(tolerant())
        .await_batch()
        .await?;
    drop(results);
    Err(failure("a branch failed"))
}

async fn map_failure(_: Value, ctx: DurableContext) -> Outcome {
    let each = |_: DurableContext, _: u32, _: usize| async {
        Err::<Value, _>(failure("as the scenario wants it"))
    };
    let results = ctx
        .map([0_u32], each)
        .name("otel-failed-map")
        .item_namer(|index| format!("otel-failed-map-iteration-{index}"))
        .completion(tolerant())
        .await_batch()
        .await?;
    drop(results);
    Err(failure("an item failed"))
}

async fn wait_interrupted(_: Value, ctx: DurableContext) -> Outcome {
    ctx.wait(INTERRUPTED_AFTER * 2)
        .name("otel-interrupted-wait")
        .await?;
    Ok(Value::Null)
}

async fn wait_for_condition_failure(_: Value, ctx: DurableContext) -> Outcome {
    let check = |_, _: u32| async { Err(failure("as the scenario wants it")) };
    let checks: u32 = ctx
        .wait_for_condition(check, 0)
        .name("otel-failed-condition")
        .wait_strategy_fn(|_, _| WaitDecision::complete())
        .await?;
    Ok(checks.into())
}

async fn wait_for_callback_failure(_: Value, ctx: DurableContext) -> Outcome {
    called_back(&ctx, "otel-failed-callback").await
}

async fn chained_invoke_failure(_: Value, ctx: DurableContext) -> Outcome {
    let answer = ctx.invoke(FAILING_TARGET, Value::from("a call"));
    Ok(answer.name("otel-failed-invoke").await?)
}

async fn execution_failure(_: Value, _: DurableContext) -> Outcome {
    Err(failure("as the scenario wants it"))
}

async fn virtual_context(_: Value, ctx: DurableContext) -> Outcome {
    let inside = async { Ok(Value::from("virtual-complete")) };
    durable_trace::virtual_context(&ctx, "otel-virtual-context", inside).await
}

async fn long_wait(_: Value, ctx: DurableContext) -> Outcome {
    ctx.wait(LONG).name("otel-long-wait").await?;
    step(&ctx, "otel-after-long-wait").await
}

async fn long_retry(_: Value, ctx: DurableContext) -> Outcome {
    retried(&ctx, "otel-long-retry", LONG).await
}

async fn long_condition(_: Value, ctx: DurableContext) -> Outcome {
    checked_twice(&ctx, "otel-long-condition", LONG).await
}

async fn long_callback(_: Value, ctx: DurableContext) -> Outcome {
    called_back(&ctx, "otel-long-callback").await
}
