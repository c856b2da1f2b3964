//! `extract`, `inject` and `explain`: formats.

use std::{
    io::{BufRead, BufReader, Write},
    process::Stdio,
};

use serde_json::{Value, json};

use crate::program::{Ran, command, finish, run};

const ARN: &str =
    "arn:aws:lambda:us-west-2:123456789012:function:f:$LATEST/durable-execution/name/id";
/// `_datadog_0` in that execution, as Python's library makes it.
const ID_0: &str = "5c1fb175e7fb36d5a1b8f47d6dff3680";
const ID_1: &str = "6235e2d934833f7d575e76cef1c3d3e5";
const HEADERS: &str = r#"{"x-datadog-trace-id":"42","x-datadog-parent-id":"7","x-datadog-sampling-priority":"1","x-datadog-tags":"_dd.p.dm=-0,_dd.p.tid=6b02ae0600000000"}"#;

fn event(operations: &Value) -> String {
    json!({
        "DurableExecutionArn": ARN,
        "CheckpointToken": "t",
        "InitialExecutionState": { "Operations": operations, "NextMarker": "" },
    })
    .to_string()
}

fn step(name: &str, id: &str, result: &str) -> Value {
    json!({ "Id": id, "Name": name, "Type": "STEP", "Status": "SUCCEEDED", "StepDetails": { "Result": result } })
}

fn lines(ran: &Ran) -> Vec<Value> {
    ran.stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn an_event_gives_the_context_of_its_checkpoint() {
    let input = event(&json!([step("_datadog_0", ID_0, HEADERS)]));
    let ran = run(&["extract"], input);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.json(),
        json!({
            "trace_id": "6b02ae0600000000000000000000002a",
            "parent_id": "7",
            "sampling_priority": 1,
            "origin": null,
            "tags": { "_dd.p.dm": "-0" },
            "source": "_datadog_0",
        })
    );
}

/// The execution's own operation, as every event has it first.
fn execution(input: &Value) -> Value {
    json!({ "Id": "x", "Type": "EXECUTION", "Status": "STARTED", "ExecutionDetails": { "InputPayload": input } })
}

/// A caller's event that carries a trace.
fn callers_event() -> Value {
    json!({ "order": 5, "headers": { "x-datadog-trace-id": "9", "x-datadog-parent-id": "8", "x-datadog-sampling-priority": "2" } })
}

#[test]
fn without_a_checkpoint_an_event_gives_its_callers_context() {
    let payload = Value::String(callers_event().to_string());
    for (input, want, why) in [
        (
            event(&json!([execution(&payload)])),
            Some("headers"),
            "within an envelope",
        ),
        (callers_event().to_string(), Some("headers"), "by itself"),
        (
            json!({ "_datadog": callers_event()["headers"] }).to_string(),
            Some("datadog"),
            "a direct invocation",
        ),
        (
            event(&json!([
                execution(&payload),
                step("_datadog_0", ID_0, "{}")
            ])),
            Some("headers"),
            "a checkpoint that is none",
        ),
        (
            event(&json!([
                execution(&payload),
                step("_datadog_0", ID_0, HEADERS)
            ])),
            Some("_datadog_0"),
            "a checkpoint goes first",
        ),
        (event(&json!([execution(&json!(""))])), None, "empty"),
        (event(&json!([execution(&json!("text"))])), None, "no JSON"),
        (event(&json!([execution(&Value::Null)])), None, "absent"),
        (event(&json!([])), None, "no execution"),
        (json!([callers_event()]).to_string(), None, "no object"),
    ] {
        let ran = run(&["extract"], &input);
        assert_eq!(ran.code, Some(0), "{why}: {ran:?}");
        assert_eq!(ran.json()["source"].as_str(), want, "{why}: {input}");
        let read = &run(&["explain"], &input).json()["read"];
        assert_eq!(read["source"].as_str(), want, "{why}: {input}");
        assert!(
            read.is_null() || read.get("name").is_some(),
            "{why}: always there"
        );
        let is_checkpoint = want.is_some_and(|source| source.starts_with("_datadog_"));
        assert_eq!(read["name"].is_string(), is_checkpoint, "{why}");
    }
}

#[test]
fn the_environment_counts_as_in_the_function() {
    let payload = Value::String(callers_event().to_string());
    let first = event(&json!([execution(&payload)]));
    let later =
        event(&json!([execution(&payload), { "Id": "s", "Type": "STEP", "Status": "SUCCEEDED" }]));
    for (name, value, input, want, why) in [
        (
            "DD_DURABLE_CROSS_INVOCATION_TRACING_ENABLED",
            "false",
            &first,
            true,
            "off: the first invocation has its caller",
        ),
        (
            "DD_DURABLE_CROSS_INVOCATION_TRACING_ENABLED",
            "false",
            &later,
            false,
            "a later one is a trace of its own",
        ),
        (
            "DD_DURABLE_CROSS_INVOCATION_TRACING_ENABLED",
            "true",
            &later,
            true,
            "on",
        ),
        (
            "DD_TRACE_PROPAGATION_STYLE_EXTRACT",
            "tracecontext",
            &first,
            false,
            "another style",
        ),
    ] {
        for name_of_command in ["extract", "explain"] {
            let mut command = command(&[name_of_command]);
            command.env(name, value);
            let answer = finish(command, input.as_bytes()).json();
            let read = if name_of_command == "explain" {
                &answer["read"]
            } else {
                &answer
            };
            assert_eq!(read.is_object(), want, "{why}: {name_of_command}");
        }
    }
}

