//! Things that go wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_durable_execution_sdk::DurableContext;
use durable_trace_local::{Call, Clock, Config, Fault, Function, InvocationStatus, Service};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{client, durable, event_types, register, start};

const SECOND: Duration = Duration::from_secs(1);

fn register_pause(service: &Service) {
    register(
        service,
        "pause",
        |_: Value, ctx: DurableContext| async move {
            ctx.step(|_| async { Ok(1) }).await?;
            ctx.wait(SECOND).await?;
            Ok("done")
        },
    );
}

fn statuses(service: &Service) -> Vec<&'static str> {
    service
        .invocations()
        .iter()
        .map(|invocation| invocation.status.as_str())
        .collect()
}

/// Answers every run with PENDING, whatever the log says.
fn always_pending() -> Function {
    Function::in_process(|_| async { Ok(json!({"Status": "PENDING"})) })
}

#[tokio::test]
async fn a_fault_of_one_request_is_got_over() {
    let throttled = Fault::Throttle;
    let refused = || Fault::Refuse {
        status: 500,
        error_type: "ServiceException".to_owned(),
        message: "down".to_owned(),
    };
    for (fault, want_calls, want_statuses, why) in [
        (
            throttled,
            2,
            vec!["PENDING", "SUCCEEDED"],
            "the client tries again",
        ),
        (
            refused(),
            2,
            vec!["PENDING", "SUCCEEDED"],
            "the client tries again",
        ),
        (
            Fault::CutConnection,
            2,
            vec!["PENDING", "SUCCEEDED"],
            "the client tries again",
        ),
        (
            Fault::MalformedReply,
            1,
            vec!["ERROR", "PENDING", "SUCCEEDED"],
            "the client gives up, the service does not",
        ),
        (
            Fault::StaleToken,
            1,
            vec!["ERROR", "PENDING", "SUCCEEDED"],
            "the SDK gives up, the service does not",
        ),
        (
            Fault::LoseReply,
            2,
            vec!["PENDING", "SUCCEEDED"],
            "the second attempt has the same client token and gets the same answer",
        ),
        (
            Fault::RepeatReply,
            1,
            vec!["PENDING", "SUCCEEDED"],
            "the client drops the copy, and takes another connection",
        ),
        (
            Fault::Delay(Duration::from_millis(5)),
            1,
            vec!["PENDING", "SUCCEEDED"],
            "it comes late",
        ),
    ] {
        let injected = fault.clone();
        let rule = move |call: &Call<'_>| {
            (call.operation == "CheckpointDurableExecution" && call.sequence == 1)
                .then(|| injected.clone())
        };
        let service = start(Config::default().fault(rule)).await;
        register_pause(&service);
        let arn = service.start_execution("pause", None, None).await.unwrap();
        let ended = service.ended(&arn).await;
        assert_eq!(
            ended.status, "SUCCEEDED",
            "{fault:?}: {why}: {:?}",
            ended.error
        );
        assert_eq!(statuses(&service), want_statuses, "{fault:?}: {why}");
        let first = &service.invocations()[0].calls[..want_calls];
        let requests: Vec<&Value> = first
            .iter()
            .map(|call| &call.request["CheckpointToken"])
            .collect();
        assert!(
            requests.windows(2).all(|pair| pair[0] == pair[1]),
            "the same request again: {fault:?}"
        );
        let attempts: Vec<u32> = first.iter().filter_map(|call| call.attempt).collect();
        assert_eq!(
            attempts,
            (1..).take(want_calls).collect::<Vec<u32>>(),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn a_request_that_is_delivered_twice_is_done_once() {
    let rule = |call: &Call<'_>| {
        (call.operation == "CheckpointDurableExecution").then_some(Fault::DeliverTwice)
    };
    let service = start(Config::default().fault(rule)).await;
    register_pause(&service);
    let arn = service.start_execution("pause", None, None).await.unwrap();
    assert_eq!(
        service.ended(&arn).await.result.as_deref(),
        Some("\"done\"")
    );
    let deliveries = &service.invocations()[0].calls;
    for pair in deliveries.chunks(2) {
        assert_eq!(pair[0].request, pair[1].request, "client token and all");
        assert_eq!(pair[0].response, pair[1].response, "the same answer");
        assert_eq!((pair[0].status, pair[1].status), (0, 200), "one goes out");
        assert_eq!((pair[0].attempt, pair[1].attempt), (Some(1), Some(1)));
    }
    let started = event_types(&service, &arn);
    let once = |event: &str| started.iter().filter(|name| *name == event).count();
    assert_eq!((once("StepStarted"), once("WaitStarted")), (1, 1));
}

#[tokio::test]
async fn an_answer_that_comes_twice_is_taken_once() {
    let rule = |call: &Call<'_>| {
        (call.operation == "GetDurableExecutionHistory" && call.sequence == 1)
            .then_some(Fault::RepeatReply)
    };
    let service = start(Config::default().fault(rule)).await;
    register_pause(&service);
    let arn = service.start_execution("pause", None, None).await.unwrap();
    service.ended(&arn).await;
    let aws = client(&service);
    let address = service.endpoint().trim_start_matches("http://").to_owned();
    let path = format!(
        "/2025-12-01/durable-executions/{}/history",
        arn.replace('/', "%2F")
    );
    let mut raw = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    raw.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    raw.read_to_end(&mut bytes).await.unwrap();
    let (one, other) = bytes.split_at(bytes.len() / 2);
    assert!(one.starts_with(b"HTTP/1.1 200 OK\r\n"), "a whole answer");
    assert_eq!(one, other, "and its copy");
    let history = aws
        .get_durable_execution_history()
        .durable_execution_arn(&arn);
    assert!(history.send().await.is_ok(), "the next one comes once");
}

