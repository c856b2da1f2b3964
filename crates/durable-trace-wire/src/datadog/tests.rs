use super::*;

fn headers(tags: &str) -> Headers<'_> {
    Headers::from_pairs([
        ("x-datadog-trace-id", "77"),
        ("x-datadog-parent-id", "5"),
        ("x-datadog-tags", tags),
    ])
}

fn pairs(tags: &Tags) -> Vec<(&str, &str)> {
    tags.iter().collect()
}

const HIGH: u64 = 0x6b02_ac84_0000_0000;

#[test]
fn a_checkpoints_ids_are_plain_decimals() {
    for (trace_id, parent_id, caller, checkpoint, why) in [
        ("77", "5", true, true, "plain"),
        (
            "18446744073709551615",
            "18446744073709551615",
            true,
            true,
            "the largest",
        ),
        ("077", "005", true, true, "leading zeros"),
        (" 77", "5 ", true, false, "white space"),
        ("+77", "+5", true, false, "a sign"),
        ("7_7", "5", true, false, "an underscore"),
        ("\u{667}\u{667}", "5", true, false, "another script"),
        ("18446744073709551616", "5", false, false, "beyond 64 bits"),
        ("0", "5", false, false, "no trace"),
        ("77", "0", false, false, "no parent"),
        ("-1", "5", false, false, "negative"),
        ("", "5", false, false, "empty"),
        ("0x4d", "5", false, false, "hex"),
        ("77.0", "5", false, false, "a fraction"),
    ] {
        let headers = Headers::from_pairs([
            ("x-datadog-trace-id", trace_id),
            ("x-datadog-parent-id", parent_id),
        ]);
        assert_eq!(
            parse(&headers, Rules::Caller).is_some(),
            caller,
            "caller, {why}"
        );
        assert_eq!(
            parse(&headers, Rules::Checkpoint).is_some(),
            checkpoint,
            "checkpoint, {why}"
        );
    }
}

#[test]
fn a_priority_that_is_no_number_costs_a_caller_the_context_and_a_checkpoint_the_priority() {
    use SamplingPriority::{AutoKeep, UserReject};
    for (text, caller, checkpoint, why) in [
        ("1", Some(Some(AutoKeep)), Some(AutoKeep), "plain"),
        ("-1", Some(Some(UserReject)), Some(UserReject), "negative"),
        (" 1 ", Some(Some(AutoKeep)), Some(AutoKeep), "white space"),
        ("3", Some(None), None, "too high"),
        ("-2", Some(None), None, "too low"),
        (
            "99999999999999999999999999",
            Some(None),
            None,
            "far too high",
        ),
        ("1.0", None, None, "a fraction"),
        ("", None, None, "empty"),
        ("USER_KEEP", None, None, "a word"),
    ] {
        let headers = Headers::from_pairs([
            ("x-datadog-trace-id", "77"),
            ("x-datadog-parent-id", "5"),
            ("x-datadog-sampling-priority", text),
        ]);
        let by = |rules| parse(&headers, rules).map(|context| context.sampling_priority);
        assert_eq!(by(Rules::Caller), caller, "caller, {why}");
        assert_eq!(by(Rules::Checkpoint), Some(checkpoint), "checkpoint, {why}");
    }
}

#[test]
fn the_upper_half_is_16_lower_case_hex_digits() {
    for (tags, caller, checkpoint, why) in [
        ("_dd.p.tid=6b02ac8400000000", HIGH, HIGH, "plain"),
        ("_dd.p.tid=0000000000000000", 0, 0, "zero"),
        ("_dd.p.tid=6B02AC8400000000", 0, 0, "upper case"),
        ("_dd.p.tid=6b02ac840000000", 0, 0, "short"),
        ("_dd.p.tid=6b02ac84000000000", 0, 0, "long"),
        ("_dd.p.tid=+b02ac8400000000", 0, 0, "a sign"),
        ("_dd.p.tid=6b02_c8400000000", 0, 0, "an underscore"),
        (
            "_dd.p.tid=bad,_dd.p.tid=6b02ac8400000000",
            HIGH,
            HIGH,
            "the last is valid",
        ),
        (
            "_dd.p.tid=6b02ac8400000000,_dd.p.tid=bad",
            0,
            HIGH,
            "the last is not",
        ),
        (
            "_dd.p.tid=6b02ac8400000000,,",
            0,
            HIGH,
            "a malformed neighbour",
        ),
        ("_dd.p.tid= 6b02ac8400000000", HIGH, 0, "white space"),
    ] {
        let high = |rules| parse(&headers(tags), rules).unwrap().trace_id.high();
        assert_eq!(high(Rules::Caller), caller, "caller, {why}: {tags}");
        assert_eq!(
            high(Rules::Checkpoint),
            checkpoint,
            "checkpoint, {why}: {tags}"
        );
    }
}

