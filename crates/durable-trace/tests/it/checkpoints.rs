//! Checkpoints of ours, among what the service was asked and what it tells.

use serde_json::Value;

/// The updates that a checkpoint request asks for.
pub(crate) fn updates(request: &Value) -> &[Value] {
    let updates = request.get("Updates");
    updates.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether an update, or an event of a history, is about a checkpoint of ours.
pub(crate) fn is_ours(about: &Value) -> bool {
    let name = about.get("Name").and_then(Value::as_str);
    name.is_some_and(|name| name.starts_with("_datadog_"))
}

/// Whether a request carries a checkpoint of ours.
pub(crate) fn carries_ours(request: &Value) -> bool {
    updates(request).iter().any(is_ours)
}
