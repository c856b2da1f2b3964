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
