//! The payload of a checkpoint.

use durable_trace_wire::{Decision, Payload, SpanId, WriteRules, decide};

use super::context::{goes_on, read_payload};
use super::measured;

pub(super) fn holds(text: &str) {
    let reading = measured(text, || read_payload(Payload::Text(text.into())));
    let quoted = serde_json::to_string(text).expect("a text is JSON");
    assert_eq!(
        read_payload(Payload::Json(quoted.into())),
        reading,
        "in an event"
    );
    let Some(found) = reading.found else {
        assert_eq!(reading.skipped.len(), 1, "what is passed over is told of");
        return;
    };
    assert!(reading.skipped.is_empty());
    goes_on(&found.context);
    // Whoever wrote it: after one more of ours nothing more is written.
    let (rules, anchor) = (WriteRules::default(), SpanId::new(9).expect("not zero"));
    let injected = found.context.to_datadog(1_000);
    let decision = decide("a", Some(&found), &injected, anchor, Some(1), 2, &rules);
    let Decision::Write(checkpoint) = decision else {
        return;
    };
    let ours = read_payload(Payload::Text(checkpoint.payload.into())).found;
    let ours = ours.expect("our own checkpoint is found");
    assert_eq!(
        ours.context.parent_id, found.context.parent_id,
        "all stay siblings"
    );
    let again = decide("a", Some(&ours), &injected, anchor, Some(2), 3, &rules);
    assert_eq!(again, Decision::Unchanged);
}
