use serde_json::{Value, json};

use super::*;
use crate::document::Document;

/// An event at `seconds`, numbered by the test.
fn event(number: i64, seconds: f64, kind: &str, id: &str, details: &Value) -> Value {
    json!({
        "EventType": kind, "EventId": number, "EventTimestamp": seconds, "Id": id, "Name": format!("{id}-name"),
        format!("{kind}Details"): details,
    })
}

fn history(events: &[(f64, &str, &str, Value)]) -> History {
    let numbered = events.iter().zip(1..);
    let events: Vec<Value> = numbered
        .map(|((seconds, kind, id, details), number)| event(number, *seconds, kind, id, details))
        .collect();
    History::of(Document::parse(&json!({ "Events": events }).to_string()).unwrap())
}

fn seconds(at: UnixMicros) -> i64 {
    at.0 / 1_000_000
}

/// Number, start and end in seconds, outcome, delay in seconds.
type Told = (u32, i64, Option<i64>, Outcome, Option<u32>);

fn attempts(operation: &Operation) -> Vec<Told> {
    let attempts = operation.attempts.iter();
    attempts
        .map(|a| {
            (
                a.number,
                seconds(a.start),
                a.end.map(seconds),
                a.outcome,
                a.next_delay_s,
            )
        })
        .collect()
}

#[test]
fn each_attempt_of_a_step_has_its_own_time_and_outcome() {
    let failed = json!({"Error": {"Payload": {"ErrorType": "E"}}, "RetryDetails": {"CurrentAttempt": 1, "NextAttemptDelaySeconds": 5}});
    let history = history(&[
        (1.0, "StepStarted", "s", json!({})),
        (2.0, "StepFailed", "s", failed),
        (7.0, "StepStarted", "s", json!({})),
        (
            9.0,
            "StepSucceeded",
            "s",
            json!({"Result": {"Payload": "1"}, "RetryDetails": {"CurrentAttempt": 2}}),
        ),
    ]);
    let step = &history.operations[0];
    assert_eq!(
        attempts(step),
        [
            (1, 1, Some(2), Outcome::Failed, Some(5)),
            (2, 7, Some(9), Outcome::Succeeded, None)
        ]
    );
    assert_eq!(
        (step.status.as_str(), step.end.map(seconds)),
        ("SUCCEEDED", Some(9))
    );
    assert_eq!(step.error, None, "the step itself did not fail");
}

#[test]
fn a_step_between_attempts_is_pending_until_the_next_is_due() {
    let history = history(&[
        (1.0, "StepStarted", "s", json!({})),
        (
            2.0,
            "StepFailed",
            "s",
            json!({"RetryDetails": {"CurrentAttempt": 1, "NextAttemptDelaySeconds": 5}}),
        ),
    ]);
    let step = &history.operations[0];
    assert_eq!((step.status.as_str(), step.end), ("PENDING", None));
    assert_eq!(step.waits.until.map(seconds), Some(7));
    assert_eq!(
        attempts(step),
        [(1, 1, Some(2), Outcome::Retry, Some(5))],
        "no error: a condition that does not hold yet"
    );
}

#[test]
fn a_step_that_was_written_when_it_had_ended_has_one_attempt() {
    let history = history(&[(
        3.0,
        "StepSucceeded",
        "s",
        json!({"Result": {"Payload": "1"}}),
    )]);
    assert_eq!(
        attempts(&history.operations[0]),
        [(1, 3, Some(3), Outcome::Succeeded, None)]
    );
}

#[test]
fn every_way_to_end_is_kept() {
    for (kind, want) in [
        ("CallbackTimedOut", "TIMED_OUT"),
        ("WaitCancelled", "CANCELLED"),
        ("ChainedInvokeStopped", "STOPPED"),
        ("ContextFailed", "FAILED"),
    ] {
        let history = history(&[(
            3.0,
            kind,
            "o",
            json!({"Error": {"Payload": {"ErrorType": "E"}}}),
        )]);
        let operation = &history.operations[0];
        assert_eq!(operation.status, want);
        assert_eq!(
            operation.error.as_ref().unwrap().error_type.as_deref(),
            Some("E"),
            "{kind}"
        );
        assert_eq!(operation.end.map(seconds), Some(3));
    }
}

