//! What happens to an execution in one invocation, decided from data alone.
//!
//! [`Plan`] is told what was seen (the log at the start, the SDK's requests and their answers, the SDK's own events) and says what
//! that means: operations that begin, end or are replayed, and whether the request at hand is the one to ride on. No clock, no I/O,
//! no lock, and nothing of any tracing product: a view turns [`Action`]s into spans.

mod operation;
mod rest;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use durable_trace_wire::{ErrorObject, NAME_PREFIX, Operation, OperationType};

use operation::{Entry, Live};
pub(crate) use operation::{Facts, Transition, Update};

/// What was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input<'a> {
    /// The SDK entered the body of a step; `attempt` counts from 0.
    BodyEntered { id: &'a str, attempt: u32 },
    /// The user's handler returned; whatever is requested from now on ends the execution.
    HandlerReturned,
    /// The operations that the log held when the invocation began, all pages of it.
    Loaded(&'a [Operation<'a>]),
    /// The invocation is over, whatever came of it.
    Over { layer: Layer },
    /// The SDK returned a recorded outcome instead of doing the work.
    Replayed { id: &'a str },
    /// The service answered the request `sequence` with the operations that changed.
    RequestAnswered {
        sequence: u64,
        changed: &'a [Operation<'a>],
    },
    /// The request `sequence` failed for good.
    RequestFailed { sequence: u64 },
    /// The SDK is about to send a checkpoint request.
    Requested {
        sequence: u64,
        updates: &'a [Update],
    },
}

/// Whether our tracing layer saw this invocation's spans.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Layer {
    /// It did not: what it would have told is inferred.
    Absent,
    /// It did.
    Present,
}

/// What it means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// An attempt of an operation is over.
    Close { id: String, ending: Ending },
    /// An attempt of an operation begins. `parent` is the nearest enclosing operation that was opened here.
    Open {
        facts: Facts,
        attempt: u32,
        parent: Option<String>,
        start: Start,
    },
    /// A recorded outcome was returned: an operation that begins and ends at once.
    Replay {
        facts: Facts,
        attempt: u32,
        failure: Option<Failure>,
        parent: Option<String>,
        start: Start,
    },
    /// The request at hand is the one to ride on.
    Ride,
}

/// When an operation began.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Start {
    /// When the invocation did: the best that is known.
    Invocation,
    /// Now.
    Now,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ending {
    /// For good, with an error.
    Failed(Failure),
    /// With an error; the service will have it tried again.
    Retried(Failure),
    /// Well.
    Succeeded,
    /// Not in this invocation. Not an error: a suspended function goes on later.
    Unfinished,
}

/// The user's error, as the SDK tells it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Failure {
    pub(crate) error_type: Option<String>,
    pub(crate) message: Option<String>,
}

impl From<&ErrorObject<'_>> for Failure {
    fn from(error: &ErrorObject<'_>) -> Self {
        Self {
            error_type: error.error_type.as_deref().map(str::to_owned),
            message: error.message.as_deref().map(str::to_owned),
        }
    }
}

/// The state machine of one invocation.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// By id, in the order of `order`.
    entries: HashMap<String, Entry>,
    /// Ids in the order in which they were first seen.
    order: Vec<String>,
    handler_returned: bool,
    over: bool,
    /// Nothing is to ride in this invocation any more: it did, or there is no need.
    ride_settled: bool,
}

impl Plan {
    /// Takes what was seen and gives what it means, in the order in which it is to be done.
    pub(crate) fn apply(&mut self, input: Input<'_>) -> Vec<Action> {
        if self.over {
            return Vec::new(); // a late message of a finished invocation means nothing any more
        }
        match input {
            Input::BodyEntered { id, attempt } => self.enter_body(id, attempt),
            Input::HandlerReturned => {
                self.handler_returned = true;
                Vec::new()
            }
            Input::Loaded(operations) => {
                self.learn(operations);
                for entry in self.entries.values_mut() {
                    entry.recorded = entry.status.is_ended();
                }
                Vec::new()
            }
            Input::Over { layer } => self.finish(layer),
            Input::Replayed { id } => self.replay(id, Start::Now).into_iter().collect(),
            Input::RequestAnswered { sequence, changed } => self.answered(sequence, changed),
            Input::RequestFailed { sequence } => {
                self.unsettle(sequence);
                Vec::new()
            }
            Input::Requested { sequence, updates } => self.requested(sequence, updates),
        }
    }

