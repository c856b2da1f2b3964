//! Functions that invoke functions.

use std::time::Duration;

use aws_durable_execution_sdk::DurableContext;
use durable_trace_local::{Config, Function, FunctionError, Service};
use serde_json::Value;

use crate::support::{event_types, register, start};

/// Registers `caller`, which invokes the function that its input names.
fn register_caller(service: &Service) {
    register(
        service,
        "caller",
        |target: String, ctx: DurableContext| async move {
            let answer = ctx
                .invoke::<Value, _>(target, serde_json::json!({"x": 1}))
                .name("call")
                .await;
            match answer {
                Ok(answer) => Ok(answer),
                Err(error) => Ok(Value::String(error.to_string())),
            }
        },
    );
}

fn echo() -> Function {
    let echo = |invocation: durable_trace_local::Invocation| async move {
        serde_json::from_str(invocation.payload.get())
            .map_err(|error| FunctionError::new("Echo", error.to_string()))
    };
    Function::in_process(echo).plain()
}

#[tokio::test]
async fn a_plain_function_answers_its_caller() {
    let service = start(Config::default()).await;
    register_caller(&service);
    service.register("echo", echo());
    let arn = service
        .start_execution("caller", Some("\"echo\"".to_owned()), None)
        .await
        .unwrap();
    assert_eq!(
        service.ended(&arn).await.result.as_deref(),
        Some(r#"{"x":1}"#)
    );
    assert_eq!(
        event_types(&service, &arn),
        [
            "ExecutionStarted",
            "ChainedInvokeStarted",
            "InvocationCompleted",
            "ChainedInvokeSucceeded",
            "InvocationCompleted",
            "ExecutionSucceeded",
        ]
    );
}

#[tokio::test]
async fn a_durable_function_sleeps_while_its_caller_sleeps() {
    let service = start(Config::default()).await;
    register_caller(&service);
    register(
        &service,
        "target",
        |input: Value, ctx: DurableContext| async move {
            ctx.wait(Duration::from_mins(1)).await?;
            Ok(input)
        },
    );
    let payload = Some("\"target:$LATEST\"".to_owned());
    let arn = service
        .start_execution("caller", payload, None)
        .await
        .unwrap();
    assert_eq!(
        service.ended(&arn).await.result.as_deref(),
        Some(r#"{"x":1}"#)
    );
    let executions = service.executions();
    let functions: Vec<&str> = executions
        .iter()
        .map(|execution| execution.function.as_str())
        .collect();
    assert_eq!(functions, ["caller", "target"]);
    let started = &service.history(&arn)[1]["ChainedInvokeStartedDetails"];
    assert_eq!(started["DurableExecutionArn"], executions[1].arn.as_str());
    assert_eq!(started["ExecutedVersion"], "$LATEST");
}

#[tokio::test]
async fn a_target_that_fails_is_an_error_to_its_caller() {
    let service = start(Config::default()).await;
    register_caller(&service);
    let broken = |_| async { Err(FunctionError::new("Broken", "no luck")) };
    service.register("broken", Function::in_process(broken).plain());
    for target in ["broken", "nobody"] {
        let arn = service
            .start_execution("caller", Some(format!("\"{target}\"")), None)
            .await
            .unwrap();
        assert_eq!(service.ended(&arn).await.status, "SUCCEEDED", "{target}");
        assert_eq!(service.operations(&arn)[0].status, "FAILED", "{target}");
    }
}