#[test]
fn one_malformed_tag_costs_a_caller_all_tags_and_a_checkpoint_that_one() {
    for (tags, caller, checkpoint, why) in [
        ("_dd.p.a=1,_dd.p.b=2", true, 2, "plain"),
        ("_dd.p.a=1,_dd.p.b=2,", true, 2, "a comma at the end"),
        (",_dd.p.a=1,_dd.p.b=2", false, 2, "a comma first"),
        ("_dd.p.a=1,,_dd.p.b=2", false, 2, "two commas"),
        ("_dd.p.a=1, _dd.p.b=2", false, 2, "a space before a name"),
        ("_dd.p.a=1,_dd.p.b =2", false, 2, "a space after a name"),
        ("_dd.p.a= 1 ,_dd.p.b=2", true, 2, "spaces around a value"),
        ("_dd.p.a=1,_dd.p.b=", false, 1, "no value"),
        ("_dd.p.a=1,_dd.p.b", false, 1, "no equals sign"),
        ("_dd.p.a=1,=2", false, 1, "no name"),
        ("_dd.p.a=1\t,_dd.p.b=2", false, 2, "a tab"),
        ("_dd.p.a=1,_dd.p.é=2", false, 2, "not ASCII"),
    ] {
        let count = |rules| parse(&headers(tags), rules).unwrap().tags.len();
        assert_eq!(
            count(Rules::Caller),
            if caller { 2 } else { 0 },
            "caller, {why}: {tags}"
        );
        assert_eq!(
            count(Rules::Checkpoint),
            checkpoint,
            "checkpoint, {why}: {tags}"
        );
    }
}

#[test]
fn a_caller_has_512_bytes_of_tags_and_a_checkpoint_any_number() {
    for (length, caller) in [(512, 1), (513, 0)] {
        let tags = format!("_dd.p.a={}", "x".repeat(length - 8));
        assert_eq!(
            parse(&headers(&tags), Rules::Caller).unwrap().tags.len(),
            caller,
            "{length}"
        );
        assert_eq!(
            parse(&headers(&tags), Rules::Checkpoint)
                .unwrap()
                .tags
                .len(),
            1,
            "{length}"
        );
    }
}

#[test]
fn a_callers_odd_decision_maker_and_old_tags_are_left_out() {
    for (tags, want, why) in [
        ("_dd.p.dm=-4", &[("_dd.p.dm", "-4")][..], "a mechanism"),
        ("_dd.p.dm=-0", &[("_dd.p.dm", "-0")], "mechanism 0"),
        (
            "_dd.p.dm=-007,_dd.p.a=1",
            &[("_dd.p.a", "1")],
            "leading zeros",
        ),
        ("_dd.p.dm=4,_dd.p.a=1", &[("_dd.p.a", "1")], "no dash"),
        ("_dd.p.dm=-,_dd.p.a=1", &[("_dd.p.a", "1")], "no number"),
        (
            "_dd.p.dm=934086a686-4,_dd.p.a=1",
            &[("_dd.p.a", "1")],
            "with a service's hash",
        ),
        (
            "_dd.p.upstream_services=x,_dd.p.a=1",
            &[("_dd.p.a", "1")],
            "no longer written",
        ),
        (
            "_dd.p.a=b=c",
            &[("_dd.p.a", "b=c")],
            "an equals sign in the value",
        ),
        ("foo=1,_DD.P.a=1", &[], "not propagated"),
    ] {
        assert_eq!(
            pairs(&parse(&headers(tags), Rules::Caller).unwrap().tags),
            want,
            "{why}: {tags}"
        );
    }
    let kept = parse(
        &headers("_dd.p.dm=x,_dd.p.upstream_services=y"),
        Rules::Checkpoint,
    )
    .unwrap();
    assert_eq!(
        pairs(&kept.tags),
        [("_dd.p.dm", "x"), ("_dd.p.upstream_services", "y")],
        "a checkpoint keeps both"
    );
}

#[test]
fn an_origin_is_printable_ascii() {
    for (text, want) in [
        ("rum", Some("rum")),
        (" ", Some(" ")),
        ("", None),
        ("é", None),
        ("a\tb", None),
        ("\u{7f}", None),
        (&"o".repeat(512), Some(&"o".repeat(512))),
        (&"o".repeat(513), None),
    ] {
        let headers = Headers::from_pairs([
            ("x-datadog-trace-id", "77"),
            ("x-datadog-parent-id", "5"),
            ("x-datadog-origin", text),
        ]);
        assert_eq!(
            parse(&headers, Rules::Caller).unwrap().origin.as_deref(),
            want,
            "{text:?}"
        );
    }
}

