//! The value of `traceparent`.

use durable_trace_wire::{CarrierRules, Context, Headers, extract_from_event};

use super::context::goes_on;
use super::measured;

pub(super) fn holds(text: &str) {
    let headers = Headers::from_pairs([("traceparent", text)]);
    let context = measured(text, || Context::extract_tracecontext(&headers));
    let event = headers.to_json();
    let carried = extract_from_event(&event, &CarrierRules::default());
    let Some(context) = context else {
        assert_eq!(carried, None);
        return;
    };
    goes_on(&context);
    assert_eq!(
        carried.map(|carried| carried.context),
        Some(context.clone())
    );
    is_what_stands_there(text, &context);
}

/// The ids are those in the text, digit for digit.
fn is_what_stands_there(text: &str, context: &Context) {
    let fields: Vec<_> = text
        .trim_matches(|it: char| it.is_whitespace() || it < ' ')
        .split('-')
        .collect();
    let trace_id = context.trace_id.to_string();
    let parent_id = context.parent_id.to_hex();
    assert_eq!(
        fields.get(1..3),
        Some(&[trace_id.as_str(), parent_id.as_str()][..])
    );
    assert_ne!(fields[0], "ff");
    assert!(fields.len() == 4 || fields[0] != "00");
}
