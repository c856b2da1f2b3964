//! Workflows that a machine makes up, and what runs them.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_durable_execution_sdk::builders::wait_for_condition::WaitDecision;
use aws_durable_execution_sdk::builders::{JitterStrategy, RetryStrategyConfig};
use aws_durable_execution_sdk::{BoxError, Branch, DurableContext, DurableFuture, StepContext};
use durable_trace_local::{CallbackAction, CallbackStarted, ErrorRecord, Function, FunctionError};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::echo;

/// A function that gives back what it is given.
pub(super) const ECHO: &str = "echo";
/// A function that fails.
pub(super) const FAILING: &str = "failing";

/// Attempts that a step has.
const ATTEMPTS: u32 = 3;

/// An operation. All times are seconds.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Callback {
        after: u64,
        fails: bool,
    },
    Child(Vec<Operation>),
    Condition {
        checks: u64,
    },
    Invoke {
        fails: bool,
    },
    Map {
        items: u64,
        body: Vec<Operation>,
    },
    Parallel(Vec<Vec<Operation>>),
    /// A step against a wait.
    Race {
        sleep: u64,
    },
    /// Fails so often before it succeeds; [`ATTEMPTS`] times is for good.
    Step {
        failures: u32,
    },
    Wait(u64),
    WaitForCallback {
        after: u64,
        fails: bool,
    },
}

/// Operations one after the other, up to three deep.
pub(super) fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let leaf = prop_oneof![
        4 => (0..=ATTEMPTS).prop_map(|failures| Operation::Step { failures }),
        3 => (1..5_u64).prop_map(Operation::Wait),
        2 => (1..5_u64, any::<bool>()).prop_map(|(after, fails)| Operation::Callback { after, fails }),
        2 => (1..5_u64, any::<bool>()).prop_map(|(after, fails)| Operation::WaitForCallback { after, fails }),
        1 => (1..4_u64).prop_map(|checks| Operation::Condition { checks }),
        1 => any::<bool>().prop_map(|fails| Operation::Invoke { fails }),
        1 => (1..4_u64).prop_map(|sleep| Operation::Race { sleep }),
    ];
    let operation = leaf.prop_recursive(3, 12, 3, |inner| {
        let some = prop::collection::vec(inner, 1..3);
        prop_oneof![
            some.clone().prop_map(Operation::Child),
            (1..4_u64, some.clone()).prop_map(|(items, body)| Operation::Map { items, body }),
            prop::collection::vec(some, 1..4).prop_map(Operation::Parallel),
        ]
    });
    prop::collection::vec(operation, 1..5)
}

/// What the bodies of steps did, by the place of the step in the workflow.
///
/// Branches that run at once have no order among themselves; each has one within itself.
pub(super) type Effects = Arc<Mutex<BTreeMap<String, Vec<u32>>>>;

/// What runs the operations.
#[derive(Clone)]
pub(super) struct Runner {
    pub(super) effects: Effects,
    /// Whether branches run at once; else one after the other.
    pub(super) at_once: bool,
}

type Results = Pin<Box<dyn Future<Output = Result<Vec<Value>, BoxError>> + Send>>;

impl Runner {
    /// Performs the operations in order; an error is a result like any other.
    pub(super) fn run(
        self,
        operations: Vec<Operation>,
        ctx: DurableContext,
        path: String,
    ) -> Results {
        Box::pin(async move {
            let mut results = Vec::new();
            for (place, operation) in operations.into_iter().enumerate() {
                let path = format!("{path}/{place}");
                let result = self.clone().perform(operation, &ctx, path).await;
                results.push(result.unwrap_or_else(|_| json!("failed")));
            }
            Ok(results)
        })
    }

