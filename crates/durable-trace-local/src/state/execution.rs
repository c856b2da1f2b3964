//! One execution, and its end.

use serde_json::Value;

use super::log::Log;
use super::token::Token;
use crate::history::History;
use crate::name::FunctionRef;
use crate::refusal::ErrorRecord;
use crate::time::UnixMillis;
use crate::vocabulary::ExecutionStatus;

/// One durable execution as the service keeps it.
#[derive(Debug)]
pub(crate) struct Execution {
    pub(crate) arn: String,
    /// The last part of the ARN, and the id of the log's first operation.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) function: FunctionRef,
    pub(crate) input: String,
    pub(crate) ending: Ending,
    pub(crate) started_at: UnixMillis,
    pub(crate) ended_at: Option<UnixMillis>,
    pub(super) log: Log,
    pub(super) history: History,
    pub(super) client_context: Option<String>,
    pub(super) tenant_id: Option<String>,
    /// The sequence number of the newest checkpoint token.
    pub(super) tokens: u64,
    /// The invocation in flight whose answer counts.
    pub(super) live: Option<usize>,
    /// An invocation is scheduled; changes wait for it.
    pub(super) is_scheduled: bool,
    /// Failed invocations in a row.
    pub(super) failures: u32,
    /// Refused PENDINGs in a row.
    pub(super) refusals: u32,
    /// The chained invoke that this execution is the target of: execution and operation id.
    pub(super) caller: Option<(usize, String)>,
    /// The end that a checkpoint told before the function's answer.
    pub(super) announced: Option<Ending>,
    /// The last checkpoint that came with a client token, for its repetition.
    pub(super) last_answer: Option<RememberedAnswer>,
}

/// A checkpoint's answer, kept in case the client did not get it.
#[derive(Debug)]
pub(super) struct RememberedAnswer {
    pub(super) client_token: String,
    pub(super) checkpoint_token: String,
    pub(super) answer: Value,
}

/// How an execution ended; `Running` if it has not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Ending {
    pub(crate) status: ExecutionStatus,
    pub(crate) result: Option<String>,
    pub(crate) error: Option<ErrorRecord>,
}

impl Ending {
    pub(crate) fn none() -> Self {
        Self::of(ExecutionStatus::Running, None, None)
    }

    pub(crate) fn succeeded(result: Option<String>) -> Self {
        Self::of(ExecutionStatus::Succeeded, result, None)
    }

    pub(crate) fn failed(error: Option<ErrorRecord>) -> Self {
        Self::of(ExecutionStatus::Failed, None, error)
    }

    pub(crate) fn stopped(error: Option<ErrorRecord>) -> Self {
        Self::of(ExecutionStatus::Stopped, None, error)
    }

    pub(crate) fn timed_out(error: ErrorRecord) -> Self {
        Self::of(ExecutionStatus::TimedOut, None, Some(error))
    }

    fn of(status: ExecutionStatus, result: Option<String>, error: Option<ErrorRecord>) -> Self {
        Self {
            status,
            result,
            error,
        }
    }
}

impl Execution {
    pub(crate) fn is_running(&self) -> bool {
        self.ending.status == ExecutionStatus::Running
    }

    /// The operations of the log; the first is the execution itself.
    pub(crate) fn operations(&self) -> &[super::Operation] {
        self.log.operations()
    }

    /// The events so far, oldest first.
    pub(crate) fn events(&self) -> &[Value] {
        self.history.events()
    }

    /// Makes the next checkpoint token, which makes all earlier ones stale.
    pub(super) fn turn_token(&mut self, request_id: &str) -> String {
        self.tokens += 1;
        Token {
            execution: self.id.clone(),
            invocation: request_id.to_owned(),
            sequence: self.tokens,
        }
        .encode()
    }
}