#[test]
fn an_execution_ends_as_its_last_event_says() {
    for (kind, want) in [
        ("ExecutionSucceeded", "SUCCEEDED"),
        ("ExecutionFailed", "FAILED"),
        ("ExecutionTimedOut", "TIMED_OUT"),
        ("ExecutionStopped", "STOPPED"),
    ] {
        let history = history(&[
            (1.0, "ExecutionStarted", "e", json!({})),
            (9.0, kind, "e", json!({})),
        ]);
        assert_eq!((history.status(), history.has_ended()), (want, true));
        assert_eq!(seconds(history.execution.start), 1);
        assert_eq!(history.execution.name.as_deref(), Some("e-name"));
    }
}

#[test]
fn the_execution_itself_tells_more_than_its_events() {
    let text = r#"
        {"DurableExecutionArn": "arn:aws:lambda:eu-west-1:1:function:f:1/durable-execution/n/i", "Status": "RUNNING", "StartTimestamp": 4}
        {"Events": []}"#;
    let history = History::parse(text).unwrap();
    assert_eq!(history.execution.function_name(), Some("f"));
    assert_eq!(history.execution.name.as_deref(), Some("n"));
    assert_eq!(seconds(history.execution.start), 4);
}

#[test]
fn invocations_tell_their_times_or_have_them_estimated() {
    let told = json!({"RequestId": "r", "StartTimestamp": 1.5, "EndTimestamp": 2.5});
    let history = history(&[
        (1.0, "ExecutionStarted", "e", json!({})),
        (
            2.0,
            "WaitStarted",
            "w",
            json!({"Duration": 5, "ScheduledEndTimestamp": 7}),
        ),
        (2.5, "InvocationCompleted", "", told),
        (7.0, "WaitSucceeded", "w", json!({})),
        (8.0, "StepStarted", "s", json!({})),
        (
            9.0,
            "InvocationCompleted",
            "",
            json!({"Error": {"Payload": {"ErrorType": "Crash"}}}),
        ),
        (10.0, "StepStarted", "s", json!({})),
    ]);
    let invocations = history.invocations.unwrap();
    let seen: Vec<_> = invocations
        .iter()
        .map(|i| {
            (
                i.start.0,
                i.end.map(|end| end.0),
                i.is_start_estimated,
                i.request_id.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (1_500_000, Some(2_500_000), false, Some("r")),
            (7_000_000, Some(9_000_000), true, None),
            (10_000_000, None, true, None),
        ]
    );
    assert_eq!(
        invocations[1].error.as_ref().unwrap().error_type.as_deref(),
        Some("Crash")
    );
    let started_in: Vec<_> = history.operations.iter().map(|o| o.invocation).collect();
    assert_eq!(started_in, [Some(0), Some(1)]);
}

#[test]
fn an_execution_that_sleeps_has_no_invocation_under_way() {
    let history = history(&[
        (1.0, "ExecutionStarted", "e", json!({})),
        (2.0, "WaitStarted", "w", json!({})),
        (3.0, "InvocationCompleted", "", json!({})),
    ]);
    assert_eq!(history.invocations.unwrap().len(), 1);
}

#[test]
fn pages_may_come_newest_first() {
    let events = [
        event(2, 9.0, "StepSucceeded", "s", &json!({})),
        event(1, 4.0, "StepStarted", "s", &json!({})),
    ];
    let history = History::parse(&json!({ "Events": events }).to_string()).unwrap();
    assert_eq!(seconds(history.operations[0].start), 4);
    assert_eq!(history.operations[0].attempts.len(), 1);
}

#[test]
fn events_of_a_kind_that_is_not_known_are_left_out() {
    let history = history(&[
        (1.0, "ExecutionStarted", "e", json!({})),
        (2.0, "TelepathyStarted", "t", json!({})),
    ]);
    assert!(history.operations.is_empty());
}
