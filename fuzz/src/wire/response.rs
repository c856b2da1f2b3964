//! The status of a response: what a peek sees is what a whole reading sees.

use durable_trace_wire::{ResponseStatus, response_status};
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
        let text_at = |pointer| text_at(pointer).filter(|_| failed);
        (
            status,
            text_at("/Error/ErrorType"),
            text_at("/Error/ErrorMessage"),
        )
    });
    let seen = seen.map(|seen| (seen.status, seen.error_type, seen.error_message));
    assert_eq!(seen, want);
}
