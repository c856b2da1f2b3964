use super::*;

const HIGH: &str = "6b02ac8400000000";

fn both<'a>(trace_id: &'a str, parent_id: &'a str, traceparent: &'a str) -> Headers<'a> {
    Headers::from_pairs([
        ("x-datadog-trace-id", trace_id),
        ("x-datadog-parent-id", parent_id),
        ("x-datadog-sampling-priority", "2"),
        ("traceparent", traceparent),
        ("tracestate", "dd=s:1;o:rum"),
    ])
}

const W3C: &str = "00-0000000000000000000000000000004d-0000000000000009-01";

#[test]
fn datadogs_headers_go_first_and_the_nearer_parent_counts() {
    use HeaderStyle::{Datadog, TraceContext};
    for (headers, style, parent, priority, why) in [
        (both("77", "9", W3C), Datadog, 9, 2, "they agree"),
        (
            both("77", "5", W3C),
            Datadog,
            9,
            2,
            "same trace, W3C's parent is nearer",
        ),
        (both("78", "5", W3C), Datadog, 5, 2, "another trace"),
        (both("77", "5", "junk"), Datadog, 5, 2, "no traceparent"),
        (
            both("0", "5", W3C),
            TraceContext,
            9,
            1,
            "no trace in Datadog's",
        ),
        (
            both("77", "x", W3C),
            TraceContext,
            9,
            1,
            "no parent in Datadog's",
        ),
    ] {
        let (context, read) = Context::extract(&headers).unwrap();
        let got = (
            read,
            context.parent_id.get(),
            context.sampling_priority.unwrap().value(),
        );
        assert_eq!(got, (style, parent, priority), "{why}");
    }
    assert_eq!(Context::extract(&both("0", "5", "junk")), None);
}

#[test]
fn a_checkpoints_parent_is_datadogs() {
    let (context, style) = Context::read(&both("77", "5", W3C)).unwrap();
    assert_eq!((context.parent_id.get(), style), (5, HeaderStyle::Datadog));
    let (context, style) = Context::read(&both(" 77", "5", W3C)).unwrap();
    assert_eq!(
        (context.parent_id.get(), style),
        (9, HeaderStyle::TraceContext),
        "else W3C's"
    );
}

#[test]
fn both_styles_tell_the_same() {
    let datadog = Headers::from_pairs([
        ("x-datadog-trace-id", "5824782139817050087"),
        ("x-datadog-parent-id", "5"),
        ("x-datadog-sampling-priority", "2"),
        ("x-datadog-origin", "rum"),
        (
            "x-datadog-tags",
            "_dd.p.dm=-4,_dd.p.usr.id=a=b,_dd.p.tid=6b02ac8400000000",
        ),
    ]);
    let context = Context::extract_datadog(&datadog).unwrap();
    assert_eq!(
        context.trace_id.to_string(),
        format!("{HIGH}50d5c87ec1d5bfe7")
    );
    assert_eq!(context.to_datadog(512), datadog);

    let w3c = context.to_tracecontext();
    assert_eq!(
        w3c.traceparent(),
        Some("00-6b02ac840000000050d5c87ec1d5bfe7-0000000000000005-01")
    );
    assert_eq!(
        w3c.tracestate(),
        Some("dd=s:2;o:rum;p:0000000000000005;t.dm:-4;t.usr.id:a~b")
    );
    assert_eq!(Context::extract_tracecontext(&w3c), Some(context));
}

#[test]
fn without_a_priority_the_sampled_flag_is_not_set() {
    let headers = Headers::from_pairs([("x-datadog-trace-id", "77"), ("x-datadog-parent-id", "5")]);
    let context = Context::extract_datadog(&headers).unwrap();
    assert_eq!(context.sampling_priority, None);
    assert_eq!(
        context.to_tracecontext().traceparent(),
        Some("00-0000000000000000000000000000004d-0000000000000005-00")
    );
}
