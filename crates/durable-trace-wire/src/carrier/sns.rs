//! An SNS notification: its attribute `_datadog`, as text or as bytes.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html>

use super::header_map::Reader;
use super::{Carried, Source};
use crate::nested::{self, AttributeType, member, members};

pub(super) fn read(record: &str, reader: &Reader<'_>) -> Option<Carried> {
    let attributes = member(member(record, "Sns")?, "MessageAttributes")?;
    read_attributes(Source::Sns, attributes, reader)
}

/// Reads a notification's `MessageAttributes`.
pub(super) fn read_attributes(
    source: Source,
    attributes: &str,
    reader: &Reader<'_>,
) -> Option<Carried> {
    let [kind, value] = members(member(attributes, "_datadog")?, ["Type", "Value"])?;
    let value = match AttributeType::parse(kind) {
        AttributeType::Binary => nested::base64_text(value?)?.into(),
        AttributeType::Number => return None,
        AttributeType::Text => nested::text(value?)?,
    };
    reader.read_datadog(source, &value)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::carrier::tests::{base64, found, headers, text, undecided};

    fn sns(attribute: &Value) -> Value {
        json!({ "Records": [{ "EventSource": "aws:sns", "EventVersion": "1.0", "Sns": {
            "Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": "m",
            "MessageAttributes": { "_datadog": attribute },
        } }] })
    }

    #[test]
    fn a_notifications_attribute_is_read_by_its_type() {
        for (event, want, why) in [
            (
                sns(&json!({ "Type": "String", "Value": text(&headers(1)) })),
                Some(("sns", 1, true)),
                "a text",
            ),
            (
                sns(&json!({ "Type": "Binary", "Value": base64(&headers(1)) })),
                Some(("sns", 1, true)),
                "bytes",
            ),
            (
                sns(&json!({ "Type": "binary.gzip", "Value": base64(&headers(1)) })),
                Some(("sns", 1, true)),
                "a label, another case",
            ),
            (
                sns(&json!({ "Value": text(&undecided(1)) })),
                Some(("sns", 1, false)),
                "no type, no decision",
            ),
            (
                sns(&json!({ "Type": "Number", "Value": text(&headers(1)) })),
                None,
                "a number",
            ),
            (
                sns(&json!({ "Type": "String", "Value": base64(&headers(1)) })),
                None,
                "bytes for a text",
            ),
            (
                sns(&json!({ "Type": "String", "Value": headers(1) })),
                None,
                "no text",
            ),
            (
                json!({ "Records": [{ "EventSource": "aws:sns", "Sns": "text" }] }),
                None,
                "no notification",
            ),
        ] {
            assert_eq!(found(&event), want, "{why}: {event}");
        }
    }
}
