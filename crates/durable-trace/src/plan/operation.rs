//! What is known of one operation.

use durable_trace_wire::{
    Context, NAME_PREFIX, Operation, OperationStatus, OperationType, UnixMillis,
};

use super::{Closing, Ending, Failure, Moment};
use crate::sdk_names::sub_types;

/// What identifies an operation; it never changes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Facts {
    pub(crate) id: String,
    pub(crate) kind: OperationType,
    pub(crate) sub_type: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) parent_id: Option<String>,
    /// What an invoke calls; only its start tells.
    pub(crate) invoked: Option<Invoked>,
}

/// The function that an invoke calls.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Invoked {
    /// Its name or ARN.
    pub(crate) function: String,
    /// It is handed the trace.
    pub(crate) is_target: bool,
}

/// What an operation is to those who look at it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    Callback,
    /// A child context, `with_retry`, or a combinator such as `join_all` or `race`.
    ChildContext,
    Invoke,
    /// An iteration of a map, or a branch of a parallel.
    Item,
    Map,
    Parallel,
    Step,
    Wait,
    WaitForCallback,
    WaitForCondition,
}

impl Shape {
    /// Whether operations run inside it.
    pub(crate) fn is_context(self) -> bool {
        matches!(
            self,
            Self::ChildContext | Self::Item | Self::Map | Self::Parallel | Self::WaitForCallback
        )
    }

    /// Whether the user's code runs as its body, attempt by attempt.
    pub(crate) fn has_attempts(self) -> bool {
        matches!(self, Self::Step | Self::WaitForCondition)
    }
}

impl Facts {
    /// What the operation is; `None` for what nobody looks at.
    pub(crate) fn shape(&self) -> Option<Shape> {
        shape(self.kind, self.sub_type.as_deref(), self.name.as_deref())
    }
}

/// What an operation is; `None` for what nobody looks at: checkpoints.
pub(super) fn shape(
    kind: OperationType,
    sub_type: Option<&str>,
    name: Option<&str>,
) -> Option<Shape> {
    let is_ours = || name.is_some_and(|name| name.starts_with(NAME_PREFIX));
    match (kind, sub_type) {
        (OperationType::Callback, _) => Some(Shape::Callback),
        (OperationType::ChainedInvoke, _) => Some(Shape::Invoke),
        (OperationType::Context, Some(sub_types::MAP)) => Some(Shape::Map),
        (OperationType::Context, Some(sub_types::MAP_ITERATION | sub_types::PARALLEL_BRANCH)) => {
            Some(Shape::Item)
        }
        (OperationType::Context, Some(sub_types::PARALLEL)) => Some(Shape::Parallel),
        (OperationType::Context, Some(sub_types::WAIT_FOR_CALLBACK)) => {
            Some(Shape::WaitForCallback)
        }
        (OperationType::Context, _) => Some(Shape::ChildContext),
        (OperationType::Step, _) if is_ours() => None,
        (OperationType::Step, Some(sub_types::WAIT_FOR_CONDITION)) => Some(Shape::WaitForCondition),
        (OperationType::Step, _) => Some(Shape::Step),
        (OperationType::Wait, _) => Some(Shape::Wait),
        _ => None,
    }
}

impl From<&Operation<'_>> for Facts {
    fn from(operation: &Operation<'_>) -> Self {
        Self {
            id: operation.id.to_string(),
            kind: operation.kind,
            sub_type: operation.sub_type.as_deref().map(str::to_owned),
            name: operation.name.as_deref().map(str::to_owned),
            parent_id: operation.parent_id.as_deref().map(str::to_owned),
            invoked: None,
        }
    }
}

/// One update of a checkpoint request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Update {
    pub(crate) facts: Facts,
    pub(crate) transition: Transition,
}

/// What an update does to its operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Transition {
    Fail(Failure),
    Other,
    /// To be tried again; without a failure where a condition was not met yet.
    Retry(Option<Failure>),
    Start,
    Succeed,
}

/// One operation, as this invocation knows it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) facts: Facts,
    pub(super) status: OperationStatus,
    /// Attempts that the log counts.
    pub(super) attempt: u32,
    pub(super) live: Live,
    /// It was opened and not closed here.
    pub(super) is_open: bool,
    /// It was told of in this invocation, in whatever way.
    pub(super) is_told: bool,
    /// It had ended before this invocation began.
    pub(super) recorded: bool,
    pub(super) failure: Option<Failure>,
    pub(super) completer: Option<Context>,
    pub(super) started_at: Option<UnixMillis>,
    pub(super) ended_at: Option<UnixMillis>,
    /// When its timer fires, if it waits for one.
    pub(super) timer: Option<UnixMillis>,
}

