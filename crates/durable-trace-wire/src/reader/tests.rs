use super::*;
use crate::checkpoint::checkpoint_id;

const ARN: &str =
    "arn:aws:lambda:us-west-2:123456789012:function:fn:$LATEST/durable-execution/name-1/id-1";

/// A checkpoint whose parent is 1000 and its number.
fn payload(number: u64) -> String {
    format!(
        r#"{{"x-datadog-trace-id":"77","x-datadog-parent-id":"{}"}}"#,
        1000 + number
    )
}

fn step<'a>(name: &'a str, id: &str, payload: &str) -> Operation<'a> {
    Operation {
        id: id.to_owned().into(),
        kind: OperationType::Step,
        name: Some(name.into()),
        result: Some(Payload::Text(payload.to_owned().into())),
        ..Operation::default()
    }
}

/// A checkpoint that a library of this family has written.
fn ours(number: u64) -> Operation<'static> {
    let name = CheckpointNumber::new(number).unwrap().to_string();
    let id = checkpoint_id(&name, ARN);
    Operation {
        name: Some(name.into()),
        ..step("", &id, &payload(number))
    }
}

fn with(operation: Operation<'static>, payload: &str) -> Operation<'static> {
    Operation {
        result: Some(Payload::Text(payload.to_owned().into())),
        ..operation
    }
}

/// A step of the user's that looks like a checkpoint.
fn users(number: u64) -> Operation<'static> {
    Operation {
        id: "user".into(),
        ..ours(number)
    }
}

/// The number found, and the names and reasons of what was passed over.
fn outcome(log: &[Operation<'_>]) -> (Option<u64>, Vec<(String, &'static str)>) {
    let reading = read(ARN, log);
    if let Some(found) = &reading.found {
        assert_eq!(found.context.parent_id.get(), 1000 + found.number.get());
    }
    let skipped = reading
        .skipped
        .iter()
        .map(|skipped| (skipped.name.clone(), skipped.reason.as_str()));
    (
        reading.found.map(|found| found.number.get()),
        skipped.collect(),
    )
}

#[test]
fn the_highest_valid_number_is_found() {
    for (log, found, skipped, why) in [
        (vec![], None, &[][..], "an empty log"),
        (vec![ours(0)], Some(0), &[], "one"),
        (vec![ours(0), ours(1), ours(2)], Some(2), &[], "in order"),
        (
            vec![ours(2), ours(1), ours(0)],
            Some(2),
            &[],
            "out of order",
        ),
        (
            vec![ours(9), ours(10)],
            Some(10),
            &[],
            "as numbers, not as texts",
        ),
        (
            vec![ours(0), with(ours(1), "{}")],
            Some(0),
            &[("_datadog_1", "no-valid-context")],
            "an invalid one above",
        ),
        (
            vec![with(ours(0), "{}"), ours(1)],
            Some(1),
            &[],
            "an invalid one below is not looked at",
        ),
        (
            vec![with(ours(0), "1"), with(ours(2), "x"), with(ours(1), "{}")],
            None,
            &[
                ("_datadog_2", "not-json"),
                ("_datadog_1", "no-valid-context"),
                ("_datadog_0", "not-an-object"),
            ],
            "none valid",
        ),
        (
            vec![step("step", "", &payload(0)), ours(0)],
            Some(0),
            &[],
            "a user's step of another name",
        ),
    ] {
        let skipped: Vec<_> = skipped
            .iter()
            .map(|(name, reason)| ((*name).to_owned(), *reason))
            .collect();
        assert_eq!(outcome(&log), (found, skipped), "{why}");
    }
}

#[test]
fn of_one_number_the_first_alone_counts() {
    let (found, skipped) = outcome(&[with(ours(1), "bad"), ours(1), ours(0), users(0)]);
    assert_eq!(found, Some(0));
    let want = [
        ("_datadog_1", "not-json"),
        ("_datadog_1", "duplicate-number"),
        ("_datadog_0", "duplicate-number"),
    ];
    assert_eq!(
        skipped,
        want.map(|(name, reason)| (name.to_owned(), reason))
    );
}

#[test]
fn known_ids_go_before_all_others() {
    for (log, found, skipped, unknown, why) in [
        (
            vec![ours(0), users(7)],
            Some(0),
            &[("_datadog_7", "unknown-id")][..],
            1,
            "a user's step above",
        ),
        (
            vec![ours(8), users(7)],
            Some(8),
            &[],
            1,
            "a user's step below",
        ),
        (
            vec![users(7), users(3)],
            Some(7),
            &[],
            2,
            "none known: the highest of all",
        ),
        (
            vec![with(ours(0), "{}"), users(7)],
            Some(7),
            &[("_datadog_0", "no-valid-context")],
            1,
            "the known one is invalid",
        ),
        (
            vec![users(0), ours(0)],
            Some(0),
            &[("_datadog_0", "duplicate-number")],
            1,
            "the first of two is the user's",
        ),
    ] {
        let reading = read(ARN, &log);
        assert_eq!(reading.unknown_ids, unknown, "{why}");
        let skipped: Vec<_> = skipped
            .iter()
            .map(|(name, reason)| ((*name).to_owned(), *reason))
            .collect();
        assert_eq!(outcome(&log), (found, skipped), "{why}");
    }
    assert!(read(ARN, &[ours(0)]).found.unwrap().id_known);
    assert!(!read(ARN, &[users(0)]).found.unwrap().id_known);
    assert!(!read("another", &[ours(0)]).found.unwrap().id_known);
}

