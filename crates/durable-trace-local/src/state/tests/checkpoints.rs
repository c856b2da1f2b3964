use super::*;

fn step_succeeded(id: &str) -> Value {
    json!([{"Id": id, "Type": "STEP", "Action": "SUCCEED", "Payload": "1"}])
}

#[test]
fn the_first_event_holds_the_execution_alone() {
    let mut world = World::new();
    let execution = world.start(r#"{"a":1}"#);
    let event = world.event();
    let arn = world.arn(execution);
    let id = arn.rsplit('/').next().unwrap();
    assert!(
        arn.starts_with(
            "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST/durable-execution/"
        ),
        "{arn}"
    );
    assert_eq!(event["DurableExecutionArn"], json!(arn));
    assert_eq!(event["UpdatedOperationIds"], json!([]));
    assert_eq!(event["InitialExecutionState"]["NextMarker"], json!(""));
    let operations = event["InitialExecutionState"]["Operations"]
        .as_array()
        .unwrap();
    assert_eq!(operations.len(), 1);
    assert_eq!(
        operations[0],
        json!({"Id": id, "Type": "EXECUTION", "Status": "STARTED", "Name": world.state.executions()[0].name,
            "StartTimestamp": 1_000_000, "ExecutionDetails": {"InputPayload": r#"{"a":1}"#}})
    );
}

#[test]
fn an_answer_tells_what_changed_since_the_last_one() {
    let mut world = World::new();
    world.start("1");
    let token = world.event_token();
    let answer = world.checkpoint(&token, json!([wait("w", 5)])).unwrap();
    let operation = &answer["NewExecutionState"]["Operations"][0];
    assert_eq!(
        *operation,
        json!({"Id": "w", "Type": "WAIT", "SubType": "Wait", "Status": "STARTED", "StartTimestamp": 1000.0,
            "WaitDetails": {"ScheduledEndTimestamp": 1005.0}})
    );
    let answer = world.checkpoint(token_of(&answer), json!([])).unwrap();
    assert_eq!(answer["NewExecutionState"]["Operations"], json!([]));
    world.pass(5 * SECOND);
    let answer = world.checkpoint(token_of(&answer), json!([])).unwrap();
    assert_eq!(
        answer["NewExecutionState"]["Operations"][0]["Status"],
        json!("SUCCEEDED"),
        "it ended meanwhile"
    );
}

#[test]
fn a_token_is_good_once_and_in_its_own_invocation() {
    let mut world = World::new();
    let execution = world.start("1");
    let first = world.event_token();
    let second = token_of(&world.checkpoint(&first, json!([wait("w", 1)])).unwrap()).to_owned();
    let is_stale = |refused: Result<Value, Refusal>, why: &str| {
        let refusal = refused.expect_err(why);
        assert!(
            refusal.message.starts_with("Invalid Checkpoint Token"),
            "{why}: {refusal}"
        );
        assert_eq!(refusal.status, 400, "{why}");
    };
    is_stale(world.checkpoint(&first, json!([])), "used before");
    is_stale(world.checkpoint("nonsense", json!([])), "not a token");
    let arn = world.arn(execution);
    assert!(
        world.state.state_page(&arn, &first, None, None).is_ok(),
        "reading uses no token up"
    );
    world.answer(&pending());
    is_stale(
        world.checkpoint(&second, json!([])),
        "the invocation has ended",
    );
    world.pass(SECOND);
    is_stale(
        world.checkpoint(&second, json!([])),
        "another invocation is in flight",
    );
    is_stale(
        world.state.state_page(&arn, &second, None, None),
        "reading with an old invocation's token",
    );
    let third = world.event_token();
    assert!(world.checkpoint(&third, json!([])).is_ok());
}

#[test]
fn a_token_is_invalid_for_an_execution_that_is_none() {
    let mut world = World::new();
    world.start("1");
    let token = world.event_token();
    let request = serde_json::from_value(json!({"CheckpointToken": token})).unwrap();
    let refused = world.state.checkpoint("nobody", request, world.now);
    assert_eq!(refused.unwrap_err(), Refusal::stale_token());
    let refused = world.state.state_page("nobody", &token, None, None);
    assert_eq!(refused.unwrap_err(), Refusal::stale_token());
}

#[test]
fn a_refused_request_changes_nothing_and_leaves_its_token_good() {
    let mut world = World::new();
    let execution = world.start("1");
    let token = world.event_token();
    let twice = json!([{"Id": "a", "Type": "STEP", "Action": "START"}, {"Id": "a", "Type": "STEP", "Action": "START"}]);
    assert!(world.checkpoint(&token, twice).is_err());
    assert_eq!(world.events(execution), [""; 0]);
    assert!(world.checkpoint(&token, step_succeeded("a")).is_ok());
}

#[test]
fn a_repeated_client_token_gets_the_same_answer_again() {
    let mut world = World::new();
    let execution = world.start("1");
    let body = json!({"CheckpointToken": world.event_token(), "Updates": step_succeeded("a"), "ClientToken": "c"});
    let first = world.checkpoint_body(body.clone()).unwrap();
    assert_eq!(world.checkpoint_body(body.clone()).unwrap(), first);
    assert_eq!(
        world.events(execution),
        ["StepSucceeded"],
        "it was applied once"
    );
    let next =
        json!({"CheckpointToken": token_of(&first), "Updates": [wait("w", 1)], "ClientToken": "c"});
    assert_ne!(
        world.checkpoint_body(next).unwrap(),
        first,
        "another token is another request"
    );
    let mut other = body;
    other["ClientToken"] = json!("d");
    assert!(
        world.checkpoint_body(other).is_err(),
        "another request with the used token"
    );
}

#[test]
fn a_full_page_may_promise_one_that_is_empty() {
    let mut world = World::with(|settings| {
        settings.page_size = 1;
        settings.last_page = LastPage::MayBeEmpty;
    });
    let execution = world.start("1");
    let arn = world.arn(execution);
    let event = world.event();
    assert_eq!(event["InitialExecutionState"]["NextMarker"], "1");
    let token = world.event_token();
    let page = |world: &World, token: &str, marker: &str| {
        let page = world.state.state_page(&arn, token, Some(marker), None);
        let page = page.unwrap();
        let count = page["Operations"].as_array().unwrap().len();
        (count, page.get("NextMarker").cloned())
    };
    assert_eq!(page(&world, &token, "0"), (1, Some(json!("1"))));
    assert_eq!(page(&world, &token, "1"), (0, None), "nothing, and no more");
    let answer = world.checkpoint(&token, json!([wait("a", 1)])).unwrap();
    assert_eq!(answer["NewExecutionState"]["NextMarker"], "2");
    assert_eq!(page(&world, token_of(&answer), "2"), (0, None));
}

#[test]
fn operations_come_in_pages() {
    let mut world = World::with(|settings| settings.page_size = 2);
    let execution = world.start("1");
    let arn = world.arn(execution);
    let updates: Vec<Value> = ["a", "b", "c"].iter().map(|id| wait(id, 1)).collect();
    let token = world.event_token();
    let answer = world.checkpoint(&token, Value::Array(updates)).unwrap();
    let ids = |operations: &Value| -> Vec<String> {
        let all = operations.as_array().unwrap().iter();
        all.map(|operation| operation["Id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&answer["NewExecutionState"]["Operations"]), ["a", "b"]);
    let token = token_of(&answer);
    let marker = answer["NewExecutionState"]["NextMarker"].as_str().unwrap();
    let page = world
        .state
        .state_page(&arn, token, Some(marker), None)
        .unwrap();
    assert_eq!(
        (ids(&page["Operations"]), page.get("NextMarker")),
        (vec!["c".to_owned()], None)
    );

    let page = world.state.state_page(&arn, token, None, None).unwrap();
    let id = arn.rsplit('/').next().unwrap();
    assert_eq!(
        ids(&page["Operations"]),
        [id, "a"],
        "without a marker from the first"
    );
    let page = world
        .state
        .state_page(&arn, token, page["NextMarker"].as_str(), Some(1))
        .unwrap();
    assert_eq!(ids(&page["Operations"]), ["b"], "a client may ask for less");

    world.answer(&pending());
    world.pass(SECOND);
    let event = world.event();
    assert_eq!(
        ids(&event["InitialExecutionState"]["Operations"]),
        [id, "a"]
    );
    assert_eq!(event["InitialExecutionState"]["NextMarker"], json!("2"));
    assert_eq!(event["UpdatedOperationIds"], json!(["a", "b", "c"]));
}

#[test]
fn a_polled_condition_keeps_its_state_between_attempts() {
    let mut world = World::new();
    let execution = world.start("1");
    let poll = |action: &str| json!({"Id": "p", "Type": "STEP", "SubType": "WaitForCondition", "Action": action});
    let mut retry = poll("RETRY");
    retry["Payload"] = json!("{\"n\":1}");
    retry["StepOptions"] = json!({"NextAttemptDelaySeconds": 2});
    let token = world.event_token();
    world
        .checkpoint(&token, json!([poll("START"), retry]))
        .unwrap();
    let event = world.last_event(execution);
    assert_eq!(event["EventType"], json!("StepSucceeded"));
    assert_eq!(
        event["StepSucceededDetails"],
        json!({"Result": {"Payload": "{\"n\":1}", "Truncated": false}, "RetryDetails": {"CurrentAttempt": 1, "NextAttemptDelaySeconds": 2}})
    );
    world.answer(&pending());
    world.pass(2 * SECOND);
    let operation = world.event()["InitialExecutionState"]["Operations"][1].clone();
    assert_eq!(operation["Status"], json!("READY"));
    assert_eq!(
        operation["StepDetails"],
        json!({"Attempt": 1, "Result": "{\"n\":1}"})
    );
}

#[test]
fn a_token_is_good_for_its_own_execution() {
    let mut world = World::new();
    let one = world.start("1");
    world.start("2");
    let of_two = world.event_token();
    let arn = world.arn(one);
    let body = json!({"CheckpointToken": of_two});
    let request: CheckpointRequest = serde_json::from_value(body).unwrap();
    assert!(world.state.checkpoint(&arn, request, world.now).is_err());
    assert!(world.state.state_page(&arn, &of_two, None, None).is_err());
}

#[test]
fn an_attempt_begins_without_what_the_last_one_left() {
    let mut world = World::new();
    world.start("1");
    let step = |action: &str| json!({"Id": "s", "Type": "STEP", "Action": action});
    let mut retry = step("RETRY");
    retry["Error"] = json!({"ErrorType": "E"});
    retry["StepOptions"] = json!({"NextAttemptDelaySeconds": 1});
    let token = world.event_token();
    let answer = world
        .checkpoint(&token, json!([step("START"), retry]))
        .unwrap();
    let asleep = &answer["NewExecutionState"]["Operations"][0];
    assert_eq!(asleep.get("EndTimestamp"), None, "it has not ended");
    assert_eq!(
        asleep["StepDetails"],
        json!({"Attempt": 1, "Error": {"ErrorType": "E"}, "NextAttemptTimestamp": 1001.0})
    );
    world.answer(&pending());
    world.pass(SECOND);
    let token = world.event_token();
    let answer = world.checkpoint(&token, json!([step("START")])).unwrap();
    let begun = &answer["NewExecutionState"]["Operations"][0];
    assert_eq!(
        (&begun["Status"], &begun["StepDetails"]),
        (&json!("STARTED"), &json!({"Attempt": 1}))
    );
    let answer = world
        .checkpoint(token_of(&answer), json!([step("SUCCEED")]))
        .unwrap();
    let ended = &answer["NewExecutionState"]["Operations"][0];
    assert_eq!(
        (&ended["StartTimestamp"], &ended["EndTimestamp"]),
        (&json!(1000.0), &json!(1001.0))
    );
}

#[test]
fn a_result_too_large_for_the_answer_is_told_before_it() {
    let mut world = World::new();
    let execution = world.start("1");
    let large = "x".repeat(300 * 1024);
    let token = world.event_token();
    let update = json!([{"Id": "e", "Type": "EXECUTION", "Action": "SUCCEED", "Payload": large}]);
    world.checkpoint(&token, update).unwrap();
    assert_eq!(
        world.status(execution),
        "RUNNING",
        "the function has still to answer"
    );
    world.answer(&json!({"Status": "SUCCEEDED", "Result": ""}));
    assert_eq!(
        world.state.executions()[execution].ending.result.as_ref(),
        Some(&large)
    );
}
