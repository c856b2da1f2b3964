//! An SNS notification that a queue is subscribed to: JSON in the SQS message's body.
//!
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html>

use super::header_map::Reader;
use super::sqs::Message;
use super::{Carried, Source, sns};
use crate::nested::{self, members};

pub(super) fn read(message: &Message<'_>, reader: &Reader<'_>) -> Option<Carried> {
    let [kind, topic, attributes] = members(
        message.body.as_deref()?,
        ["Type", "TopicArn", "MessageAttributes"],
    )?;
    if nested::text(kind?)? != "Notification" || topic.is_none() {
        return None;
    }
    sns::read_attributes(Source::SnsSqs, attributes?, reader)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::carrier::tests::{base64, found, headers, text};

    fn sqs(body: &Value) -> Value {
        let attribute = json!({ "dataType": "String", "stringValue": text(&headers(9)) });
        json!({ "Records": [{
            "eventSource": "aws:sqs", "body": text(body), "messageAttributes": { "_datadog": attribute },
        }] })
    }

    fn notification(kind: &str, value: &Value) -> Value {
        let attributes = json!({ "_datadog": { "Type": kind, "Value": value } });
        json!({ "Type": "Notification", "TopicArn": "t", "Message": "m", "MessageAttributes": attributes })
    }

    #[test]
    fn a_notification_in_a_message_is_read() {
        let whole = notification("String", &text(&headers(1)));
        let without = |name: &str| {
            let mut notification = whole.clone();
            notification.as_object_mut().unwrap().remove(name);
            notification
        };
        let own = Some(("sqs", 9, true));
        for (body, want, why) in [
            (whole.clone(), Some(("sns-sqs", 1, true)), "a text"),
            (
                notification("Binary", &base64(&headers(1))),
                Some(("sns-sqs", 1, true)),
                "bytes",
            ),
            (without("MessageAttributes"), own, "the message's own"),
            (without("TopicArn"), own, "no topic"),
            (without("Type"), own, "no notification"),
        ] {
            assert_eq!(found(&sqs(&body)), want, "{why}: {body}");
        }
    }
}
