//! An EventBridge event that a rule has put into a queue: JSON in the SQS message's body.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html>

use crate::event::Event;

use super::header_map::Reader;
use super::sqs::Message;
use super::{Carried, Source, eventbridge};

pub(super) fn read(message: &Message<'_>, reader: &Reader<'_>) -> Option<Carried> {
    let detail = Event::parse(message.body.as_deref()?)?.envelope()?;
    eventbridge::read_detail(Source::EventBridgeSqs, detail, reader)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::carrier::tests::{found, headers, text, undecided};

    fn sqs(body: &Value) -> Value {
        let attribute = json!({ "dataType": "String", "stringValue": text(&headers(9)) });
        json!({ "Records": [{
            "eventSource": "aws:sqs", "body": text(body), "messageAttributes": { "_datadog": attribute },
        }] })
    }

    #[test]
    fn an_event_in_a_message_is_read() {
        for (event, want, why) in [
            (
                sqs(
                    &json!({ "detail-type": "t", "source": "s", "detail": { "_datadog": headers(1) } }),
                ),
                Some(("eventbridge-sqs", 1, true)),
                "a rule's target",
            ),
            (
                sqs(
                    &json!({ "detail-type": "t", "source": "s", "detail": { "_datadog": undecided(1) } }),
                ),
                Some(("sqs", 9, true)),
                "a decision elsewhere",
            ),
            (
                sqs(&json!({ "detail-type": "t", "source": "s", "detail": "{}" })),
                Some(("sqs", 9, true)),
                "no detail",
            ),
            (
                sqs(&json!({ "detail-type": "t", "detail": { "_datadog": headers(1) } })),
                Some(("sqs", 9, true)),
                "no source",
            ),
            (sqs(&json!([1])), Some(("sqs", 9, true)), "no object"),
        ] {
            assert_eq!(found(&event), want, "{why}: {event}");
        }
    }
}