#[tokio::test]
async fn a_last_page_that_is_empty_is_got_over() {
    let service = start(Config::default().page_size(1).empty_last_page()).await;
    register_pause(&service);
    let arn = service.start_execution("pause", None, None).await.unwrap();
    let ended = service.ended(&arn).await;
    assert_eq!(ended.result.as_deref(), Some("\"done\""));
    assert_eq!(statuses(&service), ["PENDING", "SUCCEEDED"]);
    let first = &service.invocations()[0].calls[..2];
    let pages: Vec<(&str, usize)> = first
        .iter()
        .map(|call| {
            let operations = call.response["Operations"].as_array().unwrap();
            (call.operation.as_str(), operations.len())
        })
        .collect();
    assert_eq!(
        pages,
        [
            ("GetDurableExecutionState", 1),
            ("GetDurableExecutionState", 0)
        ],
        "the event of the first invocation had promised a second page"
    );
}

#[tokio::test]
async fn pending_without_anything_to_wait_for_is_refused_three_times() {
    let service = start(Config::default()).await;
    service.register("stuck", always_pending());
    let arn = service.start_execution("stuck", None, None).await.unwrap();
    let ended = service.ended(&arn).await;
    assert_eq!(ended.status, "FAILED");
    assert_eq!(
        ended.error.unwrap().error_message.as_deref(),
        Some("Cannot return PENDING status with no pending operations.")
    );
    assert_eq!(statuses(&service), ["PENDING", "PENDING", "PENDING"]);
    assert_eq!(ended.ended_at.unwrap().since(ended.started_at), 10 * SECOND);
}

#[tokio::test]
async fn a_crash_is_an_invocation_error_and_tried_again() {
    let service = start(Config::default()).await;
    let runs = Arc::new(AtomicU32::new(0));
    let crash = Arc::clone(&runs);
    let crashing = Function::in_process(move |_| {
        let run = crash.fetch_add(1, Ordering::Relaxed);
        async move {
            assert!(run > 0, "this panic is part of the test");
            Ok(json!({"Status": "SUCCEEDED", "Result": "1"}))
        }
    });
    service.register("crash", crashing);
    let arn = service.start_execution("crash", None, None).await.unwrap();
    assert_eq!(service.ended(&arn).await.result.as_deref(), Some("1"));
    assert_eq!(statuses(&service), ["ERROR", "SUCCEEDED"]);
    let error = service.invocations()[0].error.clone().unwrap();
    assert_eq!(error.error_type.as_deref(), Some("Runtime.ExitError"));
    assert_eq!(
        service.history(&arn)[1]["InvocationCompletedDetails"]["Error"]["Payload"]["ErrorType"],
        "Runtime.ExitError"
    );
}

