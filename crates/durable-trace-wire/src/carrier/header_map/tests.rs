use serde_json::{Value, json};

use super::*;
use crate::carrier::extract_from_event;

const DD: &str = "5824782139817050087"; // 50d5c87ec1d5bfe7
const PARENT: &str = "00-6b02ac840000000050d5c87ec1d5bfe7-0000000000000009-01";
const ELSEWHERE: &str = "00-aaaaaaaaaaaaaaaa112210f47de98115-0000000000000009-01";
const WHOLE: &str = "6b02ac840000000050d5c87ec1d5bfe7";

/// Headers by their short names.
fn map(pairs: &[(&str, &str)]) -> Value {
    let full = |name: &str| {
        match name {
            "trace" => "x-datadog-trace-id",
            "parent" => "x-datadog-parent-id",
            "priority" => "x-datadog-sampling-priority",
            "tags" => "x-datadog-tags",
            "origin" => "x-datadog-origin",
            other => match other {
                "tp" => "traceparent",
                _ => "tracestate",
            },
        }
        .to_owned()
    };
    let pairs = pairs.iter().map(|(name, value)| (full(name), json!(value)));
    Value::Object(pairs.collect())
}

/// Trace id, parent, priority and the number of links.
fn read_with(headers: &Value, styles: &[HeaderStyle]) -> Option<(String, u64, Option<i8>, usize)> {
    let rules = CarrierRules {
        styles: styles.to_vec(),
        ..CarrierRules::default()
    };
    let carried = extract_from_event(&json!({ "headers": headers }).to_string(), &rules)?;
    let context = carried.context;
    Some((
        context.trace_id.to_string(),
        context.parent_id.get(),
        context.sampling_priority.map(SamplingPriority::value),
        carried.links.len(),
    ))
}

fn read(pairs: &[(&str, &str)]) -> Option<(String, u64, Option<i8>, usize)> {
    read_with(&map(pairs), &CarrierRules::default().styles)
}

#[test]
fn two_styles_of_one_trace_complete_each_other() {
    let tid = ("tags", "_dd.p.tid=6b02ac8400000000");
    for (pairs, want, why) in [
        (
            vec![("trace", DD), ("parent", "7"), ("priority", "2"), tid],
            (WHOLE, 7, Some(2), 0),
            "Datadog alone",
        ),
        (
            vec![("tp", PARENT), ("ts", "dd=s:2")],
            (WHOLE, 9, Some(2), 0),
            "W3C alone",
        ),
        (
            vec![
                ("trace", DD),
                ("parent", "7"),
                ("priority", "2"),
                tid,
                ("tp", PARENT),
            ],
            (WHOLE, 9, Some(2), 0),
            "the parent is W3C's, the decision Datadog's",
        ),
        (
            vec![
                ("trace", DD),
                ("parent", "7"),
                tid,
                ("tp", PARENT),
                ("ts", "dd=s:2"),
            ],
            (WHOLE, 9, Some(2), 0),
            "no priority: W3C's",
        ),
        (
            vec![("trace", DD), ("priority", "2"), tid, ("tp", PARENT)],
            (WHOLE, 9, Some(2), 0),
            "no parent: W3C's",
        ),
        (
            vec![
                ("trace", DD),
                ("parent", "7"),
                ("priority", "2"),
                ("tp", PARENT),
            ],
            (WHOLE, 9, Some(2), 0),
            "no upper half: W3C's",
        ),
        (
            vec![
                ("trace", DD),
                ("parent", "7"),
                ("priority", "2"),
                ("tags", "_dd.p.tid=xyz"),
                ("tp", PARENT),
            ],
            (WHOLE, 9, Some(2), 0),
            "a malformed one: W3C's",
        ),
        (
            vec![
                ("trace", DD),
                ("parent", "7"),
                ("priority", "2"),
                ("tags", "_dd.p.tid=1111111111111111"),
                ("tp", PARENT),
            ],
            ("111111111111111150d5c87ec1d5bfe7", 7, Some(2), 1),
            "another upper half: another trace",
        ),
    ] {
        let (trace, parent, priority, links) = want;
        assert_eq!(
            read(&pairs),
            Some((trace.to_owned(), parent, priority, links)),
            "{why}"
        );
    }
}

