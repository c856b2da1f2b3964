use serde_json::{Value, json};

use super::*;

const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:f:1/durable-execution/n/i";

/// Events at seconds: (when, type, id, details). The name is the id.
fn history(events: &[(i64, &str, &str, Value)]) -> History {
    let events: Vec<Value> = events
        .iter()
        .zip(1..)
        .map(|((seconds, kind, id, details), number)| {
            let (id, parent) = id.split_once('<').map_or((*id, None), |(id, parent)| (id, Some(parent)));
            json!({
                "EventType": kind, "EventId": number, "EventTimestamp": seconds, "Id": id, "Name": id, "ParentId": parent,
                format!("{kind}Details"): details,
            })
        })
        .collect();
    History::parse(&json!({ "Events": events }).to_string()).unwrap()
}

fn timeline(events: &[(i64, &str, &str, Value)]) -> Timeline {
    Timeline::of(&history(events), &Viewpoint::default())
}

/// (from, to, what for), in seconds.
fn gaps(timeline: &Timeline) -> Vec<(i64, i64, Vec<&str>)> {
    let mut seen = Vec::new();
    for gap in &timeline.gaps {
        let waits_for = gap.waits_for.iter().map(String::as_str).collect();
        seen.push((
            gap.start_us.0 / 1_000_000,
            gap.end_us.0 / 1_000_000,
            waits_for,
        ));
    }
    seen
}

#[test]
fn a_gap_lies_between_invocations_and_says_what_was_pending() {
    let retry = json!({"Error": {"Payload": {}}, "RetryDetails": {"CurrentAttempt": 1, "NextAttemptDelaySeconds": 6}});
    let timeline = timeline(&[
        (10, "ExecutionStarted", "e", json!({})),
        (11, "StepStarted", "flaky", json!({})),
        (12, "StepFailed", "flaky", retry),
        (
            12,
            "CallbackStarted",
            "approval",
            json!({"CallbackId": "c"}),
        ),
        (12, "StepStarted", "done", json!({})),
        (13, "StepSucceeded", "done", json!({})),
        (
            13,
            "InvocationCompleted",
            "",
            json!({"StartTimestamp": 10, "EndTimestamp": 13}),
        ),
        (18, "StepStarted", "flaky", json!({})),
        (19, "StepSucceeded", "flaky", json!({})),
        (
            20,
            "InvocationCompleted",
            "",
            json!({"StartTimestamp": 18, "EndTimestamp": 20}),
        ),
        (30, "CallbackSucceeded", "approval", json!({})),
        (
            32,
            "InvocationCompleted",
            "",
            json!({"StartTimestamp": 30, "EndTimestamp": 32}),
        ),
        (33, "ExecutionSucceeded", "e", json!({})),
    ]);
    assert_eq!(
        gaps(&timeline),
        [
            (13, 18, vec!["retry of flaky", "callback approval"]),
            (20, 30, vec!["callback approval"])
        ],
        "not the second in which the service ended the execution"
    );
    assert_eq!(
        (timeline.running_us, timeline.asleep_us),
        (7_000_000, 15_000_000)
    );
    assert_eq!(timeline.execution.duration_us, 23_000_000);
    let statuses: Vec<_> = timeline
        .invocations
        .iter()
        .map(|invocation| invocation.status.as_str())
        .collect();
    assert_eq!(statuses, ["PENDING", "PENDING", "SUCCEEDED"]);
}

#[test]
fn an_execution_that_is_cut_short_sleeps_to_its_end() {
    for (event, status) in [
        ("ExecutionStopped", "STOPPED"),
        ("ExecutionTimedOut", "TIMED_OUT"),
    ] {
        let timeline = timeline(&[
            (10, "ExecutionStarted", "e", json!({})),
            (11, "WaitStarted", "w", json!({})),
            (
                12,
                "InvocationCompleted",
                "",
                json!({"StartTimestamp": 10, "EndTimestamp": 12}),
            ),
            (50, event, "e", json!({})),
        ]);
        assert_eq!(gaps(&timeline), [(12, 50, vec!["wait w"])]);
        assert_eq!(timeline.execution.status, status);
        assert_eq!(
            timeline.invocations[0].status, "PENDING",
            "the function did not end it"
        );
    }
}

