//! A direct invocation: `_datadog`, or headers, at the event's top level.
//!
//! An event that an AWS service has made is none, whatever else it holds.

use crate::event::Event;

use super::header_map::Reader;
use super::{Carried, Source};

pub(super) fn read_datadog(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    let datadog = event.datadog.filter(|_| !event.is_of_a_service())?;
    reader.read(Source::Datadog, datadog)
}

pub(super) fn read_map(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    let carried = reader.read(Source::Map, event.raw)?;
    (!event.is_of_a_service()).then_some(carried)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::carrier::tests::{found, headers, text, undecided};

    const W3C: &str = "00-00000000000000010000000000000002-0000000000000007-01";

    #[test]
    fn what_a_caller_hands_over_is_read_at_the_top() {
        for (event, want, why) in [
            (
                json!({ "order": 5, "_datadog": headers(1) }),
                Some(("datadog", 1, true)),
                "beside the payload",
            ),
            (
                json!({ "order": 5, "x-datadog-trace-id": 1, "x-datadog-parent-id": 7, "x-datadog-sampling-priority": 1 }),
                Some(("map", 1, true)),
                "among the payload",
            ),
            (
                json!({ "traceparent": W3C }),
                Some(("map", 2, true)),
                "W3C's",
            ),
            (
                json!({ "_datadog": undecided(1), "traceparent": W3C }),
                Some(("map", 2, true)),
                "a decision elsewhere",
            ),
            (json!({ "_datadog": text(&headers(1)) }), None, "a text"),
            (json!({ "_datadog": 5 }), None, "a number"),
            (
                json!({ "Records": [{ "eventSource": "aws:s3" }], "_datadog": headers(1), "traceparent": W3C }),
                None,
                "a service's event",
            ),
            (
                json!({ "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}, "_datadog": headers(1) }),
                None,
                "EventBridge's",
            ),
            (
                json!({ "Records": [{ "mine": 1 }], "_datadog": headers(1) }),
                Some(("datadog", 1, true)),
                "records of the caller's own",
            ),
        ] {
            assert_eq!(found(&event), want, "{why}: {event}");
        }
    }
}
