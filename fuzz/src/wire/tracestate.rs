//! The value of `tracestate`, beside a sound `traceparent`.

use durable_trace_wire::{CarrierRules, Context, Headers, SpanId, extract_from_event};

use super::context::goes_on;
use super::event::is_whole;
use super::measured;

pub(super) fn holds(text: &str) {
    for flags in ["00", "01"] {
        let parent = format!("00-6b02ac840000000050d5c87ec1d5bfe7-e1f0a5f3b1c2d3e5-{flags}");
        let headers = Headers::from_pairs([("traceparent", parent.as_str()), ("tracestate", text)]);
        let context = measured(text, || Context::extract_tracecontext(&headers));
        let context = context.expect("tracestate costs no trace");
        goes_on(&context);
        let event = headers.to_json();
        let carried = measured(&event, || {
            extract_from_event(&event, &CarrierRules::default())
        });
        let carried = carried.expect("tracestate costs no trace");
        is_whole(&carried);
        assert_eq!(carried.context.trace_id, context.trace_id);
        keeps_other_vendors(&headers);
    }
}

/// Another parent leaves the members of others as they are, in their order.
fn keeps_other_vendors(headers: &Headers<'_>) {
    let others = |headers: &Headers<'_>| -> Vec<String> {
        let members = headers.tracestate().unwrap_or_default().split(',');
        let blank = |it: char| it.is_whitespace() || ('\x1c'..='\x1f').contains(&it);
        members
            .map(|member| member.trim_matches(blank).to_owned())
            .filter(|member| !member.is_empty() && !member.starts_with("dd="))
            .collect()
    };
    let moved = headers
        .clone()
        .with_parent_id(SpanId::new(10).expect("not zero"));
    assert_eq!(others(&moved), others(headers));
}
