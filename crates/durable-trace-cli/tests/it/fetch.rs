//! Reading executions through the API, from the local service and from one that refuses.

use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use axum::Router;
use axum::http::StatusCode;
use durable_trace_history::{FetchErrorKind, History, Reader, Timeline, UnixMicros, Viewpoint};
use durable_trace_local::{Config, Function, Service};
use serde_json::json;
use tokio::net::TcpListener;

use crate::program::{command, finish};

/// A client of AWS's that asks at `endpoint`, once.
pub(crate) fn client(endpoint: &str) -> Client {
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .retry_config(RetryConfig::disabled())
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .build();
    Client::from_conf(config)
}

/// A local service with the demo's `workflow`, untraced.
pub(crate) async fn service(workflow: &str) -> Service {
    let service = Service::start(Config::default()).await.unwrap();
    let function = Function::process(env!("CARGO_BIN_EXE_durable-trace"), ["function", workflow])
        .env("DD_TRACE_ENABLED", "false")
        .env("RUST_LOG", "off");
    service.register(workflow, function);
    service
}

/// An execution of the function, run to its end.
pub(crate) async fn run(service: &Service, workflow: &str, payload: &str) -> String {
    let started = service.start_execution(workflow, Some(payload.to_owned()), None);
    let arn = started.await.unwrap();
    service.ended(&arn).await;
    arn
}

pub(crate) const ORDER: &str = r#"{"order":"A-1001","amount":42}"#;

#[tokio::test]
async fn an_execution_read_through_the_api_is_the_one_that_the_cli_prints() {
    let service = service("order").await;
    let arn = run(&service, "order", ORDER).await;
    let mut pages = Vec::new();
    let reader = Reader::new(client(&service.endpoint())).in_pages_of(4);
    let read = reader
        .history(&arn, |so_far| pages.push((so_far.pages, so_far.items)))
        .await
        .unwrap();
    let events = service.history(&arn);
    assert!(events.len() > 8, "three pages at least: {}", events.len());
    assert_eq!(pages[..2], [(1, 4), (2, 8)]);
    assert_eq!(
        pages.last(),
        Some(&(events.len().div_ceil(4), events.len()))
    );

    let record = service.execution(&arn).unwrap();
    let printed = json!({
        "DurableExecutionArn": arn,
        "DurableExecutionName": record.name,
        "Status": "SUCCEEDED",
        "Events": events,
    });
    let printed = History::parse(&printed.to_string()).unwrap();
    let viewpoint = Viewpoint::default();
    let mut timeline = Timeline::of(&read, &viewpoint);
    // The function's ARN stands in `GetDurableExecution` in full.
    assert_eq!(timeline.execution.function.take().as_deref(), Some("order"));
    let mut want = Timeline::of(&printed, &viewpoint);
    want.execution.function = None;
    assert_eq!(timeline, want);
    assert!(timeline.checkpoints.is_empty(), "untraced");
}

#[tokio::test]
async fn a_functions_executions_are_listed_oldest_first() {
    let service = service("no-suspend").await;
    let first = run(&service, "no-suspend", "1").await;
    let second = run(&service, "no-suspend", "2").await;
    let reader = Reader::new(client(&service.endpoint())).in_pages_of(1);
    let list = async |since| {
        let mut pages = 0;
        let listed = reader.executions("no-suspend", since, |_| pages += 1).await;
        let listed: Vec<(String, String)> = listed
            .unwrap()
            .into_iter()
            .map(|execution| (execution.arn, execution.status))
            .collect();
        (pages, listed)
    };
    let succeeded = |arn: &str| (arn.to_owned(), "SUCCEEDED".to_owned());
    assert_eq!(
        list(None).await,
        (2, vec![succeeded(&first), succeeded(&second)])
    );
    let (_, none) = list(Some(UnixMicros(250_000_000_000_000_000))).await;
    assert_eq!(none, [], "nothing started after the year 9892");
}

#[tokio::test]
async fn what_is_not_there_is_said_so_with_where_to_look() {
    let service = service("no-suspend").await;
    let reader = Reader::new(client(&service.endpoint()));
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:f:1/durable-execution/n/i";
    let error = reader.history(arn, |_| ()).await.unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::NotFound);
    let message = error.to_string();
    for part in ["GetDurableExecution of", arn, "no such execution", "region"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let error = reader.executions("f", None, |_| ()).await.unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::NotFound);
    assert!(error.to_string().contains("no such function"), "{error}");
}

#[tokio::test]
async fn a_missing_permission_is_named_with_its_resource() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let refuse = || async {
        (
            StatusCode::FORBIDDEN,
            [("x-amzn-errortype", "AccessDeniedException")],
            r#"{"Message":"User: arn:aws:iam::1:user/u is not authorized"}"#,
        )
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(refuse)).await });
    let reader = Reader::new(client(&endpoint));
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:f:1/durable-execution/n/i";
    let error = reader.history(arn, |_| ()).await.unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::AccessDenied);
    let message = error.to_string();
    for part in [
        "user/u is not authorized",
        "needs lambda:GetDurableExecution on arn:aws:lambda:us-east-1:123456789012:function:f:*",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[tokio::test]
async fn nobody_at_the_endpoint_is_told_as_that() {
    // Port 1 is reserved and nothing listens there.
    let reader = Reader::new(client("http://127.0.0.1:1")).paced(Duration::from_millis(1));
    let error = reader.executions("f", None, |_| ()).await.unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::Unreachable);
    assert!(error.to_string().contains("no answer"), "{error}");
}

#[tokio::test]
async fn inspect_asks_lambda_for_an_arn() {
    let service = service("order").await;
    let arn = run(&service, "order", ORDER).await;
    let endpoint = service.endpoint();
    let ran = tokio::task::spawn_blocking(move || {
        let mut command = command(&["inspect", &arn, "--endpoint-url", &endpoint]);
        command
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local");
        finish(command, b"")
    });
    let ran = ran.await.unwrap();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(
        ran.stdout
            .starts_with("order succeeded in 3.00 s: 3 invocations"),
        "{}",
        ran.stdout
    );
}
