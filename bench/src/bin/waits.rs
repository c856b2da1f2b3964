//! An execution of so many waits, one after the other, on the local service: what each suspension costs.
//!
//! `waits MODE COUNT` with MODE `untraced`, `ride`, `call` or `none` prints one line of JSON. Traced, the spans go to the
//! agent that `DD_TRACE_AGENT_URL` names.

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use aws_durable_execution_sdk::{BoxError, DurableContext};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
use durable_trace::{CheckpointMode, Options};
use durable_trace_local::{Config, ExecutionStatus, Function, FunctionError, Invocation, Service};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt as _;

const FUNCTION: &str = "waits";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, count] = arguments.as_slice() else {
        return Err("usage: waits MODE COUNT".into());
    };
    let count = count.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(run(mode, count))?;
    println!("{report}");
    Ok(())
}

async fn run(mode: &str, count: usize) -> Result<Value, Box<dyn Error>> {
    let service = Service::start(Config::default()).await?;
    let client = client(&service);
    let took: Arc<Mutex<Vec<Duration>>> = Arc::default();
    let mode = match mode {
        "untraced" => None,
        "ride" => Some(CheckpointMode::Ride),
        "call" => Some(CheckpointMode::Call),
        "none" => Some(CheckpointMode::None),
        _ => return Err(format!("no mode {mode}").into()),
    };
    let function = match mode {
        None => {
            let options = aws_durable_execution_sdk::Options::builder().lambda_client(client);
            let service = aws_durable_execution_sdk::wrap(
                move |_: Value, ctx| waits(ctx, count),
                options.build()?,
            );
            watched(&took, move |invocation| {
                let payload = serde_json::from_str(invocation.payload.get()).expect("an event");
                service(LambdaEvent::new(payload, context(&invocation)))
            })
        }
        Some(mode) => {
            let options = Options::builder()
                .lambda_client(client)
                .checkpoint_mode(mode);
            let service =
                durable_trace::wrap(move |_: Value, ctx| waits(ctx, count), options.build()?);
            watched(&took, move |invocation| {
                let context = context(&invocation);
                service(LambdaEvent::new(invocation.payload.into(), context))
            })
        }
    };
    if mode.is_some() {
        let subscriber = tracing_subscriber::registry().with(durable_trace::layer());
        tracing::subscriber::set_global_default(subscriber)?;
    }
    service.register(FUNCTION, function);
    let arn = service
        .start_execution(FUNCTION, Some("null".to_owned()), None)
        .await?;
    let ended = service.ended(&arn).await;
    if ended.status != ExecutionStatus::Succeeded {
        return Err(format!("{ended:?}").into());
    }
    let calls = service.calls();
    let called = |operation: &str| {
        calls
            .iter()
            .filter(|call| call.operation == operation)
            .count()
    };
    let sent: usize = calls
        .iter()
        .map(|call| call.request.to_string().len())
        .sum();
    let took = took.lock().map_err(|_| "a function panicked")?;
    Ok(json!({
        "invocations": took.len(),
        "checkpoint_calls": called("CheckpointDurableExecution"),
        "state_calls": called("GetDurableExecutionState"),
        "request_bytes": sent,
        "operations": service.operations(&arn).len(),
        "microseconds": took.iter().map(|took| took.as_secs_f64() * 1e6).collect::<Vec<_>>(),
    }))
}

async fn waits(ctx: DurableContext, count: usize) -> Result<usize, BoxError> {
    for _ in 0..count {
        ctx.wait(Duration::from_secs(1)).await?;
    }
    Ok(count)
}

/// A function that notes how long each of its invocations takes.
fn watched<S>(took: &Arc<Mutex<Vec<Duration>>>, service: S) -> Function
where
    S: Fn(Invocation) -> durable_trace::InvocationFuture + Send + Sync + 'static,
{
    let took = Arc::clone(took);
    Function::in_process(move |invocation| {
        let began = Instant::now();
        let answer = service(invocation);
        let took = Arc::clone(&took);
        async move {
            let answer = answer.await;
            took.lock().expect("nobody panics").push(began.elapsed());
            let answer = answer.map_err(|error| FunctionError::new("Error", error.to_string()))?;
            serde_json::to_value(answer)
                .map_err(|error| FunctionError::new("Error", error.to_string()))
        }
    })
}

fn context(invocation: &Invocation) -> Context {
    let deadline = SystemTime::now() + Duration::from_mins(1);
    let deadline = deadline
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a clock");
    let mut context = Context::default();
    context.request_id.clone_from(&invocation.request_id);
    context.deadline = u64::try_from(deadline.as_millis()).expect("before the year 500,000,000");
    context
        .invoked_function_arn
        .clone_from(&invocation.function_arn);
    context
}

fn client(service: &Service) -> Client {
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new("local", "local", None, None, "bench"))
        .endpoint_url(service.endpoint())
        .region(Region::new(service.region().to_owned()));
    Client::from_conf(config.build())
}
