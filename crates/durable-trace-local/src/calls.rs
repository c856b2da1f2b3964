//! The record of every request that reached the service.

use std::collections::HashMap;

use serde_json::Value;

use crate::records::CallRecord;

/// All requests in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct CallLog {
    calls: Vec<CallRecord>,
    counts: HashMap<(String, String), usize>,
}

impl CallLog {
    /// Records an arrival; gives its place, and how many of its operation and execution there are now.
    pub(crate) fn begin(&mut self, call: CallRecord) -> (usize, usize) {
        let count = self
            .counts
            .entry((call.operation.clone(), call.arn.clone()))
            .or_default();
        *count += 1;
        self.calls.push(call);
        (self.calls.len() - 1, *count)
    }

    /// Records what was answered.
    pub(crate) fn end(&mut self, place: usize, status: u16, response: Value) {
        if let Some(call) = self.calls.get_mut(place) {
            call.status = status;
            call.response = response;
        }
    }

    pub(crate) fn all(&self) -> &[CallRecord] {
        &self.calls
    }
}