#[test]
fn tags_that_do_not_fit_shrink_to_what_keeps_the_trace_whole() {
    const TID: &str = "_dd.p.tid=6b02ac8400000000"; // 26 bytes
    let long = "x".repeat(600);
    for (tags, high, limit, want, why) in [
        (
            &[("_dd.p.a", "1"), ("_dd.p.dm", "-4")][..],
            HIGH,
            512,
            Some("_dd.p.a=1,_dd.p.dm=-4,_dd.p.tid=6b02ac8400000000"),
            "all fit",
        ),
        (
            &[("_dd.p.a", " 1 ")],
            0,
            512,
            Some("_dd.p.a=1"),
            "spaces around a value are not written",
        ),
        (&[], HIGH, 512, Some(TID), "the upper half alone"),
        (&[], 0, 512, None, "no tags at all"),
        (
            &[("_dd.p.a", &long), ("_dd.p.dm", "-4")],
            HIGH,
            512,
            Some("_dd.p.dm=-4,_dd.p.tid=6b02ac8400000000"),
            "too long",
        ),
        (
            &[("_dd.p.a", "é"), ("_dd.p.dm", "-4")],
            HIGH,
            512,
            Some("_dd.p.dm=-4,_dd.p.tid=6b02ac8400000000"),
            "not ASCII",
        ),
        (
            &[("_dd.p.a", ""), ("_dd.p.dm", "-4")],
            0,
            512,
            Some("_dd.p.dm=-4"),
            "no value",
        ),
        (
            &[("_dd.p.a", "b,c")],
            HIGH,
            512,
            Some(TID),
            "a comma in the value",
        ),
        (
            &[("_dd.p.a=b", "c")],
            HIGH,
            512,
            Some(TID),
            "an equals sign in the name",
        ),
        (
            &[("_dd.p.a b", "c")],
            HIGH,
            512,
            Some(TID),
            "a space in the name",
        ),
        (
            &[("_dd.p.dm", "é")],
            HIGH,
            512,
            Some(TID),
            "the decision maker is the one",
        ),
        (
            &[("_dd.p.dm", "-4")],
            HIGH,
            38,
            Some("_dd.p.dm=-4,_dd.p.tid=6b02ac8400000000"),
            "just fits",
        ),
        (&[("_dd.p.dm", "-4")], HIGH, 37, Some(TID), "just does not"),
        (
            &[("_dd.p.dm", "-4")],
            HIGH,
            0,
            Some(TID),
            "no limit parts a trace",
        ),
        (&[("_dd.p.a", &long)], 0, 512, None, "nothing to keep"),
    ] {
        let context = Context {
            trace_id: TraceId::from_halves(high, 77).unwrap(),
            parent_id: SpanId::new(5).unwrap(),
            sampling_priority: None,
            origin: None,
            tags: Tags::from_pairs(tags.iter().copied()),
        };
        assert_eq!(context.to_datadog(limit).tags(), want, "{why}");
    }
}

#[test]
fn every_priority_is_written_and_an_odd_origin_is_not() {
    for number in -1..=2 {
        let context = Context {
            trace_id: TraceId::from_halves(0, 77).unwrap(),
            parent_id: SpanId::new(5).unwrap(),
            sampling_priority: SamplingPriority::from_i64(number),
            origin: Some("\n".into()),
            tags: Tags::default(),
        };
        let want = format!(
            r#"{{"x-datadog-trace-id":"77","x-datadog-parent-id":"5","x-datadog-sampling-priority":"{number}"}}"#
        );
        assert_eq!(context.to_datadog(512).to_json(), want);
    }
}

#[test]
fn what_no_reader_takes_is_not_written() {
    for (tags, want, why) in [
        (
            &[("_dd.p.dm", "4"), ("_dd.p.a", "1")][..],
            Some("_dd.p.a=1"),
            "a decision maker that is none",
        ),
        (&[("_dd.p.dm", "x")], None, "nor alone"),
        (
            &[("_dd.p.upstream_services", "a"), ("_dd.p.a", "1")],
            Some("_dd.p.a=1"),
            "what grows with every service",
        ),
        (
            &[("_dd.p.a", "1"), ("_dd.p.a ", "2")],
            Some("_dd.p.a=2"),
            "two names that become one",
        ),
        (
            &[("_dd.p.tid ", "1111111111111111"), ("_dd.p.a", "1")],
            Some("_dd.p.a=1"),
            "a name that becomes the upper half of another trace",
        ),
    ] {
        let context = Context {
            trace_id: TraceId::from_halves(0, 77).unwrap(),
            parent_id: SpanId::new(5).unwrap(),
            sampling_priority: None,
            origin: None,
            tags: Tags::from_pairs(tags.iter().copied()),
        };
        assert_eq!(context.to_datadog(512).tags(), want, "{why}");
    }
}

#[test]
fn a_blank_value_costs_its_own_tag_alone() {
    let tags = Tags::from_pairs([("_dd.p.a", "  "), ("_dd.p.b", " x "), ("_dd.p.c", "y")]);
    let sound = sound_tags(&tags);
    assert_eq!(pairs(&sound), [("_dd.p.b", "x"), ("_dd.p.c", "y")]);
}
