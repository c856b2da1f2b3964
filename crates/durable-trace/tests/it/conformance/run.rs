//! One run of a requirement's handler on the local service, and what came of it.

use std::sync::Mutex;
use std::time::Duration;

use durable_trace::Options;
use durable_trace_local::{
    CallbackAction, CallbackStarted, Config, ErrorRecord, ExecutionRecord, InvocationRecord,
    InvocationStatus,
};
use serde_json::Value;

use super::case::Case;
use super::matching;
use super::requirement::{CallbackStep, Requirement};
use crate::history;
use crate::world::{FUNCTION, Layer, Sending, World, client, untraced_function};

/// A durable function that answers with what it was asked.
pub(super) const ECHO: &str = "echo";
/// A durable function that fails.
pub(super) const FAILING: &str = "failing";

/// Whether the function is traced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tracing {
    Off,
    On,
}

/// What came of a run.
pub(super) struct Observed {
    pub(super) ended: ExecutionRecord,
    pub(super) history: Vec<Value>,
    pub(super) invocations: Vec<InvocationRecord>,
    lines: Vec<String>,
    traces: usize,
}

/// Runs a handler from its start to its end.
pub(super) async fn run(requirement: &Requirement, case: Case, tracing: Tracing) -> Observed {
    let config = Config::default().on_callback(answers(requirement.callbacks.clone()));
    let traced = tracing == Tracing::On;
    let world = World::without_function(config, Layer::of(traced)).await;
    world.deploy(case.run, traced.then(Options::builder), Sending::AT_ONCE);
    let target =
        |handler: Case| untraced_function(handler.run, client(&world.service, 3), Sending::AT_ONCE);
    world
        .service
        .register(ECHO, target(super::handlers::invoke::ECHO_TARGET));
    world
        .service
        .register(FAILING, target(super::handlers::invoke::FAILING_TARGET));
    let input = requirement.input.to_string();
    let started = world
        .service
        .start_execution(FUNCTION, Some(input), None)
        .await;
    let arn = started.expect("a start");
    let ended = tokio::time::timeout(Duration::from_mins(1), world.service.ended(&arn)).await;
    let ended = ended.unwrap_or_else(|_| panic!("{} does not end", requirement.id));
    Observed {
        history: world.service.history(&arn),
        invocations: world.invocations(&arn),
        lines: world.lines.all(),
        traces: world.spans.trace_ids().len(),
        ended,
    }
}

/// What somebody outside does: each step once, when a callback of its name has started.
fn answers(
    steps: Vec<CallbackStep>,
) -> impl Fn(&CallbackStarted) -> Vec<CallbackAction> + Send + Sync {
    let steps = Mutex::new(steps);
    move |started| {
        let mut steps = steps.lock().unwrap();
        let mut answered = false;
        let taken = steps.extract_if(.., |step| {
            // `*` goes to one callback, until that has ended.
            let meant = match step.name.as_str() {
                "*" => !answered,
                name => started.name.as_deref() == Some(name),
            };
            answered |= meant && step.operation != "heartbeat";
            meant
        });
        taken.map(|step| action(&step)).collect()
    }
}

fn action(step: &CallbackStep) -> CallbackAction {
    let after = Duration::from_secs(step.delay);
    match (step.operation.as_str(), &step.payload) {
        ("success", Some(payload)) => CallbackAction::complete(after, spaced(payload)),
        ("success", None) => CallbackAction::complete_without_result(after),
        ("failure", payload) => {
            let error = payload.clone().map(serde_json::from_value::<ErrorRecord>);
            let error = error
                .transpose()
                .expect("an error object")
                .unwrap_or_default();
            CallbackAction::fail(after, error)
        }
        ("heartbeat", _) => CallbackAction::heartbeat(after),
        (other, _) => panic!("no such callback operation: {other}"),
    }
}

/// A flat value as Python's `json.dumps` writes it, which is what AWS's histories show.
fn spaced(payload: &Value) -> String {
    payload
        .to_string()
        .replace("\":", "\": ")
        .replace(",\"", ", \"")
}

impl Observed {
    /// The own history without what no two runs share.
    fn comparable(&self, requirement: &Requirement) -> Vec<Value> {
        let mut forgotten = Vec::new();
        if requirement.has_drawn_delays() {
            forgotten.push("NextAttemptDelaySeconds");
        }
        if requirement.is_concurrent() {
            forgotten.push("EventId");
        }
        let mut history = history::comparable(&self.history, &forgotten);
        if requirement.is_concurrent() {
            history.sort_by_key(Value::to_string);
        }
        history
    }

    /// Whether another run of the same handler came to the same, event by event.
    pub(super) fn same_as(&self, other: &Self, requirement: &Requirement) -> Result<(), String> {
        let ending = |observed: &Self| {
            let ExecutionRecord {
                status,
                result,
                error,
                ..
            } = observed.ended.clone();
            (
                status,
                result,
                error.map(|error| ErrorRecord {
                    stack_trace: None,
                    ..error
                }),
            )
        };
        if ending(self) != ending(other) {
            return Err(format!("{:?} instead of {:?}", ending(self), ending(other)));
        }
        let (mine, others) = (self.comparable(requirement), other.comparable(requirement));
        match mine
            .iter()
            .zip(&others)
            .find(|(mine, others)| mine != others)
        {
            Some((mine, others)) => Err(format!("{mine} instead of {others}")),
            None if mine.len() == others.len() => Ok(()),
            None => Err(format!("{} events instead of {}", mine.len(), others.len())),
        }
    }

    /// What differs from the requirement, first difference only.
    pub(super) fn check(&self, requirement: &Requirement) -> Result<(), String> {
        let history = history::own(&self.history);
        let complete = requirement.ending.is_some() && !requirement.is_concurrent();
        if let Some(ending) = &requirement.ending {
            if self.ended.status.as_str() != ending.status {
                let error = self.ended.error.as_ref();
                return Err(format!(
                    "{} instead of {}: {error:?}",
                    self.ended.status.as_str(),
                    ending.status
                ));
            }
            if let Some(result) = &ending.result {
                matching::result(result, self.ended.result.as_deref())?;
            }
        }
        matching::history(&requirement.history, &history, complete)?;
        for log in &requirement.logs {
            let pattern = matching::pattern(&log.line.message).expect("a pattern between slashes");
            let count = self
                .lines
                .iter()
                .filter(|line| pattern.is_match(line))
                .count();
            if count != log.count {
                return Err(format!(
                    "{} is logged {count} times instead of {}",
                    log.line.message, log.count
                ));
            }
        }
        // What a dead process had seen is never sent, and it may have died before it saved anything.
        let crashed = self
            .invocations
            .iter()
            .any(|invocation| invocation.status == InvocationStatus::Error);
        if self.traces > 1 && !crashed {
            return Err(format!("{} traces", self.traces));
        }
        Ok(())
    }
}
