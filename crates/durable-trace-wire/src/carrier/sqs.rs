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