#[test]
fn what_is_under_way_extends_to_the_moment_of_looking() {
    let events = [
        (10, "ExecutionStarted", "e", json!({})),
        (11, "WaitStarted", "w", json!({})),
        (
            12,
            "InvocationCompleted",
            "",
            json!({"StartTimestamp": 10, "EndTimestamp": 12}),
        ),
    ];
    let looked = |seconds: i64| {
        Timeline::of(
            &history(&events),
            &Viewpoint::default().at(UnixMicros(seconds * 1_000_000)),
        )
    };
    assert_eq!(looked(100).asleep_us, 88_000_000);
    assert_eq!(
        looked(5).until_us,
        UnixMicros(12_000_000),
        "a clock that is behind turns nothing back"
    );
    assert_eq!(looked(100).execution.end_us, None);
}

#[test]
fn an_invocation_that_broke_or_runs_says_so() {
    let timeline = timeline(&[
        (10, "ExecutionStarted", "e", json!({})),
        (
            11,
            "InvocationCompleted",
            "",
            json!({"Error": {"Payload": {"ErrorType": "Crash"}}}),
        ),
        (12, "StepStarted", "s", json!({})),
    ]);
    let statuses: Vec<_> = timeline
        .invocations
        .iter()
        .map(|invocation| invocation.status.as_str())
        .collect();
    assert_eq!(statuses, ["FAILED", "RUNNING"]);
    assert_eq!(
        timeline.invocations[0]
            .error
            .as_ref()
            .unwrap()
            .error_type
            .as_deref(),
        Some("Crash")
    );
}

#[test]
fn rows_hang_under_their_parents_in_the_order_in_which_they_started() {
    let timeline = timeline(&[
        (10, "ExecutionStarted", "e", json!({})),
        (11, "ContextStarted", "a", json!({})),
        (11, "ContextStarted", "b", json!({})),
        (12, "StepStarted", "b1<b", json!({})),
        (13, "StepStarted", "a1<a", json!({})),
        (14, "StepStarted", "orphan<nobody", json!({})),
        (15, "StepStarted", "own<own", json!({})),
    ]);
    let seen: Vec<_> = timeline
        .rows
        .iter()
        .map(|row| (row.id.as_str(), row.parent, row.depth))
        .collect();
    assert_eq!(
        seen,
        [
            ("execution", None, 0),
            ("a", Some(0), 1),
            ("a1", Some(1), 2),
            ("b", Some(0), 1),
            ("b1", Some(3), 2),
            ("orphan", Some(0), 1),
            ("own", Some(0), 1),
        ]
    );
}

#[test]
fn a_row_says_what_it_waits_for() {
    let timeline = timeline(&[
        (
            1,
            "WaitStarted",
            "w",
            json!({"Duration": 5, "ScheduledEndTimestamp": 6}),
        ),
        (
            1,
            "CallbackStarted",
            "c",
            json!({"CallbackId": "c-1", "Timeout": 60, "HeartbeatTimeout": 0}),
        ),
        (
            1,
            "ChainedInvokeStarted",
            "i",
            json!({"FunctionName": "billing", "DurableExecutionArn": ARN}),
        ),
        (1, "StepStarted", "s", json!({})),
        (
            2,
            "StepFailed",
            "s",
            json!({"RetryDetails": {"CurrentAttempt": 1, "NextAttemptDelaySeconds": 3}}),
        ),
    ]);
    let seen: Vec<_> = timeline
        .rows
        .iter()
        .skip(1)
        .map(|row| row.waits_for.as_deref().unwrap())
        .collect();
    assert_eq!(
        seen,
        [
            "until 1970-01-01T00:00:06Z",
            "callback c-1",
            "function billing",
            "attempt 2, due 1970-01-01T00:00:05Z"
        ]
    );
    let details = |row: usize| serde_json::to_value(&timeline.rows[row].details).unwrap();
    assert_eq!(details(2), json!({"callback_id": "c-1", "timeout": "60 s"}));
    assert_eq!(
        details(3),
        json!({"function": "billing", "target_execution": ARN})
    );
}

