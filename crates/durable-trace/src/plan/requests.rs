//! The SDK's requests and what comes of them: operations begin with the request that records their start, and are over when the service
//! has their end recorded.

use durable_trace_wire::Operation;

use super::operation::{Entry, Live, Transition, Update};
use super::table::Known;
use super::terms::{Action, Closing, Ending, Moment};
use super::{Plan, Telling};

impl Plan {
    pub(super) fn requested(
        &mut self,
        sequence: u64,
        updates: &[Update],
        actions: &mut Vec<Action>,
    ) {
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
    pub(super) fn start(&mut self, update: &Update, actions: &mut Vec<Action>) {
        let known = self.table.get_mut(&update.facts.id);
        let attempt = known.as_ref().map_or(0, |entry| entry.attempt);
        let mut entry = Entry::started(update.facts.clone(), attempt);
        entry.started_at = known.and_then(|known| known.started_at);
        self.table.insert(entry);
        let Some(shape) = self.seen(update.facts.shape()) else {
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
        if holds || self.telling != Telling::Ends {
            self.open(&update.facts.id, attempt, Moment::Now, actions);
        }
    }

    /// Notes how an attempt ended; it is over when the service has it recorded.
    pub(super) fn settle(
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
        if let Some(shape) = self.seen(update.facts.shape())
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

    pub(super) fn answered(
        &mut self,
        sequence: u64,
        changed: &[Operation<'_>],
        actions: &mut Vec<Action>,
    ) {
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

    /// What the failed request would have ended goes on being unfinished; how it ended stays known.
    pub(super) fn unsettle(&mut self, sequence: u64) {
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
}
