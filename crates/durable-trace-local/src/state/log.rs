//! The operations of one execution, and who has been told of what.

use std::collections::HashMap;

use crate::refusal::ErrorRecord;
use crate::time::UnixMillis;
use crate::vocabulary::{OperationStatus, OperationType};

/// One operation as the service keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) parent_id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) sub_type: Option<String>,
    pub(crate) status: OperationStatus,
    pub(crate) started_at: UnixMillis,
    pub(crate) ended_at: Option<UnixMillis>,
    pub(crate) result: Option<String>,
    pub(crate) error: Option<ErrorRecord>,
    pub(crate) details: Details,
    /// The log's version when this operation last changed.
    pub(crate) version: u64,
}

/// What only operations of one type have.
#[derive(Clone, Debug)]
pub(crate) enum Details {
    Callback {
        callback_id: String,
        timeout_seconds: u32,
        heartbeat_seconds: u32,
        /// Counts heartbeats, so that an outdated time-out is known as such.
        beats: u64,
    },
    ChainedInvoke {
        function_name: String,
        tenant_id: Option<String>,
        payload: Option<String>,
    },
    Context {
        replay_children: bool,
    },
    Execution {
        input: String,
    },
    Step {
        /// Attempts that have ended.
        attempts: u32,
        next_attempt_at: Option<UnixMillis>,
    },
    Wait {
        seconds: u32,
        ends_at: UnixMillis,
    },
}

impl Operation {
    /// The type, which its details imply.
    pub(crate) fn kind(&self) -> OperationType {
        match self.details {
            Details::Callback { .. } => OperationType::Callback,
            Details::ChainedInvoke { .. } => OperationType::ChainedInvoke,
            Details::Context { .. } => OperationType::Context,
            Details::Execution { .. } => OperationType::Execution,
            Details::Step { .. } => OperationType::Step,
            Details::Wait { .. } => OperationType::Wait,
        }
    }

    /// Whether an execution may sleep on this operation: something outside the function will end it.
    pub(crate) fn is_slept_on(&self) -> bool {
        match self.details {
            Details::Callback { .. } | Details::ChainedInvoke { .. } | Details::Wait { .. } => {
                self.status == OperationStatus::Started
            }
            Details::Step { .. } => self.status == OperationStatus::Pending,
            Details::Context { .. } | Details::Execution { .. } => false,
        }
    }
}

/// The operations of one execution in order of their beginning; the first is the execution itself.
#[derive(Debug, Default)]
pub(crate) struct Log {
    operations: Vec<Operation>,
    places: HashMap<String, usize>,
    version: u64,
    told: u64,
    answered: u64,
}

impl Log {
    /// All operations in log order.
    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// How many operations the function has made; the execution itself is none.
    pub(crate) fn made(&self) -> usize {
        self.operations.len().saturating_sub(1)
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Operation> {
        self.operations.get(*self.places.get(id)?)
    }

    /// Adds an operation as changed just now.
    pub(crate) fn add(&mut self, mut operation: Operation) {
        self.version += 1;
        operation.version = self.version;
        self.places
            .insert(operation.id.clone(), self.operations.len());
        self.operations.push(operation);
    }

    /// Gives an operation to be changed and counts it as changed.
    pub(crate) fn change(&mut self, id: &str) -> Option<&mut Operation> {
        let operation = self.operations.get_mut(*self.places.get(id)?)?;
        self.version += 1;
        operation.version = self.version;
        Some(operation)
    }

    /// Gives the details of an operation for a change that the function is not told of.
    pub(crate) fn details_mut(&mut self, id: &str) -> Option<&mut Details> {
        let operation = self.operations.get_mut(*self.places.get(id)?)?;
        Some(&mut operation.details)
    }

    /// The operations that the function has not been told of in their present form, by an event
    /// or an answer, in log order.
    pub(crate) fn untold(&self) -> impl Iterator<Item = &Operation> {
        self.operations
            .iter()
            .filter(|operation| operation.version > self.told)
    }

    /// The operations that no answer has told of in their present form, in log order, each with
    /// its place in the log.
    ///
    /// What an event told comes again in the next answer, as AWS's local runner has it.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = (usize, &Operation)> {
        let answered = self.answered;
        self.operations
            .iter()
            .enumerate()
            .filter(move |(_, operation)| operation.version > answered)
    }

    /// Counts everything as told by an event.
    pub(crate) fn tell(&mut self) {
        self.told = self.version;
    }

    /// Counts everything as told by an answer.
    pub(crate) fn answer(&mut self) {
        self.told = self.version;
        self.answered = self.version;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(id: &str, details: Details) -> Operation {
        Operation {
            id: id.to_owned(),
            parent_id: None,
            name: None,
            sub_type: None,
            status: OperationStatus::Started,
            started_at: UnixMillis::default(),
            ended_at: None,
            result: None,
            error: None,
            details,
            version: 0,
        }
    }

    fn step(id: &str) -> Operation {
        let details = Details::Step {
            attempts: 0,
            next_attempt_at: None,
        };
        operation(id, details)
    }

    #[test]
    fn a_change_is_untold_until_it_is_told() {
        let mut log = Log::default();
        log.add(step("a"));
        log.add(step("b"));
        log.tell();
        assert_eq!(log.untold().count(), 0);
        log.change("b").unwrap().status = OperationStatus::Ready;
        let untold: Vec<_> = log
            .untold()
            .map(|operation| operation.id.as_str())
            .collect();
        assert_eq!(untold, ["b"]);
    }

    #[test]
    fn what_an_event_told_is_still_unanswered() {
        let mut log = Log::default();
        log.add(step("a"));
        log.answer();
        log.add(step("b"));
        log.tell();
        assert_eq!(log.untold().count(), 0);
        let unanswered: Vec<_> = log
            .unanswered()
            .map(|(place, operation)| (place, operation.id.as_str()))
            .collect();
        assert_eq!(unanswered, [(1, "b")]);
    }

    #[test]
    fn an_execution_sleeps_on_what_ends_without_it() {
        use OperationStatus::{Pending, Ready, Started, Succeeded};
        let wait = Details::Wait {
            seconds: 1,
            ends_at: UnixMillis::default(),
        };
        let context = Details::Context {
            replay_children: false,
        };
        let step = step("s").details;
        for (details, status, want, why) in [
            (&wait, Started, true, "the timer will end it"),
            (&wait, Succeeded, false, "ended"),
            (&step, Pending, true, "its next attempt is scheduled"),
            (&step, Ready, false, "only the function can go on"),
            (&step, Started, false, "only the function can go on"),
            (&context, Started, false, "a group sleeps on its members"),
        ] {
            let mut operation = operation("x", details.clone());
            operation.status = status;
            assert_eq!(operation.is_slept_on(), want, "{why}");
        }
    }
}