    async fn perform(
        self,
        operation: Operation,
        ctx: &DurableContext,
        path: String,
    ) -> Result<Value, BoxError> {
        let branches = |count: usize| if self.at_once { count.max(1) } else { 1 };
        match operation {
            Operation::Callback { after, fails } => {
                let callback = ctx
                    .create_callback::<Value>()
                    .name(answer_name(after, fails));
                Ok(callback.await?.result().await?)
            }
            Operation::Child(body) => {
                let child = ctx.run_in_child_context(move |ctx| self.run(body, ctx, path));
                Ok(json!(child.await?))
            }
            Operation::Condition { checks } => {
                let poll = ctx.wait_for_condition(|_, count: u64| async move { Ok(count + 1) }, 0);
                let poll = poll.wait_strategy_fn(move |count, _| {
                    if count >= checks {
                        WaitDecision::complete()
                    } else {
                        WaitDecision::continue_with(Duration::from_secs(1))
                    }
                });
                Ok(json!(poll.await?))
            }
            Operation::Invoke { fails } => Ok(ctx
                .invoke(if fails { FAILING } else { ECHO }, json!(path))
                .await?),
            Operation::Map { items, body } => {
                let count = branches(usize::try_from(items)?);
                let map = ctx.map(0..items, move |ctx, item, _| {
                    self.clone()
                        .run(body.clone(), ctx, format!("{path}[{item}]"))
                });
                Ok(json!(map.max_concurrency(count).await?))
            }
            Operation::Parallel(bodies) => {
                let count = branches(bodies.len());
                let bodies = bodies.into_iter().enumerate().map(|(place, body)| {
                    let (runner, path) = (self.clone(), format!("{path}|{place}"));
                    Branch::new(format!("b{place}"), move |ctx| runner.run(body, ctx, path))
                });
                let parallel = ctx.parallel(bodies.collect::<Vec<_>>());
                Ok(json!(parallel.max_concurrency(count).await?))
            }
            Operation::Race { sleep } => {
                let step = self.step(ctx, path, 0);
                let wait = ctx.wait(Duration::from_secs(sleep)).future();
                ctx.race([step, wait]).await?;
                Ok(json!("raced"))
            }
            Operation::Step { failures } => {
                self.step(ctx, path, failures).await?;
                Ok(json!("done"))
            }
            Operation::Wait(seconds) => {
                ctx.wait(Duration::from_secs(seconds)).await?;
                Ok(Value::Null)
            }
            Operation::WaitForCallback { after, fails } => {
                let effects = self.effects;
                let callback = ctx.wait_for_callback(move |_, _| async move {
                    record(&effects, path, 0);
                    Ok(())
                });
                Ok(callback.name(answer_name(after, fails)).await?)
            }
        }
    }

    fn step(self, ctx: &DurableContext, path: String, failures: u32) -> DurableFuture<()> {
        let effects = self.effects;
        let step = ctx.step(move |step: StepContext| async move {
            record(&effects, path, step.attempt());
            if step.attempt() <= failures {
                return Err(BoxError::from("made to fail"));
            }
            Ok(())
        });
        let retry = RetryStrategyConfig::builder()
            .max_attempts(ATTEMPTS)
            .initial_delay(Duration::from_secs(1))
            .jitter(JitterStrategy::None);
        step.retry_strategy_config(retry.build()).future()
    }
}

fn record(effects: &Effects, path: String, attempt: u32) {
    effects
        .lock()
        .unwrap()
        .entry(path)
        .or_default()
        .push(attempt);
}

/// A callback's name says how it is to be answered, and when.
fn answer_name(after: u64, fails: bool) -> String {
    format!("{}-{after}", if fails { "fail" } else { "answer" })
}

/// Answers a callback as its name says, or that of the operation around it.
pub(super) fn answer(started: &CallbackStarted) -> Option<CallbackAction> {
    let names = [&started.name, &started.parent_name];
    names.into_iter().flatten().find_map(|name| {
        let (how, after) = name.split_once('-')?;
        let after = Duration::from_secs(after.parse().ok()?);
        match how {
            "answer" => Some(CallbackAction::complete(after, "1")),
            "fail" => Some(CallbackAction::fail(
                after,
                ErrorRecord::new("Denied", "made to fail"),
            )),
            _ => None,
        }
    })
}

/// The functions that are invoked, by name.
pub(super) fn targets() -> [(&'static str, Function); 2] {
    let failing =
        Function::in_process(|_| async { Err(FunctionError::new("Denied", "made to fail")) });
    [(ECHO, echo()), (FAILING, failing.plain())]
}