#[test]
fn inputs_and_results_are_no_part_of_a_timeline() {
    let secret = json!({"Payload": "\"secret\""});
    let timeline = timeline(&[
        (1, "ExecutionStarted", "e", json!({"Input": secret})),
        (
            1,
            "ChainedInvokeStarted",
            "i",
            json!({"FunctionName": "f", "Input": secret}),
        ),
        (2, "ChainedInvokeSucceeded", "i", json!({"Result": secret})),
        (
            2,
            "StepSucceeded",
            "_datadog_0",
            json!({"Result": {"Payload": "secret"}}),
        ),
        (3, "ExecutionSucceeded", "e", json!({"Result": secret})),
    ]);
    let text = serde_json::to_string(&timeline).unwrap();
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn a_state_knows_no_invocations_and_its_gaps_are_concluded() {
    let state = json!({"Operations": [
        {"Id": "e", "Type": "EXECUTION", "Status": "STARTED", "StartTimestamp": 10},
        {"Id": "s", "Type": "STEP", "Name": "s", "Status": "SUCCEEDED", "StartTimestamp": 11, "EndTimestamp": 12, "StepDetails": {"Attempt": 1}},
        {"Id": "w", "Type": "WAIT", "Name": "w", "Status": "SUCCEEDED", "StartTimestamp": 12, "EndTimestamp": 42},
        {"Id": "x", "Type": "STEP", "Name": "x", "Status": "FAILED", "StartTimestamp": 42, "EndTimestamp": 50,
            "StepDetails": {"Attempt": 3, "Error": {"ErrorType": "E"}}},
    ]});
    let timeline = Timeline::of(
        &History::parse(&state.to_string()).unwrap(),
        &Viewpoint::default(),
    );
    assert_eq!(gaps(&timeline), [(12, 42, vec!["wait w"])]);
    assert!(timeline.gaps[0].is_estimated);
    assert_eq!(
        (timeline.running_us, timeline.asleep_us),
        (10_000_000, 30_000_000)
    );
    assert!(timeline.invocations.is_empty());
    assert_eq!(timeline.rows[1].attempts.len(), 1);
    assert!(
        timeline.rows[3].attempts.is_empty(),
        "two of them are not told of"
    );
    assert_eq!(
        timeline.rows[3]
            .error
            .as_ref()
            .unwrap()
            .error_type
            .as_deref(),
        Some("E")
    );
}

#[test]
fn an_operation_that_two_pages_tell_of_is_one() {
    let operation = json!({"Id": "s", "Type": "STEP", "Status": "SUCCEEDED", "StartTimestamp": 11});
    let state = json!({"Operations": [operation, operation]}).to_string();
    let timeline = Timeline::of(&History::parse(&state).unwrap(), &Viewpoint::default());
    assert_eq!(timeline.rows.len(), 2, "the execution, and it");
}

#[test]
fn invocations_that_overlap_leave_no_gap_between_them() {
    let timeline = timeline(&[
        (10, "ExecutionStarted", "e", json!({})),
        (
            20,
            "InvocationCompleted",
            "",
            json!({"StartTimestamp": 10, "EndTimestamp": 20}),
        ),
        (
            18,
            "InvocationCompleted",
            "",
            json!({"StartTimestamp": 12, "EndTimestamp": 15}),
        ),
        (
            30,
            "InvocationCompleted",
            "",
            json!({"StartTimestamp": 25, "EndTimestamp": 30}),
        ),
        (30, "ExecutionSucceeded", "e", json!({})),
    ]);
    assert_eq!(gaps(&timeline), [(20, 25, vec![])]);
}

#[test]
fn an_invocation_that_ends_before_it_starts_ends_when_it_starts() {
    let timeline = timeline(&[
        (1, "ExecutionStarted", "e", json!({})),
        (
            2,
            "InvocationCompleted",
            "",
            json!({"StartTimestamp": 1, "EndTimestamp": 2}),
        ),
        (
            9,
            "InvocationCompleted",
            "",
            json!({"StartTimestamp": 9, "EndTimestamp": 2}),
        ),
        (
            12,
            "InvocationCompleted",
            "",
            json!({"StartTimestamp": 11, "EndTimestamp": 12}),
        ),
        (12, "ExecutionSucceeded", "e", json!({})),
    ]);
    assert_eq!(gaps(&timeline), [(2, 9, vec![]), (9, 11, vec![])]);
}

/// What a tracing library saves, with the id that it gives it.
fn checkpoint(number: u64, headers: &Value) -> (i64, &'static str, String, Value) {
    let name = format!("_datadog_{number}");
    (
        i64::try_from(number).unwrap(),
        "StepSucceeded",
        name,
        json!({"Result": {"Payload": headers.to_string()}}),
    )
}

fn warned(checkpoints: &[(i64, &str, String, Value)]) -> Vec<&'static str> {
    let events: Vec<Value> = checkpoints
        .iter()
        .zip(1..)
        .map(|((seconds, kind, name, details), number)| {
            json!({
                "EventType": kind, "EventId": number, "EventTimestamp": seconds, "Name": name,
                "Id": durable_trace_wire::checkpoint_id(name, ARN), format!("{kind}Details"): details,
            })
        })
        .collect();
    let history = History::parse(&json!({ "Events": events }).to_string())
        .unwrap()
        .with_arn(ARN);
    Timeline::of(&history, &Viewpoint::default())
        .warnings
        .iter()
        .map(|warning| warning.kind)
        .collect()
}

