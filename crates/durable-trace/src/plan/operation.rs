//! What is known of one operation.

use durable_trace_wire::{Operation, OperationStatus, OperationType, UnixMillis};

use super::{Ending, Failure};

/// What identifies an operation; it never changes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Facts {
    pub(crate) id: String,
    pub(crate) kind: OperationType,
    pub(crate) sub_type: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) parent_id: Option<String>,
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
    Retry(Failure),
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
    /// The attempt that was opened and not closed here.
    pub(super) open: Option<u32>,
    /// It had ended before this invocation began.
    pub(super) recorded: bool,
    /// Its replay was told already.
    pub(super) replayed: bool,
    pub(super) failure: Option<Failure>,
    /// When its timer fires, if it waits for one.
    pub(super) timer: Option<UnixMillis>,
}

/// What an operation does in this invocation.
#[derive(Debug)]
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
        let facts = Facts {
            id: operation.id.to_string(),
            kind: operation.kind,
            sub_type: operation.sub_type.as_deref().map(str::to_owned),
            name: operation.name.as_deref().map(str::to_owned),
            parent_id: operation.parent_id.as_deref().map(str::to_owned),
        };
        let mut entry = Self {
            facts,
            status: OperationStatus::Started,
            attempt: 0,
            live: Live::Idle,
            open: None,
            recorded: false,
            replayed: false,
            failure: None,
            timer: None,
        };
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
        Self {
            facts,
            status: OperationStatus::Started,
            attempt,
            live,
            open: None,
            recorded: false,
            replayed: false,
            failure: None,
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
                self.failure = Some(failure.clone());
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
}
