//! What happens to an execution in one invocation, decided from data alone.
//!
//! [`Plan`] is told what was seen (the log at the start, the SDK's requests and their answers, the
//! SDK's own events) and says what that means: operations that begin, end or are replayed, and
//! whether the request at hand is the one to ride on. No clock, no I/O, no lock, and nothing of any
//! tracing product: a view turns [`Action`]s into spans.

mod asleep;
mod log;
mod operation;
mod requests;
mod rest;
mod table;
mod telling;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use durable_trace_wire::{Operation, OperationType, UnixMillis};

pub(crate) use asleep::Asleep;
use log::Log;
use operation::{Entry, Live};
pub(crate) use operation::{Facts, Invoked, Shape, Transition, Update};
use table::{Known, Table};
#[cfg(test)]
pub(crate) use terms::Parent;
pub use terms::ReplayedSpans;
pub(crate) use terms::{
    Action, Closing, Ending, Failure, Input, Layer, Moment, Opening, Outcome, Telling,
};

/// The state machine of one invocation.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    telling: Telling,
    table: Table,
    /// Ids of operations that were opened, in that order.
    opened: Vec<String>,
    /// Ids of those whose ends a request carries.
    settling: HashMap<u64, Vec<String>>,
    asleep: Option<Asleep>,
    handler_returned: bool,
    over: bool,
    /// Nothing is to ride in this invocation any more: it did, or there is no need.
    ride_settled: bool,
}

impl Plan {
    pub(crate) fn new(telling: impl Into<Telling>) -> Self {
        Self {
            telling: telling.into(),
            ..Self::default()
        }
    }

    /// Takes what was seen and gives what it means, in the order in which it is to be done.
    pub(crate) fn apply(&mut self, input: Input<'_>) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.over {
            return actions; // a late message of a finished invocation means nothing any more
        }
        match input {
            Input::BodyEntered { id, attempt } => self.enter_body(id, attempt, &mut actions),
            Input::HandlerReturned => self.handler_returned = true,
            Input::Loaded {
                operations,
                updated,
            } => self.load(operations, updated, &mut actions),
            Input::Over { layer, outcome } => self.finish(layer, outcome, &mut actions),
            Input::Paged { operations } => self.paged(operations, &mut actions),
            Input::Replayed { id } => self.replay(id, Moment::Now, &mut actions),
            Input::RequestAnswered { sequence, changed } => {
                self.answered(sequence, changed, &mut actions);
            }
            Input::RequestFailed { sequence } => self.unsettle(sequence),
            Input::Requested { sequence, updates } => {
                self.requested(sequence, updates, &mut actions);
            }
        }
        actions
    }

    /// How long the execution slept before this invocation; `None` on its first.
    pub(crate) fn asleep(&self) -> Option<&Asleep> {
        self.asleep.as_ref()
    }

    /// No request of this invocation is to be ridden any more.
    pub(crate) fn settle_ride(&mut self) {
        self.ride_settled = true;
    }

    /// Operations that the execution is known to have, itself included, as the service counts them.
    pub(crate) fn operation_count(&self) -> usize {
        self.table.len() + 1
    }

    /// The latest moment at which a timer that is running now fires, if one is.
    pub(crate) fn latest_timer(&self) -> Option<UnixMillis> {
        let active = self.table.active();
        active
            .filter(|entry| self.is_pending(entry, None))
            .filter_map(|entry| entry.timer)
            .max()
    }

    /// The operation `id`, or the nearest around it, that is open.
    pub(crate) fn open_around(&self, id: &str) -> Option<String> {
        let mut next = Some(id);
        // Bounded, so that a log whose parents form a ring ends too.
        for _ in 0..=self.table.len() {
            let id = next?;
            let known = self.table.get(id)?;
            if known.is_open() {
                return Some(id.to_owned());
            }
            next = known.parent_id();
        }
        None
    }

    /// The map or parallel that has begun and not ended, if there is just one.
    pub(crate) fn only_batch(&self) -> Option<String> {
        self.table.only_batch().map(str::to_owned)
    }

    /// The operation that encloses the operation `id`.
    pub(crate) fn parent_of(&self, id: &str) -> Option<String> {
        self.table.get(id)?.parent_id().map(str::to_owned)
    }

    fn load(
        &mut self,
        operations: &[Operation<'_>],
        updated: &[String],
        actions: &mut Vec<Action>,
    ) {
        self.asleep = asleep::find(operations, updated);
        let ended: Vec<String> = self.asleep.iter().flat_map(|it| it.ended.clone()).collect();
        let told: HashSet<&str> = ended.iter().map(String::as_str).collect();
        let told = (self.telling != Telling::Passes).then_some(&told);
        self.table.load(Log::new(operations, told));
        if self.telling == Telling::Passes {
            return;
        }
        // What the service ended while the function slept has not been told of yet.
        for id in ended {
            if self.waits(&id) {
                self.tell_whole(&id, actions);
            }
        }
    }

    /// What the operation is to the view; `None` for what it is not told of.
    fn seen(&self, shape: Option<Shape>) -> Option<Shape> {
        shape.filter(|shape| *shape != Shape::Item || self.telling == Telling::Transitions)
    }

    /// Whether the operation is one that the service ends by itself.
    fn waits(&self, id: &str) -> bool {
        let shape = self.table.get(id).and_then(Known::shape);
        matches!(shape, Some(Shape::Callback | Shape::Invoke | Shape::Wait))
    }

    /// Takes in what an answer says of operations, without a word on what it means.
    fn learn(&mut self, operations: &[Operation<'_>]) {
        for operation in operations {
            if operation.kind == OperationType::Execution {
                continue;
            }
            if let Some(entry) = self.table.get_mut(&operation.id) {
                entry.learn(operation);
                self.table.sort(&operation.id);
            } else {
                self.table.insert(Entry::from_log(operation));
            }
        }
    }

    /// Takes in pages of the whole log, for the sake of what is new on them.
    fn paged(&mut self, operations: &[Operation<'_>], actions: &mut Vec<Action>) {
        for operation in operations {
            let known = self.table.get(&operation.id);
            if !known.is_some_and(|known| known.has_ended(None)) {
                self.told(std::slice::from_ref(operation), actions);
            }
        }
    }

    /// Takes in what the service says while the function is running, and tells of what it ended.
    fn told(&mut self, operations: &[Operation<'_>], actions: &mut Vec<Action>) {
        self.learn(operations);
        for operation in operations {
            self.ended_by_service(operation.id.as_ref(), actions);
        }
    }

    /// A timer, an invoke or a callback that the service ended while the function was running.
    fn ended_by_service(&mut self, id: &str, actions: &mut Vec<Action>) {
        if !self.waits(id) {
            return;
        }
        let Some(entry) = self.table.get_mut(id) else {
            return;
        };
        if !entry.status.is_ended() || entry.recorded {
            return;
        }
        entry.live = Live::Idle;
        if std::mem::take(&mut entry.is_open) {
            actions.push(Action::Close {
                id: id.to_owned(),
                closing: entry.closing(Moment::Now),
            });
        } else if self.telling != Telling::Passes {
            self.tell_whole(id, actions);
        }
        self.table.sort(id);
    }
}
