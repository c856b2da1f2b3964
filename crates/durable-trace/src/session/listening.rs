//! What our layer tells of the SDK's spans and events, and what it asks.

use std::sync::atomic::Ordering;

use opentelemetry::Context;

use super::Session;
use crate::heard::Heard;
use crate::plan::Input;

impl Session {
    /// Where the user's code runs, once the spans are open.
    pub(crate) fn context(&self) -> Option<Context> {
        self.spans.body_context()
    }

    /// Our layer saw a span of the SDK's for this invocation; gives whether it is the first: the handler's, which runs in `task`.
    pub(crate) fn layer_is_here(&self, task: Option<tokio::task::Id>) -> bool {
        let is_first = !self.layer_seen.swap(true, Ordering::Relaxed);
        if is_first {
            self.lock().handler_task = task;
        }
        is_first
    }

    /// The task that runs the handler; `None` outside of any.
    pub(crate) fn handler_task(&self) -> Option<tokio::task::Id> {
        self.lock().handler_task
    }

    /// The map or parallel that is under way, if there is just one.
    pub(crate) fn only_batch(&self) -> Option<String> {
        self.lock().plan.only_batch()
    }

    /// What our layer has heard of the SDK.
    pub(crate) fn heard(&self) -> &Heard {
        &self.heard
    }

    pub(crate) fn is_layer_here(&self) -> bool {
        self.layer_seen.load(Ordering::Relaxed)
    }

    /// Where code runs that belongs to the operation `id`: under its span, or the nearest around it.
    pub(crate) fn context_in(&self, id: &str) -> Option<Context> {
        let open = self.lock().plan.open_around(id);
        open.and_then(|id| self.spans.operation_context(&id))
            .or_else(|| self.context())
    }

    /// The operation that encloses the operation `id`.
    pub(crate) fn parent_of(&self, id: &str) -> Option<String> {
        self.lock().plan.parent_of(id)
    }

    /// The SDK entered the body of a step; gives the context that the body is to run in.
    pub(crate) fn body_entered(&self, id: &str, attempt: u32) -> Option<Context> {
        self.apply(Input::BodyEntered { id, attempt });
        self.spans.operation_context(id).or_else(|| self.context())
    }

    /// The SDK returned a recorded outcome.
    pub(crate) fn replayed(&self, id: &str) {
        self.apply(Input::Replayed { id });
    }

    /// The user's handler returned.
    pub(crate) fn handler_returned(&self) {
        self.apply(Input::HandlerReturned);
    }
}
