//! The value of `x-datadog-tags`, read by each of its readers: a caller's, an event's, a checkpoint's.

use durable_trace_wire::{CarrierRules, Context, Headers, Payload, extract_from_event};

use super::context::{goes_on, read_payload};
use super::measured;

pub(super) fn holds(text: &str) {
    let headers = Headers::from_pairs([
        ("x-datadog-trace-id", "7"),
        ("x-datadog-parent-id", "5"),
        ("x-datadog-sampling-priority", "1"),
        ("x-datadog-tags", text),
    ]);
    let json = headers.to_json();
    let caller = measured(text, || Context::extract_datadog(&headers));
    let event = measured(&json, || {
        extract_from_event(&json, &CarrierRules::default())
    });
    let checkpoint = measured(&json, || read_payload(Payload::Text(json.as_str().into())));
    let contexts = [
        caller.expect("tags cost no trace"),
        event.expect("tags cost no trace").context,
        checkpoint.found.expect("tags cost no trace").context,
    ];
    for context in &contexts {
        assert_eq!(context.trace_id.low(), 7);
        goes_on(context);
    }
    // Of an event's only what can be written again is taken, so all of it is.
    let [caller, event, _] = contexts;
    for context in [caller, event] {
        let written = context.to_datadog(usize::MAX).to_json();
        let found = read_payload(Payload::Text(written.into())).found;
        assert_eq!(found.map(|found| found.context), Some(context));
    }
}