#[test]
fn who_decided_goes_with_the_decision() {
    let event = json!({ "headers": map(&[
        ("trace", DD), ("parent", "7"), ("tags", "_dd.p.x=1"), ("tp", PARENT), ("ts", "dd=s:2;t.dm:-4"),
    ]) });
    let context = extract_from_event(&event.to_string(), &CarrierRules::default())
        .unwrap()
        .context;
    assert_eq!(
        context.tags.iter().collect::<Vec<_>>(),
        [("_dd.p.x", "1"), ("_dd.p.dm", "-4")]
    );
}

#[test]
fn another_trace_becomes_a_link() {
    let dd64 = "000000000000000050d5c87ec1d5bfe7";
    let other = "aaaaaaaaaaaaaaaa112210f47de98115";
    for (pairs, want, why) in [
        (
            vec![
                ("trace", DD),
                ("parent", "7"),
                ("priority", "0"),
                ("tp", ELSEWHERE),
            ],
            (dd64, 7, Some(0), 1),
            "Datadog's first",
        ),
        (
            vec![("trace", DD), ("parent", "7"), ("tp", ELSEWHERE)],
            (other, 9, Some(1), 1),
            "the complete one",
        ),
        (
            vec![("trace", DD), ("priority", "1"), ("tp", ELSEWHERE)],
            (other, 9, Some(1), 0),
            "what names no parent is no link",
        ),
        (
            vec![("trace", "0"), ("parent", "7"), ("tp", ELSEWHERE)],
            (other, 9, Some(1), 0),
            "nor what names no trace",
        ),
    ] {
        let (trace, parent, priority, links) = want;
        assert_eq!(
            read(&pairs),
            Some((trace.to_owned(), parent, priority, links)),
            "{why}"
        );
    }
}

#[test]
fn the_order_of_styles_is_the_users() {
    use HeaderStyle::{Datadog, TraceContext};
    let both = map(&[
        ("trace", DD),
        ("parent", "7"),
        ("priority", "2"),
        ("tp", ELSEWHERE),
    ]);
    let same = map(&[
        ("trace", DD),
        ("parent", "7"),
        ("priority", "2"),
        ("tp", PARENT),
    ]);
    let (dd, w3c) = (
        "000000000000000050d5c87ec1d5bfe7",
        "aaaaaaaaaaaaaaaa112210f47de98115",
    );
    for (headers, styles, want, why) in [
        (
            &both,
            &[Datadog, TraceContext][..],
            Some((dd, 7, Some(2), 1)),
            "Datadog first",
        ),
        (
            &both,
            &[TraceContext, Datadog],
            Some((w3c, 9, Some(1), 1)),
            "W3C first",
        ),
        (
            &both,
            &[Datadog],
            Some((dd, 7, Some(2), 0)),
            "Datadog alone",
        ),
        (
            &both,
            &[TraceContext],
            Some((w3c, 9, Some(1), 0)),
            "W3C alone",
        ),
        (&both, &[], None, "neither"),
        (
            &same,
            &[TraceContext, Datadog],
            Some((WHOLE, 9, Some(1), 0)),
            "one trace, W3C's decision",
        ),
    ] {
        let want = want
            .map(|(trace, parent, priority, links)| (trace.to_owned(), parent, priority, links));
        assert_eq!(read_with(headers, styles), want, "{why}");
    }
}

#[test]
fn a_malformed_part_costs_itself_alone() {
    let zero = "000000000000000050d5c87ec1d5bfe7";
    for (pairs, want, why) in [
        (
            vec![("trace", DD), ("parent", "7"), ("priority", "keep")],
            Some((zero, 7, None, 0)),
            "a priority that is none",
        ),
        (
            vec![("trace", DD), ("parent", "7"), ("priority", "99")],
            Some((zero, 7, None, 0)),
            "or beyond 2",
        ),
        (
            vec![("trace", "+1"), ("parent", "7")],
            None,
            "an id with a sign",
        ),
        (
            vec![("trace", "1_0"), ("parent", "7")],
            None,
            "or an underscore",
        ),
        (
            vec![("trace", "\u{661}"), ("parent", "7")],
            None,
            "or in another script",
        ),
        (
            vec![("trace", DD), ("parent", "18446744073709551616")],
            None,
            "a parent beyond 64 bits",
        ),
        (
            vec![("tp", PARENT), ("ts", "dd=s:2;junk;o:x")],
            Some((WHOLE, 9, Some(2), 0)),
            "a field without a colon",
        ),
        (
            vec![("tp", PARENT), ("ts", "dd=s:2;")],
            Some((WHOLE, 9, Some(2), 0)),
            "a semicolon too many",
        ),
        (
            vec![("tp", PARENT), ("ts", "dd=s:abc;o:rum")],
            Some((WHOLE, 9, Some(1), 0)),
            "a session whose priority is none",
        ),
    ] {
        let want = want
            .map(|(trace, parent, priority, links)| (trace.to_owned(), parent, priority, links));
        assert_eq!(read(&pairs), want, "{why}: {pairs:?}");
    }
}