#[test]
fn headers_give_the_context_and_their_style() {
    let input = format!(
        "{HEADERS}\n{}\n",
        r#"{"traceparent":"00-6b02ae0600000000000000000000002a-0000000000000007-01","tracestate":"dd=s:2;o:rum;t.dm:-4"}"#
    );
    let ran = run(&["extract", "--from", "headers"], input);
    let got = lines(&ran);
    assert_eq!(got.len(), 2, "{ran:?}");
    assert_eq!(got[0]["source"], "datadog");
    assert_eq!(
        got[1],
        json!({
            "trace_id": "6b02ae0600000000000000000000002a",
            "parent_id": "7",
            "sampling_priority": 2,
            "origin": "rum",
            "tags": { "_dd.p.dm": "-4" },
            "source": "tracecontext",
        })
    );
}

#[test]
fn json_without_a_context_is_null_and_what_is_no_json_is_bad_data() {
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let deep_headers = format!(r#"{{"x":{deep}}}"#);
    for (line, good, why) in [
        (&b""[..], true, "blank"),
        (b"  \t ", true, "blanks"),
        (b"{}", true, "an empty object"),
        (b"[]", true, "an array"),
        (b"\"text\"", true, "a string"),
        (b"1e400", true, "a number too large for anything"),
        (b"null", true, "null"),
        (br#"{"x-datadog-trace-id":{}}"#, true, "another type"),
        (br#"{"DurableExecutionArn":1}"#, true, "no durable event"),
        (
            br#"{"x-datadog-trace-id":"\ud800"}"#,
            true,
            "half a surrogate pair",
        ),
        (deep.as_bytes(), true, "nesting that overruns no stack"),
        (deep_headers.as_bytes(), true, "and that in a header map"),
        (b"{", false, "cut off"),
        (b"{} {}", false, "two values"),
        (b"{'a':1}", false, "other quotes"),
        (b"NaN", false, "no JSON number"),
        (b"\xff\xfe", false, "no UTF-8"),
        (b"{\"a\":\"\xff\"}", false, "no UTF-8 inside"),
        (b"\0", false, "a control character"),
    ] {
        for from in ["event", "headers"] {
            let ran = run(&["extract", "--from", from], [line, b"\n"].concat());
            assert_eq!(ran.stdout, "null\n", "{why}: {from}");
            assert_eq!(
                ran.code,
                Some(i32::from(!good)),
                "{why}: {from}: {}",
                ran.stderr
            );
            assert_eq!(
                ran.stderr.starts_with("line 1: expected "),
                !good,
                "{why}: {from}: {}",
                ran.stderr
            );
        }
    }
}

#[test]
fn bad_lines_are_numbered_and_do_not_stop_the_rest() {
    let ran = run(
        &["inject"],
        "\n{\"trace_id\":\"9\",\"span_id\":\"8\"}\nnope\n{}\n{\"trace_id\":\"9\",\"span_id\":\"8\"}",
    );
    let headers = r#"{"x-datadog-trace-id":"9","x-datadog-parent-id":"8"}"#;
    assert_eq!(
        ran.stdout,
        format!("null\n{headers}\nnull\nnull\n{headers}\n")
    );
    let messages: Vec<_> = ran.stderr.lines().collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(
        messages[0].starts_with("line 3: expected JSON"),
        "{messages:?}"
    );
    assert!(
        messages[1].starts_with("line 4: expected trace_id"),
        "{messages:?}"
    );
    assert_eq!(ran.code, Some(1));
}

#[test]
fn no_input_gives_no_output() {
    for args in [&["extract"][..], &["inject"]] {
        let ran = run(args, "");
        assert_eq!((ran.stdout.as_str(), ran.code), ("", Some(0)), "{args:?}");
    }
}

#[test]
fn every_answer_comes_at_once() {
    let mut child = command(&["extract", "--from", "headers"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        writeln!(stdin, "{HEADERS}").unwrap();
        // The next line is written only after this answer: a buffered one would hang here.
        assert!(answers.next().unwrap().unwrap().contains("\"datadog\""));
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn explain_says_what_was_read_and_what_would_be_written() {
    let input = event(&json!([
        { "Id": "x", "Type": "EXECUTION", "Status": "STARTED" },
        step("_datadog_0", ID_0, HEADERS),
        step("_datadog_1", ID_1, "{\"x-datadog-trace-id\":\"0\"}"),
        step("_datadog_01", "c", HEADERS),
    ]));
    let got = run(&["explain"], &input).json();
    assert_eq!(got["decision"], "not-asked");
    assert_eq!(got["write"], Value::Null);
    assert_eq!(got["read"]["name"], "_datadog_0");
    assert_eq!(got["read"]["parent_id"], "7");
    assert_eq!(got["more_pages"], false);
    let skipped: Vec<_> = got["skipped"].as_array().unwrap().iter().collect();
    let reason = |name: &str| {
        skipped
            .iter()
            .find(|skipped| skipped["name"] == name)
            .map(|skipped| skipped["reason"].as_str().unwrap().to_owned())
    };
    assert_eq!(
        reason("_datadog_1").as_deref(),
        Some("no-valid-context"),
        "{skipped:?}"
    );
    assert_eq!(
        reason("_datadog_01").as_deref(),
        Some("not-canonical"),
        "{skipped:?}"
    );

    let same = run(&["explain", "--headers", HEADERS], &input).json();
    assert_eq!(same["decision"], "unchanged");
    let changed = HEADERS.replace("priority\":\"1", "priority\":\"2");
    let got = run(
        &["explain", "--headers", &changed, "--span-id", "99"],
        &input,
    )
    .json();
    assert_eq!(got["decision"], "write");
    assert_eq!(
        got["write"]["name"], "_datadog_2",
        "above the unreadable one"
    );
    let payload: Value = serde_json::from_str(got["write"]["payload"].as_str().unwrap()).unwrap();
    assert_eq!(
        payload["x-datadog-parent-id"], "7",
        "the anchor of the checkpoint read"
    );
    assert_eq!(payload["x-datadog-sampling-priority"], "2");
}

#[test]
fn explain_decides_as_the_function_would() {
    let empty = event(&json!([{ "Id": "x", "Type": "EXECUTION", "Status": "STARTED" }]));
    let full: Vec<_> = (0..2_995)
        .map(|n| json!({ "Id": n.to_string(), "Type": "STEP", "Status": "SUCCEEDED" }))
        .collect();
    let full = event(&Value::Array(full));
    for (input, args, env, want, why) in [
        (
            &empty,
            &["--headers", HEADERS][..],
            "",
            "write",
            "nothing is saved yet",
        ),
        (&empty, &[], "", "not-asked", "no headers"),
        (
            &empty,
            &["--headers", "{}"],
            "",
            "no-context",
            "headers without ids",
        ),
        (
            &empty,
            &["--headers", HEADERS],
            "false",
            "off",
            "switched off",
        ),
        (
            &full,
            &["--headers", HEADERS],
            "",
            "cap",
            "the log is almost full",
        ),
        (
            &"{}".to_owned(),
            &["--headers", HEADERS],
            "",
            "not-durable",
            "another event",
        ),
        (&"5".to_owned(), &[], "", "not-durable", "no event at all"),
    ] {
        let mut command = command(&[&["explain"], args].concat());
        if !env.is_empty() {
            command.env("DD_DURABLE_CROSS_INVOCATION_TRACING_ENABLED", env);
        }
        let ran = finish(command, input.as_bytes());
        assert_eq!(ran.code, Some(0), "{why}: {ran:?}");
        let got = ran.json();
        assert_eq!(got["decision"], want, "{why}");
        for key in ["read", "skipped", "write", "decision"] {
            assert!(got.get(key).is_some(), "{why}: {key} is always there");
        }
        assert_eq!(got["write"].is_object(), want == "write", "{why}");
    }
}

#[test]
fn the_first_checkpoint_is_anchored_at_the_span_or_at_the_headers_parent() {
    let input = event(&json!([]));
    for (args, parent) in [
        (
            &["explain", "--headers", HEADERS, "--span-id", "99"][..],
            "99",
        ),
        (&["explain", "--headers", HEADERS], "7"),
    ] {
        let got = run(args, &input).json();
        let payload = got["write"]["payload"].as_str().unwrap();
        assert!(
            payload.contains(&format!(r#""x-datadog-parent-id":"{parent}""#)),
            "{payload}"
        );
        assert_eq!(got["write"]["name"], "_datadog_0");
    }
}

#[test]
fn explain_refuses_what_is_no_document() {
    for (input, why) in [
        (&b""[..], "nothing"),
        (b"{", "cut off"),
        (b"{}{}", "two documents"),
        (b"\xff", "no text"),
    ] {
        let ran = run(&["explain"], input);
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(1), ""),
            "{why}: {ran:?}"
        );
        assert!(
            ran.stderr.contains("expected one JSON document"),
            "{why}: {ran:?}"
        );
    }
}
