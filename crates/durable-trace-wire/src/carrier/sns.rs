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
