//! What is told of an operation: that it begins and ends, or that it was all over when it was seen.

use super::Plan;
use super::operation::Live;
use super::table::Known;
use super::terms::{Action, Closing, Ending, Layer, Moment, Opening, Outcome, Parent, Telling};

impl Plan {
    pub(super) fn enter_body(&mut self, id: &str, attempt: u32, actions: &mut Vec<Action>) {
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

    pub(super) fn open(
        &mut self,
        id: &str,
        attempt: u32,
        start: Moment,
        actions: &mut Vec<Action>,
    ) {
        let Some(entry) = self.table.get_mut(id) else {
            return;
        };
        entry.is_open = true;
        entry.is_told = true;
        let facts = entry.facts.clone();
        let begun = entry.started_at;
        // Marked first: parents that form a ring find it open and end the search.
        let parent = self.enclosing(facts.parent_id.as_deref(), actions);
        self.opened.push(id.to_owned());
        actions.push(Action::Open(Opening {
            facts,
            attempt,
            parent,
            start,
            begun,
        }));
    }

    /// The nearest enclosing operation that is looked at, opened if it is not open yet.
    pub(super) fn enclosing(
        &mut self,
        parent_id: Option<&str>,
        actions: &mut Vec<Action>,
    ) -> Option<Parent> {
        let mut next = parent_id.map(str::to_owned);
        // Bounded, so that a log whose parents form a ring ends too.
        for _ in 0..self.table.len() {
            let id = next.take()?;
            let known = self.table.get(&id)?;
            if let Some(shape) = self.seen(known.shape()) {
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

    /// When a context that an earlier invocation began, began: to those who are told of it once, then; else now.
    pub(super) fn context_start(&self, id: &str) -> Moment {
        match self.telling {
            Telling::Passes => Moment::Now,
            Telling::Ends | Telling::Transitions => Moment::recorded(
                self.table.get(id).and_then(Known::started_at),
                Moment::Invocation,
            ),
        }
    }

    /// Tells of an operation that the service ended, from its real start to its real end.
    pub(super) fn tell_whole(&mut self, id: &str, actions: &mut Vec<Action>) {
        let Some(entry) = self.table.get_mut(id) else {
            return;
        };
        if std::mem::replace(&mut entry.is_told, true) {
            return;
        }
        let begun = entry.started_at;
        let start = Moment::recorded(begun, Moment::Invocation);
        let end = Moment::recorded(entry.ended_at, Moment::Now);
        let (facts, closing) = (entry.facts.clone(), entry.closing(end));
        let parent = self.enclosing(facts.parent_id.as_deref(), actions);
        let opening = Opening {
            facts,
            attempt: 0,
            parent,
            start,
            begun,
        };
        actions.push(Action::Whole {
            opening,
            replayed: false,
            closing,
        });
    }

    pub(super) fn replay(&mut self, id: &str, at: Moment, actions: &mut Vec<Action>) {
        if self.telling != Telling::Passes {
            return;
        }
        let shape = self.table.get(id).and_then(Known::shape);
        let (Some(_), Some(entry)) = (self.seen(shape), self.table.get_mut(id)) else {
            return;
        };
        if std::mem::replace(&mut entry.is_told, true) {
            return;
        }
        let (facts, closing) = (entry.facts.clone(), entry.closing(at));
        let attempt = entry.attempt.saturating_sub(1);
        let begun = entry.started_at;
        let parent = self.enclosing(facts.parent_id.as_deref(), actions);
        let opening = Opening {
            facts,
            attempt,
            parent,
            start: at,
            begun,
        };
        actions.push(Action::Whole {
            opening,
            replayed: true,
            closing,
        });
    }

    /// What was passed through once more without an end: the reference tells of it, and the SDK has no event for it.
    pub(super) fn still_pending(&mut self, actions: &mut Vec<Action>) {
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
            let begun = entry.started_at;
            let parent = self.enclosing(facts.parent_id.as_deref(), actions);
            let opening = Opening {
                facts,
                attempt,
                parent,
                start: Moment::Now,
                begun,
            };
            actions.push(Action::Whole {
                opening,
                replayed: false,
                closing: Closing::new(Ending::Unfinished, Moment::Now),
            });
        }
    }

    pub(super) fn finish(&mut self, layer: Layer, outcome: Outcome, actions: &mut Vec<Action>) {
        self.over = true;
        if self.telling == Telling::Passes {
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
