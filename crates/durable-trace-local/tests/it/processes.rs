//! Functions as processes of their own: this test program starts itself.

use std::time::Duration;

use aws_durable_execution_sdk::{DurableContext, run};
use durable_trace_local::{Config, Function, Service};
use serde_json::Value;

use crate::support::start;

/// Says what the process is to do; only set by the tests here.
const ROLE: &str = "DURABLE_TRACE_TEST_ROLE";

fn process(role: &str) -> Function {
    let program = std::env::current_exe().unwrap();
    Function::process(
        program,
        [
            "--exact",
            "processes::serves_as_a_function",
            "--ignored",
            "--nocapture",
        ],
    )
    .env(ROLE, role)
}

/// Not a test: what the processes run.
#[tokio::test]
#[ignore = "it is started by the other tests, as a function"]
async fn serves_as_a_function() {
    match std::env::var(ROLE).unwrap_or_default().as_str() {
        "durable" => run(serve_durably).await.unwrap(),
        "plain" => {
            let echo = |event: lambda_runtime::LambdaEvent<Value>| async move {
                match event.payload.as_str() {
                    Some("fail") => Err(lambda_runtime::Error::from("as you wish")),
                    _ => Ok(event.payload),
                }
            };
            lambda_runtime::run(lambda_runtime::service_fn(echo))
                .await
                .unwrap();
        }
        "bad start" => std::process::exit(3),
        _ => {}
    }
}

async fn serve_durably(
    input: Value,
    ctx: DurableContext,
) -> Result<Value, aws_durable_execution_sdk::BoxError> {
    let before = std::process::id();
    let first = ctx.step(move |_| async move { Ok(before) }).await?;
    if input == "crash" && !ctx.is_replaying() && first == before {
        std::process::exit(7);
    }
    if input == "hang" && first == before {
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
    ctx.wait(Duration::from_mins(1)).await?;
    Ok(serde_json::json!({
        "same_process": first == before,
        "function": std::env::var("AWS_LAMBDA_FUNCTION_NAME")?,
        "region": std::env::var("AWS_REGION")?,
    }))
}

async fn result_of(service: &Service, function: &str, payload: &str) -> Value {
    let arn = service
        .start_execution(function, Some(payload.to_owned()), None)
        .await
        .unwrap();
    let ended = service.ended(&arn).await;
    let result = ended.result.unwrap_or_else(|| format!("{:?}", ended.error));
    serde_json::from_str(&result).unwrap_or(Value::String(result))
}

#[tokio::test]
async fn a_process_stays_warm_or_is_fresh_for_each_invocation() {
    let service = start(Config::default().region("eu-north-1")).await;
    service.register("warm", process("durable"));
    service.register("fresh", process("durable").fresh());
    let warm = result_of(&service, "warm", "1").await;
    assert_eq!(
        warm,
        serde_json::json!({"same_process": true, "function": "warm", "region": "eu-north-1"})
    );
    let fresh = result_of(&service, "fresh", "1").await;
    assert_eq!(fresh["same_process"], false);
    service.shutdown().await;
}

#[tokio::test]
async fn a_process_that_dies_is_an_exit_error_and_another_goes_on() {
    let service = start(Config::default()).await;
    service.register("f", process("durable"));
    let result = result_of(&service, "f", "\"crash\"").await;
    assert_eq!(result["same_process"], false, "{result}");
    let error = service.invocations()[0].error.clone().unwrap();
    assert_eq!(error.error_type.as_deref(), Some("Runtime.ExitError"));
    assert!(error.error_message.unwrap().contains("exit status: 7"));
}

#[tokio::test]
async fn a_process_that_takes_too_long_is_killed() {
    let service = start(Config::default().function_timeout(Duration::from_secs(1))).await;
    service.register("f", process("durable"));
    let result = result_of(&service, "f", "\"hang\"").await;
    assert_eq!(result["same_process"], false, "{result}");
    let error = service.invocations()[0].error.clone().unwrap();
    assert_eq!(error.error_type.as_deref(), Some("Sandbox.Timedout"));
    assert!(
        error
            .error_message
            .unwrap()
            .ends_with("Task timed out after 1.00 seconds")
    );
}

#[tokio::test]
async fn a_process_that_cannot_begin_fails_its_invocations() {
    let service = start(Config::default()).await;
    service.register("exits", process("bad start"));
    service.register(
        "missing",
        Function::process("/nonexistent/bootstrap", [] as [&str; 0]),
    );
    for (function, error_type) in [
        ("exits", "Runtime.ExitError"),
        ("missing", "Runtime.InvalidEntrypoint"),
    ] {
        let arn = service.start_execution(function, None, None).await.unwrap();
        let ended = service.ended(&arn).await;
        assert_eq!(ended.status, "FAILED", "{function}");
        assert_eq!(
            ended.error.unwrap().error_type.as_deref(),
            Some(error_type),
            "{function}"
        );
    }
}

#[tokio::test]
async fn overlapping_invocations_start_more_processes_up_to_a_bound() {
    for (bound, want) in [(1, 1), (3, 3)] {
        let service = start(Config::default().max_processes_per_function(bound)).await;
        service.register("pids", process("durable"));
        let mut arns = Vec::new();
        for _ in 0..3 {
            arns.push(service.start_execution("pids", None, None).await.unwrap());
        }
        let mut processes = std::collections::BTreeSet::new();
        for arn in &arns {
            assert_eq!(service.ended(arn).await.status, "SUCCEEDED");
            processes.insert(service.operations(arn)[0].result.clone());
        }
        assert_eq!(processes.len(), want, "at most {bound}");
    }
}

#[tokio::test]
async fn a_plain_process_answers_and_fails() {
    let service = start(Config::default()).await;
    service.register("echo", process("plain").plain());
    let aws = crate::support::client(&service);
    for (payload, fails) in [("{\"a\":1}", false), ("\"fail\"", true)] {
        let blob = aws_sdk_lambda::primitives::Blob::new(payload);
        let answer = aws
            .invoke()
            .function_name("echo")
            .payload(blob)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.function_error().is_some(), fails, "{payload}");
        let body = std::str::from_utf8(answer.payload().unwrap().as_ref()).unwrap();
        assert!(
            if fails {
                body.contains("as you wish")
            } else {
                body == payload
            },
            "{body}"
        );
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn processes_end_with_the_service() {
    let service = start(Config::default()).await;
    service.register("f", process("durable"));
    let arn = service.start_execution("f", None, None).await.unwrap();
    service.ended(&arn).await;
    let pid = service.operations(&arn)[0].result.clone().unwrap();
    let is_alive = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // After the name in parentheses comes the state; Z has ended and is not yet reaped.
        stat.rsplit(") ")
            .next()
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
    };
    assert!(is_alive(), "it is kept warm");
    service.shutdown().await;
    while is_alive() {
        tokio::task::yield_now().await;
    }
}
