//! An EventBridge event: `detail._datadog`.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>

use crate::event::Event;

use super::header_map::Reader;
use super::{Carried, Source};
use crate::nested::{self, member};

pub(super) fn read(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    let detail = event.envelope().filter(|_| !is_schedule(event))?;
    read_detail(Source::EventBridge, detail, reader)
}

/// Reads the detail of an EventBridge event.
pub(super) fn read_detail(source: Source, detail: &str, reader: &Reader<'_>) -> Option<Carried> {
    reader.read_datadog(source, member(detail, "_datadog")?)
}

/// Whether EventBridge has made the event itself, on a schedule: there is no caller.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html>
fn is_schedule(event: &Event<'_>) -> bool {
    let is = |raw, text| nested::filled_text(raw).as_deref() == Some(text);
    is(event.source, "aws.events") && is(event.detail_type, "Scheduled Event")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::carrier::tests::{found, headers, text, undecided};

    #[test]
    fn the_detail_of_an_event_is_read() {
        for (event, want, why) in [
            (
                json!({ "version": "0", "detail-type": "t", "source": "my.source", "detail": { "a": 1, "_datadog": headers(1) } }),
                Some(("eventbridge", 1, true)),
                "a custom event",
            ),
            (
                json!({ "detail-type": "t", "source": "aws.s3", "detail": { "_datadog": undecided(1) } }),
                Some(("eventbridge", 1, false)),
                "no decision",
            ),
            (
                json!({ "detail-type": "t", "source": "aws.events", "detail": { "_datadog": headers(1) } }),
                Some(("eventbridge", 1, true)),
                "through EventBridge, not by it",
            ),
            (
                json!({ "detail-type": "Scheduled Event", "source": "aws.events", "detail": { "_datadog": headers(1) } }),
                None,
                "a schedule has no caller",
            ),
            (
                json!({ "source": "my.source", "detail": { "_datadog": headers(1) } }),
                None,
                "no type",
            ),
            (
                json!({ "detail-type": "t", "source": "", "detail": { "_datadog": headers(1) } }),
                None,
                "no source",
            ),
            (
                json!({ "detail-type": "t", "source": "s", "detail": { "_datadog": text(&headers(1)) } }),
                None,
                "a text",
            ),
            (
                json!({ "detail-type": "t", "source": "s", "detail": { "_datadog": [headers(1)] } }),
                None,
                "a list",
            ),
        ] {
            assert_eq!(found(&event), want, "{why}: {event}");
        }
    }
}
