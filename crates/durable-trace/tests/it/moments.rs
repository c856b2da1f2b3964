//! The race at every moment that it can be run at: what is slept on ends just before the n-th request of an execution.
//!
//! `race.rs` leaves the moments to chance; here each is taken once, untraced and traced, and both must come to the same.

use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, Branch, DurableContext, OperationError};
use durable_trace::{CheckpointMode, Options};
use durable_trace_local::{CallbackAction, Config, ExecutionStatus, InvocationStatus, Service};
use serde_json::{Value, json};

use crate::history;
use crate::world::{Layer, Sending, World};

const SECOND: Duration = Duration::from_secs(1);

const HELD_BACK: Sending = Sending {
    batching: true,
    coalescing: 5,
};

type Running = std::pin::Pin<Box<dyn Future<Output = Result<Value, BoxError>> + Send>>;
type Handler = fn(Value, DurableContext) -> Running;

async fn step(ctx: &DurableContext) -> Result<u32, OperationError> {
    ctx.step(|_| async { Ok(1) }).await
}

async fn callback(ctx: DurableContext) -> Result<Value, BoxError> {
    Ok(ctx.create_callback().await?.result().await?)
}

async fn awaited(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let answer = callback(ctx.clone()).await?;
    step(&ctx).await?;
    Ok(json!([answer, callback(ctx).await?]))
}

async fn submitted(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let answer: Value = ctx.wait_for_callback(|_, _| async { Ok(()) }).await?;
    step(&ctx).await?;
    let again: Value = ctx.wait_for_callback(|_, _| async { Ok(()) }).await?;
    Ok(json!([answer, again]))
}

async fn steps_before_the_answer(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let waiting = ctx.create_callback::<Value>().await?;
    step(&ctx).await?;
    step(&ctx).await?;
    Ok(waiting.result().await?)
}

async fn in_a_child_context(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let child = ctx.run_in_child_context(callback);
    let answer = child.await?;
    ctx.wait(SECOND).await?;
    Ok(answer)
}

async fn side_by_side(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let branches = vec![
        Branch::new("callback", callback),
        Branch::new("steps", |ctx: DurableContext| async move {
            step(&ctx).await?;
            ctx.wait(SECOND).await?;
            Ok(json!(step(&ctx).await?))
        }),
    ];
    Ok(json!(ctx.parallel(branches).await?))
}

async fn mapped(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let answers = ctx.map([1, 2, 3], |ctx: DurableContext, _, _| callback(ctx));
    Ok(json!(answers.await?))
}

async fn raced(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let answer = ctx.run_in_child_context(callback).future();
    let late = ctx.run_in_child_context(|ctx: DurableContext| async move {
        ctx.wait(2 * SECOND).await?;
        Ok(Value::Null)
    });
    let first = ctx.race([answer, late.future()]).await?;
    step(&ctx).await?;
    Ok(first)
}

const WORKFLOWS: [(&str, Handler); 7] = [
    ("awaited", |event, ctx| Box::pin(awaited(event, ctx))),
    ("submitted", |event, ctx| Box::pin(submitted(event, ctx))),
    ("steps before the answer", |event, ctx| {
        Box::pin(steps_before_the_answer(event, ctx))
    }),
    ("in a child context", |event, ctx| {
        Box::pin(in_a_child_context(event, ctx))
    }),
    ("side by side", |event, ctx| {
        Box::pin(side_by_side(event, ctx))
    }),
    ("mapped", |event, ctx| Box::pin(mapped(event, ctx))),
    ("raced", |event, ctx| Box::pin(raced(event, ctx))),
];

/// What came of an execution, without what no two runs share.
#[derive(Debug, PartialEq)]
struct Course {
    status: ExecutionStatus,
    result: Option<String>,
    /// How each invocation ended, and whether its PENDING was refused.
    invocations: Vec<(InvocationStatus, bool)>,
    history: Vec<Value>,
    requests: usize,
}

impl Course {
    fn refused(&self) -> usize {
        self.invocations
            .iter()
            .filter(|(_, refused)| *refused)
            .count()
    }
}

/// Ends every callback that an execution waits for.
fn complete_all(service: &Service, arn: &str) {
    for callback in service.callbacks(arn) {
        let mut completing = std::pin::pin!(service.complete_callback(&callback.callback_id, "1"));
        let done = completing
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(
            matches!(done, Poll::Ready(Ok(()))),
            "a callback that waits can be completed"
        );
    }
}

/// Runs a workflow whose callbacks end just before the request `moment`, or else a second after their start.
async fn course(
    handler: Handler,
    mode: Option<CheckpointMode>,
    sending: Sending,
    moment: usize,
) -> Course {
    let service: Arc<OnceLock<Weak<Service>>> = Arc::default();
    let own = Arc::clone(&service);
    let config = Config::default()
        .on_callback(|_| [CallbackAction::complete(SECOND, "1")])
        .fault(move |call| {
            let service = own.get().and_then(Weak::upgrade);
            if call.operation == "CheckpointDurableExecution" && call.sequence == moment {
                complete_all(
                    &service.expect("a service that is asked is there"),
                    call.arn,
                );
            }
            None
        });
    let world = World::without_function(config, Layer::of(mode.is_some())).await;
    let _ = service.set(Arc::downgrade(&world.service));
    let options = mode.map(|mode| Options::builder().checkpoint_mode(mode));
    world.deploy(handler, options, sending);
    let ended = world.run(&Value::Null).await;
    let invocations = world.invocations(&ended.arn);
    Course {
        status: ended.status,
        result: ended.result,
        history: history::comparable(&world.service.history(&ended.arn), &[]),
        requests: invocations
            .iter()
            .map(|invocation| invocation.calls.len())
            .sum(),
        invocations: invocations
            .iter()
            .map(|it| {
                (
                    it.status,
                    it.status == InvocationStatus::Pending && it.error.is_some(),
                )
            })
            .collect(),
    }
}

#[tokio::test]
async fn riding_an_execution_takes_the_same_course_at_whatever_moment_its_callbacks_end() {
    let mut tried = 0;
    for sending in [Sending::AT_ONCE, HELD_BACK] {
        for (name, handler) in WORKFLOWS {
            if name == "raced" && sending.coalescing > 0 {
                continue; // which of the two is written first is a matter of milliseconds then
            }
            let undisturbed = course(handler, None, sending, usize::MAX).await;
            for moment in 1..=undisturbed.requests {
                let alone = course(handler, None, sending, moment).await;
                let ridden = course(handler, Some(CheckpointMode::Ride), sending, moment).await;
                assert_eq!(
                    ridden, alone,
                    "{name}, {sending:?}, before request {moment}"
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 80, "{tried} moments");
}

#[tokio::test]
async fn a_call_of_our_own_before_pending_can_lose_what_the_function_alone_cannot() {
    let [(_, handler), ..] = WORKFLOWS;
    let alone = course(handler, None, Sending::AT_ONCE, 2).await;
    // Ours is the second request, behind the callback's START.
    let calling = course(handler, Some(CheckpointMode::Call), Sending::AT_ONCE, 2).await;
    assert_eq!((alone.refused(), calling.refused()), (0, 1));
    assert_eq!(calling.result, alone.result);
}
