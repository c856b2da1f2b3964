//! What is to be said under a row.

use durable_trace_history::{Attempt, ErrorEntry, Row, RowKind};

use super::{durations, visible};

/// A line each: attempts beyond a plain success, the error, what it waits for.
pub(super) fn of(row: &Row) -> Vec<String> {
    if row.kind == RowKind::Execution {
        // Stands in the head.
        return Vec::new();
    }
    let mut notes = Vec::new();
    if row.attempts.len() > 1
        || row
            .attempts
            .iter()
            .any(|attempt| attempt.next_delay_s.is_some())
    {
        notes.extend(row.attempts.iter().map(attempt_note));
    } else if let Some(error) = &row.error {
        notes.push(describe(error));
    }
    match &row.waits_for {
        // The bar says it.
        Some(_) if row.end_us.is_some() && row.row_type == "WAIT" => {}
        Some(target) => {
            let verb = if row.end_us.is_some() {
                "waited for"
            } else {
                "waits for"
            };
            notes.push(match target.strip_prefix("until ") {
                Some(until) => format!("sleeps until {until}"),
                None => format!("{verb} {}", visible(target)),
            });
        }
        None => {}
    }
    if let Some(target) = row.details.get("target_execution") {
        notes.push(format!("its execution is {}", visible(target)));
    }
    notes
}

fn attempt_note(attempt: &Attempt) -> String {
    // Start and end in one request have one time: how long it took is not known.
    let took = attempt
        .end_us
        .filter(|end| *end > attempt.start_us)
        .map(|end| format!(" after {}", durations::render(end.since(attempt.start_us))))
        .unwrap_or_default();
    let outcome = match attempt.outcome.as_str() {
        "STARTED" => "runs",
        "SUCCEEDED" => "succeeded",
        "RETRY" => "asked for another",
        _ => "failed",
    };
    let error = attempt
        .error
        .as_ref()
        .map(|error| format!(": {}", describe(error)))
        .unwrap_or_default();
    let next = attempt
        .next_delay_s
        .map(|seconds| format!("; the next in {seconds} s"))
        .unwrap_or_default();
    format!("attempt {} {outcome}{took}{error}{next}", attempt.number)
}

/// Type and message of an error, the type only once.
pub(super) fn describe(error: &ErrorEntry) -> String {
    let text = match (&error.error_type, &error.message) {
        (Some(kind), Some(message)) if !message.contains(kind.as_str()) => {
            format!("{kind}: {message}")
        }
        (_, Some(message)) => message.clone(),
        (Some(kind), None) => kind.clone(),
        (None, None) => "no details".to_owned(),
    };
    visible(&text)
}
