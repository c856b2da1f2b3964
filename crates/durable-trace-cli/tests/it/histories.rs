//! Histories that the tests of `inspect` and `export` read: recorded from the demo's functions on the local service.

use std::{fs, path::PathBuf, time::Duration};

use durable_trace_local::{CallbackAction, Clock, Config, Function, Service};
use serde_json::{Map, Value, json};

/// The demo's workflows whose histories are recorded.
pub(crate) const WORKFLOWS: [&str; 11] = [
    "callback",
    "child-wait",
    "condition",
    "invoke",
    "map-items",
    "no-suspend",
    "order",
    "parallel-waits",
    "step-fail-after-wait",
    "step-retry",
    "suspend-then-fail",
];

/// Where they are.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../durable-trace-history/tests/data/demo"
    ))
}

/// A file of them, by name.
pub(crate) fn file(name: &str) -> PathBuf {
    folder().join(name).with_extension("json")
}

/// One of the demo's functions, quiet.
pub(crate) fn function(name: &str) -> Function {
    Function::process(env!("CARGO_BIN_EXE_durable-trace"), ["function", name])
        .fresh()
        .env("AWS_LAMBDA_LOG_LEVEL", "ERROR")
        .env("DD_INSTRUMENTATION_TELEMETRY_ENABLED", "false")
        .env("DD_TRACE_AGENT_URL", "http://127.0.0.1:1")
}

/// Where the program stood is of no use, and differs from machine to machine.
fn without_stack_trace(mut event: Value) -> Value {
    let details = event.as_object_mut().into_iter().flat_map(Map::values_mut);
    for details in details {
        if let Some(error) = details
            .pointer_mut("/Error/Payload")
            .and_then(Value::as_object_mut)
        {
            error.remove("StackTrace");
        }
    }
    event
}

fn record(service: &Service, name: &str, arn: &str) {
    let execution = service.execution(arn).unwrap();
    let document = json!({
        "DurableExecutionArn": arn,
        "FunctionArn": arn.split("/durable-execution/").next(),
        "Status": execution.status,
        "Events": service.history(arn).into_iter().map(without_stack_trace).collect::<Vec<_>>(),
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap();
    text.push('\n');
    fs::create_dir_all(folder()).unwrap();
    fs::write(file(name), text).unwrap();
}

#[tokio::test]
#[ignore = "records anew: UPDATE_HISTORIES=1 cargo test -p durable-trace-cli histories:: -- --ignored"]
async fn the_demos_histories_are_recorded() {
    if std::env::var_os("UPDATE_HISTORIES").is_none() {
        return;
    }
    let config = Config::default().clock(Clock::Skip).on_callback(|_| {
        [CallbackAction::complete(
            Duration::from_hours(1),
            "\"approved\"",
        )]
    });
    let service = Service::start(config).await.unwrap();
    service.register("plain-target", function("plain-target").plain());
    for name in WORKFLOWS {
        service.register(name, function(name));
        let input = if name == "order" {
            r#"{"order":"A-1001","amount":42}"#
        } else {
            "{}"
        };
        let arn = service
            .start_execution(name, Some(input.to_owned()), None)
            .await
            .unwrap();
        service.ended(&arn).await;
        record(&service, name, &arn);
    }
    service.shutdown().await;

    let service = Service::start(Config::default().clock(Clock::Real))
        .await
        .unwrap();
    service.register("create-callback", function("create-callback"));
    let arn = service
        .start_execution("create-callback", Some("{}".into()), None)
        .await
        .unwrap();
    while service
        .invocations()
        .iter()
        .all(|invocation| invocation.ended_at.is_none())
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    record(&service, "running", &arn);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let client = client(&service);
    client
        .stop_durable_execution()
        .durable_execution_arn(&arn)
        .send()
        .await
        .unwrap();
    service.ended(&arn).await;
    record(&service, "stopped", &arn);
    service.shutdown().await;

    let config = Config::default()
        .clock(Clock::Factor(3_600.0))
        .execution_timeout(Duration::from_hours(2));
    let service = Service::start(config).await.unwrap();
    service.register("create-callback", function("create-callback"));
    let arn = service
        .start_execution("create-callback", Some("{}".into()), None)
        .await
        .unwrap();
    service.ended(&arn).await;
    record(&service, "timed-out", &arn);
    service.shutdown().await;
}

fn client(service: &Service) -> aws_sdk_lambda::Client {
    let credentials =
        aws_sdk_lambda::config::Credentials::new("local", "local", None, None, "test");
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version_latest()
        .endpoint_url(service.endpoint())
        .region(aws_sdk_lambda::config::Region::new(
            service.region().to_owned(),
        ))
        .credentials_provider(credentials)
        .build();
    aws_sdk_lambda::Client::from_conf(config)
}
