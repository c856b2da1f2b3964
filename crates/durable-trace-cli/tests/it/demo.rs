//! `demo`: one trace, whatever the workflow, each invocation a process of its own.

use std::{
    collections::HashSet,
    io::Write,
    net::{TcpListener, TcpStream},
};

use serde_json::Value;

use crate::{
    peer::answer,
    program::{Ran, command, finish, page_data, run, scratch},
};

fn demo(workflow: &str) -> Value {
    let ran = run(&["demo", workflow, "--format", "json"], "");
    assert_eq!(ran.code, Some(0), "{workflow}: {}", ran.stderr);
    ran.json()
}

fn list<'a>(report: &'a Value, key: &str) -> &'a Vec<Value> {
    report[key].as_array().unwrap()
}

fn named<'a>(report: &'a Value, name: &str) -> Vec<&'a Value> {
    let spans = list(report, "spans").iter();
    spans.filter(|span| span["name"] == name).collect()
}

fn checkpoints(report: &Value) -> Vec<&Value> {
    let operations = list(report, "operations").iter();
    operations
        .filter(|o| {
            o["name"]
                .as_str()
                .is_some_and(|name| name.starts_with("_datadog_"))
        })
        .collect()
}

/// Asserts that whatever is written rides, at the first sleep of each execution: no request is one more, and no sleep goes by without.
fn assert_rides(report: &Value) {
    let invocations = list(report, "invocations");
    for execution in list(report, "executions") {
        let own = |invocation: &&Value| invocation["execution_arn"] == execution["arn"];
        let first = invocations.iter().find(own).unwrap();
        let rode = first["checkpoint_by"] == "ride";
        assert_eq!(rode, first["status"] == "PENDING", "{first}");
    }
    for invocation in invocations {
        let (name, means) = (
            &invocation["checkpoint_written"],
            &invocation["checkpoint_by"],
        );
        assert!(
            name.is_null() && means.is_null() || means == "ride",
            "{invocation}"
        );
    }
}

