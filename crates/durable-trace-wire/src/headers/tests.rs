use super::*;

const ALL: &str = concat!(
    r#"{"x-datadog-trace-id":"77","x-datadog-parent-id":"5","x-datadog-sampling-priority":"2","#,
    r#""x-datadog-origin":"rum","x-datadog-tags":"_dd.p.dm=-4","#,
    r#""traceparent":"00-0000000000000000000000000000004d-0000000000000005-01","tracestate":"dd=s:2;p:0000000000000005"}"#,
);

#[test]
fn json_comes_back_as_it_was() {
    let headers = Headers::from_json(ALL).unwrap();
    assert_eq!(headers.to_json(), ALL);
    assert_eq!(headers.clone().into_owned(), headers);
    assert_eq!(Headers::from_pairs(headers.iter()), headers);
}

#[test]
fn the_order_written_is_ours_whatever_was_read() {
    let headers = Headers::from_json(
        r#"{"traceparent":"t","x-datadog-tags":"a","x-datadog-origin":"o","x-datadog-parent-id":"5","x-datadog-trace-id":"7"}"#,
    );
    let want = r#"{"x-datadog-trace-id":"7","x-datadog-parent-id":"5","x-datadog-origin":"o","x-datadog-tags":"a","traceparent":"t"}"#;
    assert_eq!(headers.unwrap().to_json(), want);
}

