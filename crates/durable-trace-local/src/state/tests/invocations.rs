use super::*;

#[test]
fn pending_is_taken_when_something_is_slept_on_or_new() {
    let retry = json!([{"Id": "s", "Type": "STEP", "Action": "RETRY", "Error": {}, "StepOptions": {"NextAttemptDelaySeconds": 9}}]);
    let start = |id: &str, kind: &str| json!([{"Id": id, "Type": kind, "Action": "START"}]);
    let invoke = json!([{"Id": "i", "Type": "CHAINED_INVOKE", "Action": "START", "ChainedInvokeOptions": {"FunctionName": "f"}}]);
    for (updates, passes, taken, why) in [
        (json!([wait("w", 9)]), 0, true, "a wait goes on"),
        (start("c", "CALLBACK"), 0, true, "a callback is open"),
        (invoke, 0, true, "an invoke goes on"),
        (
            retry.clone(),
            0,
            true,
            "a step sleeps until its next attempt",
        ),
        (
            start("s", "STEP"),
            0,
            false,
            "only the function can end a step",
        ),
        (
            start("c", "CONTEXT"),
            0,
            false,
            "a context sleeps on its members",
        ),
        (json!([]), 0, false, "nothing at all"),
        (json!([wait("w", 9)]), 9, true, "its end is news"),
        (retry, 9, true, "that it is due is news"),
    ] {
        let mut world = World::new();
        let execution = world.start("1");
        let token = world.event_token();
        world.checkpoint(&token, updates).unwrap();
        world.pass(passes * SECOND);
        world.answer(&pending());
        let completed = world.state.executions()[execution].events().iter().rev();
        let completed = completed
            .clone()
            .find(|event| event["EventType"] == json!("InvocationCompleted"))
            .unwrap();
        let error = &completed["InvocationCompletedDetails"]["Error"]["Payload"];
        assert_eq!(error.is_null(), taken, "{why}");
        if !taken {
            assert_eq!(
                error["ErrorType"],
                json!("InvalidParameterValueException"),
                "{why}"
            );
            assert_eq!(
                error["ErrorMessage"],
                json!("Cannot return PENDING status with no pending operations."),
                "{why}"
            );
        }
        assert_eq!(
            world.state.is_idle(),
            passes == 0,
            "news is brought at once: {why}"
        );
    }
}

#[test]
fn a_completion_that_an_answer_told_of_is_no_news() {
    let mut world = World::new();
    let execution = world.start("1");
    let token = world.event_token();
    let answer = world.checkpoint(&token, json!([wait("w", 1)])).unwrap();
    world.pass(SECOND);
    world.checkpoint(token_of(&answer), json!([])).unwrap();
    world.answer(&pending());
    assert_eq!(
        world.state.invocations()[0]
            .error
            .as_ref()
            .unwrap()
            .error_type
            .as_deref(),
        Some("InvalidParameterValueException")
    );
    assert_eq!(
        world.status(execution),
        "RUNNING",
        "one refusal does not end it"
    );
}

#[test]
fn three_refused_pendings_in_a_row_fail_the_execution() {
    let mut world = World::new();
    let execution = world.start("1");
    for refused in 1..=3 {
        world.answer(&pending());
        let want = if refused == 3 { "FAILED" } else { "RUNNING" };
        assert_eq!(world.status(execution), want, "after {refused}");
        world.pass(RETRY_DELAY.saturating_sub(SECOND));
        assert!(world.state.is_idle(), "not before five seconds");
        world.pass(SECOND);
    }
    assert_eq!(world.runs.len(), 3);
    assert_eq!(
        world.last_event(execution)["EventType"],
        json!("ExecutionFailed")
    );
}

#[test]
fn an_accepted_pending_forgives_earlier_refusals() {
    let mut world = World::new();
    let execution = world.start("1");
    world.answer(&pending());
    world.pass(RETRY_DELAY);
    world.answer(&pending());
    world.pass(RETRY_DELAY);
    let token = world.event_token();
    world.checkpoint(&token, json!([wait("w", 1)])).unwrap();
    world.answer(&pending());
    world.pass(SECOND);
    world.answer(&pending());
    assert_eq!(
        world.status(execution),
        "RUNNING",
        "the third refusal is the first in a row"
    );
}

#[test]
fn a_failed_invocation_is_tried_again_five_times() {
    let mut world = World::new();
    let execution = world.start("1");
    for _ in 0..MAX_RETRIES {
        world.fault();
        assert_eq!(world.status(execution), "RUNNING");
        world.pass(RETRY_DELAY);
    }
    assert_eq!(world.runs.len(), 6);
    world.fault();
    assert_eq!(world.status(execution), "FAILED");
    assert_eq!(
        world.state.executions()[execution].ending.error,
        Some(ErrorRecord::new("Boom", "oh"))
    );
    world.pass(RETRY_DELAY);
    assert_eq!(world.runs.len(), 6, "nothing runs after the end");
}

#[test]
fn an_invocation_that_goes_well_forgives_earlier_failures() {
    let mut world = World::new();
    let execution = world.start("1");
    for round in 0..3 {
        for _ in 0..MAX_RETRIES {
            world.fault();
            world.pass(RETRY_DELAY);
        }
        let token = world.event_token();
        world
            .checkpoint(&token, json!([wait(&round.to_string(), 1)]))
            .unwrap();
        world.answer(&pending());
        world.pass(SECOND);
    }
    assert_eq!(world.status(execution), "RUNNING");
}

