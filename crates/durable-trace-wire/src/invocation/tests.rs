use super::*;

fn parse(event: &str) -> Invocation<'_> {
    Invocation::parse(event)
        .unwrap()
        .unwrap_or_else(|| panic!("not durable: {event}"))
}

fn state(state: &str) -> String {
    format!(r#"{{"DurableExecutionArn":"a","InitialExecutionState":{state}}}"#)
}

#[test]
fn an_event_without_a_text_arn_is_not_durable() {
    for event in [
        "null",
        "1",
        "1e999",
        "true",
        "[]",
        r#""x""#,
        r#""\ud800""#,
        "{}",
        r#"{"a":1}"#,
        r#"{"DurableExecutionArn":null}"#,
        r#"{"DurableExecutionArn":1}"#,
        r#"{"DurableExecutionArn":["a"]}"#,
        r#"{"DurableExecutionArn":"\ud800"}"#,
        r#"{"durableExecutionArn":"a"}"#,
        r#"{"DurableExecutionArn":"a","DurableExecutionArn":1}"#,
    ] {
        assert!(Invocation::parse(event).unwrap().is_none(), "{event}");
    }
}

#[test]
fn what_is_not_json_is_an_error() {
    for event in [
        "",
        " ",
        "{",
        "nul",
        "{}x",
        r#"{"DurableExecutionArn":"a"} {}"#,
        r#"{"DurableExecutionArn":"a",}"#,
        "{\"DurableExecutionArn\":\"a\",\"\u{0}\":1}",
    ] {
        assert!(Invocation::parse(event).is_err(), "{event}");
    }
}

#[test]
fn every_field_is_read_and_nothing_is_copied() {
    let event = r#" {"DurableExecutionArn":"a","CheckpointToken":"t","InitialExecutionState":{"Operations":[
        {"Id":"e","Type":"EXECUTION","ExecutionDetails":{"InputPayload":"{\"a\":1}"}},{"Id":"s","Type":"STEP"}],"NextMarker":"m"},
        "UpdatedOperationIds":["s",1,null,"t"],"Else":{}} "#;
    let invocation = parse(event);
    assert_eq!(invocation.arn, "a");
    assert_eq!(invocation.checkpoint_token.as_deref(), Some("t"));
    assert_eq!(invocation.next_marker.as_deref(), Some("m"));
    assert_eq!(invocation.operation_count, 2);
    assert_eq!(invocation.input_payload, Some(r#""{\"a\":1}""#));
    assert_eq!(invocation.input().as_deref(), Some(r#"{"a":1}"#));
    assert_eq!(invocation.updated_operation_ids, ["s", "t"]);
    for text in [&invocation.arn, &invocation.operations[1].id] {
        assert!(matches!(text, Cow::Borrowed(_)), "{text}");
    }
}

#[test]
fn escapes_are_decoded() {
    let invocation = parse(r#"{"DurableExecutionArn":"\u0061\/b","\u0043heckpointToken":"\n"}"#);
    assert_eq!(
        (
            invocation.arn.as_ref(),
            invocation.checkpoint_token.as_deref()
        ),
        ("a/b", Some("\n"))
    );
}

#[test]
fn operations_are_items_or_values() {
    for (operations, ids, count, why) in [
        (r#"[{"Id":"1"},{"Id":"2"}]"#, &["1", "2"][..], 2, "an array"),
        (
            r#"{"x":{"Id":"1"},"y":{"Id":"2"}}"#,
            &["1", "2"],
            2,
            "an object",
        ),
        (
            r#"[null,1,"x",[],true,1.5,{"Id":"1"}]"#,
            &["1"],
            7,
            "items of other types count and are no operations",
        ),
        (
            r#"{"\ud800":{"Id":"1"},"y":null}"#,
            &["1"],
            2,
            "a name with a lone surrogate",
        ),
        ("[]", &[], 0, "empty"),
        ("null", &[], 0, "null"),
        (r#""abc""#, &[], 0, "text"),
        ("1", &[], 0, "a number"),
        ("true", &[], 0, "a boolean"),
    ] {
        let event = state(&format!(r#"{{"Operations":{operations}}}"#));
        let invocation = parse(&event);
        let got: Vec<_> = invocation
            .operations
            .iter()
            .map(|operation| operation.id.as_ref())
            .collect();
        assert_eq!(
            (got.as_slice(), invocation.operation_count),
            (ids, count),
            "{why}"
        );
    }
}

#[test]
fn a_state_of_another_type_is_an_empty_one() {
    for other in ["null", "1", "[]", r#""x""#, "{}", "[1,[2]]"] {
        let event = state(other);
        let invocation = parse(&event);
        assert_eq!(
            (invocation.operation_count, invocation.next_marker),
            (0, None),
            "{other}"
        );
    }
}

#[test]
fn the_last_of_two_members_counts_whole() {
    let event = r#"{"DurableExecutionArn":"a","InitialExecutionState":{"Operations":[{"Id":"1"}],"NextMarker":"m"},
        "DurableExecutionArn":"b","InitialExecutionState":{"Operations":[{"Id":"2"}],"Operations":[{"Id":"3"}]}}"#;
    let invocation = parse(event);
    assert_eq!(
        (invocation.arn.as_ref(), invocation.next_marker.as_deref()),
        ("b", None)
    );
    assert_eq!(
        (
            invocation.operation_count,
            invocation.operations[0].id.as_ref()
        ),
        (1, "3")
    );
}

#[test]
fn values_that_cannot_be_decoded_cost_only_themselves() {
    for odd in ["1e999", r#""\ud800""#] {
        let event = format!(
            r#"{{"CheckpointToken":{odd},"UpdatedOperationIds":[{odd},"x"],"x":{odd},"DurableExecutionArn":"a",
            "InitialExecutionState":{{"NextMarker":{odd},"Operations":[{odd},{{"Id":"1","Name":{odd},"StepDetails":{odd},"WaitDetails":{odd}}},
            {{"Id":"2","StepDetails":{{"Error":{odd},"Attempt":3}}}}]}}}}"#
        );
        let invocation = parse(&event);
        assert_eq!(
            (invocation.operation_count, invocation.operations.len()),
            (3, 2),
            "{odd}"
        );
        assert_eq!(invocation.operations[1].attempt, Some(3), "{odd}");
        assert_eq!(invocation.updated_operation_ids, ["x"], "{odd}");
        let event = state(odd);
        assert_eq!(parse(&event).operation_count, 0, "{odd}");
        let event = state(&format!(r#"{{"Operations":{odd}}}"#));
        assert_eq!(parse(&event).operation_count, 0, "{odd}");
    }
}

#[test]
fn the_depth_of_an_event_has_no_limit() {
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let event = format!(
        r#"{{"x":{deep},"DurableExecutionArn":"a","InitialExecutionState":{{"x":{deep},"Operations":[{deep},{{"x":{deep},"StepDetails":{deep}}}]}}}}"#
    );
    assert_eq!(parse(&event).operation_count, 2);
}

#[test]
fn the_input_is_the_first_executions() {
    for (operations, want, why) in [
        (
            r#"[{"Type":"EXECUTION","ExecutionDetails":{"InputPayload":"1"}},{"Type":"EXECUTION","ExecutionDetails":{"InputPayload":"2"}}]"#,
            Some("1"),
            "two",
        ),
        (
            r#"[{"ExecutionDetails":{"InputPayload":"1"},"Type":"execution"}]"#,
            Some("1"),
            "the type comes later",
        ),
        (
            r#"[{"Type":"EXECUTION","ExecutionDetails":{"InputPayload":{"a":1}}}]"#,
            Some(r#"{"a":1}"#),
            "an object",
        ),
        (
            r#"[{"Type":"EXECUTION","ExecutionDetails":{"InputPayload":null}}]"#,
            None,
            "null",
        ),
        (
            r#"[{"Type":"STEP","ExecutionDetails":{"InputPayload":"1"}}]"#,
            None,
            "another type",
        ),
    ] {
        let event = state(&format!(r#"{{"Operations":{operations}}}"#));
        assert_eq!(parse(&event).input().as_deref(), want, "{why}");
    }
}

#[test]
fn an_empty_marker_is_none() {
    let event = state(r#"{"NextMarker":""}"#);
    assert_eq!(parse(&event).next_marker, None);
}
