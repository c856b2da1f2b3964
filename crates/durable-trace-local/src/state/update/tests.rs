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

/// Checks rows of updates, log, what a refusal says (`None`: taken) and why.
fn check_rows<const N: usize>(rows: [(Vec<Value>, Log, Option<&str>, &str); N]) {
    for (updates, log, want, why) in rows {
        let updates: Vec<Update> = updates.into_iter().map(parse).collect();
        let got = check_updates(&updates, &log);
        match want {
            None => assert_eq!(got, Ok(()), "{why}"),
            Some(words) => {
                let refusal = got.expect_err(why);
                assert!(refusal.message.contains(words), "{why}: {refusal}");
                let kind = (refusal.status, refusal.error_type.as_str());
                assert_eq!(kind, (400, "InvalidParameterValueException"), "{why}");
            }
        }
    }
}

fn update(id: &str, kind: &str, action: &str) -> Value {
    json!({"Id": id, "Type": kind, "Action": action})
}

fn with(mut update: Value, key: &str, value: Value) -> Value {
    update[key] = value;
    update
}

fn retry() -> Value {
    with(
        update("a", "STEP", "RETRY"),
        "StepOptions",
        json!({"NextAttemptDelaySeconds": 1}),
    )
}

fn wait() -> Value {
    with(
        update("w", "WAIT", "START"),
        "WaitOptions",
        json!({"WaitSeconds": 1}),
    )
}

const NO_CLOSE: Option<&str> = Some("Invalid current STEP state to close.");
const TWICE: Option<&str> = Some("Cannot update the same operation twice in a single request.");

#[test]
fn an_operation_goes_through_its_states_in_order() {
    use OperationStatus::{Failed, Succeeded};
    let start = || update("a", "STEP", "START");
    let succeed = || update("a", "STEP", "SUCCEED");
    let empty = || log_with(&[]);
    check_rows([
        (vec![], empty(), None, "an empty request only asks for news"),
        (vec![start()], empty(), None, "a step begins"),
        (
            vec![succeed()],
            empty(),
            None,
            "a step may end without having begun",
        ),
        (
            vec![succeed()],
            step_in(Succeeded),
            NO_CLOSE,
            "a second end",
        ),
        (
            vec![succeed()],
            step_in(Failed),
            NO_CLOSE,
            "an end after a failure",
        ),
        (
            vec![succeed()],
            step_in(Pending),
            NO_CLOSE,
            "an end while asleep",
        ),
        (
            vec![succeed()],
            step_in(Ready),
            None,
            "an end of a due step",
        ),
        (
            vec![start()],
            step_in(Ready),
            None,
            "the next attempt begins",
        ),
        (
            vec![start()],
            step_in(Started),
            Some("STEP state to start."),
            "a second beginning",
        ),
        (
            vec![retry()],
            step_in(Succeeded),
            Some("STEP state to re-attempt."),
            "a retry of an ended step",
        ),
        (
            vec![update("c", "CONTEXT", "START")],
            context_in(Started),
            Some("Cannot start a CONTEXT"),
            "a context begins once",
        ),
        (
            vec![update("w", "WAIT", "SUCCEED")],
            empty(),
            Some("Invalid WAIT action."),
            "only the service ends waits",
        ),
        (
            vec![update("w", "WAIT", "CANCEL")],
            empty(),
            Some("Cannot cancel a WAIT"),
            "nothing to cancel",
        ),
        (
            vec![update("a", "STEP", "CANCEL")],
            empty(),
            Some("Invalid STEP action."),
            "steps are not cancelled",
        ),
        (
            vec![update("a", "CONTEXT", "SUCCEED")],
            step_in(Started),
            Some("Invalid operation type"),
            "an operation keeps its type",
        ),
    ]);
}

#[test]
fn an_update_brings_what_its_action_needs() {
    let empty = || log_with(&[]);
    check_rows([
        (vec![retry()], empty(), None, "a retry with its delay"),
        (
            vec![update("a", "STEP", "RETRY")],
            empty(),
            Some("Invalid StepOptions"),
            "a retry without a delay",
        ),
        (
            vec![update("w", "WAIT", "START")],
            empty(),
            Some("Invalid WaitOptions"),
            "a wait of no length",
        ),
        (
            vec![update("i", "CHAINED_INVOKE", "START")],
            empty(),
            Some("Invalid ChainedInvokeOptions"),
            "an invoke of nothing",
        ),
        (
            vec![with(update("a", "STEP", "SUCCEED"), "Error", json!({}))],
            empty(),
            Some("Cannot provide an Error"),
            "success with an error",
        ),
        (
            vec![with(update("a", "STEP", "FAIL"), "Payload", json!(""))],
            empty(),
            Some("Cannot provide a Payload"),
            "failure with a result",
        ),
    ]);
}

#[test]
fn an_operation_comes_once_in_a_request_unless_it_begins_and_ends() {
    let start = || update("a", "STEP", "START");
    let succeed = || update("a", "STEP", "SUCCEED");
    let empty = || log_with(&[]);
    check_rows([
        (
            vec![start(), succeed()],
            empty(),
            None,
            "begin and end together",
        ),
        (
            vec![start(), retry()],
            empty(),
            None,
            "begin and retry together",
        ),
        (vec![start(), start()], empty(), TWICE, "two beginnings"),
        (vec![succeed(), succeed()], empty(), TWICE, "two ends"),
        (vec![wait(), wait()], empty(), TWICE, "two waits of one id"),
        (
            vec![wait(), update("w", "WAIT", "CANCEL")],
            empty(),
            TWICE,
            "a wait that begins and is given up",
        ),
        (
            vec![start(), succeed(), succeed()],
            empty(),
            TWICE,
            "three updates",
        ),
    ]);
}

#[test]
fn a_parent_is_a_known_context() {
    let child = || with(update("a", "STEP", "START"), "ParentId", json!("c"));
    let other = with(update("b", "STEP", "START"), "ParentId", json!("a"));
    let bad = Some("Invalid parent operation id.");
    check_rows([
        (vec![child()], log_with(&[]), bad, "an unknown parent"),
        (
            vec![child()],
            context_in(Started),
            None,
            "a parent in the log",
        ),
        (
            vec![update("c", "CONTEXT", "START"), child()],
            log_with(&[]),
            None,
            "a parent in the same request",
        ),
        (
            vec![child(), update("c", "CONTEXT", "START")],
            log_with(&[]),
            bad,
            "a parent that comes later",
        ),
        (
            vec![other],
            step_in(Started),
            bad,
            "a parent that is no context",
        ),
    ]);
}

#[test]
fn the_executions_own_end_comes_last_and_once() {
    let end = || update("x", "EXECUTION", "SUCCEED");
    let empty = || log_with(&[]);
    check_rows([
        (vec![wait(), end()], empty(), None, "at the end"),
        (
            vec![end(), end()],
            empty(),
            Some("multiple EXECUTION"),
            "two ends of the execution",
        ),
        (
            vec![end(), wait()],
            empty(),
            Some("must be the last"),
            "something after the end",
        ),
        (
            vec![update("x", "EXECUTION", "START")],
            empty(),
            Some("Invalid EXECUTION action."),
            "it has begun",
        ),
    ]);
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
