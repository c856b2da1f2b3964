//! A made-up workflow under a made-up schedule, untraced and traced, and what must hold.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use aws_durable_execution_sdk::DurableContext;
use durable_trace::{CheckpointMode, Options};
use durable_trace_local::{CallRecord, Config, ExecutionStatus, InvocationRecord};
use durable_trace_wire::{UnixMillis, derive_context};
use opentelemetry::{SpanId, TraceId};
use serde_json::{Value, json};

use super::schedule::{Against, Schedule};
use super::workflow::{Effects, Operation, Runner, answer, targets};
use crate::checkpoints::{carries_ours, is_ours};
use crate::world::{Layer, Seen, World};

/// Budgets that slow requests exceed.
const BUDGET: Duration = Duration::from_millis(8);

/// How long an execution may take by the machine's clock: it waits for nothing real but budgets, but a log that comes one operation
/// a page takes thousands of requests, on a busy machine too.
const PATIENCE: Duration = Duration::from_mins(5);

/// What a user sees of an execution.
#[derive(Debug, PartialEq)]
pub(super) struct Outcome {
    status: ExecutionStatus,
    result: Option<String>,
    effects: Vec<(String, Vec<u32>)>,
}

/// An execution, and the world that it ran in.
pub(super) struct Ran {
    world: World,
    arn: String,
    pub(super) outcome: Outcome,
}

/// Runs the workflow; `schedule` befalls it, our part of it only if `traced`.
pub(super) async fn run(
    workflow: &[Operation],
    schedule: &Schedule,
    traced: bool,
) -> Result<Ran, String> {
    let schedule = Schedule {
        against: if traced {
            schedule.against
        } else {
            Against::Nothing
        },
        ..schedule.clone()
    };
    let mut config = Config::default().on_callback(answer).fault(schedule.rule());
    if let Some(pages) = schedule.pages {
        config = config.page_size(pages.size);
        if pages.promised {
            config = config.empty_last_page();
        }
    }
    let world = World::beside(schedule.agent, config, Layer::of(traced)).await;
    let effects = Effects::default();
    let runner = Runner {
        effects: Arc::clone(&effects),
        at_once: schedule.at_once,
    };
    let operations = workflow.to_vec();
    let handler = move |_: Value, ctx: DurableContext| {
        let results = runner.clone().run(operations.clone(), ctx, String::new());
        async move { Ok(json!(results.await?)) }
    };
    let options = traced.then(|| {
        Options::builder()
            .checkpoint_mode(schedule.mode)
            .checkpoint_budget(BUDGET)
            .flush_budget(BUDGET)
    });
    world.deploy(handler, options, schedule.sending);
    for (name, target) in targets() {
        world.service.register(name, target);
    }
    let input = if schedule.has_caller {
        json!({"headers": {"x-datadog-trace-id": "41", "x-datadog-parent-id": "42", "x-datadog-sampling-priority": "1"}})
    } else {
        Value::Null
    };
    let ended = tokio::time::timeout(PATIENCE, world.run(&input)).await;
    let ended = ended.map_err(|_| "it does not end".to_owned())?;
    let effects = effects.lock().unwrap().clone().into_iter().collect();
    Ok(Ran {
        arn: ended.arn,
        outcome: Outcome {
            status: ended.status,
            result: ended.result,
            effects,
        },
        world,
    })
}

impl Ran {
    /// What does not hold of the spans.
    pub(super) fn check_spans(&self, schedule: &Schedule) -> Result<(), String> {
        let all = self.world.spans.all();
        if self.world.spans.open() > 0 {
            return Err(format!("{} spans are open", self.world.spans.open()));
        }
        let ids: HashSet<SpanId> = all.iter().map(|span| span.span_id).collect();
        if ids.len() != all.len() {
            return Err("a span was sent twice".to_owned());
        }
        let execution = self.world.service.execution(&self.arn).expect("it ran");
        let started_at = i64::try_from(execution.started_at.as_millis())
            .ok()
            .map(UnixMillis);
        let derived = derive_context(&self.arn, started_at);
        let anchor = SpanId::from_bytes(derived.parent_id.get().to_be_bytes());
        let caller = SpanId::from_bytes(42_u64.to_be_bytes());
        for orphan in self.world.spans.orphans() {
            if orphan.parent_id != anchor && !(schedule.has_caller && orphan.parent_id == caller) {
                return Err(format!("{} has a parent that nobody sent", orphan.name));
            }
        }
        self.check_traces(
            schedule,
            TraceId::from_bytes(derived.trace_id.as_u128().to_be_bytes()),
        )?;
        if schedule.is_fatal() {
            Ok(())
        } else {
            told_once(&all)?;
            told_of_all(&all, &self.world.service.history(&self.arn), schedule)
        }
    }

