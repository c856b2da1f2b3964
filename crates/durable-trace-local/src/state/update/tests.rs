use serde_json::{Value, json};

use super::*;
use crate::state::log::{Details, Operation};
use crate::time::UnixMillis;

fn parse(update: Value) -> Update {
    serde_json::from_value(update).unwrap()
}

fn log_with(operations: &[(&str, Details, OperationStatus)]) -> Log {
    let mut log = Log::default();
    let execution = Details::Execution {
        input: String::new(),
    };
    let all = [("execution", execution, Started)];
    for (id, details, status) in all.iter().chain(operations) {
        log.add(Operation {
            id: (*id).to_owned(),
            parent_id: None,
            name: None,
            sub_type: None,
            status: *status,
            started_at: UnixMillis::default(),
            ended_at: None,
            result: None,
            error: None,
            details: details.clone(),
            version: 0,
        });
    }
    log
}

fn step_in(status: OperationStatus) -> Log {
    let details = Details::Step {
        attempts: 0,
        next_attempt_at: None,
    };
    log_with(&[("a", details, status)])
}

fn context_in(status: OperationStatus) -> Log {
    log_with(&[(
        "c",
        Details::Context {
            replay_children: false,
        },
        status,
    )])
}

#[test]
fn requests_are_taken_or_refused_as_the_service_does() {
    use OperationStatus::{Failed, Succeeded};
    let start = json!({"Id": "a", "Type": "STEP", "Action": "START"});
    let succeed = json!({"Id": "a", "Type": "STEP", "Action": "SUCCEED", "Payload": "1"});
    let retry = json!({"Id": "a", "Type": "STEP", "Action": "RETRY", "StepOptions": {"NextAttemptDelaySeconds": 1}});
    let wait =
        json!({"Id": "w", "Type": "WAIT", "Action": "START", "WaitOptions": {"WaitSeconds": 1}});
    let context = json!({"Id": "c", "Type": "CONTEXT", "Action": "START"});
    let child = json!({"Id": "a", "Type": "STEP", "Action": "START", "ParentId": "c"});
    let end = json!({"Id": "x", "Type": "EXECUTION", "Action": "SUCCEED", "Payload": "1"});
    let empty = || log_with(&[]);
    for (updates, log, want, why) in [
        (vec![], empty(), None, "an empty request only asks for news"),
        (vec![start.clone()], empty(), None, "a step begins"),
        (
            vec![succeed.clone()],
            empty(),
            None,
            "a step may end without having begun",
        ),
        (
            vec![start.clone(), succeed.clone()],
            empty(),
            None,
            "begin and end together",
        ),
        (
            vec![start.clone(), retry.clone()],
            empty(),
            None,
            "begin and retry together",
        ),
        (
            vec![start.clone(), start.clone()],
            empty(),
            Some("twice in a single request"),
            "two beginnings",
        ),
        (
            vec![succeed.clone(), succeed.clone()],
            empty(),
            Some("twice in a single request"),
            "two ends",
        ),
        (
            vec![wait.clone(), wait.clone()],
            empty(),
            Some("twice in a single request"),
            "two waits of one id",
        ),
        (
            vec![start.clone(), succeed.clone(), succeed.clone()],
            empty(),
            Some("twice in a single request"),
            "three updates",
        ),
        (
            vec![succeed.clone()],
            step_in(Succeeded),
            Some("Invalid current STEP state to close."),
            "a second end",
        ),
        (
            vec![succeed.clone()],
            step_in(Failed),
            Some("Invalid current STEP state to close."),
            "an end after a failure",
        ),
        (
            vec![succeed.clone()],
            step_in(Pending),
            Some("Invalid current STEP state to close."),
            "an end while asleep",
        ),
        (
            vec![succeed.clone()],
            step_in(Ready),
            None,
            "an end of a due step",
        ),
        (
            vec![start.clone()],
            step_in(Ready),
            None,
            "the next attempt begins",
        ),
        (
            vec![start.clone()],
            step_in(Started),
            Some("Invalid current STEP state to start."),
            "a second beginning",
        ),
        (
            vec![retry.clone()],
            step_in(Succeeded),
            Some("Invalid current STEP state to re-attempt."),
            "a retry of an ended step",
        ),
        (
            vec![json!({"Id": "a", "Type": "STEP", "Action": "RETRY"})],
            empty(),
            Some("Invalid StepOptions"),
            "a retry without a delay",
        ),
        (
            vec![json!({"Id": "a", "Type": "STEP", "Action": "CANCEL"})],
            empty(),
            Some("Invalid STEP action."),
            "steps are not cancelled",
        ),
        (
            vec![json!({"Id": "w", "Type": "WAIT", "Action": "START"})],
            empty(),
            Some("Invalid WaitOptions"),
            "a wait of no length",
        ),
        (
            vec![json!({"Id": "w", "Type": "WAIT", "Action": "SUCCEED"})],
            empty(),
            Some("Invalid WAIT action."),
            "only the service ends waits",
        ),
        (
            vec![json!({"Id": "w", "Type": "WAIT", "Action": "CANCEL"})],
            empty(),
            Some("Cannot cancel a WAIT"),
            "nothing to cancel",
        ),
        (
            vec![json!({"Id": "i", "Type": "CHAINED_INVOKE", "Action": "START"})],
            empty(),
            Some("Invalid ChainedInvokeOptions"),
            "an invoke of nothing",
        ),
        (
            vec![child.clone()],
            empty(),
            Some("Invalid parent operation id."),
            "an unknown parent",
        ),
        (
            vec![child.clone()],
            context_in(Started),
            None,
            "a parent in the log",
        ),
        (
            vec![context.clone(), child.clone()],
            empty(),
            None,
            "a parent in the same request",
        ),
        (
            vec![json!({"Id": "b", "Type": "STEP", "Action": "START", "ParentId": "a"})],
            step_in(Started),
            Some("Invalid parent operation id."),
            "a parent that is no context",
        ),
        (
            vec![context.clone()],
            context_in(Started),
            Some("Cannot start a CONTEXT"),
            "a context begins once",
        ),
        (
            vec![json!({"Id": "a", "Type": "CONTEXT", "Action": "SUCCEED"})],
            step_in(Started),
            Some("Invalid operation type"),
            "an operation keeps its type",
        ),
        (
            vec![json!({"Id": "a", "Type": "STEP", "Action": "SUCCEED", "Error": {}})],
            empty(),
            Some("Cannot provide an Error"),
            "success with an error",
        ),
        (
            vec![json!({"Id": "a", "Type": "STEP", "Action": "FAIL", "Payload": ""})],
            empty(),
            Some("Cannot provide a Payload"),
            "failure with a result",
        ),
        (vec![end.clone()], empty(), None, "the execution's own end"),
        (
            vec![end.clone(), end.clone()],
            empty(),
            Some("multiple EXECUTION"),
            "two ends of the execution",
        ),
        (
            vec![end.clone(), start.clone()],
            empty(),
            Some("must be the last"),
            "something after the end",
        ),
        (
            vec![json!({"Id": "x", "Type": "EXECUTION", "Action": "START"})],
            empty(),
            Some("Invalid EXECUTION action."),
            "it has begun",
        ),
    ] {
        let updates: Vec<Update> = updates.into_iter().map(parse).collect();
        let got = check_updates(&updates, &log);
        match want {
            None => assert_eq!(got, Ok(()), "{why}"),
            Some(words) => {
                let refusal = got.expect_err(why);
                assert!(refusal.message.contains(words), "{why}: {refusal}");
                assert_eq!(
                    (refusal.status, refusal.error_type.as_str()),
                    (400, "InvalidParameterValueException"),
                    "{why}"
                );
            }
        }
    }
}

