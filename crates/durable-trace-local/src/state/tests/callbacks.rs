use super::*;

fn open(options: impl Into<Value>) -> (World, usize, String) {
    let mut world = World::new();
    let execution = world.start("1");
    let token = world.event_token();
    let update = json!([{"Id": "c", "Type": "CALLBACK", "SubType": "Callback", "Name": "approval", "Action": "START", "CallbackOptions": options.into()}]);
    let answer = world.checkpoint(&token, update).unwrap();
    let callback_id = answer["NewExecutionState"]["Operations"][0]["CallbackDetails"]["CallbackId"]
        .as_str()
        .unwrap()
        .to_owned();
    world.answer(&pending());
    (world, execution, callback_id)
}

fn operation(world: &World) -> Value {
    world.event()["InitialExecutionState"]["Operations"][1].clone()
}

#[test]
fn an_answered_callback_wakes_its_execution() {
    let (mut world, execution, id) = open(json!({}));
    assert_eq!(world.announced[0].callback_id, id);
    assert_eq!(world.announced[0].name.as_deref(), Some("approval"));
    world
        .state
        .answer_callback(
            &id,
            CallbackOutcome::Success(Some("\"yes\"".to_owned())),
            world.now,
        )
        .unwrap();
    world.gather();
    assert_eq!(operation(&world)["Status"], json!("SUCCEEDED"));
    assert_eq!(
        operation(&world)["CallbackDetails"],
        json!({"CallbackId": id, "Result": "\"yes\""})
    );
    assert_eq!(
        world.events(execution),
        [
            "CallbackStarted",
            "InvocationCompleted",
            "CallbackSucceeded"
        ]
    );
}

#[test]
fn a_failed_callback_carries_the_error_of_whoever_failed_it() {
    let (mut world, execution, id) = open(json!({}));
    let error = ErrorRecord::new("RejectedError", "not approved");
    world
        .state
        .answer_callback(&id, CallbackOutcome::Failure(error), world.now)
        .unwrap();
    world.gather();
    assert_eq!(operation(&world)["Status"], json!("FAILED"));
    assert_eq!(
        world.last_event(execution)["CallbackFailedDetails"]["Error"]["Payload"],
        json!({"ErrorType": "RejectedError", "ErrorMessage": "not approved"})
    );
}

#[test]
fn a_callback_is_answered_once() {
    let (mut world, _, id) = open(json!({}));
    let answer = || CallbackOutcome::Success(None);
    world
        .state
        .answer_callback(&id, answer(), world.now)
        .unwrap();
    assert_eq!(
        world
            .state
            .answer_callback(&id, answer(), world.now)
            .unwrap_err()
            .error_type,
        "InvalidParameterValueException"
    );
    assert_eq!(
        world
            .state
            .answer_callback("other", answer(), world.now)
            .unwrap_err()
            .error_type,
        "ResourceNotFoundException"
    );
}

#[test]
fn a_callback_of_an_ended_execution_takes_no_answer() {
    let (mut world, execution, id) = open(json!({}));
    assert!(!world.state.is_quiet(), "it sleeps");
    let arn = world.arn(execution);
    world.state.stop(&arn, None, world.now).unwrap();
    world.gather();
    assert_eq!(world.ended, [arn]);
    assert!(world.state.is_quiet());
    let late = world
        .state
        .answer_callback(&id, CallbackOutcome::Success(None), world.now);
    assert_eq!(
        late.unwrap_err().error_type,
        "InvalidParameterValueException"
    );
    assert_eq!(
        world.last_event(execution)["EventType"],
        json!("ExecutionStopped")
    );
}

#[test]
fn callbacks_time_out_and_heartbeats_keep_them_alive() {
    let both = json!({"TimeoutSeconds": 10, "HeartbeatTimeoutSeconds": 4});
    for (options, beats_at, want, why) in [
        (
            json!({"TimeoutSeconds": 3}),
            vec![],
            Some((3, "Callback.Timeout")),
            "no answer in time",
        ),
        (
            json!({"HeartbeatTimeoutSeconds": 4}),
            vec![],
            Some((4, "Callback.Heartbeat")),
            "no heartbeat",
        ),
        (
            json!({"HeartbeatTimeoutSeconds": 4}),
            vec![3, 6],
            Some((10, "Callback.Heartbeat")),
            "four after the last one",
        ),
        (
            both,
            vec![3, 6, 9],
            Some((10, "Callback.Timeout")),
            "heartbeats do not move the time-out",
        ),
        (json!({}), vec![], None, "no limits"),
    ] {
        let (mut world, execution, id) = open(options);
        let mut ended = None;
        for second in 1..=20 {
            world.pass(SECOND);
            if beats_at.contains(&second) {
                world
                    .state
                    .answer_callback(&id, CallbackOutcome::Heartbeat, world.now)
                    .unwrap();
            }
            let event = world.last_event(execution);
            if ended.is_none() && event["EventType"] == json!("CallbackTimedOut") {
                let error_type = event["CallbackTimedOutDetails"]["Error"]["Payload"]["ErrorType"]
                    .as_str()
                    .unwrap()
                    .to_owned();
                ended = Some((second, error_type));
            }
        }
        assert_eq!(
            ended
                .as_ref()
                .map(|(second, error_type)| (*second, error_type.as_str())),
            want,
            "{why}"
        );
        if want.is_some() {
            let late = world
                .state
                .answer_callback(&id, CallbackOutcome::Success(None), world.now);
            assert_eq!(
                late.unwrap_err().error_type,
                "CallbackTimeoutException",
                "{why}"
            );
            assert_eq!(operation(&world)["Status"], json!("TIMED_OUT"), "{why}");
        }
    }
}

#[test]
fn a_scheduled_answer_comes_at_its_time() {
    let (mut world, execution, id) = open(json!({}));
    let at = world.now.after(SECOND);
    world
        .state
        .schedule_callback_answer(&id, CallbackOutcome::Success(Some("1".to_owned())), at);
    assert_eq!(world.state.next_due(true), Some(at));
    assert_eq!(
        world.last_event(execution)["EventType"],
        json!("InvocationCompleted")
    );
    world.pass(SECOND);
    assert_eq!(
        world.last_event(execution)["EventType"],
        json!("CallbackSucceeded")
    );
    assert_eq!(world.runs.len(), 2);
}

#[test]
fn the_beginning_tells_the_limits() {
    let (world, execution, id) = open(json!({"TimeoutSeconds": 3, "HeartbeatTimeoutSeconds": 0}));
    let started = &world.state.executions()[execution].events()[1]["CallbackStartedDetails"];
    assert_eq!(*started, json!({"CallbackId": id, "Timeout": 3}));
}
