use super::*;
use crate::operation::{Operation, OperationType, Payload};
use crate::reader::read;

const ARN: &str =
    "arn:aws:lambda:us-west-2:123456789012:function:fn:$LATEST/durable-execution/name-1/id-1";

const INJECTED: [(&str, &str); 5] = [
    ("x-datadog-trace-id", "77"),
    ("x-datadog-parent-id", "5"),
    ("x-datadog-sampling-priority", "1"),
    ("x-datadog-origin", "rum"),
    (
        "x-datadog-tags",
        "_dd.p.dm=-0,_dd.p.a=1,_dd.p.tid=6b02ac8400000000",
    ),
];

fn anchor() -> SpanId {
    SpanId::new(555).unwrap()
}

/// The checkpoint `_datadog_3` with this payload, as read.
fn prior(payload: &str) -> Found {
    let operation = Operation {
        kind: OperationType::Step,
        name: Some("_datadog_3".into()),
        result: Some(Payload::Text(payload.into())),
        ..Operation::default()
    };
    read(ARN, &[operation]).found.unwrap()
}

fn decide_with(prior: Option<&Found>, injected: &[(&str, &str)], rules: &WriteRules) -> Decision {
    decide(
        ARN,
        prior,
        &Headers::from_pairs(injected.iter().copied()),
        anchor(),
        Some(4),
        10,
        rules,
    )
}

fn payload(decision: Decision) -> String {
    let Decision::Write(checkpoint) = decision else {
        panic!("{decision:?}")
    };
    checkpoint.payload
}

const BOTH: WriteRules = WriteRules {
    enabled: true,
    styles: CheckpointStyles::DatadogAndTraceContext,
    tags_max_length: 512,
    operation_cap: 3000,
    cap_margin: 5,
};

#[test]
fn the_first_checkpoint_is_anchored_at_the_execute_span() {
    let rules = WriteRules::default();
    let headers = Headers::from_pairs(INJECTED);
    let Decision::Write(checkpoint) = decide(ARN, None, &headers, anchor(), Some(0), 1, &rules)
    else {
        panic!("nothing to write");
    };
    assert_eq!(checkpoint.number.get(), 0);
    assert_eq!(checkpoint.name, "_datadog_0");
    assert_eq!(checkpoint.id, "59ba7605e3769c0aa9280f5892dfd63f");
    assert_eq!(
        checkpoint.payload,
        concat!(
            r#"{"x-datadog-trace-id":"77","x-datadog-parent-id":"555","x-datadog-sampling-priority":"1","#,
            r#""x-datadog-origin":"rum","x-datadog-tags":"_dd.p.dm=-0,_dd.p.a=1,_dd.p.tid=6b02ac8400000000"}"#
        )
    );
}

#[test]
fn the_other_style_is_written_after_datadogs() {
    let payload = payload(decide_with(None, &INJECTED, &BOTH));
    assert!(payload.ends_with(concat!(
        r#","traceparent":"00-6b02ac8400000000000000000000004d-000000000000022b-01","#,
        r#""tracestate":"dd=s:1;o:rum;p:000000000000022b;t.dm:-0;t.a:1"}"#
    )));
}

