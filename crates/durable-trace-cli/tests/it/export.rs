//! `export`: what arrives where it is sent, what stands in files, how it ends.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, http::Uri, routing::any};
use durable_trace_local::{Config, Fault, Function, Service};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::{
    fetch, histories,
    program::{Ran, command, finish, run},
};

/// Somebody who takes whatever is sent, and what that was.
struct Receiver {
    url: String,
    received: Received,
}

type Received = Arc<Mutex<Vec<(String, Bytes)>>>;

impl Receiver {
    async fn start() -> Self {
        async fn keep(State(received): State<Received>, uri: Uri, body: Bytes) -> &'static str {
            received.lock().unwrap().push((uri.path().to_owned(), body));
            "{}"
        }
        let received = Received::default();
        let router = Router::new()
            .fallback(any(keep))
            .with_state(Arc::clone(&received));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, received }
    }

    /// The bodies that came to a path since the last time.
    fn take(&self, path: &str) -> Vec<Bytes> {
        let received = std::mem::take(&mut *self.received.lock().unwrap());
        let bodies = received.into_iter().map(|(to, body)| {
            assert_eq!(to, path);
            body
        });
        bodies.collect()
    }

    fn take_otlp_spans(&self) -> Vec<Value> {
        let bodies = self.take("/v1/traces");
        let requests = bodies
            .iter()
            .map(|body| serde_json::from_slice(body).unwrap());
        requests
            .flat_map(|request: Value| otlp_spans(&request))
            .collect()
    }
}

fn otlp_spans(request: &Value) -> Vec<Value> {
    let resources = request["resourceSpans"].as_array().unwrap().iter();
    let spans = resources.map(|it| it["scopeSpans"][0]["spans"].as_array().unwrap().clone());
    spans.flatten().collect()
}

/// Name, resource and attempt of each span under its parent, with start and length in milliseconds.
fn tree(spans: &[Value]) -> String {
    fn below(spans: &[Value], parent: &str, depth: usize, from: u64, text: &mut String) {
        for span in spans.iter().filter(|span| span["parentSpanId"] == parent) {
            let nanos = |key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
            let attribute = |key: &str| {
                let attributes = span["attributes"].as_array().unwrap().iter();
                let mut found = attributes.filter(|attribute| attribute["key"] == key);
                found.next().map(|attribute| attribute["value"].clone())
            };
            let start = nanos("startTimeUnixNano");
            let from = if depth == 0 { start } else { from };
            let length = (nanos("endTimeUnixNano") - start) / 1_000_000;
            let resource = attribute("resource.name").unwrap();
            let attempt = attribute("aws.durable.operation_attempt");
            let attempt = attempt.map_or_else(String::new, |it| {
                format!(" #{}", it["intValue"].as_str().unwrap())
            });
            let error = if span["status"]["code"] == 2 {
                " error"
            } else {
                ""
            };
            let _ = writeln!(
                text,
                "{}{} {}{attempt} +{} {length}{error}",
                "  ".repeat(depth),
                span["name"].as_str().unwrap(),
                resource["stringValue"].as_str().unwrap(),
                (start - from) / 1_000_000,
            );
            let id = span["spanId"].as_str().unwrap();
            below(spans, id, depth + 1, from, text);
        }
    }
    let mut text = String::new();
    below(spans, "", 0, 0, &mut text);
    text
}

