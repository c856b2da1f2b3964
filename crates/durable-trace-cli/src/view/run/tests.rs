use std::fmt::Write as _;

use durable_trace_history::{History, Viewpoint};

use super::*;
use crate::view::tree::sample;

/// What a service keeps whose clock stands still while functions run, and skips the four seconds asleep.
fn history(arn: &str) -> Timeline {
    let text = r#"{"Events": [
        {"EventType": "ExecutionStarted", "EventId": 1, "EventTimestamp": 0.9, "Id": "e"},
        {"EventType": "StepStarted", "EventId": 2, "EventTimestamp": 0.9, "Id": "p", "Name": "payment"},
        {"EventType": "StepFailed", "EventId": 3, "EventTimestamp": 0.9, "Id": "p", "Name": "payment"},
        {"EventType": "WaitStarted", "EventId": 4, "EventTimestamp": 0.9, "Id": "w", "Name": "packing"},
        {"EventType": "InvocationCompleted", "EventId": 5, "EventTimestamp": 0.9,
         "InvocationCompletedDetails": {"RequestId": "request-0", "StartTimestamp": 0.9, "EndTimestamp": 0.9}},
        {"EventType": "WaitSucceeded", "EventId": 6, "EventTimestamp": 4.9, "Id": "w", "Name": "packing"},
        {"EventType": "InvocationCompleted", "EventId": 7, "EventTimestamp": 4.9,
         "InvocationCompletedDetails": {"RequestId": "request-1", "StartTimestamp": 4.9, "EndTimestamp": 4.9}},
        {"EventType": "ExecutionSucceeded", "EventId": 8, "EventTimestamp": 4.9, "Id": "e"}
    ]}"#;
    let history = History::parse(text).unwrap().with_arn(arn);
    Timeline::of(&history, &Viewpoint::default())
}

fn report() -> Report {
    let mut report = sample();
    let payment = report
        .spans
        .iter_mut()
        .find(|span| span.span_id == "3")
        .unwrap();
    payment
        .meta
        .insert("aws.durable.operation_id".to_owned(), "p".to_owned());
    report
}

/// Each row with its times, in milliseconds from the start of the execution.
fn render(timeline: &Timeline) -> String {
    let zero = timeline.execution.start_us;
    let ms = |at: UnixMicros| (at.0 - zero.0) / 1_000;
    let mut out = String::new();
    for entry in &timeline.invocations {
        let end = entry.end_us.map(ms);
        let _ = writeln!(
            out,
            "invocation {}: {}..{end:?}",
            entry.index,
            ms(entry.start_us)
        );
    }
    for gap in &timeline.gaps {
        let _ = writeln!(out, "asleep: {}..{}", ms(gap.start_us), ms(gap.end_us));
    }
    for row in &timeline.rows {
        let _ = writeln!(
            out,
            "{}{} {} {} {}..{:?} in {:?}{}",
            "  ".repeat(row.depth),
            row.row_type,
            row.name,
            row.status,
            ms(row.start_us),
            row.end_us.map(ms),
            row.invocation,
            if row.is_replay { " replay" } else { "" },
        );
    }
    out
}

#[test]
fn the_time_of_functions_is_added_where_the_services_clock_stood_still() {
    let report = report();
    let history = history(&report.execution_arn);
    assert_eq!(history.running_us, 0, "the service saw none of it");
    let views = timelines(&report, &[history]);
    let [(trace_label, trace), (operations_label, operations)] = views.as_slice() else {
        panic!("two views");
    };
    assert_eq!(
        (trace_label.as_str(), operations_label.as_str()),
        ("Trace", "Operations")
    );
    for timeline in [trace, operations] {
        assert_eq!(
            timeline.running_us, 1_241_200,
            "41.2 ms and 1.2 s, as their spans say"
        );
        assert_eq!(timeline.asleep_us, 4_000_000);
        assert_eq!(timeline.execution.duration_us, 5_241_200);
    }
    insta::assert_snapshot!(render(trace), @"
    invocation 0: 0..Some(41)
    invocation 1: 4041..Some(5241)
    asleep: 41..4041
    aws.lambda order pending 0..Some(41) in Some(0)
      aws.durable.execute order pending 1..Some(39) in Some(0)
        aws.durable.step payment error 2..Some(4) in Some(0)
          internal card.authorize ok 3..Some(5) in Some(0)
        aws.lambda order succeeded 4041..Some(5241) in Some(1)
          aws.durable.execute order succeeded 4042..Some(4042) in Some(1)
            aws.durable.step payment ok 4043..Some(4043) in Some(1) replay
    ");
    insta::assert_snapshot!(render(operations), @"
    invocation 0: 0..Some(41)
    invocation 1: 4041..Some(5241)
    asleep: 41..4041
    EXECUTION order SUCCEEDED 0..Some(5241) in None
      STEP payment FAILED 2..Some(4) in Some(0)
      WAIT packing SUCCEEDED 41..Some(4041) in Some(0)
    ");
}

#[test]
fn spans_keep_their_error_their_note_and_what_they_are_tagged_with() {
    let report = report();
    let views = timelines(&report, &[history(&report.execution_arn)]);
    let (_, trace) = views.first().unwrap();
    let payment = trace.rows.iter().find(|row| row.id == "3").unwrap();
    let error = payment.error.as_ref().unwrap();
    assert_eq!(error.error_type.as_deref(), Some("CardDeclined"));
    assert_eq!(error.message.as_deref(), Some("try again"));
    assert_eq!(
        payment.details.get("service").map(String::as_str),
        Some("order")
    );
    assert_eq!(
        payment
            .details
            .get("aws.durable.operation_id")
            .map(String::as_str),
        Some("p")
    );
    assert!(
        !payment.details.contains_key("error.type"),
        "it has a place of its own"
    );
    let resumed = trace.rows.iter().find(|row| row.id == "5").unwrap();
    assert_eq!(
        resumed.details.get("note").map(String::as_str),
        Some("invocation 1 resumed from _datadog_0")
    );
}

#[test]
fn spans_that_are_each_others_parents_are_rows_too() {
    let mut report = report();
    for (id, parent) in [("3", "4"), ("4", "3")] {
        let span = report
            .spans
            .iter_mut()
            .find(|span| span.span_id == id)
            .unwrap();
        span.parent_id = parent.to_owned();
    }
    let views = timelines(&report, &[history(&report.execution_arn)]);
    let (_, trace) = views.first().unwrap();
    assert_eq!(trace.rows.len(), report.spans.len());
    assert!(
        trace
            .rows
            .iter()
            .enumerate()
            .all(|(index, row)| row.parent.is_none_or(|parent| parent < index))
    );
}

#[test]
fn without_spans_there_are_the_operations_alone_as_the_service_has_them() {
    let mut report = report();
    report.spans.clear();
    let history = history(&report.execution_arn);
    let views = timelines(&report, std::slice::from_ref(&history));
    assert_eq!(views, [("Operations".to_owned(), history)]);
}
