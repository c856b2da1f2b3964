//! Contexts that are in the trace alone.

use std::sync::atomic::Ordering;
use std::time::SystemTime;

use durable_trace_wire::OperationType;
use opentelemetry::Context;

use super::Session;
use crate::plan::{Action, Closing, Ending, Facts, Failure, Moment, Opening};
use crate::sdk_names::sub_types;

impl Session {
    /// A virtual context of this name begins; gives what it is known by.
    pub(crate) fn virtual_begun(&self, name: &str) -> String {
        // No other invocation has it: the next one runs it anew.
        let number = self.virtual_contexts.fetch_add(1, Ordering::Relaxed);
        let id = format!("virtual-{}-{number}", self.request_id);
        let facts = Facts {
            id: id.clone(),
            kind: OperationType::Context,
            sub_type: Some(sub_types::RUN_IN_CHILD_CONTEXT.to_owned()),
            name: Some(name.to_owned()),
            parent_id: None,
            invoked: None,
        };
        let opening = Opening {
            facts,
            attempt: 0,
            parent: None,
            start: Moment::Now,
            begun: None,
        };
        self.spans.perform(Action::Open(opening), SystemTime::now());
        id
    }

    /// Where its body runs.
    pub(crate) fn virtual_place(&self, id: &str) -> Option<Context> {
        self.spans.operation_context(id)
    }

    /// It has ended.
    pub(crate) fn virtual_ended(&self, id: String, failure: Option<Failure>) {
        let closing = Closing {
            ending: failure.map_or(Ending::Succeeded, Ending::Failed),
            end: Moment::Now,
            completer: None,
        };
        let now = SystemTime::now();
        self.spans.perform(Action::Close { id, closing }, now);
    }
}
