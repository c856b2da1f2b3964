//! The context that an event continues where no checkpoint says so: its caller's.

use durable_trace_wire::{Carried, CarrierRules, Invocation, extract_from_event};

/// How the caller's context is looked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct CallerRules {
    pub(crate) carriers: CarrierRules,
    /// Whether a resumed invocation, too, goes on with the caller's trace where no checkpoint is found. With tracing across
    /// invocations switched off it is a trace of its own.
    pub(crate) when_resumed: bool,
}

impl CallerRules {
    /// Returns the caller's context from the customer's event within an invocation's.
    pub(crate) fn read_invocation(&self, invocation: &Invocation<'_>) -> Option<Carried> {
        let is_first = invocation.operation_count == 1 && invocation.next_marker.is_none();
        if !is_first && !self.when_resumed {
            return None;
        }
        self.read_event(&invocation.input()?)
    }

    /// Returns the same from the customer's event alone.
    pub(crate) fn read_event(&self, event: &str) -> Option<Carried> {
        extract_from_event(event, &self.carriers)
    }
}
