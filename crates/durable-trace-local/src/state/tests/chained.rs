use super::*;

const DELAY: Duration = Duration::from_millis(1);

fn call(function: &str) -> (World, usize) {
    let mut world = World::new();
    let execution = world.start("1");
    let token = world.event_token();
    let options = json!({"FunctionName": function, "TenantId": "t"});
    let update = json!([{"Id": "i", "Type": "CHAINED_INVOKE", "SubType": "ChainedInvoke", "Action": "START", "Payload": "{\"x\":1}", "ChainedInvokeOptions": options}]);
    world.checkpoint(&token, update).unwrap();
    world.answer(&pending());
    (world, execution)
}

fn started_details(world: &World, execution: usize) -> Value {
    world.state.executions()[execution].events()[1]["ChainedInvokeStartedDetails"].clone()
}

#[test]
fn a_durable_target_is_an_execution_of_its_own() {
    let (mut world, caller) = call("f:live");
    assert!(world.state.is_idle(), "the caller sleeps first");
    world.pass(DELAY);
    let target = caller + 1;
    assert_eq!(
        started_details(&world, caller),
        json!({"FunctionName": "f:live", "TenantId": "t", "ExecutedVersion": "live", "DurableExecutionArn": world.arn(target),
            "Input": {"Payload": "{\"x\":1}", "Truncated": false}})
    );
    assert_eq!(world.state.executions()[target].input, "{\"x\":1}");
    assert_eq!(world.runs.last().unwrap().tenant_id.as_deref(), Some("t"));
    world.answer(&succeeded("2"));
    assert_eq!(
        world.last_event(caller)["ChainedInvokeSucceededDetails"],
        json!({"Result": {"Payload": "2", "Truncated": false}})
    );
    let operation = &world.event()["InitialExecutionState"]["Operations"][1];
    assert_eq!(operation["ChainedInvokeDetails"], json!({"Result": "2"}));
}

#[test]
fn however_the_target_ends_the_caller_is_told() {
    for (end, status, event_type) in [
        ("fail", "FAILED", "ChainedInvokeFailed"),
        ("stop", "STOPPED", "ChainedInvokeStopped"),
        ("time out", "TIMED_OUT", "ChainedInvokeTimedOut"),
    ] {
        let (mut world, caller) = call("f");
        world.pass(DELAY);
        let target = world.arn(caller + 1);
        match end {
            "fail" => world.answer(&json!({"Status": "FAILED", "Error": {"ErrorType": "E"}})),
            "stop" => {
                world.state.stop(&target, None, world.now).unwrap();
            }
            _ => {
                let error = ErrorRecord::new("Execution.Timeout", "");
                world
                    .state
                    .end_execution(caller + 1, &Ending::timed_out(error), world.now);
            }
        }
        world.gather();
        assert_eq!(
            world.last_event(caller)["EventType"],
            json!(event_type),
            "{end}"
        );
        assert_eq!(
            world.event()["InitialExecutionState"]["Operations"][1]["Status"],
            json!(status),
            "{end}"
        );
    }
}

#[test]
fn a_plain_target_gets_the_bare_payload() {
    let (mut world, caller) = call("plain");
    world.pass(DELAY);
    assert_eq!(world.runs.last().unwrap().payload, "{\"x\":1}");
    assert!(!world.state.is_idle());
    world.end(Outcome::Answered("[1]".to_owned()));
    assert_eq!(
        world.last_event(caller)["EventType"],
        json!("ChainedInvokeSucceeded")
    );
    assert_eq!(
        world.state.executions().len(),
        1,
        "a plain function has no execution"
    );
    assert_eq!(world.runs.len(), 3, "the caller goes on");
}

#[test]
fn a_plain_targets_error_fails_the_invoke() {
    let (mut world, caller) = call("plain");
    world.pass(DELAY);
    world.fault();
    assert_eq!(
        world.last_event(caller)["ChainedInvokeFailedDetails"]["Error"]["Payload"]["ErrorType"],
        json!("Boom")
    );
}

#[test]
fn an_unknown_target_fails_the_invoke() {
    for function in ["nobody", "a:b:c:d"] {
        let (mut world, caller) = call(function);
        world.pass(DELAY);
        assert_eq!(
            world.last_event(caller)["EventType"],
            json!("ChainedInvokeFailed"),
            "{function}"
        );
        assert_eq!(world.runs.len(), 2, "the caller is told: {function}");
    }
}
