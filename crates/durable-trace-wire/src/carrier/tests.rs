//! What the carriers' tests have in common, and how carriers compete.

use serde_json::{Value, json};

use super::*;

/// What a test expects: the carrier, the lower half of the trace id, and whether it is complete.
pub(super) type Found = Option<(&'static str, u64, bool)>;

/// Datadog's headers of a trace; all tests have 7 for a parent.
pub(super) fn headers(trace: u64) -> Value {
    json!({
        "x-datadog-trace-id": trace.to_string(),
        "x-datadog-parent-id": "7",
        "x-datadog-sampling-priority": "1",
    })
}

/// The same without a decision.
pub(super) fn undecided(trace: u64) -> Value {
    json!({ "x-datadog-trace-id": trace.to_string(), "x-datadog-parent-id": "7" })
}

/// A Step Functions context.
pub(super) fn state() -> Value {
    json!({
        "Execution": { "Id": "arn:aws:states:eu-west-1:1:execution:m:e", "RedriveCount": 0 },
        "State": { "Name": "s", "EnteredTime": "2024-12-04T19:38:04.118Z", "RetryCount": 0 },
        "StateMachine": { "Id": "arn:aws:states:eu-west-1:1:stateMachine:m", "Name": "m" },
    })
}

/// JSON in a text, as SQS and SNS carry it.
pub(super) fn text(value: &Value) -> Value {
    Value::String(value.to_string())
}

/// JSON in base64.
pub(super) fn base64(value: &Value) -> Value {
    use ::base64::Engine as _;
    Value::String(::base64::prelude::BASE64_STANDARD.encode(value.to_string()))
}

pub(super) fn found(event: &Value) -> Found {
    found_with(event, &CarrierRules::default())
}

pub(super) fn found_with(event: &Value, rules: &CarrierRules) -> Found {
    let carried = extract_from_event(&event.to_string(), rules)?;
    Some((
        carried.source.as_str(),
        carried.context.trace_id.low(),
        carried.complete,
    ))
}

#[test]
fn the_first_complete_carrier_wins_and_an_unusable_one_hides_none() {
    for (event, want, why) in [
        (
            json!({ "request": { "headers": headers(1) }, "headers": headers(2), "_datadog": headers(3) }),
            Some(("request", 1, true)),
            "the first",
        ),
        (
            json!({ "request": { "headers": null }, "headers": {}, "multiValueHeaders": 5, "_datadog": headers(3) }),
            Some(("datadog", 3, true)),
            "what is there but holds nothing",
        ),
        (
            json!({ "request": { "headers": undecided(1) }, "headers": headers(2) }),
            Some(("headers", 2, true)),
            "a decision counts for more than the order",
        ),
        (
            json!({ "request": { "headers": undecided(1) }, "headers": undecided(2) }),
            Some(("request", 1, false)),
            "without any decision the order counts",
        ),
        (
            json!({ "headers": { "x-datadog-trace-id": "1" }, "_datadog": undecided(3) }),
            Some(("datadog", 3, false)),
            "a trace without a parent is nothing",
        ),
        (
            json!({ "body": headers(1).to_string() }),
            None,
            "a body is the user's",
        ),
        (json!([headers(1)]), None, "no object"),
    ] {
        assert_eq!(found(&event), want, "{why}: {event}");
    }
}

#[test]
fn a_later_carrier_is_not_asked_for_once_one_is_complete() {
    let context = extract_from_event(&headers(1).to_string(), &CarrierRules::default());
    let candidates = std::iter::once(context.clone()).chain(std::iter::from_fn(|| unreachable!()));
    assert_eq!(first_complete(candidates), context);
}

#[test]
fn the_users_extractor_is_a_candidate_like_any_other() {
    let carried = extract_from_event(&undecided(1).to_string(), &CarrierRules::default()).unwrap();
    let own = Carried::by_extractor(carried.context.clone());
    assert_eq!((own.source.as_str(), own.complete), ("extractor", false));
    let event = extract_from_event(&headers(2).to_string(), &CarrierRules::default());
    assert_eq!(first_complete([Some(own), event.clone()]), event);
}

#[test]
fn other_styles_are_asked_where_ours_find_nothing_complete() {
    let b3 = |pairs: &[(String, String)]| {
        let (_, trace) = pairs.iter().find(|(name, _)| name == "X-B3-TraceId")?;
        let carried = extract_from_event(
            &headers(trace.parse().ok()?).to_string(),
            &CarrierRules::default(),
        )?;
        Some(carried.context)
    };
    let mut mixed = undecided(1);
    mixed["X-B3-TraceId"] = json!(["9", "8"]);
    let mut complete = headers(1);
    complete["X-B3-TraceId"] = json!("9");
    for (event, want, why) in [
        (
            json!({ "headers": { "X-B3-TraceId": "9" } }),
            Some(9),
            "nothing of ours",
        ),
        (json!({ "headers": mixed }), Some(9), "ours is not complete"),
        (json!({ "headers": complete }), Some(1), "ours is complete"),
        (
            json!({ "headers": undecided(1) }),
            Some(1),
            "none of the others",
        ),
        (json!({ "headers": {} }), None, "none at all"),
    ] {
        let carried =
            extract_from_event_with(&event.to_string(), &CarrierRules::default(), Some(&b3));
        let low = carried.map(|carried| carried.context.trace_id.low());
        assert_eq!(low, want, "{why}: {event}");
    }
}

#[test]
fn hostile_events_cost_their_length_and_nothing_more() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = "9".repeat(nested_limit());
    let records = format!(
        "[{}]",
        vec![r#"{"eventSource":"aws:sqs","body":"{"}"#; 50_000].join(",")
    );
    // Each text within a text doubles its escapes: a tower of them is not climbed.
    let mut tower = headers(1).to_string();
    for _ in 0..12 {
        tower = json!({ "_datadog": tower, "Payload": tower.clone() }).to_string();
        if tower.len() > 1 << 20 {
            break;
        }
    }
    for (event, why) in [
        (
            format!(r#"{{"headers":{deep},"_datadog":{deep},"Records":{deep}}}"#),
            "deep",
        ),
        (
            format!(r#"{{"x-datadog-trace-id":"{long}","x-datadog-parent-id":"7"}}"#),
            "a long header",
        ),
        (format!(r#"{{"Records":{records}}}"#), "many records"),
        (tower, "texts within texts"),
        (deep, "deep alone"),
    ] {
        assert_eq!(
            extract_from_event(&event, &CarrierRules::default()),
            None,
            "{why}"
        );
    }
}

fn nested_limit() -> usize {
    crate::nested::MAX_DECODED_BYTES
}