/// What an operation does in this invocation.
#[derive(Clone, Debug)]
pub(super) enum Live {
    /// Nothing.
    Idle,
    /// A body of the user's is running, or may be.
    Running,
    /// Its end is on the way to the service.
    Settling { sequence: u64, ending: Ending },
    /// Its end did not reach the service.
    Unrecorded(Ending),
    /// It waits for the service: a timer, another function, somebody's callback.
    Waiting,
}

impl Entry {
    pub(super) fn from_log(operation: &Operation<'_>) -> Self {
        let mut entry = Self::new(Facts::from(operation), 0, Live::Idle);
        entry.learn(operation);
        entry
    }

    /// An operation whose start is on the way to the service.
    pub(super) fn started(facts: Facts, attempt: u32) -> Self {
        let live = match facts.kind {
            OperationType::Callback | OperationType::ChainedInvoke | OperationType::Wait => {
                Live::Waiting
            }
            OperationType::Step => Live::Running,
            _ => Live::Idle,
        };
        Self::new(facts, attempt, live)
    }

    pub(super) fn new(facts: Facts, attempt: u32, live: Live) -> Self {
        Self {
            facts,
            status: OperationStatus::Started,
            attempt,
            live,
            is_open: false,
            is_told: false,
            recorded: false,
            failure: None,
            completer: None,
            started_at: None,
            ended_at: None,
            timer: None,
        }
    }

    pub(super) fn learn(&mut self, operation: &Operation<'_>) {
        self.status = operation.status;
        self.attempt = operation.attempt.unwrap_or(self.attempt);
        self.failure = operation
            .error
            .as_ref()
            .map(Failure::from)
            .or(self.failure.take());
        self.completer = operation.completer().or(self.completer.take());
        self.started_at = operation.started_at.or(self.started_at);
        self.ended_at = operation.ended_at.or(self.ended_at);
        self.timer = operation
            .scheduled_end_at
            .or(operation.next_attempt_at)
            .or(self.timer);
    }

    /// Takes in an end that the service has recorded.
    pub(super) fn end(&mut self, ending: &Ending) {
        self.live = Live::Idle;
        match ending {
            Ending::Failed(failure) => {
                self.status = OperationStatus::Failed;
                self.failure = Some(failure.clone());
            }
            Ending::Retried(failure) => {
                self.status = OperationStatus::Pending;
                self.failure.clone_from(failure);
            }
            Ending::Succeeded => self.status = OperationStatus::Succeeded,
            Ending::Unfinished => {}
        }
    }

    /// How the log says that it ended.
    pub(super) fn recorded_ending(&self) -> Ending {
        match self.status {
            OperationStatus::Succeeded => Ending::Succeeded,
            status if status.is_ended() => Ending::Failed(self.failure.clone().unwrap_or_default()),
            _ => Ending::Unfinished,
        }
    }

    /// How the log says that it ended, and by whom it was completed.
    pub(super) fn closing(&self, end: Moment) -> Closing {
        Closing {
            completer: self.completer.clone(),
            ..Closing::new(self.recorded_ending(), end)
        }
    }

    /// How it ends if nothing more comes.
    pub(super) fn last_ending(&self) -> Ending {
        match &self.live {
            Live::Settling { ending, .. } | Live::Unrecorded(ending) => ending.clone(),
            Live::Idle | Live::Running | Live::Waiting => Ending::Unfinished,
        }
    }

    /// Whether its end is recorded or on the way with the request `sequence`.
    pub(super) fn has_ended(&self, sequence: Option<u64>) -> bool {
        match &self.live {
            Live::Settling {
                sequence: own,
                ending,
            } => Some(*own) == sequence && !matches!(ending, Ending::Retried(_)),
            Live::Running | Live::Waiting => false,
            Live::Idle | Live::Unrecorded(_) => self.status.is_ended(),
        }
    }

    /// Whether it may keep the function awake or the execution pending.
    pub(super) fn is_active(&self) -> bool {
        !matches!(self.live, Live::Idle) || is_active(self.facts.kind, self.status)
    }
}

/// Whether an operation with which this invocation does nothing may keep the execution pending.
pub(super) fn is_active(kind: OperationType, status: OperationStatus) -> bool {
    kind != OperationType::Context
        && matches!(status, OperationStatus::Started | OperationStatus::Pending)
}