    /// Takes in what the log or an answer says of operations, without a word on what it means.
    fn learn(&mut self, operations: &[Operation<'_>]) {
        for operation in operations {
            if operation.kind == OperationType::Execution {
                continue;
            }
            match self.entries.get_mut(operation.id.as_ref()) {
                Some(entry) => entry.learn(operation),
                None => {
                    self.insert(Entry::from_log(operation));
                }
            }
        }
    }

    fn insert(&mut self, entry: Entry) -> &mut Entry {
        let id = entry.facts.id.clone();
        if !self.entries.contains_key(&id) {
            self.order.push(id.clone());
        }
        self.entries.entry(id).insert_entry(entry).into_mut()
    }

    fn requested(&mut self, sequence: u64, updates: &[Update]) -> Vec<Action> {
        let mut actions = Vec::new();
        for update in updates {
            match &update.transition {
                Transition::Start => actions.push(self.start(update)),
                Transition::Succeed => {
                    actions.extend(self.settle(update, sequence, Ending::Succeeded));
                }
                Transition::Fail(failure) => {
                    actions.extend(self.settle(update, sequence, Ending::Failed(failure.clone())));
                }
                Transition::Retry(failure) => {
                    actions.extend(self.settle(update, sequence, Ending::Retried(failure.clone())));
                }
                Transition::Other => {}
            }
        }
        if !self.handler_returned && !self.ride_settled && self.rests_after(sequence, updates) {
            actions.push(Action::Ride);
        }
        actions
    }

    /// An attempt begins with the request that records its start.
    fn start(&mut self, update: &Update) -> Action {
        let attempt = self
            .entries
            .get(&update.facts.id)
            .map_or(0, |entry| entry.attempt);
        let parent = self.enclosing(update.facts.parent_id.as_deref());
        let mut entry = Entry::started(update.facts.clone(), attempt);
        entry.open = Some(attempt);
        self.insert(entry);
        Action::Open {
            facts: update.facts.clone(),
            attempt,
            parent,
            start: Start::Now,
        }
    }

    /// Notes how an attempt ended; it is over when the service has it recorded.
    fn settle(&mut self, update: &Update, sequence: u64, ending: Ending) -> Option<Action> {
        let opened = self.open_late(update);
        let entry = self.entries.get_mut(&update.facts.id)?;
        entry.live = Live::Settling { sequence, ending };
        opened
    }

    /// A step that an earlier invocation left running has no start here: without our layer, its end is the first we see of it.
    fn open_late(&mut self, update: &Update) -> Option<Action> {
        let known = self.entries.get(&update.facts.id);
        if known.is_some_and(|entry| entry.open.is_some()) {
            return None;
        }
        let attempt = known.map_or(0, |entry| entry.attempt);
        let parent = self.enclosing(update.facts.parent_id.as_deref());
        let mut entry = Entry::started(update.facts.clone(), attempt);
        entry.open = Some(attempt);
        self.insert(entry);
        Some(Action::Open {
            facts: update.facts.clone(),
            attempt,
            parent,
            start: Start::Invocation,
        })
    }

    fn enter_body(&mut self, id: &str, attempt: u32) -> Vec<Action> {
        let Some(entry) = self.entries.get_mut(id) else {
            return Vec::new();
        };
        if entry.open.is_some() {
            return Vec::new();
        }
        entry.open = Some(attempt);
        entry.live = Live::Running;
        let facts = entry.facts.clone();
        let parent = self.enclosing(facts.parent_id.as_deref());
        vec![Action::Open {
            facts,
            attempt,
            parent,
            start: Start::Now,
        }]
    }

    fn answered(&mut self, sequence: u64, changed: &[Operation<'_>]) -> Vec<Action> {
        let mut actions = Vec::new();
        for id in &self.order {
            let Some(entry) = self.entries.get_mut(id) else {
                continue;
            };
            let Live::Settling {
                sequence: own,
                ending,
            } = &entry.live
            else {
                continue;
            };
            if *own != sequence {
                continue;
            }
            let ending = ending.clone();
            entry.end(&ending);
            if entry.open.take().is_some() {
                actions.push(Action::Close {
                    id: id.clone(),
                    ending,
                });
            }
        }
        self.learn(changed);
        for operation in changed {
            let Some(entry) = self.entries.get_mut(operation.id.as_ref()) else {
                continue;
            };
            // A timer, an invoke or a callback that the service ended while the function was running.
            if entry.status.is_ended() && matches!(entry.live, Live::Waiting) {
                entry.live = Live::Idle;
                if entry.open.take().is_some() {
                    let ending = entry.recorded_ending();
                    actions.push(Action::Close {
                        id: entry.facts.id.clone(),
                        ending,
                    });
                }
            }
        }
        actions
    }

    /// What the failed request would have ended goes on being unfinished; a failure of the user's stays known.
    fn unsettle(&mut self, sequence: u64) {
        for entry in self.entries.values_mut() {
            if let Live::Settling {
                sequence: own,
                ending,
            } = &entry.live
                && *own == sequence
            {
                entry.live = Live::Unrecorded(ending.clone());
            }
        }
    }

    fn replay(&mut self, id: &str, start: Start) -> Option<Action> {
        let entry = self.entries.get_mut(id)?;
        if entry.replayed || entry.open.is_some() {
            return None;
        }
        entry.replayed = true;
        let (facts, attempt) = (entry.facts.clone(), entry.attempt.saturating_sub(1));
        let failure = match entry.recorded_ending() {
            Ending::Failed(failure) => Some(failure),
            _ => None,
        };
        let parent = self.enclosing(facts.parent_id.as_deref());
        Some(Action::Replay {
            facts,
            attempt,
            failure,
            parent,
            start,
        })
    }

    fn finish(&mut self, layer: Layer) -> Vec<Action> {
        self.over = true;
        let mut actions = Vec::new();
        if layer == Layer::Absent {
            let recorded: Vec<String> = self
                .order
                .iter()
                .filter(|id| {
                    self.entries
                        .get(*id)
                        .is_some_and(|entry| entry.recorded && !entry.facts.is_ours())
                })
                .cloned()
                .collect();
            for id in recorded {
                actions.extend(self.replay(&id, Start::Invocation));
            }
        }
        // Innermost first: an operation ends before what encloses it.
        for id in self.order.iter().rev() {
            let Some(entry) = self.entries.get_mut(id) else {
                continue;
            };
            if entry.open.take().is_none() {
                continue;
            }
            let ending = match &entry.live {
                Live::Settling { ending, .. } | Live::Unrecorded(ending) => ending.clone(),
                _ => Ending::Unfinished,
            };
            actions.push(Action::Close {
                id: id.clone(),
                ending,
            });
        }
        actions
    }

    /// The nearest enclosing operation that was opened in this invocation and is still open.
    fn enclosing(&self, parent_id: Option<&str>) -> Option<String> {
        let mut next = parent_id;
        // The depth is bounded so that a log whose parents form a ring ends too.
        for _ in 0..self.entries.len() {
            let entry = self.entries.get(next?)?;
            if entry.open.is_some() {
                return Some(entry.facts.id.clone());
            }
            next = entry.facts.parent_id.as_deref();
        }
        None
    }

    /// No request of this invocation is to be ridden any more.
    pub(crate) fn settle_ride(&mut self) {
        self.ride_settled = true;
    }

    /// Operations that the execution is known to have, itself included, as the service counts them.
    pub(crate) fn operation_count(&self) -> usize {
        self.entries.len() + 1
    }

    /// The latest moment at which a timer that is running now fires, if one is.
    pub(crate) fn latest_timer(&self) -> Option<durable_trace_wire::UnixMillis> {
        self.entries
            .values()
            .filter(|entry| self.is_pending(entry, None))
            .filter_map(|entry| entry.timer)
            .max()
    }
}

impl Facts {
    /// Whether the name is one of a checkpoint's.
    fn is_ours(&self) -> bool {
        self.name
            .as_deref()
            .is_some_and(|name| name.starts_with(NAME_PREFIX))
    }
}
