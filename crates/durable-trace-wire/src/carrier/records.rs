//! Batches: `Records` of SQS, SNS and Kinesis.
//!
//! The first record with a context is the parent; what the others carry, if it differs, becomes links.

use crate::event::Event;

use super::header_map::Reader;
use super::{
    Carried, aws_trace_header, eventbridge_sqs, first_complete, kinesis, sns, sns_sqs, sqs,
};
use crate::context::Context;
use crate::nested::{self, members};

pub(super) fn read(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    let records = nested::items(event.records?, MAX_RECORDS);
    let mut carried = records
        .into_iter()
        .filter_map(|record| read_record(record, reader));
    let mut first = carried.next()?;
    first.links.truncate(MAX_LINKS);
    for other in carried {
        if first.links.len() == MAX_LINKS {
            break;
        }
        let context = other.context;
        if !names_same_span(&first.context, &context)
            && !first
                .links
                .iter()
                .any(|link| names_same_span(link, &context))
        {
            first.links.push(context);
        }
    }
    Some(first)
}

fn read_record(record: &str, reader: &Reader<'_>) -> Option<Carried> {
    // SNS writes its records' names in capitals.
    let [lower, upper] = members(record, ["eventSource", "EventSource"])?;
    match nested::text(lower.or(upper)?)?.as_ref() {
        "aws:kinesis" => kinesis::read(record, reader),
        "aws:sns" => sns::read(record, reader),
        "aws:sqs" => {
            let message = sqs::Message::parse(record)?;
            first_complete(SQS.iter().map(|read| read(&message, reader)))
        }
        _ => None,
    }
}

/// What an SQS message may carry, in this order.
const SQS: [fn(&sqs::Message<'_>, &Reader<'_>) -> Option<Carried>; 4] = [
    eventbridge_sqs::read,
    sns_sqs::read,
    sqs::read,
    aws_trace_header::read,
];

/// The largest batch there is, of SQS and Kinesis.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>
const MAX_RECORDS: usize = 10_000;
/// More links than this tell nobody anything.
const MAX_LINKS: usize = 100;

fn names_same_span(one: &Context, other: &Context) -> bool {
    (one.trace_id, one.parent_id) == (other.trace_id, other.parent_id)
}
