//! What real libraries were recorded to propagate survives a way through the program.

use std::fs;

use serde_json::{Value, json};

use crate::{program::run, recordings::recordings};

fn answers(args: &[&str], lines: &[Value]) -> Vec<Value> {
    let lines_in: Vec<String> = lines.iter().map(Value::to_string).collect();
    let input = lines_in.join("\n");
    let ran = run(args, input);
    let answers: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), lines.len(), "a line each: {}", ran.stderr);
    answers
}

#[test]
fn what_is_extracted_is_the_same_after_injection() {
    let Some(oracle) = recordings() else { return };
    let headers: Vec<Value> = fs::read_to_string(oracle.join("codec.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|row| row["kind"] == "extract")
        .map(|row| row["headers_in"].clone())
        .collect();
    let contexts: Vec<Value> = answers(&["extract", "--from", "headers"], &headers)
        .into_iter()
        // Datadog's own headers cannot say a trace id whose lower half is zero.
        .filter(|context| {
            context["trace_id"]
                .as_str()
                .is_some_and(|id| !id.ends_with(&"0".repeat(16)))
        })
        .collect();
    assert!(contexts.len() > 50, "{}", contexts.len());
    let spans: Vec<Value> = contexts
        .iter()
        .map(|context| {
            json!({
                "trace_id": context["trace_id"],
                "span_id": context["parent_id"],
                "sampling_priority": context["sampling_priority"],
                "origin": context["origin"],
                "tags": context["tags"],
            })
        })
        .collect();
    let injected = answers(&["inject"], &spans);
    let again = answers(&["extract", "--from", "headers"], &injected);
    for ((before, after), injected) in contexts.iter().zip(&again).zip(&injected) {
        for key in ["trace_id", "parent_id", "sampling_priority"] {
            assert_eq!(before[key], after[key], "{key} of {before} by {injected}");
        }
    }
}

#[test]
fn recorded_events_are_answered_and_explained() {
    let Some(oracle) = recordings() else { return };
    let events: Vec<Value> = fs::read_to_string(oracle.join("reader.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].take())
        .collect();
    let contexts = answers(&["extract"], &events);
    // Each run of `explain` is a process; a part of the events is enough to see that the two agree.
    for (event, context) in events.iter().zip(&contexts).step_by(5) {
        let ran = run(&["explain"], event.to_string());
        assert_eq!(ran.code, Some(0), "{event}: {ran:?}");
        let read = &ran.json()["read"];
        assert_eq!(read["trace_id"], context["trace_id"], "{event}");
        assert_eq!(read["name"], context["source"], "{event}");
    }
}

#[test]
fn a_callers_event_gives_the_same_within_an_envelope() {
    let Some(oracle) = recordings() else { return };
    let events: Vec<Value> = fs::read_to_string(oracle.join("triggers.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|row| row["carrier"] != "durable-envelope")
        .map(|row| row["event"].clone())
        .collect();
    let envelopes: Vec<Value> = events
        .iter()
        .map(|event| {
            json!({
                "DurableExecutionArn": "arn:aws:lambda:us-west-2:123456789012:function:f:1/durable-execution/n/i",
                "InitialExecutionState": { "Operations": [{
                    "Id": "x", "Type": "EXECUTION", "ExecutionDetails": { "InputPayload": event.to_string() },
                }] },
            })
        })
        .collect();
    let bare = answers(&["extract"], &events);
    assert!(bare.iter().filter(|context| context.is_object()).count() > 200);
    assert_eq!(answers(&["extract"], &envelopes), bare);
}
