//! The status of a response: what a peek sees is what a whole reading sees.

use durable_trace_wire::{InvocationStatus, ResponseStatus, response_status};
use serde_json::Value;

use super::measured;

pub(super) fn holds(text: &str) {
    let Ok(response) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let seen = measured(text, || response_status(&response));
    let text_at = |pointer| {
        response
            .pointer(pointer)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let status = text_at("/Status").and_then(|status| ResponseStatus::parse(&status));
    let want = status.filter(|_| response.is_object()).map(|status| {
        let failed = status == ResponseStatus::Failed;
        InvocationStatus {
            status,
            error_type: text_at("/Error/ErrorType").filter(|_| failed),
            error_message: text_at("/Error/ErrorMessage").filter(|_| failed),
        }
    });
    assert_eq!(seen, want);
}
