//! What has happened from one look at an execution to the next, a line each.

use std::collections::HashMap;

use durable_trace_history::{Row, RowKind, Timeline, UnixMicros};

use super::{label, notes};

/// Renders the rows that are new, have another status, or have made another attempt; by time.
pub(crate) fn render_changes(before: Option<&Timeline>, now: &Timeline) -> String {
    let known: HashMap<&str, &Row> = before
        .into_iter()
        .flat_map(|timeline| &timeline.rows)
        .map(|row| (row.id.as_str(), row))
        .collect();
    let mut lines: Vec<(UnixMicros, String)> = Vec::new();
    for row in &now.rows {
        let old = known.get(row.id.as_str());
        let same = old.is_some_and(|old| {
            old.status == row.status && old.attempts.len() == row.attempts.len()
        });
        if !same {
            lines.push((moment(row), line(row)));
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    let texts = lines
        .into_iter()
        .map(|(at, line)| format!("{at}  {line}\n"));
    texts.collect()
}

/// When what is told of happened.
fn moment(row: &Row) -> UnixMicros {
    let last = row.attempts.last();
    row.end_us
        .or_else(|| last.map(|attempt| attempt.end_us.unwrap_or(attempt.start_us)))
        .unwrap_or(row.start_us)
}

fn line(row: &Row) -> String {
    let status = row.status.to_lowercase().replace('_', " ");
    // Of several notes the last says how things stand.
    let note = match notes::of(row).pop() {
        Some(note) => format!(": {note}"),
        None => row
            .error
            .as_ref()
            .filter(|_| row.kind == RowKind::Execution)
            .map(|error| format!(": {}", notes::describe(error)))
            .unwrap_or_default(),
    };
    format!("{} {status}{note}", label(row))
}

#[cfg(test)]
mod tests {
    use durable_trace_history::{History, Viewpoint};

    use super::*;

    fn timeline(events: &str) -> Timeline {
        let history = History::parse(&format!(r#"{{"Events": [{events}]}}"#)).unwrap();
        Timeline::of(&history, &Viewpoint::default())
    }

    #[test]
    fn each_change_is_told_of_once_and_in_the_order_of_time() {
        let start = r#"{"EventType": "ExecutionStarted", "EventId": 1, "EventTimestamp": 1, "Id": "e", "Name": "e"},
            {"EventType": "CallbackStarted", "EventId": 2, "EventTimestamp": 2, "Id": "c", "Name": "approval", "CallbackStartedDetails": {"CallbackId": "c-1"}},
            {"EventType": "StepStarted", "EventId": 3, "EventTimestamp": 3, "Id": "s", "Name": "payment"}"#;
        let failed = r#"{"EventType": "StepFailed", "EventId": 4, "EventTimestamp": 4, "Id": "s", "StepFailedDetails":
            {"Error": {"Payload": {"ErrorMessage": "no"}}, "RetryDetails": {"CurrentAttempt": 1, "NextAttemptDelaySeconds": 5}}}"#;
        let ended = r#"{"EventType": "StepStarted", "EventId": 5, "EventTimestamp": 9, "Id": "s"},
            {"EventType": "StepSucceeded", "EventId": 6, "EventTimestamp": 10, "Id": "s"},
            {"EventType": "CallbackTimedOut", "EventId": 7, "EventTimestamp": 8, "Id": "c"},
            {"EventType": "ExecutionFailed", "EventId": 8, "EventTimestamp": 11, "Id": "e", "ExecutionFailedDetails": {"Error": {"Payload": {"ErrorType": "Late"}}}}"#;
        let first = timeline(start);
        let second = timeline(&format!("{start},{failed}"));
        let third = timeline(&format!("{start},{failed},{ended}"));
        assert_eq!(
            render_changes(None, &first),
            "1970-01-01T00:00:01Z  e running\n\
             1970-01-01T00:00:02Z  callback approval started: waits for callback c-1\n\
             1970-01-01T00:00:03Z  step payment started\n"
        );
        assert_eq!(render_changes(Some(&first), &first), "");
        assert_eq!(
            render_changes(Some(&first), &second),
            "1970-01-01T00:00:04Z  step payment pending: waits for attempt 2, due 1970-01-01T00:00:09Z\n"
        );
        assert_eq!(
            render_changes(Some(&second), &third),
            "1970-01-01T00:00:08Z  callback approval timed out: waited for callback c-1\n\
             1970-01-01T00:00:10Z  step payment succeeded: attempt 2 succeeded after 1.00 s\n\
             1970-01-01T00:00:11Z  e failed: Late\n"
        );
    }
}
