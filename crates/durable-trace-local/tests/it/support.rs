//! A service with AWS's client and functions written with AWS's SDK.

use std::sync::Arc;

use aws_durable_execution_sdk::{BoxError, DurableContext, Options, wrap};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
use durable_trace_local::{Config, Function, FunctionError, Invocation, Service};
use lambda_runtime::{Context, LambdaEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Starts a service.
pub(crate) async fn start(config: Config) -> Service {
    Service::start(config).await.unwrap()
}

/// AWS's client, set to talk to the service.
pub(crate) fn client(service: &Service) -> Client {
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .endpoint_url(service.endpoint())
        .build();
    Client::from_conf(config)
}

/// Registers a durable function that is written with AWS's SDK and runs in this process.
pub(crate) fn register<F, E, Fut, O>(service: &Service, name: &str, handler: F)
where
    F: Fn(E, DurableContext) -> Fut + Send + Sync + 'static,
    E: DeserializeOwned + Send + 'static,
    Fut: Future<Output = Result<O, BoxError>> + Send + 'static,
    O: Serialize + Send + 'static,
{
    service.register(name, durable(service, handler));
}

/// A durable function that is written with AWS's SDK and runs in this process.
pub(crate) fn durable<F, E, Fut, O>(service: &Service, handler: F) -> Function
where
    F: Fn(E, DurableContext) -> Fut + Send + Sync + 'static,
    E: DeserializeOwned + Send + 'static,
    Fut: Future<Output = Result<O, BoxError>> + Send + 'static,
    O: Serialize + Send + 'static,
{
    let options = Options::builder()
        .lambda_client(client(service))
        .build()
        .unwrap();
    let wrapped = Arc::new(wrap(handler, options));
    Function::in_process(move |invocation| {
        let wrapped = Arc::clone(&wrapped);
        async move {
            let payload = serde_json::from_str(invocation.payload.get()).map_err(fault)?;
            let answer = wrapped(LambdaEvent::new(payload, context(&invocation)))
                .await
                .map_err(fault)?;
            serde_json::to_value(answer).map_err(fault)
        }
    })
}

fn context(invocation: &Invocation) -> Context {
    let mut context = Context::default();
    context.request_id.clone_from(&invocation.request_id);
    context.deadline = invocation.deadline.as_millis();
    context
        .invoked_function_arn
        .clone_from(&invocation.function_arn);
    context
}

fn fault(error: impl std::fmt::Display) -> FunctionError {
    FunctionError::new("Fault", error.to_string())
}

/// The types of the history's events, in order.
pub(crate) fn event_types(service: &Service, arn: &str) -> Vec<String> {
    let name = |event: &Value| event["EventType"].as_str().unwrap().to_owned();
    service.history(arn).iter().map(name).collect()
}
