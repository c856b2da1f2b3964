//! A durable function that replays an event's operations and is done: what one invocation of it costs, traced and not.

use aws_durable_execution_sdk::{BoxError, DurableContext, InvocationPayload};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
use bytes::Bytes;
use durable_trace::{BodyLayer, Event, Options};
use lambda_runtime::tower::{Layer as _, ServiceExt as _, service_fn};
use lambda_runtime::{Context, LambdaEvent, LambdaInvocation};
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::{Duration, SystemTime};
use tokio::runtime::Runtime;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::event::{is_wait, own};

/// A service, and the runtime that it runs on.
pub struct Function {
    runtime: Runtime,
    invoke: Box<dyn Fn(&Bytes, &Runtime)>,
    _subscriber: Option<tracing::subscriber::DefaultGuard>,
}

impl Function {
    /// The function with the SDK alone, and no subscriber.
    pub fn untraced(operations: usize) -> Self {
        let options = aws_durable_execution_sdk::Options::builder().lambda_client(client());
        let options = options.build().expect("a client alone contradicts nothing");
        let service = aws_durable_execution_sdk::wrap(handler(operations), options);
        Self {
            runtime: runtime(),
            invoke: Box::new(move |event, runtime| {
                let payload: InvocationPayload = parse(event);
                let invocation = service(LambdaEvent::new(payload, context()));
                let answer = runtime.block_on(invocation).expect("it succeeds");
                assert!(is_success(&answer));
            }),
            _subscriber: None,
        }
    }

    /// The same function traced, by a tracer whose spans go nowhere: the exporter is not ours.
    pub fn traced(operations: usize) -> Self {
        let options = Options::builder().tracer_provider(SdkTracerProvider::builder().build());
        Self::with(operations, options)
    }

    /// The same function traced by Datadog's tracer, which sends to the agent that the environment names.
    pub fn exporting(operations: usize) -> Self {
        Self::with(operations, Options::builder())
    }

    fn with(operations: usize, options: durable_trace::OptionsBuilder) -> Self {
        let options = options.lambda_client(client());
        let options = options.build().expect("nothing contradicts");
        let service = durable_trace::wrap(handler(operations), options);
        // As `run` has it, and as `lambda_runtime` calls what it is given.
        let service = BodyLayer.layer(service_fn(move |invocation: LambdaInvocation| {
            let event: Event = parse(&invocation.body);
            service(LambdaEvent::new(event, invocation.context))
        }));
        let subscriber = tracing_subscriber::registry().with(durable_trace::layer());
        Self {
            runtime: runtime(),
            invoke: Box::new(move |event, runtime| {
                let answer = runtime.block_on(service.clone().oneshot(invocation(event)));
                let answer = answer.expect("it succeeds");
                assert!(is_success(&answer));
            }),
            _subscriber: Some(tracing::subscriber::set_default(subscriber)),
        }
    }

    /// One invocation, from the body of Lambda's request to the answer.
    pub fn invoke(&self, event: &Bytes) {
        (self.invoke)(event, &self.runtime);
    }
}

/// As `lambda_runtime` reads a body: <https://docs.rs/lambda_runtime/latest/src/lambda_runtime/deserializer.rs.html>.
pub fn parse<T: DeserializeOwned>(event: &[u8]) -> T {
    let mut deserializer = serde_json::Deserializer::from_slice(event);
    serde_path_to_error::deserialize(&mut deserializer).expect("an event")
}

fn handler(
    operations: usize,
) -> impl Fn(
    Value,
    DurableContext,
) -> std::pin::Pin<Box<dyn Future<Output = Result<String, BoxError>> + Send>>
+ Send
+ Sync
+ 'static {
    move |_, ctx| {
        Box::pin(async move {
            for number in 1..=own(operations) {
                if is_wait(number) {
                    let wait = ctx.wait(Duration::from_secs(1));
                    wait.name(format!("packing-{number}")).await?;
                } else {
                    let step =
                        ctx.step(|_| async { Err::<Value, _>(BoxError::from("not replayed")) });
                    step.name(format!("payment-{number}")).await?;
                }
            }
            Ok("done".to_owned())
        })
    }
}

fn is_success(answer: &aws_durable_execution_sdk::InvocationResponse) -> bool {
    let status = durable_trace_wire::response_status(answer).map(|answer| answer.status);
    status == Some(durable_trace_wire::ResponseStatus::Succeeded)
}

/// Never asked: what is replayed is in the event.
fn client() -> Client {
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new("nobody", "nothing", None, None, "bench"))
        .endpoint_url("http://127.0.0.1:9")
        .region(Region::new("eu-west-1"));
    Client::from_conf(config.build())
}

fn invocation(body: &Bytes) -> LambdaInvocation {
    LambdaInvocation {
        parts: http::Response::new(()).into_parts().0,
        body: body.clone(),
        context: context(),
    }
}

fn context() -> Context {
    let deadline = SystemTime::now() + Duration::from_mins(15);
    let deadline = deadline
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a clock");
    let mut context = Context::default();
    context.request_id = "8f0c2a52-7f25-4d6b-9f3e-1f1f8e0f3c2a".to_owned();
    context.deadline = u64::try_from(deadline.as_millis()).expect("before the year 500,000,000");
    context.invoked_function_arn =
        "arn:aws:lambda:eu-west-1:123456789012:function:order:1".to_owned();
    context
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}
