//! The API as AWS's client sees it.

use std::time::Duration;

use aws_durable_execution_sdk::DurableContext;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{ErrorObject, EventType, Execution, ExecutionStatus, InvocationType};
use durable_trace_local::{Config, Function, FunctionError, Service};
use serde_json::Value;

use crate::support::{client, register, start};

async fn started() -> Service {
    let service = start(Config::default()).await;
    register(
        &service,
        "double",
        |n: Option<u32>, ctx: DurableContext| async move {
            let Some(n) = n else {
                return Err("nothing to double".into());
            };
            ctx.wait(Duration::from_secs(1)).name("pause").await?;
            Ok(2 * n)
        },
    );
    service
}

#[tokio::test]
async fn invoke_answers_when_the_execution_has_ended() {
    let service = started().await;
    let aws = client(&service);
    for (function, qualifier) in [
        ("double", None),
        ("double:$LATEST", None),
        ("double", Some("$LATEST")),
        (
            "arn:aws:lambda:us-east-1:123456789012:function:double",
            None,
        ),
    ] {
        let invoke = aws
            .invoke()
            .function_name(function)
            .set_qualifier(qualifier.map(str::to_owned));
        let answer = invoke.payload(Blob::new("21")).send().await.unwrap();
        assert_eq!(answer.status_code(), 200, "{function}");
        assert_eq!(answer.payload().unwrap().as_ref(), b"42", "{function}");
        assert_eq!(answer.executed_version(), Some("$LATEST"), "{function}");
        let arn = answer.durable_execution_arn().unwrap();
        assert!(
            arn.contains(":function:double:$LATEST/durable-execution/"),
            "{arn}"
        );
    }
}

#[tokio::test]
async fn a_failed_execution_is_a_function_error() {
    let service = started().await;
    for payload in [None, Some(Blob::new("null"))] {
        let answer = client(&service)
            .invoke()
            .function_name("double")
            .set_payload(payload)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status_code(), 200);
        assert_eq!(answer.function_error(), Some("Unhandled"));
        let body: Value = serde_json::from_slice(answer.payload().unwrap().as_ref()).unwrap();
        assert_eq!(body["errorMessage"], "nothing to double");
    }
}

#[tokio::test]
async fn an_event_is_accepted_at_once() {
    let service = started().await;
    let invoke = client(&service)
        .invoke()
        .function_name("double")
        .invocation_type(InvocationType::Event);
    let answer = invoke.payload(Blob::new("2")).send().await.unwrap();
    assert_eq!(answer.status_code(), 202);
    let arn = answer.durable_execution_arn().unwrap();
    assert_eq!(service.ended(arn).await.result.as_deref(), Some("4"));
}

#[tokio::test]
async fn a_named_execution_is_started_once() {
    let service = started().await;
    let aws = client(&service);
    let invoke = |payload: &str| {
        aws.invoke()
            .function_name("double")
            .durable_execution_name("order-1")
            .payload(Blob::new(payload))
            .send()
    };
    let first = invoke("1").await.unwrap();
    let again = invoke("1").await.unwrap();
    assert_eq!(first.durable_execution_arn(), again.durable_execution_arn());
    assert_eq!(again.payload().unwrap().as_ref(), b"2");
    assert_eq!(service.executions().len(), 1);
    let other = invoke("2").await.unwrap_err().into_service_error();
    assert!(other.is_durable_execution_already_started_exception());
}

#[tokio::test]
async fn bad_invokes_are_refused() {
    let service = started().await;
    let aws = client(&service);
    let unknown = aws
        .invoke()
        .function_name("nobody")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(unknown.is_resource_not_found_exception());
    let invoke = aws.invoke().function_name("double").payload(Blob::new("{"));
    assert!(
        invoke
            .send()
            .await
            .unwrap_err()
            .into_service_error()
            .is_invalid_request_content_exception()
    );
}

#[tokio::test]
async fn a_plain_function_is_answered_without_an_execution() {
    let service = started().await;
    let greet = |invocation: durable_trace_local::Invocation| async move {
        match invocation.payload.get() {
            "\"me\"" => Ok("hello".into()),
            _ => Err(FunctionError::new("Stranger", "who?")),
        }
    };
    service.register("greet", Function::in_process(greet).plain());
    let invoke = |payload: &str| {
        client(&service)
            .invoke()
            .function_name("greet")
            .payload(Blob::new(payload))
            .send()
    };
    let answer = invoke("\"me\"").await.unwrap();
    assert_eq!(answer.payload().unwrap().as_ref(), b"\"hello\"");
    assert_eq!(answer.durable_execution_arn(), None);
    assert_eq!(
        invoke("1").await.unwrap().function_error(),
        Some("Unhandled")
    );
    assert!(service.executions().is_empty());
}