#[test]
fn a_scheduled_invocation_gathers_changes() {
    let mut world = World::new();
    world.start("1");
    let token = world.event_token();
    world.checkpoint(&token, json!([wait("w", 1)])).unwrap();
    world.fault();
    world.pass(SECOND);
    assert_eq!(
        world.runs.len(),
        1,
        "the wait is over, but the next invocation is scheduled"
    );
    world.pass(RETRY_DELAY);
    assert_eq!(world.runs.len(), 2);
    assert_eq!(world.event()["UpdatedOperationIds"], json!(["w"]));
}

#[test]
fn answers_that_are_none_count_as_failed_invocations() {
    for (answer, why) in [
        ("\"done\"", "not an object"),
        ("not json", "not JSON"),
        (r#"{"Status":"DONE"}"#, "an unknown status"),
        (
            r#"{"Status":"SUCCEEDED","Error":{}}"#,
            "success with an error",
        ),
        (
            r#"{"Status":"FAILED","Result":"1"}"#,
            "failure with a result",
        ),
        (
            r#"{"Status":"PENDING","Result":"1"}"#,
            "pending with a result",
        ),
    ] {
        let mut world = World::new();
        let execution = world.start("1");
        world.end(Outcome::Answered(answer.to_owned()));
        assert_eq!(
            world.state.invocations()[0].status.as_str(),
            "ERROR",
            "{why}"
        );
        assert_eq!(world.status(execution), "RUNNING", "{why}");
    }
}

#[test]
fn a_failure_ends_the_execution_with_the_functions_error() {
    let mut world = World::new();
    let execution = world.start("1");
    world.answer(&json!({"Status": "FAILED", "Error": {"ErrorType": "Fatal", "ErrorMessage": "no", "StackTrace": ["a"]}}));
    assert_eq!(world.status(execution), "FAILED");
    assert_eq!(
        world.events(execution),
        ["InvocationCompleted", "ExecutionFailed"]
    );
    let error = &world.last_event(execution)["ExecutionFailedDetails"]["Error"];
    assert_eq!(
        *error,
        json!({"Payload": {"ErrorType": "Fatal", "ErrorMessage": "no", "StackTrace": ["a"]}, "Truncated": false})
    );
}

#[test]
fn operations_that_end_together_bring_one_invocation() {
    let mut world = World::new();
    world.start("1");
    let token = world.event_token();
    world
        .checkpoint(&token, json!([wait("a", 1), wait("b", 1), wait("c", 2)]))
        .unwrap();
    world.answer(&pending());
    world.pass(SECOND);
    assert_eq!(world.runs.len(), 2);
    assert_eq!(world.event()["UpdatedOperationIds"], json!(["a", "b"]));
}

#[test]
fn an_execution_times_out_with_whatever_is_under_way() {
    let mut world = World::with(|settings| settings.execution_timeout = 3 * SECOND);
    let execution = world.start("1");
    let token = world.event_token();
    world.checkpoint(&token, json!([wait("w", 9)])).unwrap();
    world.pass(3 * SECOND);
    assert_eq!(world.status(execution), "TIMED_OUT");
    assert_eq!(
        world.last_event(execution)["EventType"],
        json!("ExecutionTimedOut")
    );
    world.answer(&succeeded("1"));
    assert_eq!(
        world.status(execution),
        "TIMED_OUT",
        "a late answer changes nothing"
    );
    assert_eq!(
        world.last_event(execution)["EventType"],
        json!("ExecutionTimedOut")
    );
    assert!(world.state.is_idle());
}

#[test]
fn a_jumping_clock_does_not_jump_to_a_time_out_alone() {
    let mut world = World::new();
    world.start("1");
    let token = world.event_token();
    let answer = world
        .checkpoint(
            &token,
            json!([{"Id": "c", "Type": "CALLBACK", "Action": "START"}]),
        )
        .unwrap();
    assert_eq!(
        world.state.next_due(true),
        None,
        "somebody outside will answer"
    );
    assert_eq!(
        world.state.next_due(false),
        Some(world.now.after(Duration::from_hours(24)))
    );
    world
        .checkpoint(token_of(&answer), json!([wait("w", 5)]))
        .unwrap();
    assert_eq!(
        world.state.next_due(true),
        Some(world.now.after(5 * SECOND))
    );
}

#[test]
fn a_name_stands_for_one_payload() {
    let mut world = World::new();
    let first = world
        .start_named(r#"{"a":1,"b":2}"#, Some("order-1"))
        .unwrap();
    assert_eq!(
        world.start_named(r#"{"b":2, "a":1}"#, Some("order-1")),
        Ok(first),
        "the same JSON"
    );
    assert_eq!(world.runs.len(), 1, "it does not start twice");
    let refusal = world.start_named("2", Some("order-1")).unwrap_err();
    assert_eq!(
        (refusal.status, refusal.error_type.as_str()),
        (409, "DurableExecutionAlreadyStartedException")
    );
    assert!(world.start_named("2", Some("order 2")).is_err(), "a space");
    assert_ne!(world.start_named("2", None), Ok(first));
    assert!(world.arn(first).contains("/durable-execution/order-1/"));
}

#[test]
fn stopping_ends_an_execution_once() {
    let mut world = World::new();
    let execution = world.start("1");
    let arn = world.arn(execution);
    let error = ErrorRecord::new("Operator", "enough");
    let at = world
        .state
        .stop(&arn, Some(error.clone()), world.now)
        .unwrap();
    assert_eq!(at, world.now);
    assert_eq!(world.status(execution), "STOPPED");
    world.pass(SECOND);
    assert_eq!(
        world.state.stop(&arn, None, world.now),
        Ok(at),
        "it tells when it ended"
    );
    assert_eq!(
        world.state.executions()[execution].ending.error,
        Some(error)
    );
    assert_eq!(
        world
            .state
            .stop("other", None, world.now)
            .unwrap_err()
            .status,
        404
    );
}