#[test]
fn what_is_wrong_with_checkpoints_is_told() {
    let headers = |trace: &str, parent: &str, tags: &str| json!({"x-datadog-trace-id": trace, "x-datadog-parent-id": parent, "x-datadog-tags": tags});
    let first = || checkpoint(0, &headers("7", "9", "_dd.p.dm=-0"));
    for (second, want, why) in [
        (None, vec![], "one checkpoint is as it should be"),
        (
            Some(headers("8", "9", "_dd.p.dm=-0")),
            vec!["trace-ids-differ"],
            "another trace",
        ),
        (
            Some(headers("7", "10", "_dd.p.dm=-0")),
            vec!["anchor-moved"],
            "another parent",
        ),
        (
            Some(headers("7", "9", "")),
            vec!["checkpoint-rewritten"],
            "the same again, but for a tag",
        ),
        (
            Some(headers("7", "9", "_dd.p.dm=-0")),
            vec!["checkpoint-rewritten"],
            "the same again",
        ),
        (
            Some(json!({"x-datadog-trace-id": "0"})),
            vec!["unreadable-checkpoint"],
            "no ids",
        ),
    ] {
        let mut checkpoints = vec![first()];
        checkpoints.extend(second.map(|headers| checkpoint(1, &headers)));
        assert_eq!(warned(&checkpoints), want, "{why}");
    }
}

#[test]
fn a_users_step_in_the_name_space_of_checkpoints_is_told_of() {
    let user = |name: &str| vec![(1, "StepSucceeded", name.to_owned(), json!({}))];
    assert_eq!(warned(&user("_datadog_x")), ["user-step-in-name-space"]);
    assert_eq!(warned(&user("_datadog_01")), ["user-step-in-name-space"]);
    assert!(warned(&user("datadog")).is_empty());

    let payload = json!({"x-datadog-trace-id": "7", "x-datadog-parent-id": "9"}).to_string();
    let history = history(&[(
        1,
        "StepSucceeded",
        "_datadog_0",
        json!({"Result": {"Payload": payload}}),
    )]);
    let kinds = |history: &History| -> Vec<_> {
        let timeline = Timeline::of(history, &Viewpoint::default());
        timeline
            .warnings
            .iter()
            .map(|warning| warning.kind)
            .collect()
    };
    assert!(
        kinds(&history).is_empty(),
        "without the ARN nobody can tell whose it is"
    );
    assert_eq!(kinds(&history.with_arn(ARN)), ["user-step-in-name-space"]);
}

#[test]
fn a_history_with_more_to_come_and_one_near_the_cap_are_told_of() {
    let cut = History::parse(r#"{"Events": [], "NextMarker": "m"}"#).unwrap();
    let kinds = |history: &History| -> Vec<_> {
        let timeline = Timeline::of(history, &Viewpoint::default());
        timeline
            .warnings
            .iter()
            .map(|warning| warning.kind)
            .collect()
    };
    assert_eq!(kinds(&cut), ["incomplete-history"]);
    for (count, want) in [(2_399, vec![]), (2_400, vec!["near-operation-cap"])] {
        let ids: Vec<String> = (0..count).map(|n| format!("s{n}")).collect();
        let events: Vec<_> = ids
            .iter()
            .map(|id| (1, "StepStarted", id.as_str(), json!({})))
            .collect();
        assert_eq!(kinds(&history(&events)), want, "{count}");
    }
}

#[test]
fn a_checkpoint_is_decoded_in_both_notations() {
    let payload = json!({
        "x-datadog-trace-id": "77", "x-datadog-parent-id": "9", "x-datadog-sampling-priority": "2",
        "x-datadog-origin": "rum", "x-datadog-tags": "_dd.p.dm=-4,_dd.p.tid=6b02adf600000000",
    });
    let history = history(&[(
        5,
        "StepSucceeded",
        "_datadog_0",
        json!({"Result": {"Payload": payload.to_string()}}),
    )]);
    let timeline = Timeline::of(&history, &Viewpoint::default().on_site("datadoghq.eu"));
    assert_eq!(
        serde_json::to_value(&timeline.checkpoints[0]).unwrap(),
        json!({
            "name": "_datadog_0", "at_us": 5_000_000, "trace_id": "6b02adf600000000000000000000004d", "trace_id_decimal": "77",
            "parent_id": "9", "sampling_priority": 2, "origin": "rum", "tags": {"_dd.p.dm": "-4"}, "changed": [], "is_known": null,
            "unreadable": null,
        })
    );
    assert_eq!(
        timeline.trace.unwrap().url.as_deref(),
        Some("https://app.datadoghq.eu/apm/trace/6b02adf600000000000000000000004d")
    );
}