#[test]
fn a_name_is_read_in_every_spelling_and_the_last_of_two_counts() {
    for (json, want, why) in [
        (r#"{"X-Datadog-Trace-Id":"7"}"#, Some("7"), "another case"),
        (r#"{"HTTP_X_DATADOG_TRACE_ID":"7"}"#, Some("7"), "WSGI"),
        (
            r#"{"http_x_datadog_trace_id":"7"}"#,
            Some("7"),
            "WSGI in lower case",
        ),
        (r#"{"http_x-datadog-trace-id":"7"}"#, None, "half of each"),
        (r#"{"http-x-datadog-trace-id":"7"}"#, None, "neither"),
        (r#"{"x_datadog_trace_id":"7"}"#, None, "neither"),
        (
            r#"{"x\u002ddatadog-trace-id":"7"}"#,
            Some("7"),
            "an escape in the name",
        ),
        (
            r#"{"x-datadog-trace-id":"7","X-DATADOG-TRACE-ID":"8"}"#,
            Some("8"),
            "two cases",
        ),
        (
            r#"{"x-datadog-trace-id":"7","x-datadog-trace-id":"8"}"#,
            Some("8"),
            "twice the same",
        ),
        (
            r#"{"x-datadog-trace-id":"7","X-DATADOG-TRACE-ID":null}"#,
            None,
            "the last is absent",
        ),
    ] {
        assert_eq!(
            Headers::from_json(json).unwrap().trace_id(),
            want,
            "{why}: {json}"
        );
    }
}

#[test]
fn a_checkpoint_is_no_wsgi_environment() {
    let headers =
        Headers::from_checkpoint(r#"{"HTTP_X_DATADOG_TRACE_ID":"7","X-DATADOG-PARENT-ID":"5"}"#)
            .unwrap();
    assert_eq!((headers.trace_id(), headers.parent_id()), (None, Some("5")));
}

#[test]
fn a_value_is_text_or_an_integer() {
    for (json, want, why) in [
        (r#""7""#, Some("7"), "text"),
        (r#""\u0037""#, Some("7"), "an escape"),
        (r#""""#, Some(""), "empty text"),
        ("7", Some("7"), "an integer"),
        ("-7", Some("-7"), "a negative one"),
        (
            "18446744073709551616",
            Some("18446744073709551616"),
            "beyond 64 bits",
        ),
        ("7.0", None, "a fraction"),
        ("7e2", None, "an exponent"),
        ("1e999", None, "beyond f64"),
        ("true", None, "a boolean"),
        ("null", None, "null"),
        ("[7]", None, "an array"),
        (r#"{"a":7}"#, None, "an object"),
        (r#""\ud800""#, None, "a lone surrogate"),
    ] {
        let json = format!(r#"{{"x-datadog-trace-id":{json}}}"#);
        assert_eq!(
            Headers::from_json(&json).unwrap().trace_id(),
            want,
            "{why}: {json}"
        );
    }
}

#[test]
fn what_is_no_object_is_an_error() {
    use ParseHeadersError::{NotAnObject, NotJson};
    let deep = "[".repeat(100_000);
    for (json, want, why) in [
        ("null", NotAnObject, "null"),
        ("[]", NotAnObject, "an array"),
        ("\"{}\"", NotAnObject, "text"),
        (" 1e999 ", NotAnObject, "a number beyond f64"),
        ("", NotJson, "nothing"),
        ("{", NotJson, "cut off"),
        ("{}{}", NotJson, "two values"),
        ("\u{feff}{}", NotJson, "a byte order mark"),
        ("\u{a0}{}", NotJson, "white space that JSON does not know"),
        ("{'a':'b'}", NotJson, "single quotes"),
        ("{\"a\":01}", NotJson, "a leading zero"),
        ("{\"a\":+1}", NotJson, "a plus"),
        ("{\"a\":\"\n\"}", NotJson, "a control character in a text"),
        (&deep, NotJson, "deeper than any stack"),
    ] {
        assert_eq!(Headers::from_json(json), Err(want), "{why}");
    }
}

#[test]
fn foreign_names_and_values_cost_nothing() {
    let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    for other in [
        r#""\ud800":1"#,
        r#""a":"\ud800""#,
        r#""a":1e999"#,
        r#""a":{"b":[null,{}]}"#,
        &format!(r#""a":{deep}"#),
    ] {
        let json = format!(r#" {{{other},"x-datadog-trace-id":"7"}} "#);
        let headers = Headers::from_json(&json).unwrap();
        assert_eq!(headers.trace_id(), Some("7"));
        assert!(headers.others);
    }
}

#[test]
fn only_the_eight_are_kept() {
    let headers = Headers::from_pairs([("b3", "0")]);
    assert!(headers.is_empty() && headers.others);
    assert_eq!(headers.to_json(), "{}");
}

#[test]
fn another_parent_is_written_wherever_one_is_named() {
    let parent = SpanId::new(10).unwrap();
    let headers = Headers::from_json(ALL).unwrap().with_parent_id(parent);
    assert_eq!(headers.parent_id(), Some("10"));
    assert_eq!(
        headers.traceparent(),
        Some("00-0000000000000000000000000000004d-000000000000000a-01")
    );
    assert_eq!(headers.tracestate(), Some("dd=s:2;p:000000000000000a"));

    let headers = Headers::from_pairs([("tracestate", "a=1"), ("traceparent", "x")]);
    assert_eq!(
        headers.clone().with_parent_id(parent),
        headers,
        "nothing to rewrite"
    );
}

#[test]
fn a_parent_that_is_none_is_not_made_one() {
    let parent = SpanId::new(10).unwrap();
    for (text, want) in [("0", "0"), ("junk", "junk"), ("", ""), (" +7", "10")] {
        let headers = Headers::from_pairs([("x-datadog-parent-id", text)]).with_parent_id(parent);
        assert_eq!(headers.parent_id(), Some(want), "{text:?}");
    }
}

#[test]
fn a_name_with_a_bare_control_character_is_no_json() {
    for (json, is_json) in [
        ("{\"a\u{1}b\":1}", false),
        ("{\"\\u0061\u{1}\":1}", false),
        (r#"{"a\u0001b":1,"\ud800":2}"#, true),
    ] {
        let headers = Headers::from_json(json);
        assert_eq!(headers.is_ok(), is_json, "{json:?}");
    }
    let escaped = r#"{"x-datadog-trace-i\u0064":"7"}"#;
    assert_eq!(Headers::from_json(escaped).unwrap().trace_id(), Some("7"));
}

#[test]
fn a_list_of_styles_keeps_its_order_and_those_we_know() {
    use HeaderStyle::{Datadog, TraceContext};
    for (list, want, why) in [
        (
            "datadog,tracecontext,baggage",
            &[Datadog, TraceContext][..],
            "the default",
        ),
        (
            " TraceContext , DATADOG",
            &[TraceContext, Datadog],
            "blanks and case",
        ),
        ("b3multi,datadog,datadog", &[Datadog], "others and repeats"),
        ("none", &[], "none"),
        ("", &[], "nothing"),
    ] {
        assert_eq!(HeaderStyle::parse_list(list), want, "{why}: {list:?}");
    }
}
