//! Invocations of durable functions: the event that goes in, and what the answer means.

use serde::Deserialize;
use serde_json::{Value, json};

use super::checkpoint::page;
use super::execution::Ending;
use super::log::Operation;
use super::render::Place;
use super::{
    Effect, MAX_REFUSED_PENDINGS, MAX_RETRIES, Purpose, RETRY_DELAY, Run, State, Timer, xray_root,
};
use crate::history::Completed;
use crate::refusal::{ErrorRecord, INVALID_PARAMETER};
use crate::time::UnixMillis;
use crate::vocabulary::InvocationStatus;

/// One invocation of a durable function.
#[derive(Clone, Debug)]
pub(crate) struct InvocationEntry {
    pub(crate) execution: usize,
    pub(crate) request_id: String,
    pub(crate) status: InvocationStatus,
    /// Why the service did not take the answer, or there was none.
    pub(crate) error: Option<ErrorRecord>,
    pub(crate) started_at: UnixMillis,
    pub(crate) ended_at: Option<UnixMillis>,
}

/// How a run of a function ended.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// It answered with this JSON.
    Answered(String),
    /// It gave no answer: an error of its own, a crash or a time-out.
    Faulted(ErrorRecord),
}

/// What a durable function answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    status: AnswerStatus,
    #[serde(default)]
    result: Option<String>,
    #[serde(default)]
    error: Option<ErrorRecord>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum AnswerStatus {
    Failed,
    Pending,
    Succeeded,
}

/// What the service makes of an outcome.
enum Verdict {
    End(Ending),
    Fault(ErrorRecord),
    RefusedPending(ErrorRecord),
    Sleep,
}

impl State {
    /// Invokes the function of an execution now.
    pub(super) fn begin_invocation(&mut self, index: usize, now: UnixMillis) {
        let request_id = (self.new_id)();
        let (page_size, last_page) = (self.settings.page_size, self.settings.last_page);
        let invocation = self.invocations.len();
        let Some(execution) = self
            .executions
            .get_mut(index)
            .filter(|execution| execution.is_running())
        else {
            return;
        };
        execution.is_scheduled = false;
        execution.live = Some(invocation);
        let updated: Vec<String> = execution
            .log
            .untold()
            .map(|operation| operation.id.clone())
            .collect();
        execution.log.tell();
        let token = execution.turn_token(&request_id);
        let (operations, next) = page(
            execution.operations(),
            0,
            page_size,
            last_page,
            Place::Event,
        );
        let event = json!({
            "DurableExecutionArn": execution.arn,
            "CheckpointToken": token,
            "InitialExecutionState": {"Operations": operations, "NextMarker": next.unwrap_or_default()},
            "UpdatedOperationIds": updated,
        });
        let run = Run {
            purpose: Purpose::Invocation(invocation),
            function: execution.function.clone(),
            request_id: request_id.clone(),
            payload: event.to_string(),
            client_context: execution.client_context.clone(),
            tenant_id: execution.tenant_id.clone(),
            xray_root: xray_root(execution.started_at, &execution.id),
        };
        self.by_request_id.insert(request_id.clone(), invocation);
        self.invocations.push(InvocationEntry {
            execution: index,
            request_id,
            status: InvocationStatus::Running,
            error: None,
            started_at: now,
            ended_at: None,
        });
        self.in_flight += 1;
        self.effects.push(Effect::Run(run));
    }

    /// Invokes the function of an execution at a later time; until then changes only gather.
    pub(super) fn schedule_invocation(&mut self, index: usize, at: UnixMillis) {
        if let Some(execution) = self.executions.get_mut(index) {
            execution.is_scheduled = true;
            self.timers.set(at, Timer::Invoke { execution: index });
        }
    }

