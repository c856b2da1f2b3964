//! The example as it is: a process that the local service invokes with the events that EventBridge would bring, and a collector that says
//! what reached it.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "what fails here fails the test"
)]

use std::sync::{Arc, Mutex};

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{OperationAction, OperationType, OperationUpdate, WaitOptions};
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use durable_trace_local::{Config, Function, FunctionError, Service};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The event as AWS documents it; its ARN stands for that of an execution here.
const EVENT: &str = include_str!("../data/status-change.json");

type Received = Arc<Mutex<Vec<Value>>>;

struct World {
    service: Service,
    client: Client,
    received: Received,
}

impl World {
    async fn start() -> Self {
        let received = Received::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let collector = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/v1/traces", post(keep))
            .with_state(Arc::clone(&received));
        tokio::spawn(async move { axum::serve(listener, router).await });

        let service = Service::start(Config::default()).await.unwrap();
        let client = client(&service);
        let of_function = client.clone();
        let sleeper = Function::in_process(move |invocation| {
            sleep_a_minute(of_function.clone(), invocation.payload.get().to_owned())
        });
        service.register("sleeper", sleeper);
        // Another build of it, where there is one: `examples/build`.
        let program = std::env::var("EXAMPLE_PROGRAM");
        let program = program.unwrap_or_else(|_| env!("CARGO_BIN_EXE_forwarder").to_owned());
        let forwarder = Function::process(program, [] as [&str; 0])
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
            .env("DD_ENV", "test")
            .plain();
        service.register("forwarder", forwarder);
        Self {
            service,
            client,
            received,
        }
    }

    /// Hands the forwarder an event; gives the error that it answered with.
    async fn forward(&self, arn: &str, status: &str) -> Option<String> {
        let mut event: Value = serde_json::from_str(EVENT).unwrap();
        event["detail"]["durableExecutionArn"] = json!(arn);
        event["detail"]["status"] = json!(status);
        let call = self.client.invoke().function_name("forwarder");
        let payload = Blob::new(event.to_string());
        let answer = call.payload(payload).send().await.unwrap();
        answer.function_error().map(|_| {
            let payload = answer.payload().unwrap().clone().into_inner();
            String::from_utf8(payload).unwrap()
        })
    }

    fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.received.lock().unwrap())
    }
}

async fn keep(State(received): State<Received>, body: String) -> &'static str {
    let request: Value = serde_json::from_str(&body).unwrap();
    let spans = &request["resourceSpans"][0]["scopeSpans"][0]["spans"];
    received
        .lock()
        .unwrap()
        .extend(spans.as_array().unwrap().iter().cloned());
    "{}"
}

/// AWS's client, with nothing but another endpoint.
fn client(service: &Service) -> Client {
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(service.endpoint())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .build();
    Client::from_conf(config)
}

/// A durable function that speaks the API itself, as one in any language might.
async fn sleep_a_minute(client: Client, payload: String) -> Result<Value, FunctionError> {
    let event: Value = serde_json::from_str(&payload).unwrap();
    let operations = event["InitialExecutionState"]["Operations"]
        .as_array()
        .unwrap();
    if operations.len() > 1 {
        return Ok(json!({ "Status": "SUCCEEDED", "Result": "\"rested\"" }));
    }
    let minute = WaitOptions::builder().wait_seconds(60).build();
    let wait = OperationUpdate::builder()
        .id("w")
        .name("a minute")
        .r#type(OperationType::Wait)
        .action(OperationAction::Start)
        .wait_options(minute)
        .build()
        .unwrap();
    client
        .checkpoint_durable_execution()
        .durable_execution_arn(event["DurableExecutionArn"].as_str().unwrap())
        .checkpoint_token(event["CheckpointToken"].as_str().unwrap())
        .updates(wait)
        .send()
        .await
        .unwrap();
    Ok(json!({ "Status": "PENDING" }))
}

/// Name and length in seconds of each.
fn outline(spans: &[Value]) -> Vec<(&str, u64)> {
    let nanos = |span: &Value, key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
    let length = |span| nanos(span, "endTimeUnixNano") - nanos(span, "startTimeUnixNano");
    let spans = spans.iter();
    spans
        .map(|span| (span["name"].as_str().unwrap(), length(span) / 1_000_000_000))
        .collect()
}

#[tokio::test]
async fn an_execution_that_has_ended_is_sent_whole_and_the_same_if_told_of_twice() {
    let world = World::start().await;
    let started = world.service.start_execution("sleeper", None, None);
    let arn = started.await.unwrap();
    world.service.ended(&arn).await;

    assert_eq!(world.forward(&arn, "SUCCEEDED").await, None);
    let first = world.take();
    assert_eq!(
        outline(&first),
        [
            ("aws.durable.execute", 60),
            ("aws.lambda", 0),
            ("aws.lambda", 0),
            ("aws.durable.suspended", 60),
            ("aws.durable.wait", 60),
        ]
    );
    let root = &first[0]["spanId"];
    assert!(first[1..].iter().all(|span| span["parentSpanId"] == *root));

    assert_eq!(world.forward(&arn, "SUCCEEDED").await, None);
    assert_eq!(world.take(), first, "EventBridge delivers at least once");
}

#[tokio::test]
async fn what_only_began_or_is_gone_sends_nothing_and_is_no_error() {
    let world = World::start().await;
    let gone = "arn:aws:lambda:us-east-1:123456789012:function:sleeper:1/durable-execution/n/i";
    assert_eq!(world.forward(gone, "RUNNING").await, None);
    let calls = world.service.calls();
    let asked = |operation: &str| calls.iter().any(|call| call.operation == operation);
    assert!(!asked("GetDurableExecution"), "nothing is read of it");
    assert_eq!(world.forward(gone, "STOPPED").await, None);
    assert_eq!(world.take(), Vec::<Value>::new());
}

#[tokio::test]
async fn an_event_of_something_else_is_an_error() {
    let world = World::start().await;
    let call = world.client.invoke().function_name("forwarder");
    let call = call.payload(Blob::new(r#"{"detail":{"state":"x"}}"#));
    let answer = call.send().await.unwrap();
    let payload = String::from_utf8(answer.payload().unwrap().clone().into_inner()).unwrap();
    assert!(payload.contains("durableExecutionArn"), "{payload}");
}