#[test]
fn a_later_checkpoint_keeps_the_anchor() {
    let prior = prior(r#"{"x-datadog-trace-id":"77","x-datadog-parent-id":"888"}"#);
    for rules in [WriteRules::default(), BOTH] {
        let payload = payload(decide_with(Some(&prior), &INJECTED, &rules));
        assert!(
            payload.contains(r#""x-datadog-parent-id":"888""#),
            "{payload}"
        );
        assert_eq!(
            payload.matches("0000000000000378").count(),
            if rules == BOTH { 2 } else { 0 },
            "{payload}"
        );
    }
}

#[test]
fn an_equal_checkpoint_is_not_written_again() {
    let tid = "_dd.p.tid=6b02ac8400000000";
    let with_tags = |tags: &str| {
        format!(
            r#"{{"x-datadog-trace-id":"77","x-datadog-parent-id":"888","x-datadog-sampling-priority":"1","x-datadog-origin":"rum","x-datadog-tags":"{tags}"}}"#
        )
    };
    let same = with_tags(&format!("_dd.p.dm=-0,_dd.p.a=1,{tid}"));
    for (payload, unchanged, why) in [
        (same.clone(), true, "but for the parent"),
        (
            with_tags(&format!("{tid},_dd.p.a=1,_dd.p.dm=-0")),
            true,
            "another order of tags",
        ),
        (
            same.replace("x-datadog-origin", "X-Datadog-Origin"),
            true,
            "another case",
        ),
        (same.replace(r#""1""#, "1"), true, "integers"),
        (same.replace(r#""77""#, r#""077""#), true, "leading zeros"),
        (same.replace(r#""1""#, r#""2""#), false, "another priority"),
        (same.replace("rum", "synthetics"), false, "another origin"),
        (same.replace("77", "78"), false, "another trace"),
        (same.replace("-0", "-4"), false, "another decision maker"),
        (same.replace("_dd.p.a=1,", ""), false, "a tag less"),
        (
            same.replace("_dd.p.a=1", "_dd.p.a=1,_dd.p.b=1"),
            false,
            "a tag more",
        ),
        (
            same.replace("_dd.p.a=1", "_dd.p.a=1,_dd.p.a=1"),
            false,
            "a tag twice",
        ),
        (
            same.replace("_dd.p.a=1", "_dd.p.a=1,x"),
            false,
            "a part that is no tag",
        ),
        (
            same.replace(tid, "_dd.p.tid=6b02ac8400000001"),
            false,
            "another upper half",
        ),
        (
            same.replace(r#""x-datadog-origin":"rum","#, ""),
            false,
            "a header less",
        ),
        (
            same.replace('}', r#","baggage":"x"}"#),
            false,
            "a foreign header more",
        ),
        (
            same.replace('}', r#","tracestate":"x=1"}"#),
            false,
            "a header more",
        ),
    ] {
        let decision = decide_with(Some(&prior(&payload)), &INJECTED, &WriteRules::default());
        assert_eq!(
            decision == Decision::Unchanged,
            unchanged,
            "{why}: {payload}"
        );
    }
}

#[test]
fn w3cs_headers_are_compared_but_for_the_parent() {
    let written = payload(decide_with(None, &INJECTED, &BOTH));
    for (payload, unchanged, why) in [
        (written.clone(), true, "as written"),
        (
            written.replace("000000000000022b", "0000000000000001"),
            true,
            "other parents",
        ),
        (
            written.replace("s:1;o:rum", "o:rum;s:1"),
            true,
            "another order in the member",
        ),
        (written.replace("-01\"", "-03\""), false, "other flags"),
        (
            written.replace("t.a:1", "t.a:2"),
            false,
            "another tag in the member",
        ),
        (written.replace("dd=", "foo=1,dd="), false, "another member"),
    ] {
        let decision = decide_with(Some(&prior(&payload)), &INJECTED, &BOTH);
        assert_eq!(
            decision == Decision::Unchanged,
            unchanged,
            "{why}: {payload}"
        );
    }
}

#[test]
fn nothing_is_written_without_reason() {
    let rules = WriteRules::default();
    let headers = Headers::from_pairs(INJECTED);
    let off = WriteRules {
        enabled: false,
        ..rules
    };
    let same = prior(&payload(decide_with(None, &INJECTED, &rules)));
    for (prior, headers, next, count, rules, want, why) in [
        (None, &headers, Some(0), 1, &off, "off", "switched off"),
        (
            None,
            &Headers::default(),
            Some(0),
            1,
            &rules,
            "no-context",
            "nothing injected",
        ),
        (
            None,
            &headers,
            None,
            1,
            &rules,
            "no-number",
            "no number left",
        ),
        (
            None,
            &headers,
            Some(1 << 53),
            1,
            &rules,
            "no-number",
            "a number that no name can have",
        ),
        (
            None,
            &headers,
            Some(0),
            2994,
            &rules,
            "write",
            "six operations left",
        ),
        (
            None,
            &headers,
            Some(0),
            2995,
            &rules,
            "cap",
            "five operations left",
        ),
        (
            None,
            &headers,
            Some(0),
            usize::MAX,
            &rules,
            "cap",
            "more operations than there can be",
        ),
        (
            Some(&same),
            &headers,
            None,
            3000,
            &rules,
            "unchanged",
            "nothing to write is no loss",
        ),
    ] {
        let decision = decide(ARN, prior, headers, anchor(), next, count, rules);
        assert_eq!(decision.as_str(), want, "{why}");
    }
}

#[test]
fn a_tracer_that_knows_w3c_alone_is_understood() {
    let injected = [
        (
            "traceparent",
            "00-6b02ac8400000000000000000000004d-0000000000000005-01",
        ),
        (
            "tracestate",
            "dd=s:2;o:rum;p:0000000000000005;t.dm:-4;t.tid:6b02ac8400000000;t.usr.id:a~b",
        ),
    ];
    assert_eq!(
        payload(decide_with(None, &injected, &WriteRules::default())),
        concat!(
            r#"{"x-datadog-trace-id":"77","x-datadog-parent-id":"555","x-datadog-sampling-priority":"2","#,
            r#""x-datadog-origin":"rum","x-datadog-tags":"_dd.p.dm=-4,_dd.p.usr.id=a=b,_dd.p.tid=6b02ac8400000000"}"#
        )
    );
}

#[test]
fn a_trace_that_datadogs_headers_cannot_name_needs_w3cs() {
    let injected = [(
        "traceparent",
        "00-6b02ac84000000000000000000000000-0000000000000005-01",
    )];
    assert_eq!(
        decide_with(None, &injected, &WriteRules::default()),
        Decision::NoContext
    );
    let payload = payload(decide_with(None, &injected, &BOTH));
    assert_eq!(
        prior(&payload).context.trace_id.to_string(),
        "6b02ac84000000000000000000000000"
    );
}

#[test]
fn a_decision_maker_stands_for_a_missing_decision() {
    for (maker, want) in [
        ("-0", Some("1")),
        ("-1", Some("1")),
        ("-4", Some("2")),
        ("-11", Some("2")),
        ("4", None),
        ("-x", None),
    ] {
        let tags = format!("_dd.p.dm={maker}");
        let injected = [
            ("x-datadog-trace-id", "77"),
            ("x-datadog-parent-id", "5"),
            ("x-datadog-tags", tags.as_str()),
        ];
        let payload = payload(decide_with(None, &injected, &WriteRules::default()));
        let headers = Headers::from_json(&payload).unwrap();
        assert_eq!(headers.sampling_priority(), want, "{maker}");
    }
}

#[test]
fn the_limit_of_tags_is_the_one_given() {
    let long = format!(
        "_dd.p.a={},_dd.p.dm=-4,_dd.p.tid=6b02ac8400000000",
        "x".repeat(600)
    );
    let injected = [
        ("x-datadog-trace-id", "77"),
        ("x-datadog-parent-id", "5"),
        ("x-datadog-tags", long.as_str()),
    ];
    for (limit, want) in [
        (512, "_dd.p.dm=-4,_dd.p.tid=6b02ac8400000000"),
        (1000, long.as_str()),
    ] {
        let rules = WriteRules {
            tags_max_length: limit,
            ..WriteRules::default()
        };
        let payload = payload(decide_with(None, &injected, &rules));
        assert_eq!(Headers::from_json(&payload).unwrap().tags(), Some(want));
    }
}

#[test]
fn tags_that_fit_one_style_alone_do_not_make_a_second_checkpoint() {
    let long = format!("_dd.p.a={},_dd.p.b=1,_dd.p.dm=-4", "x".repeat(600));
    let mut injected = INJECTED;
    injected[4].1 = &long;
    let prior = prior(&payload(decide_with(None, &injected, &BOTH)));
    // What was read is what the tracer goes on with, and injects.
    let resumed = prior.context.to_datadog(512);
    let resumed: Vec<_> = resumed.iter().collect();
    assert_eq!(
        decide_with(Some(&prior), &resumed, &BOTH),
        Decision::Unchanged
    );
}

/// What `INJECTED` and these headers become in both styles.
fn others(tracestate: &str, baggage: &str) -> [(&'static str, String); 7] {
    let mut headers = INJECTED
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec();
    headers.push(("tracestate", tracestate.to_owned()));
    headers.push(("baggage", baggage.to_owned()));
    headers.try_into().unwrap()
}

#[test]
fn what_others_put_into_w3cs_headers_survives_where_these_are_written() {
    let headers = others("es=s:0.5,dd=s:2;t.dm:-9", "tenant=7");
    let injected = headers
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let all = WriteRules {
        styles: CheckpointStyles::DatadogTraceContextAndBaggage,
        ..BOTH
    };
    let without = payload(decide_with(None, &injected, &BOTH));
    assert!(
        !without.contains("baggage") && without.contains("es=s:0.5"),
        "{without}"
    );
    let written = payload(decide_with(None, &injected, &all));
    let read: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(
        read["tracestate"],
        "dd=s:1;o:rum;p:000000000000022b;t.dm:-0;t.a:1,es=s:0.5"
    );
    assert_eq!(read["baggage"], "tenant=7");

    let alone = payload(decide_with(None, &injected, &WriteRules::default()));
    assert_eq!(
        alone,
        payload(decide_with(None, &INJECTED, &WriteRules::default())),
        "nothing of it in Datadog's style"
    );

    for (tracestate, baggage, unchanged, why) in [
        ("es=s:0.5", "tenant=7", true, "the same"),
        ("es=s:0.5", "tenant=8", false, "other baggage"),
        ("es=s:0.5", "", false, "no baggage"),
        ("es=s:1", "tenant=7", false, "another vendor's member"),
    ] {
        let headers = others(tracestate, baggage);
        let injected = headers
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let decision = decide_with(Some(&prior(&written)), &injected, &all);
        assert_eq!(decision == Decision::Unchanged, unchanged, "{why}");
    }
}
