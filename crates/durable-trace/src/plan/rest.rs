//! Which request is the last before the function sleeps.
//!
//! The rule: **ride on the first checkpoint request after which no step is running, no context begins,
//! and an operation is still pending.** Pending is a wait, an invoke, a step that is to be retried, and
//! a callback (under `wait_for_callback` only once its submitter is done); what a finished context
//! left behind no longer counts.
//!
//! A wrong guess is cheap: the checkpoint is in the log all the same, and the next invocation reads it
//! or there is none. It can be wrong because code of the user's between operations is invisible from
//! here, and because the losers of a race stand beside the race, not in it: nothing tells that they
//! are not waited for any more.

use durable_trace_wire::{OperationStatus, OperationType};

use super::operation::{Entry, Live};
use super::table::Known;
use super::{Plan, Transition, Update};

impl Plan {
    /// Whether the function sleeps after the request `sequence`, whose updates have been taken in.
    pub(super) fn rests_after(&self, sequence: u64, updates: &[Update]) -> bool {
        let begins_context = updates.iter().any(|update| {
            update.transition == Transition::Start && update.facts.kind == OperationType::Context
        });
        !begins_context
            && !self
                .table
                .active()
                .any(|entry| self.is_running(entry, sequence))
            && self
                .table
                .active()
                .any(|entry| self.is_pending(entry, Some(sequence)))
    }

    /// Whether a body is running, or was until a moment ago: one whose end another request carries goes on at once.
    fn is_running(&self, entry: &Entry, sequence: u64) -> bool {
        let busy = match &entry.live {
            Live::Running => true,
            Live::Settling { sequence: own, .. } => *own != sequence,
            Live::Idle | Live::Unrecorded(_) | Live::Waiting => false,
        };
        busy && !self.is_abandoned(entry, Some(sequence))
    }

    /// Whether the service will bring the operation on by itself.
    pub(super) fn is_pending(&self, entry: &Entry, sequence: Option<u64>) -> bool {
        let waits = match entry.facts.kind {
            OperationType::Callback => {
                entry.status == OperationStatus::Started && self.is_submitted(entry, sequence)
            }
            OperationType::ChainedInvoke | OperationType::Wait => {
                entry.status == OperationStatus::Started
            }
            OperationType::Step => match &entry.live {
                Live::Settling {
                    sequence: own,
                    ending,
                } => Some(*own) == sequence && matches!(ending, super::Ending::Retried(_)),
                Live::Idle => entry.status == OperationStatus::Pending,
                Live::Running | Live::Unrecorded(_) | Live::Waiting => false,
            },
            _ => false,
        };
        waits && !self.is_abandoned(entry, sequence)
    }

    /// Whether the callback's submitter, if it is to have one, has done its work.
    fn is_submitted(&self, callback: &Entry, sequence: Option<u64>) -> bool {
        let Some(parent_id) = callback.facts.parent_id.as_deref() else {
            return true;
        };
        let parent = self.table.get(parent_id);
        if !parent.is_some_and(Known::awaits_callback) {
            return true;
        }
        let is_done = |entry: &Entry| {
            entry.facts.kind == OperationType::Step
                && entry.facts.parent_id.as_deref() == Some(parent_id)
                && entry.has_ended(sequence)
        };
        self.table.is_submitted(parent_id) || self.table.active().any(is_done)
    }

    /// Whether a context around the operation has ended, so that nobody waits for it any more.
    fn is_abandoned(&self, entry: &Entry, sequence: Option<u64>) -> bool {
        let mut next = entry.facts.parent_id.as_deref();
        // Bounded, so that a log whose parents form a ring ends too.
        for _ in 0..self.table.len() {
            let Some(parent) = next.and_then(|id| self.table.get(id)) else {
                return false;
            };
            if parent.has_ended(sequence) {
                return true;
            }
            next = parent.parent_id();
        }
        false
    }
}
