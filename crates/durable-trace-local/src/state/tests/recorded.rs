//! Runs of AWS's local runner, fed to the core request by request.

use std::path::PathBuf;

use super::*;

/// Runs whose invocations do not depend on timers falling together.
const RUNS: [&str; 8] = [
    "a_step_wait_step",
    "b_three_waits",
    "c_step_retry",
    "e_parallel_waits",
    "f_map_items",
    "g_child_wait",
    "h_suspend_then_fail",
    "j_no_suspend",
];

fn recordings() -> Option<PathBuf> {
    let shared = std::env::var_os("DURABLE_TRACE_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    Some(shared.join("oracle/runs")).filter(|folder| folder.is_dir())
}

#[test]
fn the_core_answers_as_the_runner_did() {
    let Some(folder) = recordings() else {
        eprintln!("skipped: no recorded runs beside the project");
        return;
    };
    for name in RUNS {
        let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        play(name, &serde_json::from_str(&text).unwrap());
    }
}

fn play(name: &str, run: &Value) {
    let mut world = World::new();
    let invocations = run["invocations"].as_array().unwrap();
    let first = &invocations[0]["event"];
    let recorded_arn = first["DurableExecutionArn"].as_str().unwrap();
    let execution_name = recorded_arn.rsplit('/').nth(1).unwrap();
    let input = first["InitialExecutionState"]["Operations"][0]["ExecutionDetails"]["InputPayload"]
        .as_str()
        .unwrap();
    world.now = at(&invocations[0]["t_start"]);
    let execution = world.start_named(input, Some(execution_name)).unwrap();
    let recorded_id = recorded_arn.rsplit('/').next().unwrap();
    let id = world.arn(execution).rsplit('/').next().unwrap().to_owned();

    for (index, invocation) in invocations.iter().enumerate() {
        pass_until(&mut world, at(&invocation["t_start"]));
        let here = format!("{name}, invocation {index}");
        let want = without_times(
            &invocation["event"]["InitialExecutionState"]["Operations"],
            recorded_id,
            &id,
        );
        let event = world.event();
        assert_eq!(
            without_times(&event["InitialExecutionState"]["Operations"], &id, &id),
            want,
            "{here}"
        );
        assert_eq!(
            event["UpdatedOperationIds"], invocation["event"]["UpdatedOperationIds"],
            "{here}"
        );
        let mut token = world.event_token();
        for call in invocation["api_calls"].as_array().unwrap() {
            pass_until(&mut world, at(&call["t"]));
            let answer = world
                .checkpoint(&token, call["request"]["body"]["Updates"].clone())
                .unwrap();
            let want = &call["response"]["body"]["NewExecutionState"]["Operations"];
            let got = without_times(&answer["NewExecutionState"]["Operations"], &id, &id);
            assert_eq!(got, without_times(want, recorded_id, &id), "{here}");
            token = token_of(&answer).to_owned();
        }
        world.now = at(&invocation["t_end"]);
        world.answer(&invocation["response"]);
    }

    let recorded = run["history"]["Events"].as_array().unwrap();
    let events = world.state.executions()[execution].events();
    assert_eq!(events.len(), recorded.len(), "{name}");
    for (event, want) in events.iter().zip(recorded) {
        let mut event = without_times(event, &id, &id);
        let want = without_times(want, recorded_id, &id);
        // The runner leaves out what the service's model requires.
        if want.get("InvocationCompletedDetails").is_none() {
            event
                .as_object_mut()
                .unwrap()
                .remove("InvocationCompletedDetails");
        }
        for key in ["StepFailedDetails", "StepSucceededDetails"] {
            if want[key].is_object() && want[key].get("RetryDetails").is_none() {
                event[key].as_object_mut().unwrap().remove("RetryDetails");
            }
        }
        if want["EventType"] == json!("ExecutionStarted") {
            event["ExecutionStartedDetails"]["ExecutionTimeout"] =
                want["ExecutionStartedDetails"]["ExecutionTimeout"].clone();
        }
        assert_eq!(event, want, "{name}");
    }
}

fn at(seconds: &Value) -> UnixMillis {
    UnixMillis::new(
        Duration::from_secs_f64(seconds.as_f64().unwrap())
            .as_millis()
            .try_into()
            .unwrap(),
    )
}

/// The runner's clock may fire a millisecond late; everything due by then is due.
fn pass_until(world: &mut World, until: UnixMillis) {
    world.pass(until.since(world.now));
}

/// Drops timestamps and nulls, and gives the execution the id it has here.
fn without_times(value: &Value, recorded_id: &str, id: &str) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members
                .iter()
                .filter(|(key, value)| !key.ends_with("Timestamp") && !value.is_null());
            Value::Object(
                kept.map(|(key, value)| (key.clone(), without_times(value, recorded_id, id)))
                    .collect(),
            )
        }
        Value::Array(items) => items
            .iter()
            .map(|item| without_times(item, recorded_id, id))
            .collect(),
        Value::String(text) if text == recorded_id => json!(id),
        other => other.clone(),
    }
}