#[test]
fn tags_are_judged_one_by_one() {
    let long = format!("_dd.p.long={},_dd.p.tid=6b02ac8400000000", "x".repeat(600));
    for (tags, want, high, why) in [
        (
            "_dd.p.dm=-4,_dd.p.tid=6b02ac8400000000",
            vec!["_dd.p.dm"],
            true,
            "as they should be",
        ),
        (
            "no equals,_dd.p.a=1, _dd.p.tid=6b02ac8400000000",
            vec!["_dd.p.a"],
            true,
            "one malformed",
        ),
        (
            "_dd.p.a=\u{e9},_dd.p.b=1",
            vec!["_dd.p.b"],
            false,
            "one that we could not write again",
        ),
        (
            "_dd.p.dm=4,_dd.p.upstream_services=x,foo=1",
            vec![],
            false,
            "no decision maker, and others' tags",
        ),
        (
            &long,
            vec!["_dd.p.long"],
            true,
            "longer than the reference reads",
        ),
    ] {
        let event = json!({ "headers": map(&[("trace", DD), ("parent", "7"), ("tags", tags)]) });
        let context = extract_from_event(&event.to_string(), &CarrierRules::default())
            .unwrap()
            .context;
        let names: Vec<_> = context.tags.iter().map(|(name, _)| name).collect();
        assert_eq!((names, context.trace_id.high() != 0), (want, high), "{why}");
    }
}

#[test]
fn several_lines_of_tracestate_are_one_list() {
    let headers = json!({ "traceparent": [PARENT], "tracestate": ["congo=1", "dd=s:2;o:rum"] });
    let want = Some((WHOLE.to_owned(), 9, Some(2), 0));
    assert_eq!(read_with(&headers, &CarrierRules::default().styles), want);
}

#[test]
fn a_header_beyond_all_measure_is_absent() {
    let tid = "_dd.p.tid=6b02ac8400000000";
    for (length, trace) in [(100, WHOLE), (300_000, "000000000000000050d5c87ec1d5bfe7")] {
        let tags = format!("_dd.p.a={},{tid}", "x".repeat(length));
        let found = read(&[("trace", DD), ("parent", "7"), ("tags", &tags)]);
        assert_eq!(found, Some((trace.to_owned(), 7, None, 0)), "{length}");
    }
}

#[test]
fn what_is_to_be_passed_on_comes_along() {
    let list = |members: &[&str]| json!(members);
    for (headers, want, why) in [
        (
            json!({ "traceparent": PARENT, "tracestate": "es=1,dd=s:2", "Baggage": "a=1" }),
            (Some("es=1,dd=s:2"), Some("a=1")),
            "W3C's",
        ),
        (
            json!({ "x-datadog-trace-id": DD, "x-datadog-parent-id": 7, "traceparent": PARENT, "tracestate": "es=1" }),
            (Some("es=1"), None),
            "both styles name one trace",
        ),
        (
            json!({ "x-datadog-trace-id": DD, "x-datadog-parent-id": 7, "x-datadog-sampling-priority": 1, "traceparent": ELSEWHERE, "tracestate": "es=1", "baggage": "a=1" }),
            (None, Some("a=1")),
            "a tracestate of another trace",
        ),
        (
            json!({ "traceparent": PARENT, "tracestate": list(&["es=1", "b=2"]), "baggage": list(&["a=1", "b=2"]) }),
            (Some("es=1,b=2"), Some("a=1,b=2")),
            "lines of a list",
        ),
        (
            json!({ "x-datadog-trace-id": DD, "x-datadog-parent-id": 7, "baggage": "two bags" }),
            (None, None),
            "a word of the user's own",
        ),
    ] {
        let event = json!({ "headers": headers }).to_string();
        let carried = extract_from_event(&event, &CarrierRules::default()).unwrap();
        let PassThrough {
            tracestate,
            baggage,
        } = carried.pass_through;
        assert_eq!((tracestate.as_deref(), baggage.as_deref()), want, "{why}");
    }
}
