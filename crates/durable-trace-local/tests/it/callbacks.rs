//! Callbacks, answered by AWS's client and by the service's own hook.

use std::time::Duration;

use aws_durable_execution_sdk::DurableContext;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::ErrorObject;
use durable_trace_local::{CallbackAction, CallbackStarted, Config, ErrorRecord, Service};
use serde_json::Value;

use crate::support::{client, register, start};

const SECOND: Duration = Duration::from_secs(1);

fn register_approval(service: &Service) {
    register(
        service,
        "approval",
        |_: Value, ctx: DurableContext| async move {
            let callback = ctx.create_callback::<String>().name("approval").await?;
            Ok(callback.result().await?)
        },
    );
}

/// Waits until the execution has a callback and nothing runs.
async fn callback_of(service: &Service, arn: &str) -> CallbackStarted {
    loop {
        if let [callback] = service.callbacks(arn).as_slice() {
            return callback.clone();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn awss_client_completes_and_fails_callbacks() {
    let service = start(Config::default()).await;
    register_approval(&service);
    let aws = client(&service);

    let arn = service
        .start_execution("approval", None, None)
        .await
        .unwrap();
    let callback = callback_of(&service, &arn).await;
    assert_eq!(callback.name.as_deref(), Some("approval"));
    aws.send_durable_execution_callback_heartbeat()
        .callback_id(&callback.callback_id)
        .send()
        .await
        .unwrap();
    let success = aws
        .send_durable_execution_callback_success()
        .callback_id(&callback.callback_id);
    success.result(Blob::new("\"yes\"")).send().await.unwrap();
    assert_eq!(service.ended(&arn).await.result.as_deref(), Some("\"yes\""));

    let arn = service
        .start_execution("approval", None, None)
        .await
        .unwrap();
    let callback = callback_of(&service, &arn).await;
    let error = ErrorObject::builder()
        .error_type("RejectedError")
        .error_message("not approved")
        .build();
    let failure = aws
        .send_durable_execution_callback_failure()
        .callback_id(&callback.callback_id);
    failure.error(error).send().await.unwrap();
    let ended = service.ended(&arn).await;
    assert_eq!(ended.status, "FAILED");
    assert_eq!(
        ended.error.unwrap().error_message.as_deref(),
        Some("not approved")
    );

    let again = aws
        .send_durable_execution_callback_success()
        .callback_id(&callback.callback_id)
        .send()
        .await;
    assert!(
        again
            .unwrap_err()
            .into_service_error()
            .is_invalid_parameter_value_exception()
    );
    let unknown = aws
        .send_durable_execution_callback_success()
        .callback_id("nobody")
        .send()
        .await;
    assert!(
        unknown
            .unwrap_err()
            .into_service_error()
            .is_resource_not_found_exception()
    );
}

#[tokio::test]
async fn a_callback_without_limits_is_waited_for() {
    let service = start(Config::default()).await;
    register_approval(&service);
    let arn = service
        .start_execution("approval", None, None)
        .await
        .unwrap();
    let callback = callback_of(&service, &arn).await;
    let waiting = tokio::time::timeout(Duration::from_millis(50), service.ended(&arn)).await;
    assert!(
        waiting.is_err(),
        "the clock does not jump to the execution's time-out"
    );
    service
        .fail_callback(&callback.callback_id, ErrorRecord::new("No", "no"))
        .await
        .unwrap();
    assert_eq!(service.ended(&arn).await.status, "FAILED");
}

#[tokio::test]
async fn a_hook_answers_by_the_virtual_clock() {
    let approve = |started: &CallbackStarted| {
        (started.parent_name.as_deref() == Some("approval"))
            .then(|| CallbackAction::complete(SECOND, "\"approved\""))
    };
    let service = start(Config::default().on_callback(approve)).await;
    register(
        &service,
        "ask",
        |_: Value, ctx: DurableContext| async move {
            let submit = |_, id: String| async move {
                assert!(!id.is_empty());
                Ok(())
            };
            Ok(ctx
                .wait_for_callback::<String, _, _>(submit)
                .name("approval")
                .await?)
        },
    );
    let arn = service.start_execution("ask", None, None).await.unwrap();
    let ended = service.ended(&arn).await;
    assert_eq!(
        ended.result.as_deref(),
        Some("\"approved\""),
        "{:?}",
        ended.error
    );
    assert_eq!(ended.ended_at.unwrap().since(ended.started_at), SECOND);
    assert!(service.callbacks(&arn).is_empty());
}

#[tokio::test]
async fn heartbeats_of_a_hook_come_before_its_answer() {
    let keep_alive = |_: &CallbackStarted| {
        [
            CallbackAction::heartbeat(3 * SECOND),
            CallbackAction::heartbeat(6 * SECOND),
            CallbackAction::complete(9 * SECOND, "1"),
        ]
    };
    let service = start(Config::default().on_callback(keep_alive)).await;
    register(
        &service,
        "slow",
        |_: Value, ctx: DurableContext| async move {
            let callback = ctx.create_callback::<u32>().heartbeat(4 * SECOND).await?;
            Ok(callback.result().await?)
        },
    );
    let arn = service.start_execution("slow", None, None).await.unwrap();
    assert_eq!(service.ended(&arn).await.result.as_deref(), Some("1"));
}

#[tokio::test]
async fn an_unanswered_callback_times_out() {
    let service = start(Config::default()).await;
    register(
        &service,
        "late",
        |_: Value, ctx: DurableContext| async move {
            let callback = ctx.create_callback::<u32>().timeout(3 * SECOND).await?;
            match callback.result().await {
                Ok(_) => Ok("answered"),
                Err(_) => Ok("handled"),
            }
        },
    );
    let arn = service.start_execution("late", None, None).await.unwrap();
    assert_eq!(
        service.ended(&arn).await.result.as_deref(),
        Some("\"handled\"")
    );
    assert_eq!(service.operations(&arn)[0].status, "TIMED_OUT");
}

#[tokio::test]
async fn a_callback_can_be_completed_without_a_result() {
    let config =
        Config::default().on_callback(|_| Some(CallbackAction::complete_without_result(SECOND)));
    let service = start(config).await;
    register(
        &service,
        "approval",
        |_: Value, ctx: DurableContext| async move {
            let callback = ctx.create_callback::<Option<String>>().await?;
            Ok(callback.result().await?)
        },
    );
    let started = service.start_execution("approval", None, None).await;
    let ended = service.ended(&started.unwrap()).await;
    assert_eq!(ended.result.as_deref(), Some("null"));
}
