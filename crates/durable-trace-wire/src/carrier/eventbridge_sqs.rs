//! An EventBridge event that a rule has put into a queue: JSON in the SQS message's body.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html>

use super::header_map::Reader;
use super::nested::members;
use super::sqs::Message;
use super::{Carried, Source, eventbridge};

pub(super) fn read(message: &Message<'_>, reader: &Reader<'_>) -> Option<Carried> {
    let [detail, detail_type, source] = members(
        message.body.as_deref()?,
        ["detail", "detail-type", "source"],
    )?;
    let detail = eventbridge::envelope(detail, detail_type, source)?;
    eventbridge::read_detail(Source::EventBridgeSqs, detail, reader)
}