#[test]
fn every_workflow_is_one_trace_under_one_anchor() {
    for (workflow, status, invocations, written, result) in [
        ("order", "SUCCEEDED", 3, 1, None),
        (
            "step-wait-step",
            "SUCCEEDED",
            2,
            1,
            Some(r#"{"a": {"a": 1}, "b": {"b": 2}}"#),
        ),
        ("three-waits", "SUCCEEDED", 4, 1, Some(r#""done""#)),
        ("step-retry", "SUCCEEDED", 3, 1, Some(r#""ok""#)),
        ("callback", "SUCCEEDED", 2, 1, Some(r#""got approved""#)),
        ("create-callback", "SUCCEEDED", 2, 1, Some(r#""approved""#)),
        ("invoke", "SUCCEEDED", 2, 1, Some(r#"{"x": 1}"#)),
        ("parallel-waits", "SUCCEEDED", 4, 1, Some("[1, 11, 21]")),
        ("map-items", "SUCCEEDED", 2, 1, Some("[2, 4, 6, 8, 10]")),
        ("child-wait", "SUCCEEDED", 2, 1, Some("16")),
        ("condition", "SUCCEEDED", 3, 1, Some(r#"{"polls": 3}"#)),
        ("no-suspend", "SUCCEEDED", 1, 0, Some("2")),
        ("suspend-then-fail", "FAILED", 2, 1, None),
        ("step-fail-after-wait", "FAILED", 2, 1, None),
        ("resampled", "SUCCEEDED", 3, 2, Some("3")),
    ] {
        let report = demo(workflow);
        assert_eq!(report["workflow"], workflow);
        assert!(serde_json::from_str::<Value>(report["input"].as_str().unwrap()).is_ok());
        assert_eq!(report["status"], status, "{workflow}");
        if let Some(result) = result {
            assert_eq!(report["result"], result, "{workflow}");
        }
        assert_eq!(
            list(&report, "invocations").len(),
            invocations,
            "{workflow}"
        );

        let traces: HashSet<_> = list(&report, "spans")
            .iter()
            .map(|s| &s["trace_id"])
            .collect();
        assert_eq!(traces.len(), 1, "{workflow}");
        let ids: HashSet<_> = list(&report, "spans")
            .iter()
            .map(|s| &s["span_id"])
            .collect();
        for span in list(&report, "spans") {
            let parent = &span["parent_id"];
            assert!(
                parent == "0" || ids.contains(parent),
                "{workflow}: orphan {span}"
            );
            assert!(span["invocation"].is_u64(), "{workflow}: {span}");
        }

        let lambdas = named(&report, "aws.lambda");
        let executes = named(&report, "aws.durable.execute");
        assert_eq!(lambdas.len(), invocations, "{workflow}");
        assert_eq!(executes.len(), invocations, "{workflow}");
        for lambda in &lambdas[1..] {
            assert_eq!(lambda["parent_id"], executes[0]["span_id"], "{workflow}");
        }

        let checkpoints = checkpoints(&report);
        assert_eq!(checkpoints.len(), written, "{workflow}");
        for (n, checkpoint) in checkpoints.iter().enumerate() {
            assert_eq!(checkpoint["name"], format!("_datadog_{n}"), "{workflow}");
            let headers: Value =
                serde_json::from_str(checkpoint["result"].as_str().unwrap()).unwrap();
            assert_eq!(
                headers["x-datadog-parent-id"], executes[0]["span_id"],
                "{workflow}"
            );
        }
        assert_rides(&report);
        for (index, invocation) in list(&report, "invocations").iter().enumerate() {
            assert_eq!(invocation["index"], index, "{workflow}");
            let is_last = index + 1 == invocations;
            assert_eq!(invocation["status"] != "PENDING", is_last, "{workflow}");
            assert!(
                !is_last || invocation["checkpoint_written"].is_null(),
                "{workflow}"
            );
            assert_eq!(invocation["context"].is_null(), index == 0, "{workflow}");
        }
    }
}

#[test]
fn the_callers_trace_goes_on_through_two_executions() {
    let report = demo("caller");
    assert_eq!(report["status"], "SUCCEEDED");
    assert_rides(&report);
    assert_eq!(list(&report, "executions").len(), 2);
    let traces: HashSet<&str> = list(&report, "spans")
        .iter()
        .filter_map(|span| span["trace_id"].as_str())
        .collect();
    assert_eq!(traces, HashSet::from(["6b02ac840000000024003213d8813361"]));
    let lambdas = named(&report, "aws.lambda");
    assert_eq!(
        lambdas[0]["parent_id"], "1311768467463790320",
        "the caller's span"
    );
    let sources: Vec<&str> = list(&report, "invocations")
        .iter()
        .filter_map(|invocation| invocation["context"]["source"].as_str())
        .collect();
    assert_eq!(
        sources,
        [
            "headers",
            "_datadog_0",
            "datadog",
            "_datadog_0",
            "_datadog_0",
            "_datadog_0"
        ]
    );
    let invoked = &list(&report, "executions")[1]["arn"];
    let first = list(&report, "invocations")
        .iter()
        .find(|invocation| invocation["execution_arn"] == *invoked)
        .unwrap();
    let parent = &first["context"]["parent_id"];
    let invoke = named(&report, "aws.durable.invoke")
        .into_iter()
        .find(|span| span["span_id"] == *parent)
        .unwrap();
    assert_eq!(
        invoke["meta"]["aws.durable.invoke.function_name"],
        "billing"
    );
    assert_eq!(checkpoints(&report).len(), 2, "one an execution");
}

#[test]
fn riding_adds_no_call_and_calling_adds_one() {
    let calls = |workflow, name, value| {
        let mut command = command(&["demo", workflow, "--format", "json"]);
        command.env(name, value);
        let report = finish(command, b"").json();
        let calls = list(&report, "invocations").iter();
        let count: usize = calls
            .map(|i| i["api_calls"].as_array().unwrap().len())
            .sum();
        (count, checkpoints(&report).len())
    };
    for workflow in ["step-wait-step", "three-waits"] {
        let (plain, none) = calls(
            workflow,
            "DD_DURABLE_CROSS_INVOCATION_TRACING_ENABLED",
            "false",
        );
        assert_eq!(none, 0, "{workflow}: switched off");
        for (mode, added) in [("ride", 0), ("call", 1)] {
            let got = calls(workflow, "DURABLE_TRACE_CHECKPOINT_MODE", mode);
            assert_eq!(got, (plain + added, 1), "{workflow}: {mode}");
        }
    }
}

#[test]
fn the_resumed_context_names_its_checkpoint() {
    let report = demo("resampled");
    let invocations = list(&report, "invocations");
    assert_eq!(invocations[1]["context"]["source"], "_datadog_0");
    assert_eq!(invocations[2]["context"]["source"], "_datadog_1");
    let headers: Vec<Value> = checkpoints(&report)
        .iter()
        .map(|c| serde_json::from_str(c["result"].as_str().unwrap()).unwrap())
        .collect();
    assert_ne!(
        headers[0]["x-datadog-sampling-priority"],
        headers[1]["x-datadog-sampling-priority"]
    );
    assert_eq!(
        headers[0]["x-datadog-parent-id"],
        headers[1]["x-datadog-parent-id"]
    );
}

#[test]
fn a_users_own_span_hangs_under_the_step_that_opened_it() {
    let report = demo("order");
    let spans = list(&report, "spans");
    let own: Vec<_> = spans
        .iter()
        .filter(|s| s["resource"] == "card.authorize")
        .collect();
    assert_eq!(own.len(), 2, "one each attempt");
    for span in own {
        let parent = spans
            .iter()
            .find(|s| s["span_id"] == span["parent_id"])
            .unwrap();
        assert_eq!(parent["name"], "aws.durable.step");
        assert_eq!(parent["resource"], "payment");
    }
}

#[test]
fn the_tree_is_plain_text_on_a_pipe() {
    let ran = run(&["demo", "step-wait-step"], "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.stdout.contains('\u{1b}'), "no colour: {}", ran.stdout);
    assert!(
        !ran.stderr.contains('\u{1b}'),
        "no progress: {}",
        ran.stderr
    );
    assert!(
        ran.stdout
            .starts_with("step-wait-step succeeded: 2 invocations"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("invocation 1 resumed from _datadog_0"),
        "{}",
        ran.stdout
    );
}

#[test]
fn without_spans_the_demo_fails_and_says_why() {
    let mut command = command(&["demo", "no-suspend", "--format", "json"]);
    command.env("DD_TRACE_ENABLED", "false");
    let ran: Ran = finish(command, b"");
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.json()["status"], "SUCCEEDED", "what there is is shown");
    assert!(ran.stderr.contains("no spans came"), "{}", ran.stderr);
}

#[test]
fn an_agent_out_of_reach_is_a_failure_with_its_address() {
    let ran = run(&["demo", "no-suspend", "--agent", "http://127.0.0.1:1"], "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("http://127.0.0.1:1"), "{}", ran.stderr);
    assert!(
        ran.stdout.contains("aws.durable.execute"),
        "the tree is shown all the same"
    );
}

#[test]
fn an_agent_gets_the_payloads_as_well() {
    let agent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", agent.local_addr().unwrap());
    let requests = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for connection in agent.incoming() {
            let (head, body) = answer(&connection.unwrap());
            if head.starts_with("GET /end ") {
                break;
            }
            requests.push((head, body));
        }
        requests
    });
    let ran = run(&["demo", "no-suspend", "--agent", &url], "");
    let mut end = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    end.write_all(b"GET /end HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let requests = requests.join().unwrap();
    assert!(!requests.is_empty());
    for (head, body) in requests {
        assert!(head.starts_with("PUT /v0.4/traces HTTP/1.1"), "{head}");
        assert!(
            head.to_lowercase().contains("datadog-meta-lang: rust"),
            "{head}"
        );
        assert!(body > 0, "{head}");
    }
}

#[test]
fn otlp_json_holds_every_span() {
    let ran = run(&["demo", "no-suspend", "--format", "otlp-json"], "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report = ran.json();
    let scopes = &report["resourceSpans"][0]["scopeSpans"][0];
    assert!(scopes["spans"].as_array().unwrap().len() >= 4, "{scopes}");
}

#[test]
fn a_page_shows_the_spans_and_behind_them_the_log_of_each_execution() {
    let page = scratch("demo.html");
    let args = [
        "demo",
        "caller",
        "--format",
        "json",
        "--html",
        page.to_str().unwrap(),
    ];
    let ran = run(&args, "");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let report = ran.json();
    let data = page_data(&page);
    let views = list(&data, "views");
    assert_eq!(views[0]["label"], "Trace");
    assert_eq!(views.len(), 1 + list(&report, "executions").len());
    let timeline = &views[0]["timeline"];
    let mut drawn: Vec<&str> = list(timeline, "rows")
        .iter()
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    let mut came: Vec<&str> = list(&report, "spans")
        .iter()
        .map(|span| span["span_id"].as_str().unwrap())
        .collect();
    drawn.sort_unstable();
    came.sort_unstable();
    assert_eq!(drawn, came);
    // The local service's clock saw none of it.
    assert!(timeline["running_us"].as_i64().unwrap() > 0, "{timeline}");
    for view in &views[1..] {
        let label = view["label"].as_str().unwrap();
        assert!(label.starts_with("Operations"), "{label}");
        assert_eq!(view["timeline"]["execution"]["status"], "SUCCEEDED");
    }
}