/// Runs the program beside the servers of a test.
async fn export(args: &[&str]) -> Ran {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    let run = move || {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = command(&[&["export"][..], &args].concat());
        command
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_MAX_ATTEMPTS", "1");
        finish(command, b"")
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[tokio::test]
async fn an_untraced_execution_arrives_at_a_collector_whole_and_with_the_same_ids_each_time() {
    let service = fetch::service("order").await;
    let arn = fetch::run(&service, "order", fetch::ORDER).await;
    let collector = Receiver::start().await;
    let endpoint = service.endpoint();
    let args = [
        &arn,
        "--endpoint-url",
        &endpoint,
        "--to",
        "otlp",
        &collector.url,
    ];
    let ran = export(&args).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let first = collector.take_otlp_spans();
    insta::assert_snapshot!(tree(&first), @"
    aws.durable.execute order +0 3000
      aws.lambda order +0 0
      aws.lambda order +1000 0
      aws.lambda order +3000 0
      aws.durable.suspended step payment +0 1000
      aws.durable.suspended wait packing +1000 2000
      aws.durable.step validation #0 +0 0
      aws.durable.step payment #0 +0 0 error
      aws.durable.step payment #1 +1000 0
      aws.durable.wait packing +1000 2000
      aws.durable.step shipment #0 +3000 0
    ");
    assert_eq!(tree(&first).lines().count(), first.len(), "one tree");
    let trace_id = first[0]["traceId"].as_str().unwrap();
    assert!(first.iter().all(|span| span["traceId"] == trace_id));
    let summary = format!(
        "sent {} spans of 1 execution to {}/v1/traces, trace {trace_id}\n",
        first.len(),
        collector.url
    );
    assert_eq!(ran.stdout, summary);

    export(&args).await;
    assert_eq!(collector.take_otlp_spans(), first);
}

#[tokio::test]
async fn an_agent_gets_what_a_tracer_would_send_it() {
    let agent = Receiver::start().await;
    let file = histories::file("stopped");
    let file = file.to_str().unwrap();
    let ran = export(&[file, "--to", "agent", &agent.url, "--service", "shop"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let bodies = agent.take("/v0.4/traces");
    assert_eq!(bodies.len(), 1);
    let traces: Vec<Vec<Value>> = rmp_serde::from_slice(&bodies[0]).unwrap();
    let root = &traces[0][0];
    assert_eq!(root["name"], "aws.durable.execute");
    assert_eq!(root["service"], "shop");
    assert_eq!(root["meta"]["durable_trace.source"], "history");
    assert_eq!(root["meta"]["aws.durable.execution_status"], "STOPPED");
    assert_eq!(root["error"], 1);
    assert_ne!(root["parent_id"], 0, "under the anchor");
    assert_eq!(root["metrics"]["_sampling_priority_v1"], 1.0);
}

#[tokio::test]
async fn a_trace_that_was_sampled_out_is_said_to_be_dropped() {
    let agent = Receiver::start().await;
    let text = std::fs::read_to_string(histories::file("order")).unwrap();
    let header = r#"\"x-datadog-sampling-priority\":\"1\""#;
    let text = text.replace(header, r#"\"x-datadog-sampling-priority\":\"-1\""#);
    let path = std::env::temp_dir().join(format!("sampled-out-{}.json", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let ran = export(&[path.to_str().unwrap(), "--to", "agent", &agent.url]).await;
    std::fs::remove_file(&path).unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("sampled out"), "{ran:?}");
    let traces: Vec<Vec<Value>> = rmp_serde::from_slice(&agent.take("/v0.4/traces")[0]).unwrap();
    assert_eq!(traces[0][0]["metrics"]["_sampling_priority_v1"], -1.0);
}

#[tokio::test]
async fn an_agent_that_is_not_there_is_named() {
    let file = histories::file("order");
    let file = file.to_str().unwrap();
    let ran = export(&["--to", "agent", "http://127.0.0.1:1", file]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    assert!(
        ran.stderr.contains("http://127.0.0.1:1/v0.4/traces"),
        "{ran:?}"
    );
}

#[test]
fn a_file_holds_what_was_asked_for() {
    let file = histories::file("order");
    let file = file.to_str().unwrap();
    let write = |format: &str| {
        run(
            &["export", file, "--to", "file", "-", "--format", format],
            "",
        )
        .json()
    };
    let otlp = otlp_spans(&write("otlp-json"));
    assert_eq!(otlp[0]["name"], "aws.durable.execute");
    let datadog = write("datadog-json");
    assert_eq!(datadog[0].as_array().unwrap().len(), otlp.len());
    let chrome = write("chrome");
    assert_eq!(
        chrome["traceEvents"].as_array().unwrap().len(),
        otlp.len() + 1
    );

    let path = std::env::temp_dir().join(format!("export-{}.json", std::process::id()));
    let to = path.to_str().unwrap();
    let ran = run(&["export", file, "--to", "file", to], "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stdout.starts_with("wrote 3 spans of 1 execution to "),
        "{ran:?}"
    );
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(otlp_spans(&serde_json::from_str(&text).unwrap()), otlp);
}

#[test]
fn a_history_that_does_not_tell_its_arn_needs_one() {
    let history = r#"{"Events": [
        {"EventType": "ExecutionStarted", "EventId": 1, "EventTimestamp": 1795337713, "Id": "e"},
        {"EventType": "ExecutionSucceeded", "EventId": 2, "EventTimestamp": 1795337714, "Id": "e"}
    ]}"#;
    let ran = run(&["export", "-", "--to", "file", "-"], history);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert_eq!(
        ran.stderr,
        "durable-trace: name it with --arn: the history does not tell the execution's ARN, from which the ids of its spans follow\n"
    );
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:order:1/durable-execution/n/i";
    let ran = run(&["export", "-", "--arn", arn, "--to", "file", "-"], history);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(otlp_spans(&ran.json()).len(), 1);
}

#[test]
fn an_execution_that_still_runs_is_exported_on_request_alone() {
    let file = histories::file("running");
    let file = file.to_str().unwrap();
    let ran = run(&["export", file, "--to", "file", "-"], "");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.contains("still runs"), "{ran:?}");
    let ran = run(&["export", file, "--to", "file", "-", "--running"], "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn what_live_tracing_sent_goes_twice_only_on_request_and_with_a_warning() {
    let file = histories::file("order");
    let file = file.to_str().unwrap();
    let count = |more: &[&str]| {
        let ran = run(
            &[&["export", file, "--to", "file", "-"][..], more].concat(),
            "",
        );
        (otlp_spans(&ran.json()).len(), ran.stderr.contains("twice"))
    };
    assert_eq!(count(&[]), (3, false));
    assert_eq!(count(&["--without-suspended"]), (1, false));
    assert_eq!(count(&["--all"]), (11, true));
    let text = std::fs::read_to_string(file).unwrap();
    let without = text.replace("x-datadog", "x-nobody");
    let ran = run(&["export", "-", "--to", "file", "-"], without);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("--include-execution-data"), "{ran:?}");
}

#[tokio::test]
async fn many_executions_go_out_and_one_that_fails_does_not_stop_the_rest() {
    let failing = Arc::new(Mutex::new(String::new()));
    let of_rule = Arc::clone(&failing);
    let config = Config::default().fault(move |call| {
        let is_it =
            call.operation == "GetDurableExecutionHistory" && call.arn == *of_rule.lock().unwrap();
        is_it.then_some(Fault::Throttle)
    });
    let service = Service::start(config).await.unwrap();
    let program = env!("CARGO_BIN_EXE_durable-trace");
    let function = Function::process(program, ["function", "no-suspend"])
        .env("DD_TRACE_ENABLED", "false")
        .env("RUST_LOG", "off");
    service.register("no-suspend", function);
    let mut executions = Vec::new();
    for payload in ["1", "2", "3"] {
        executions.push(fetch::run(&service, "no-suspend", payload).await);
    }
    failing.lock().unwrap().clone_from(&executions[1]);
    let collector = Receiver::start().await;
    let endpoint = service.endpoint();
    let args = [
        "--function",
        "no-suspend",
        "--since",
        "24h",
        "--endpoint-url",
        &endpoint,
        "--to",
        "otlp",
        &collector.url,
        "--rate",
        "1000",
    ];
    let ran = export(&[&args[..], &["--dry-run"]].concat()).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stdout
            .starts_with("would send 8 spans of 2 executions to "),
        "{ran:?}"
    );
    assert_eq!(
        collector.take_otlp_spans(),
        Vec::<Value>::new(),
        "nothing is sent"
    );

    let ran = export(&args).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.ends_with("; 1 failed\n"), "{ran:?}");
    assert!(ran.stderr.starts_with(&executions[1]), "{ran:?}");
    assert!(ran.stderr.contains("TooManyRequestsException"), "{ran:?}");
    let spans = collector.take_otlp_spans();
    let traces: BTreeSet<&str> = spans
        .iter()
        .map(|span| span["traceId"].as_str().unwrap())
        .collect();
    assert_eq!((traces.len(), spans.len()), (2, 8));
}

#[test]
fn names_are_those_of_the_contract() {
    let contract = include_str!("../../../../docs/contract.md");
    for name in histories::WORKFLOWS.iter().chain(&["stopped", "timed-out"]) {
        let file = histories::file(name);
        let file = file.to_str().unwrap();
        let args = [
            "export",
            file,
            "--all",
            "--include-data",
            "--to",
            "file",
            "-",
        ];
        for span in otlp_spans(&run(&args, "").json()) {
            let attributes = span["attributes"].as_array().unwrap().iter();
            let keys = attributes.map(|attribute| attribute["key"].as_str().unwrap());
            for word in keys.chain([span["name"].as_str().unwrap()]) {
                assert!(
                    contract.contains(&format!("| `{word}` |")),
                    "{word} of {name}"
                );
            }
        }
    }
}

#[test]
fn wrong_usage_says_what_was_expected() {
    for (args, part) in [
        (&["export", "--to", "agent"][..], "SOURCE"),
        (&["export", "x.json"], "--to"),
        (
            &["export", "x.json", "--to", "otlp"],
            "http://localhost:4318",
        ),
        (
            &["export", "x.json", "--to", "otlp", "https://c"],
            "http URL",
        ),
        (
            &["export", "x.json", "--to", "nowhere"],
            "agent, otlp URL or file PATH",
        ),
        (
            &["export", "x.json", "--since", "1h", "--to", "agent"],
            "--since",
        ),
        (
            &["export", "x.json", "--all", "--traced", "--to", "agent"],
            "--traced",
        ),
    ] {
        let ran = run(args, "");
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(2), ""),
            "{args:?}: {ran:?}"
        );
        assert!(ran.stderr.contains(part), "{args:?}: {ran:?}");
    }
}