    /// Takes the end of an invocation.
    pub(crate) fn end_invocation(&mut self, invocation: usize, outcome: Outcome, now: UnixMillis) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let Some(entry) = self.invocations.get_mut(invocation) else {
            return;
        };
        let index = entry.execution;
        entry.ended_at = Some(now);
        let answer = match outcome {
            Outcome::Answered(text) => parse_answer(&text),
            Outcome::Faulted(error) => Err(error),
        };
        entry.status = match &answer {
            Ok(answer) => match answer.status {
                AnswerStatus::Failed => InvocationStatus::Failed,
                AnswerStatus::Pending => InvocationStatus::Pending,
                AnswerStatus::Succeeded => InvocationStatus::Succeeded,
            },
            Err(_) => InvocationStatus::Error,
        };
        let Some(execution) = self.executions.get_mut(index) else {
            return;
        };
        if execution.live != Some(invocation) {
            // The execution ended meanwhile; nobody waits for this answer.
            entry.error = answer.err();
            return;
        }
        execution.live = None;
        let announced = execution.announced.take();
        let verdict = match answer {
            Ok(answer) => judge(
                answer,
                announced,
                execution.operations(),
                execution.log.untold().next().is_some(),
            ),
            Err(error) => Verdict::Fault(error),
        };
        let error = match &verdict {
            Verdict::Fault(error) | Verdict::RefusedPending(error) => Some(error.clone()),
            Verdict::End(_) | Verdict::Sleep => None,
        };
        entry.error.clone_from(&error);
        let completed = Completed {
            request_id: &entry.request_id,
            started_at: entry.started_at,
            error: error.as_ref(),
        };
        execution.history.add_invocation_completed(completed, now);
        self.act_on(index, verdict, now);
    }

    fn act_on(&mut self, index: usize, verdict: Verdict, now: UnixMillis) {
        let Some(execution) = self.executions.get_mut(index) else {
            return;
        };
        match verdict {
            Verdict::End(ending) => self.end_execution(index, &ending, now),
            Verdict::Fault(error) => {
                execution.failures += 1;
                if execution.failures > MAX_RETRIES {
                    self.fail_execution(index, error, now);
                } else {
                    self.schedule_invocation(index, now.after(RETRY_DELAY));
                }
            }
            Verdict::RefusedPending(error) => {
                execution.failures = 0;
                execution.refusals += 1;
                if execution.refusals >= MAX_REFUSED_PENDINGS {
                    self.fail_execution(index, error, now);
                } else {
                    self.schedule_invocation(index, now.after(RETRY_DELAY));
                }
            }
            Verdict::Sleep => {
                execution.failures = 0;
                execution.refusals = 0;
                if execution.log.untold().next().is_some() {
                    self.begin_invocation(index, now);
                }
            }
        }
    }
}

fn parse_answer(text: &str) -> Result<Answer, ErrorRecord> {
    let invalid = |message: &str| ErrorRecord::new(INVALID_PARAMETER, message);
    let value: Value = serde_json::from_str(text)
        .map_err(|_| invalid("Invalid invocation output: it is not JSON."))?;
    let answer: Answer = serde_json::from_value(value)
        .map_err(|_| invalid("Invalid Status in invocation output."))?;
    match answer.status {
        AnswerStatus::Succeeded if answer.error.is_some() => {
            Err(invalid("Cannot provide an Error for SUCCEEDED status."))
        }
        AnswerStatus::Failed if answer.result.is_some() => {
            Err(invalid("Cannot provide a Result for FAILED status."))
        }
        AnswerStatus::Pending if answer.result.is_some() => {
            Err(invalid("Cannot provide a Result for PENDING status."))
        }
        _ => Ok(answer),
    }
}

/// Decides what an answer means. `announced` is an end that a checkpoint told before; `has_news`
/// says that something changed that the function has not been told of.
fn judge(
    answer: Answer,
    announced: Option<Ending>,
    operations: &[Operation],
    has_news: bool,
) -> Verdict {
    match answer.status {
        AnswerStatus::Succeeded => {
            let told = answer.result.filter(|result| !result.is_empty());
            Verdict::End(match (told, announced) {
                (None, Some(announced)) => announced,
                (told, _) => Ending::succeeded(told),
            })
        }
        AnswerStatus::Failed => Verdict::End(match (answer.error, announced) {
            (None, Some(announced)) => announced,
            (error, _) => Ending::failed(error),
        }),
        AnswerStatus::Pending if has_news || operations.iter().any(Operation::is_slept_on) => {
            Verdict::Sleep
        }
        AnswerStatus::Pending => Verdict::RefusedPending(ErrorRecord::new(
            INVALID_PARAMETER,
            "Cannot return PENDING status with no pending operations.",
        )),
    }
}
