//! `inspect`: what is read, what is printed, how it ends.

use std::{fs, process::Stdio, time::Duration};

use durable_trace_local::{Clock, Config, Service};
use serde_json::Value;

use crate::{
    histories,
    program::{self, Ran, page_data, run, scratch},
};

#[test]
fn an_execution_is_shown_as_text_and_as_json() {
    let file = histories::file("order");
    let file = file.to_str().unwrap();
    let text = run(&["inspect", file], "");
    assert_eq!((text.code, text.stderr.as_str()), (Some(0), ""), "{text:?}");
    assert!(
        text.stdout
            .starts_with("order succeeded in 3.00 s: 3 invocations"),
        "{}",
        text.stdout
    );
    assert!(
        !text.stdout.contains('\u{1b}'),
        "no colour but on a terminal"
    );

    let json = run(
        &[
            "inspect",
            file,
            "--format",
            "json",
            "--site",
            "us3.datadoghq.com",
        ],
        "",
    )
    .json();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["rows"].as_array().unwrap().len(), 6);
    let url = json["trace"]["url"].as_str().unwrap();
    assert!(
        url.starts_with("https://us3.datadoghq.com/apm/trace/"),
        "{url}"
    );
}

#[test]
fn a_page_holds_the_timeline_that_json_prints() {
    let file = histories::file("order");
    let page = scratch("inspect.html");
    let args = ["inspect", file.to_str().unwrap(), "--format", "json"];
    let ran = run(
        &[&args[..], &["--html", page.to_str().unwrap()]].concat(),
        "",
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stderr.contains("inspect.html"),
        "where it is: {}",
        ran.stderr
    );
    let data = page_data(&page);
    assert_eq!(data["views"][0]["label"], "Operations");
    assert_eq!(data["views"][0]["timeline"], ran.json());
    assert_eq!(data["live"], Value::Null);
}

#[test]
fn a_page_that_cannot_be_written_is_a_failure_with_its_name() {
    let file = histories::file("order");
    let ran = run(
        &[
            "inspect",
            file.to_str().unwrap(),
            "--html",
            "/nowhere/page.html",
        ],
        "",
    );
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stderr.contains("writing /nowhere/page.html"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stdout.starts_with("order succeeded"),
        "the rest was done: {}",
        ran.stdout
    );
}

#[test]
fn a_history_comes_from_stdin_too() {
    let text = fs::read_to_string(histories::file("no-suspend")).unwrap();
    let ran = run(&["inspect", "-"], text);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stdout.starts_with("no-suspend succeeded"),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_is_no_history_is_told_of_and_ends_in_1() {
    for (input, want) in [
        (
            "{",
            "durable-trace: reading stdin: expected JSON: EOF while parsing an object at line 1 column 1\n",
        ),
        (
            r#"{"Events": [{}]}"#,
            "durable-trace: reading stdin: Events[0]: missing field `EventType`\n",
        ),
    ] {
        let ran = run(&["inspect", "-"], input);
        assert_eq!(
            (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
            (Some(1), "", want)
        );
    }
    let ran = run(&["inspect", "no/such/file.json"], "");
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr
            .starts_with("durable-trace: reading no/such/file.json: "),
        "{}",
        ran.stderr
    );
}

/// docs/timeline.md names every key of the format, and none that is not there.
#[test]
fn the_document_names_every_key_of_the_format() {
    let document = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/timeline.md"
    ))
    .unwrap();
    let mut named: Vec<&str> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(key, _)| key)
        .collect();
    named.sort_unstable();

    let mut keys = std::collections::BTreeSet::new();
    for name in histories::WORKFLOWS
        .iter()
        .chain(&["running", "stopped", "timed-out"])
    {
        let file = histories::file(name);
        let timeline = run(&["inspect", file.to_str().unwrap(), "--format", "json"], "").json();
        collect(&timeline, "", &mut keys);
    }
    // What no history of the demo has, each of them tested in the history crate.
    let more = [
        "invocations[].error.message",
        "invocations[].error.type",
        "warnings[].kind",
        "warnings[].message",
    ];
    keys.extend(more.map(str::to_owned));
    assert_eq!(named, keys.iter().map(String::as_str).collect::<Vec<_>>());
}

/// The paths of all keys below `value`.
fn collect(value: &Value, path: &str, keys: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Array(elements) => {
            for element in elements {
                collect(element, &format!("{path}[]"), keys);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                // Their keys are data.
                let below = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                if key != "details" && key != "tags" {
                    collect(value, &below, keys);
                }
                keys.insert(below);
            }
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_is_followed_until_it_has_ended() {
    let service = Service::start(Config::default().clock(Clock::Real))
        .await
        .unwrap();
    service.register("create-callback", histories::function("create-callback"));
    let arn = service
        .start_execution("create-callback", Some("{}".into()), None)
        .await
        .unwrap();
    let mut command = program::command(&[
        "inspect",
        &arn,
        "--endpoint-url",
        &service.endpoint(),
        "--follow",
    ]);
    command
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let is_asleep = || {
        let invocations = service.invocations();
        invocations
            .iter()
            .any(|invocation| invocation.ended_at.is_some())
    };
    while !is_asleep() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let callback = service.callbacks(&arn).pop().unwrap();
    // Seen before the answer, or with it: the lines tell the same.
    service
        .complete_callback(&callback.callback_id, "\"yes\"")
        .await
        .unwrap();
    let ran: Ran = tokio::task::spawn_blocking(|| child.wait_with_output())
        .await
        .unwrap()
        .unwrap()
        .into();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let at = |end: &str| {
        lines
            .iter()
            .position(|line| line.ends_with(end))
            .unwrap_or_else(|| panic!("{end}: {lines:#?}"))
    };
    let answered = lines
        .iter()
        .position(|line| line.contains("callback ext succeeded"))
        .unwrap();
    assert!(answered < at("create-callback succeeded"), "{lines:#?}");
    assert!(
        ran.stdout.contains("\ncreate-callback succeeded in "),
        "the whole comes last: {lines:#?}"
    );
}

#[test]
fn stdin_cannot_be_followed() {
    let ran = run(&["inspect", "-", "--follow"], "{}");
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.stderr,
        "durable-trace: stdin is read once: --follow needs an ARN or a file\n"
    );
}

#[test]
fn rows_are_the_spans_of_a_view_where_one_is_asked_for() {
    let file = histories::file("order");
    let file = file.to_str().unwrap();
    let names = |view: &str| -> Vec<String> {
        let ran = run(&["inspect", file, "--view", view, "--format", "json"], "").json();
        let rows = ran["rows"].as_array().unwrap();
        assert!(rows.iter().all(|row| row["kind"] == "span"), "{rows:#?}");
        rows.iter()
            .map(|row| row["type"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("datadog")[..2], ["aws.durable.execute", "aws.lambda"]);
    assert_eq!(
        names("execution")[..3],
        ["Workflow", "Invocation", "validation"]
    );
    assert!(names("invocation").contains(&"payment attempt 2".to_owned()));

    let events = run(&["inspect", file, "--view", "execution"], "");
    assert!(events.stdout.contains("Workflow"), "{events:?}");
    let unknown = run(
        &["inspect", "-", "--view", "execution"],
        r#"{"Events": [{"EventType": "ExecutionStarted", "EventId": 1, "EventTimestamp": 1}]}"#,
    );
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("--arn"), "{unknown:?}");
}
