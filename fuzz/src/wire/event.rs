//! The event that started an execution, for its carriers.

use durable_trace_wire::{
    Carried, CarrierRules, Context, HeaderStyle, Payload, extract_from_event,
};

use super::context::{goes_on, read_payload};
use super::measured;

pub(super) fn holds(text: &str) {
    for styles in [
        "datadog,tracecontext",
        "tracecontext,datadog",
        "datadog",
        "tracecontext",
    ] {
        let rules = rules(styles);
        if let Some(carried) = measured(text, || extract_from_event(text, &rules)) {
            is_whole(&carried);
        }
    }
}

/// What holds for a context with what carried it.
pub(super) fn is_whole(carried: &Carried) {
    let Carried { context, links, .. } = carried;
    assert_eq!(carried.complete, context.sampling_priority.is_some());
    assert!(links.len() <= 100);
    let span = |context: &Context| (context.trace_id, context.parent_id);
    for (place, link) in links.iter().enumerate() {
        assert!(
            !links
                .iter()
                .skip(place + 1)
                .any(|other| span(other) == span(link))
        );
    }
    for context in links.iter().chain([context]) {
        goes_on(context);
        is_written_as_it_is(context);
    }
}

/// What came from anywhere and was taken goes on whole, into our own headers.
fn is_written_as_it_is(context: &Context) {
    if context.trace_id.low() == 0 {
        return;
    }
    let written = context.to_datadog(usize::MAX).to_json();
    let found = read_payload(Payload::Text(written.into())).found;
    assert_eq!(found.map(|found| found.context).as_ref(), Some(context));
}

/// Rules that read these styles.
pub(super) fn rules(styles: &str) -> CarrierRules {
    CarrierRules {
        styles: HeaderStyle::parse_list(styles),
        ..CarrierRules::default()
    }
}
