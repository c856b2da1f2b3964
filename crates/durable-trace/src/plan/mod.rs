//! What happens to an execution in one invocation, decided from data alone.
//!
//! [`Plan`] is told what was seen (the log at the start, the SDK's requests and their answers, the
//! SDK's own events) and says what that means: operations that begin, end or are replayed, and
//! whether the request at hand is the one to ride on. No clock, no I/O, no lock, and nothing of any
//! tracing product: a view turns [`Action`]s into spans.

mod asleep;
mod log;
mod operation;
mod rest;
mod table;
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
pub use terms::ReplayedSpans;
pub(crate) use terms::{
    Action, Closing, Ending, Failure, Input, Layer, Moment, Opening, Outcome, Parent,
};

/// The state machine of one invocation.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    replays: ReplayedSpans,
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
    pub(crate) fn new(replays: ReplayedSpans) -> Self {
        Self {
            replays,
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
        let told = (self.replays == ReplayedSpans::Omit).then_some(&told);
        self.table.load(Log::new(operations, told));
        if self.replays == ReplayedSpans::Emit {
            return;
        }
        // What the service ended while the function slept has not been told of yet.
        for id in ended {
            if self.waits(&id) {
                self.tell_whole(&id, actions);
            }
        }
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

    fn requested(&mut self, sequence: u64, updates: &[Update], actions: &mut Vec<Action>) {
        for update in updates {
            match &update.transition {
                Transition::Start => self.start(update, actions),
                Transition::Succeed => self.settle(update, sequence, Ending::Succeeded, actions),
                Transition::Fail(failure) => {
                    self.settle(update, sequence, Ending::Failed(failure.clone()), actions);
                }
                Transition::Retry(failure) => {
                    self.settle(update, sequence, Ending::Retried(failure.clone()), actions);
                }
                Transition::Other => {}
            }
        }
        if !self.handler_returned && !self.ride_settled && self.rests_after(sequence, updates) {
            actions.push(Action::Ride);
        }
    }

    /// An operation, or its next attempt, begins with the request that records its start.
    fn start(&mut self, update: &Update, actions: &mut Vec<Action>) {
        let known = self.table.get_mut(&update.facts.id);
        let attempt = known.as_ref().map_or(0, |entry| entry.attempt);
        let mut entry = Entry::started(update.facts.clone(), attempt);
        entry.started_at = known.and_then(|known| known.started_at);
        self.table.insert(entry);
        let Some(shape) = update.facts.shape() else {
            return;
        };
        // Where each operation is told of once, what only waits is told of when it ends. But what a function hangs on that is handed
        // the trace has to be there.
        let holds = shape.is_context()
            || shape.has_attempts()
            || update
                .facts
                .invoked
                .as_ref()
                .is_some_and(|invoked| invoked.is_target);
        if holds || self.replays == ReplayedSpans::Emit {
            self.open(&update.facts.id, attempt, Moment::Now, actions);
        }
    }

    /// Notes how an attempt ended; it is over when the service has it recorded.
    fn settle(
        &mut self,
        update: &Update,
        sequence: u64,
        ending: Ending,
        actions: &mut Vec<Action>,
    ) {
        let id = &update.facts.id;
        let attempt = self.table.get_mut(id).map(|entry| entry.attempt);
        if attempt.is_none() {
            self.table.insert(Entry::started(update.facts.clone(), 0));
        }
        // A step that an earlier invocation left running: without our layer, its end is the first we see of it. And a context
        // that an earlier invocation began, with nothing new inside.
        let is_open = self.table.get(id).is_some_and(Known::is_open);
        if let Some(shape) = update.facts.shape()
            && !is_open
        {
            let start = if shape.is_context() {
                self.context_start(id)
            } else {
                Moment::Invocation
            };
            self.open(id, attempt.unwrap_or_default(), start, actions);
        }
        if let Some(entry) = self.table.get_mut(id) {
            entry.live = Live::Settling { sequence, ending };
        }
        self.settling.entry(sequence).or_default().push(id.clone());
        self.table.sort(id);
    }

    fn enter_body(&mut self, id: &str, attempt: u32, actions: &mut Vec<Action>) {
        let Some(entry) = self.table.get_mut(id) else {
            return;
        };
        if entry.is_open {
            return;
        }
        entry.live = Live::Running;
        self.table.sort(id);
        self.open(id, attempt, Moment::Now, actions);
    }

    /// When a context that an earlier invocation began, began: to those who are told of it once, then; else now.
    fn context_start(&self, id: &str) -> Moment {
        match self.replays {
            ReplayedSpans::Emit => Moment::Now,
            ReplayedSpans::Omit => Moment::recorded(
                self.table.get(id).and_then(Known::started_at),
                Moment::Invocation,
            ),
        }
    }

    fn open(&mut self, id: &str, attempt: u32, start: Moment, actions: &mut Vec<Action>) {
        let Some(entry) = self.table.get_mut(id) else {
            return;
        };
        entry.is_open = true;
        entry.is_told = true;
        let facts = entry.facts.clone();
        // Marked first: parents that form a ring find it open and end the search.
        let parent = self.enclosing(facts.parent_id.as_deref(), actions);
        self.opened.push(id.to_owned());
        actions.push(Action::Open(Opening {
            facts,
            attempt,
            parent,
            start,
        }));
    }

    /// The nearest enclosing operation that is looked at, opened if it is not open yet.
    fn enclosing(&mut self, parent_id: Option<&str>, actions: &mut Vec<Action>) -> Option<Parent> {
        let mut next = parent_id.map(str::to_owned);
        // Bounded, so that a log whose parents form a ring ends too.
        for _ in 0..self.table.len() {
            let id = next.take()?;
            let known = self.table.get(&id)?;
            if let Some(shape) = known.shape() {
                if !known.is_open() {
                    let start = self.context_start(&id);
                    self.open(&id, 0, start, actions);
                }
                return Some(Parent { id, shape });
            }
            next = known.parent_id().map(str::to_owned);
        }
        None
    }

    fn answered(&mut self, sequence: u64, changed: &[Operation<'_>], actions: &mut Vec<Action>) {
        for id in self.settling.remove(&sequence).unwrap_or_default() {
            let Some(entry) = self.table.get_mut(&id) else {
                continue;
            };
            let Live::Settling {
                sequence: own,
                ending,
            } = entry.live.clone()
            else {
                continue;
            };
            if own != sequence {
                continue;
            }
            entry.end(&ending);
            if std::mem::take(&mut entry.is_open) {
                actions.push(Action::Close {
                    id: id.clone(),
                    closing: Closing::new(ending, Moment::Now),
                });
            }
            self.table.sort(&id);
        }
        self.told(changed, actions);
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
        } else if self.replays == ReplayedSpans::Omit {
            self.tell_whole(id, actions);
        }
        self.table.sort(id);
    }

    /// What the failed request would have ended goes on being unfinished; how it ended stays known.
    fn unsettle(&mut self, sequence: u64) {
        for id in self.settling.remove(&sequence).unwrap_or_default() {
            if let Some(entry) = self.table.get_mut(&id)
                && let Live::Settling {
                    sequence: own,
                    ending,
                } = entry.live.clone()
                && own == sequence
            {
                entry.live = Live::Unrecorded(ending);
            }
            self.table.sort(&id);
        }
    }

    /// Tells of an operation that the service ended, from its real start to its real end.
    fn tell_whole(&mut self, id: &str, actions: &mut Vec<Action>) {
        let Some(entry) = self.table.get_mut(id) else {
            return;
        };
        if std::mem::replace(&mut entry.is_told, true) {
            return;
        }
        let start = Moment::recorded(entry.started_at, Moment::Invocation);
        let end = Moment::recorded(entry.ended_at, Moment::Now);
        let (facts, closing) = (entry.facts.clone(), entry.closing(end));
        let parent = self.enclosing(facts.parent_id.as_deref(), actions);
        let opening = Opening {
            facts,
            attempt: 0,
            parent,
            start,
        };
        actions.push(Action::Whole {
            opening,
            replayed: false,
            closing,
        });
    }

    fn replay(&mut self, id: &str, at: Moment, actions: &mut Vec<Action>) {
        if self.replays == ReplayedSpans::Omit {
            return;
        }
        let Some(entry) = self.table.get_mut(id) else {
            return;
        };
        if entry.facts.shape().is_none() || std::mem::replace(&mut entry.is_told, true) {
            return;
        }
        let (facts, closing) = (entry.facts.clone(), entry.closing(at));
        let attempt = entry.attempt.saturating_sub(1);
        let parent = self.enclosing(facts.parent_id.as_deref(), actions);
        let opening = Opening {
            facts,
            attempt,
            parent,
            start: at,
        };
        actions.push(Action::Whole {
            opening,
            replayed: true,
            closing,
        });
    }

    /// What was passed through once more without an end: the reference tells of it, and the SDK has no event for it.
    fn still_pending(&mut self, actions: &mut Vec<Action>) {
        let pending: Vec<String> = self
            .table
            .active()
            .filter(|entry| !entry.is_told && self.is_pending(entry, None))
            .map(|entry| entry.facts.id.clone())
            .collect();
        for id in pending {
            let Some(entry) = self.table.get_mut(&id) else {
                continue;
            };
            entry.is_told = true;
            let (facts, attempt) = (entry.facts.clone(), entry.attempt);
            let parent = self.enclosing(facts.parent_id.as_deref(), actions);
            let opening = Opening {
                facts,
                attempt,
                parent,
                start: Moment::Now,
            };
            actions.push(Action::Whole {
                opening,
                replayed: false,
                closing: Closing::new(Ending::Unfinished, Moment::Now),
            });
        }
    }

    fn finish(&mut self, layer: Layer, outcome: Outcome, actions: &mut Vec<Action>) {
        self.over = true;
        if self.replays == ReplayedSpans::Emit {
            if layer == Layer::Absent {
                for id in self.table.recorded() {
                    self.replay(&id, Moment::Invocation, actions);
                }
            }
            if outcome == Outcome::Suspended {
                self.still_pending(actions);
            }
        }
        // Innermost first: an operation ends before what encloses it.
        for id in std::mem::take(&mut self.opened).into_iter().rev() {
            let Some(entry) = self.table.get_mut(&id) else {
                continue;
            };
            if std::mem::take(&mut entry.is_open) {
                let ending = entry.last_ending();
                actions.push(Action::Close {
                    id,
                    closing: Closing::new(ending, Moment::Now),
                });
            }
        }
    }
}