#[test]
fn javascripts_ids_are_known() {
    let id = "21ef78ef6bd6b4f4";
    assert!(
        !read(
            ARN,
            &[Operation {
                id: id.into(),
                ..ours(0)
            }]
        )
        .found
        .unwrap()
        .id_known
    );
    let id = "b0ceab21f36527c9ee94e6ac001d9716da0add6102c16f1f2ee74e76993e9e14";
    assert!(
        read(
            ARN,
            &[Operation {
                id: id.into(),
                ..ours(0)
            }]
        )
        .found
        .unwrap()
        .id_known
    );
}

#[test]
fn a_checkpoint_is_a_step_of_any_status() {
    use crate::operation::OperationStatus;
    for status in [
        OperationStatus::Started,
        OperationStatus::Failed,
        OperationStatus::Succeeded,
    ] {
        assert_eq!(outcome(&[Operation { status, ..ours(0) }]).0, Some(0));
    }
    let context = Operation {
        kind: OperationType::Context,
        ..ours(3)
    };
    let (found, skipped) = outcome(&[context.clone(), ours(0)]);
    assert_eq!(
        (found, skipped),
        (Some(0), vec![("_datadog_3".to_owned(), "not-a-step")])
    );
    assert_eq!(
        outcome(&[context, ours(3)]).0,
        Some(3),
        "what is no step takes no number from one"
    );
}

#[test]
fn names_that_are_not_canonical_come_last_and_in_order() {
    let log = [
        "_datadog_01",
        "_datadog_",
        "_datadog_0",
        "_datadog_9007199254740992",
    ]
    .map(|name| step(name, "", "bad"));
    let (found, skipped) = outcome(&log);
    assert_eq!(found, None);
    let names: Vec<_> = skipped.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "_datadog_0",
            "_datadog_01",
            "_datadog_",
            "_datadog_9007199254740992"
        ]
    );
}

#[test]
fn a_payload_is_text_or_json_of_an_object() {
    let valid = payload(0);
    let quoted = serde_json::to_string(&valid).unwrap();
    for (given, want, why) in [
        (Some(Payload::Text(valid.clone().into())), None, "text"),
        (
            Some(Payload::Text(format!(" {valid} ").into())),
            None,
            "white space around",
        ),
        (
            Some(Payload::Json(quoted.clone().into())),
            None,
            "a JSON string",
        ),
        (Some(Payload::Json(valid.clone().into())), None, "an object"),
        (None, Some(SkipReason::NoPayload), "nothing"),
        (
            Some(Payload::Text(quoted.into())),
            Some(SkipReason::NotAnObject),
            "a string in a string",
        ),
        (
            Some(Payload::Json("true".into())),
            Some(SkipReason::NotAnObject),
            "another type",
        ),
        (
            Some(Payload::Json(r#""\ud800""#.into())),
            Some(SkipReason::NotJson),
            "a lone surrogate",
        ),
        (
            Some(Payload::Text(format!("{valid}{{}}").into())),
            Some(SkipReason::NotJson),
            "two values",
        ),
        (
            Some(Payload::Text("".into())),
            Some(SkipReason::NotJson),
            "empty",
        ),
    ] {
        let reading = read(
            ARN,
            &[Operation {
                result: given,
                ..ours(0)
            }],
        );
        assert_eq!(
            reading.skipped.first().map(|skipped| skipped.reason),
            want,
            "{why}"
        );
        assert_eq!(reading.found.is_some(), want.is_none(), "{why}");
    }
}

#[test]
fn the_next_number_follows_the_highest_of_all() {
    let last = CheckpointNumber::MAX.get();
    for (log, highest, next, why) in [
        (vec![], None, Some(0), "an empty log"),
        (vec![ours(0), users(7)], Some(7), Some(8), "a user's step"),
        (
            vec![with(ours(4), "bad")],
            Some(4),
            Some(5),
            "an invalid one",
        ),
        (
            vec![Operation {
                kind: OperationType::Wait,
                ..ours(5)
            }],
            Some(5),
            Some(6),
            "what is no step",
        ),
        (
            vec![step("_datadog_07", "", "")],
            None,
            Some(0),
            "a name that is not canonical",
        ),
        (vec![users(last)], Some(last), None, "none left"),
    ] {
        let reading = read(ARN, &log);
        assert_eq!(
            (reading.highest, reading.next_number()),
            (highest, next),
            "{why}"
        );
    }
}

#[test]
fn a_checkpoint_may_hold_w3cs_headers_alone() {
    let json = r#"{"x-datadog-trace-id":"0","traceparent":"00-0000000000000000000000000000004d-00000000000003e8-01"}"#;
    let found = read(ARN, &[with(ours(0), json)]).found.unwrap();
    assert_eq!(
        (found.style, found.context.parent_id.get()),
        (HeaderStyle::TraceContext, 1000)
    );
    assert_eq!(found.headers.trace_id(), Some("0"), "kept as it stands");
}