    /// Where in the log the first checkpoint is; the execution itself, which is not listed here, is at 0.
    fn place_of_checkpoint(&self) -> usize {
        let operations = self.world.service.operations(&self.arn);
        let is_checkpoint = |name: &Option<String>| {
            name.as_deref()
                .is_some_and(|name| name.starts_with("_datadog_"))
        };
        operations
            .iter()
            .position(|operation| is_checkpoint(&operation.name))
            .map_or(usize::MAX, |place| place + 1)
    }

    /// Each invocation is in the trace that it must be in.
    fn check_traces(&self, schedule: &Schedule, derived: TraceId) -> Result<(), String> {
        let invocations = self.world.invocations(&self.arn);
        let lambdas = self.world.spans.named("aws.lambda");
        let of = |invocation: &InvocationRecord| {
            lambdas
                .iter()
                .find(|lambda| lambda.text("request_id").as_ref() == Some(&invocation.request_id))
        };
        let writer = invocations.iter().find(|invocation| {
            invocation.calls.iter().any(|call| {
                // A reply that was lost (0) was one to a request that was recorded.
                matches!(call.status, 0 | 200)
                    && !call.response.is_null()
                    && carries_ours(&call.request)
            })
        });
        let saved = writer.and_then(of).map(|lambda| lambda.trace_id);
        for invocation in &invocations {
            let Some(lambda) = of(invocation) else {
                return Err(format!("invocation {} has no span", invocation.index));
            };
            let is_first = lambda.text("aws.durable.first_invocation").as_deref() == Some("true");
            let after_writer = writer.is_some_and(|writer| invocation.index >= writer.index);
            if is_unread(invocation) && after_writer && !schedule.has_caller {
                let may_be_unknown = self.place_of_checkpoint() >= schedule.page_size();
                let known = Some(lambda.trace_id) == saved;
                if known || (may_be_unknown && lambda.trace_id == derived) {
                    continue;
                }
            }
            let want = if schedule.has_caller {
                Some(TraceId::from_bytes(41_u128.to_be_bytes()))
            } else if after_writer {
                saved
            } else if schedule.mode == CheckpointMode::None || !is_first {
                Some(derived)
            } else {
                None
            };
            if want.is_some_and(|want| want != lambda.trace_id) {
                return Err(format!(
                    "invocation {} is in another trace",
                    invocation.index
                ));
            }
        }
        Ok(())
    }
}

/// Whether the SDK could not fetch the log, and nothing was run.
fn is_unread(invocation: &InvocationRecord) -> bool {
    let mut calls = invocation.calls.iter();
    let fetches = |call: &CallRecord| call.operation == "GetDurableExecutionState";
    calls.clone().all(fetches) && calls.next_back().is_some_and(|call| call.status != 200)
}

/// Where no invocation is run again, what the function was there to see end is told of, and so is each attempt of a step.
fn told_of_all(all: &[Seen], history: &[Value], schedule: &Schedule) -> Result<(), String> {
    let of = |event: &Value| event["EventType"].as_str().unwrap_or_default().to_owned();
    let (mut ended, mut attempts) = (HashSet::new(), HashMap::<&str, usize>::new());
    let last = history
        .iter()
        .rposition(|event| of(event) == "InvocationCompleted");
    for event in history.iter().take(last.unwrap_or_default()) {
        let (kind, id) = (of(event), event["Id"].as_str().unwrap_or_default());
        let waits = ["Wait", "Callback", "ChainedInvoke"];
        if waits.iter().any(|prefix| kind.starts_with(prefix)) && !kind.ends_with("Started") {
            ended.insert(id);
        }
        if kind == "StepStarted" && !is_ours(event) {
            *attempts.entry(id).or_default() += 1;
        }
    }
    let mut told = HashMap::<String, usize>::new();
    let ids = all.iter().map(|span| span.text("aws.durable.operation_id"));
    for id in ids.flatten() {
        *told.entry(id).or_default() += 1;
    }
    // What ended after the event and before its pages were fetched looks like what an earlier invocation told of.
    let may_miss = schedule.pages.is_some();
    let waited = ended.into_iter().filter(|_| !may_miss).map(|id| (id, 1));
    for (id, want) in waited.chain(attempts.clone()) {
        let told = told.get(id).copied().unwrap_or_default();
        if told != want {
            return Err(format!("{id} is told of {told} times instead of {want}"));
        }
    }
    Ok(())
}

/// Where no invocation is run again, what waits is told of once, and so is each attempt of a step.
fn told_once(all: &[Seen]) -> Result<(), String> {
    let mut told = HashSet::new();
    for span in all {
        let kind = span.name.as_str();
        if ![
            "aws.durable.wait",
            "aws.durable.create_callback",
            "aws.durable.invoke",
            "aws.durable.step",
        ]
        .contains(&kind)
        {
            continue;
        }
        let attempt = span.text("aws.durable.operation_attempt");
        let id = span.text("aws.durable.operation_id");
        if id.is_some() && !told.insert((id.clone(), attempt)) {
            return Err(format!("{kind} {id:?} is told of twice"));
        }
    }
    Ok(())
}