#[tokio::test]
async fn an_invocation_that_takes_too_long_is_given_up() {
    let service = start(Config::default()).await;
    let runs = Arc::new(AtomicU32::new(0));
    let first = Arc::clone(&runs);
    let hanging = durable(&service, move |_: Value, _: DurableContext| {
        let run = first.fetch_add(1, Ordering::Relaxed);
        async move {
            if run == 0 {
                std::future::pending::<()>().await;
            }
            Ok(run)
        }
    });
    service.register("hang", hanging.timeout(Duration::from_millis(20)));
    let arn = service.start_execution("hang", None, None).await.unwrap();
    assert_eq!(service.ended(&arn).await.result.as_deref(), Some("1"));
    let error = service.invocations()[0].error.clone().unwrap();
    assert_eq!(error.error_type.as_deref(), Some("Sandbox.Timedout"));
}

#[tokio::test]
async fn a_late_call_of_an_invocation_that_was_given_up_is_refused() {
    let service = start(Config::default()).await;
    let (token_sender, mut tokens) = tokio::sync::mpsc::unbounded_channel();
    let late_call_is_over = Arc::new(tokio::sync::Notify::new());
    let go_on = Arc::clone(&late_call_is_over);
    let slow = Function::in_process(move |invocation| {
        let event: Value = serde_json::from_str(invocation.payload.get()).unwrap();
        token_sender
            .send(event["CheckpointToken"].as_str().unwrap().to_owned())
            .unwrap();
        let go_on = Arc::clone(&go_on);
        async move {
            go_on.notified().await;
            Ok(json!({"Status": "SUCCEEDED", "Result": "1"}))
        }
    });
    service.register("slow", slow.timeout(Duration::from_millis(200)));
    let arn = service.start_execution("slow", None, None).await.unwrap();
    let first = tokens.recv().await.unwrap();
    tokens.recv().await.unwrap();
    let aws = client(&service);
    let late = aws
        .checkpoint_durable_execution()
        .durable_execution_arn(&arn)
        .checkpoint_token(first);
    let error = late.send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_parameter_value_exception());
    assert!(
        error
            .meta()
            .message()
            .unwrap()
            .starts_with("Invalid Checkpoint Token")
    );
    late_call_is_over.notify_one();
    assert_eq!(service.ended(&arn).await.status, "SUCCEEDED");
    let invocations = service.invocations();
    let owners: Vec<usize> = (0..invocations.len())
        .filter(|index| !invocations[*index].calls.is_empty())
        .collect();
    assert_eq!(
        owners,
        [0],
        "the call belongs to the invocation whose token it used"
    );
}

#[tokio::test]
async fn an_execution_that_takes_too_long_times_out() {
    let service = start(Config::default().execution_timeout(10 * SECOND)).await;
    register(
        &service,
        "long",
        |_: Value, ctx: DurableContext| async move {
            ctx.wait(Duration::from_mins(1)).await?;
            Ok(())
        },
    );
    let arn = service.start_execution("long", None, None).await.unwrap();
    let ended = service.ended(&arn).await;
    assert_eq!(ended.status, "TIMED_OUT");
    assert_eq!(ended.ended_at.unwrap().since(ended.started_at), 10 * SECOND);
    assert_eq!(statuses(&service), [InvocationStatus::Pending.as_str()]);
}

#[tokio::test]
async fn a_busy_port_is_named() {
    let service = start(Config::default()).await;
    let port: u16 = service
        .endpoint()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let error = Service::start(Config::default().port(port))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("port {port} on 127.0.0.1 is in use")
    );
}

#[tokio::test]
async fn a_service_that_is_shut_down_answers_no_more() {
    let service = start(Config::default().clock(Clock::Real)).await;
    let aws = client(&service);
    service.shutdown().await;
    assert!(
        aws.get_durable_execution()
            .durable_execution_arn("a")
            .send()
            .await
            .is_err()
    );
}
