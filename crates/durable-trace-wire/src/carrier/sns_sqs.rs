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