#[tokio::test]
async fn what_a_client_sends_beside_the_payload_reaches_the_function() {
    let service = start(Config::default()).await;
    let tell = |invocation: durable_trace_local::Invocation| async move {
        Ok(serde_json::json!([
            invocation.client_context,
            invocation.tenant_id,
            invocation.function_arn
        ]))
    };
    service.register("tell", Function::in_process(tell).plain());
    let invoke = client(&service)
        .invoke()
        .function_name("tell")
        .qualifier("live")
        .tenant_id("t");
    let answer = invoke.client_context("eyJhIjoxfQ==").send().await.unwrap();
    let body = std::str::from_utf8(answer.payload().unwrap().as_ref()).unwrap();
    assert_eq!(
        body,
        r#"["{\"a\":1}","t","arn:aws:lambda:us-east-1:123456789012:function:tell:live"]"#
    );
    let dry = client(&service)
        .invoke()
        .function_name("tell")
        .invocation_type(InvocationType::DryRun);
    assert_eq!(dry.send().await.unwrap().status_code(), 204);
}

#[tokio::test]
async fn an_execution_is_described_listed_and_told() {
    let service = started().await;
    let aws = client(&service);
    let arn = service
        .start_execution("double", Some("3".to_owned()), Some("three"))
        .await
        .unwrap();
    service.ended(&arn).await;

    let described = aws
        .get_durable_execution()
        .durable_execution_arn(&arn)
        .send()
        .await
        .unwrap();
    assert_eq!(described.status(), &ExecutionStatus::Succeeded);
    assert_eq!(described.durable_execution_name(), "three");
    assert_eq!(
        (described.input_payload(), described.result()),
        (Some("3"), Some("6"))
    );
    let slept = described.end_timestamp().unwrap().to_millis().unwrap()
        - described.start_timestamp().to_millis().unwrap();
    assert_eq!(slept, 1000);

    let other = service.start_execution("double", Some("4".to_owned()), Some("four"));
    let other = other.await.unwrap();
    service.ended(&other).await;
    for (reverse, want) in [(false, [&other, &arn]), (true, [&arn, &other])] {
        let list = aws.list_durable_executions_by_function();
        let list = list.function_name("double").reverse_order(reverse);
        let listed = list.send().await.unwrap();
        let arns = listed.durable_executions().iter();
        let arns: Vec<_> = arns.map(Execution::durable_execution_arn).collect();
        assert_eq!(arns, want, "from the newest, unless in reverse order");
    }
    let list = aws
        .list_durable_executions_by_function()
        .function_name("double");
    let listed = list
        .reverse_order(true)
        .statuses(ExecutionStatus::Succeeded)
        .send()
        .await
        .unwrap();
    assert_eq!(listed.durable_executions()[0].durable_execution_arn(), arn);
    let list = aws
        .list_durable_executions_by_function()
        .function_name("double");
    assert!(
        list.statuses(ExecutionStatus::Failed)
            .send()
            .await
            .unwrap()
            .durable_executions()
            .is_empty()
    );

    let history = aws
        .get_durable_execution_history()
        .durable_execution_arn(&arn)
        .max_items(2)
        .send()
        .await
        .unwrap();
    assert_eq!(history.events().len(), 2);
    let rest = aws
        .get_durable_execution_history()
        .durable_execution_arn(&arn);
    let rest = rest
        .set_marker(history.next_marker().map(str::to_owned))
        .send()
        .await
        .unwrap();
    let types: Vec<EventType> = rest
        .events()
        .iter()
        .filter_map(|event| event.event_type().cloned())
        .collect();
    let want = [
        EventType::InvocationCompleted,
        EventType::WaitSucceeded,
        EventType::InvocationCompleted,
        EventType::ExecutionSucceeded,
    ];
    assert_eq!(types, want);
    let completed = rest.events()[0].invocation_completed_details().unwrap();
    assert_eq!(completed.request_id(), service.invocations()[0].request_id);

    let unknown = aws
        .get_durable_execution()
        .durable_execution_arn("nobody")
        .send()
        .await
        .unwrap_err();
    assert!(
        unknown
            .into_service_error()
            .is_resource_not_found_exception()
    );
}

#[tokio::test]
async fn an_execution_is_stopped_from_outside() {
    let service = start(Config::default()).await;
    register(
        &service,
        "ask",
        |_: Value, ctx: DurableContext| async move {
            let callback = ctx.create_callback::<u32>().await?;
            Ok(callback.result().await?)
        },
    );
    let arn = service.start_execution("ask", None, None).await.unwrap();
    let error = ErrorObject::builder().error_type("Operator").build();
    let stop = client(&service)
        .stop_durable_execution()
        .durable_execution_arn(&arn)
        .error(error);
    stop.send().await.unwrap();
    let ended = service.ended(&arn).await;
    assert_eq!(ended.status, "STOPPED");
    assert_eq!(ended.error.unwrap().error_type.as_deref(), Some("Operator"));
}