#[test]
fn payloads_end_at_256_kib() {
    for (bytes, fine) in [(MAX_PAYLOAD_BYTES, true), (MAX_PAYLOAD_BYTES + 1, false)] {
        let update = parse(
            json!({"Id": "a", "Type": "STEP", "Action": "SUCCEED", "Payload": "x".repeat(bytes)}),
        );
        assert_eq!(
            check_updates(&[update], &log_with(&[])).is_ok(),
            fine,
            "{bytes}"
        );
        let error = parse(
            json!({"Id": "a", "Type": "STEP", "Action": "FAIL", "Error": {"ErrorMessage": "x".repeat(bytes)}}),
        );
        let fine_as_error = false; // its JSON is longer than the message
        assert_eq!(
            check_updates(&[error], &log_with(&[])).is_ok(),
            fine_as_error,
            "{bytes}"
        );
    }
}

#[test]
fn the_three_thousand_and_first_operation_is_refused() {
    let step = |n: usize| parse(json!({"Id": n.to_string(), "Type": "STEP", "Action": "START"}));
    let all: Vec<Update> = (0..=MAX_OPERATIONS).map(step).collect();
    assert_eq!(
        check_updates(&all[..MAX_OPERATIONS], &log_with(&[])),
        Ok(())
    );
    let refusal = check_updates(&all, &log_with(&[])).unwrap_err();
    assert!(refusal.message.contains("3000"), "{refusal}");
}
