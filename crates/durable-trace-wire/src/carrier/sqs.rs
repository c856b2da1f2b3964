//! An SQS message: its attribute `_datadog`, as text or as bytes.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>

use std::borrow::Cow;

use super::header_map::Reader;
use super::{Carried, Source};
use crate::nested::{self, AttributeType, member, members};

/// The parts of a message that carry something.
#[derive(Debug)]
pub(super) struct Message<'a> {
    /// The body's text.
    pub(super) body: Option<Cow<'a, str>>,
    /// The system's attributes.
    pub(super) attributes: Option<&'a str>,
    /// The sender's attributes.
    sender_attributes: Option<&'a str>,
}

impl<'a> Message<'a> {
    pub(super) fn parse(record: &'a str) -> Option<Self> {
        let [body, attributes, sender_attributes] =
            members(record, ["body", "attributes", "messageAttributes"])?;
        Some(Self {
            body: body.and_then(nested::text),
            attributes,
            sender_attributes,
        })
    }
}

pub(super) fn read(message: &Message<'_>, reader: &Reader<'_>) -> Option<Carried> {
    let attribute = member(message.sender_attributes?, "_datadog")?;
    let [kind, text, bytes] = members(attribute, ["dataType", "stringValue", "binaryValue"])?;
    if AttributeType::parse(kind) == AttributeType::Number {
        return None;
    }
    // Else the member that holds the value says more than the type.
    let text = text
        .and_then(nested::text)
        .and_then(|text| reader.read_datadog(Source::Sqs, &text));
    text.or_else(|| reader.read_datadog(Source::Sqs, &nested::base64_text(bytes?)?))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::carrier::tests::{base64, found, headers, text, undecided};

    fn sqs(attribute: &Value) -> Value {
        of("aws:sqs", attribute)
    }

    fn of(service: &str, attribute: &Value) -> Value {
        json!({ "Records": [{
            "eventSource": service, "eventSourceARN": "arn:aws:sqs:eu-west-1:1:q", "body": "Hello",
            "attributes": { "SentTimestamp": "1634662094538" }, "messageAttributes": { "_datadog": attribute },
        }] })
    }

    #[test]
    fn a_messages_attribute_is_read_whatever_its_label() {
        for (event, want, why) in [
            (
                sqs(
                    &json!({ "dataType": "String", "stringValue": text(&headers(1)), "stringListValues": [] }),
                ),
                Some(("sqs", 1, true)),
                "a text",
            ),
            (
                sqs(&json!({ "dataType": "Binary", "binaryValue": base64(&headers(1)) })),
                Some(("sqs", 1, true)),
                "bytes",
            ),
            (
                sqs(&json!({ "dataType": "String.json", "stringValue": text(&headers(1)) })),
                Some(("sqs", 1, true)),
                "a label",
            ),
            (
                sqs(&json!({ "stringValue": text(&headers(1)) })),
                Some(("sqs", 1, true)),
                "no type",
            ),
            (
                sqs(&json!({ "dataType": "Binary", "stringValue": text(&headers(1)) })),
                Some(("sqs", 1, true)),
                "the value says more than the type",
            ),
            (
                sqs(&json!({ "dataType": "Number", "stringValue": text(&headers(1)) })),
                None,
                "a number is no text",
            ),
            (
                sqs(&json!({ "dataType": "String", "stringValue": text(&undecided(1)) })),
                Some(("sqs", 1, false)),
                "no decision",
            ),
            (
                sqs(&json!({ "dataType": "String", "stringValue": "{'x-datadog-trace-id': '1'}" })),
                None,
                "no JSON",
            ),
            (
                sqs(&json!({ "dataType": "String", "stringValue": "[1]" })),
                None,
                "no object",
            ),
            (
                sqs(&json!({ "dataType": "Binary", "binaryValue": headers(1).to_string() })),
                None,
                "no base64",
            ),
            (sqs(&json!({})), None, "nothing"),
            (
                of("aws:dynamodb", &json!({ "stringValue": text(&headers(1)) })),
                None,
                "another service",
            ),
        ] {
            assert_eq!(found(&event), want, "{why}: {event}");
        }
    }
}
