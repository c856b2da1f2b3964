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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::MAX_LINKS;
    use crate::carrier::tests::{headers, text, undecided};
    use crate::carrier::{CarrierRules, extract_from_event};

    fn batch(attributes: &[Value]) -> String {
        let record = |attribute: &Value| {
            json!({ "eventSource": "aws:sqs", "messageAttributes": {
                "_datadog": { "dataType": "String", "stringValue": text(attribute) },
            } })
        };
        json!({ "Records": attributes.iter().map(record).collect::<Vec<_>>() }).to_string()
    }

    /// The trace that is gone on with, and those that are linked.
    fn traces(event: &str) -> Option<(u64, Vec<u64>)> {
        let carried = extract_from_event(event, &CarrierRules::default())?;
        let links = carried.links.iter().map(|link| link.trace_id.low());
        Some((carried.context.trace_id.low(), links.collect()))
    }

    #[test]
    fn the_first_record_is_the_parent_and_others_are_links() {
        for (records, want, why) in [
            (vec![headers(1)], Some((1, vec![])), "one"),
            (
                vec![headers(1), headers(2), headers(3)],
                Some((1, vec![2, 3])),
                "three",
            ),
            (
                vec![headers(1), headers(1), headers(2), headers(2)],
                Some((1, vec![2])),
                "repeats",
            ),
            (
                vec![undecided(1), headers(2)],
                Some((1, vec![2])),
                "a decision may follow, a parent not",
            ),
            (
                vec![json!({}), headers(2), headers(3)],
                Some((2, vec![3])),
                "the first with a context",
            ),
            (vec![json!(5)], None, "none"),
        ] {
            assert_eq!(traces(&batch(&records)), want, "{why}");
        }
    }

    #[test]
    fn links_are_bounded() {
        let many: Vec<_> = (1..300).map(headers).collect();
        let (parent, links) = traces(&batch(&many)).unwrap();
        assert_eq!(
            (parent, links.len(), links.last()),
            (1, MAX_LINKS, Some(&101))
        );
    }

    #[test]
    fn what_is_no_batch_has_no_records() {
        for records in [
            json!("abc"),
            json!(5),
            json!({ "0": {} }),
            json!([null, 5]),
            json!([]),
        ] {
            let event = json!({ "Records": records }).to_string();
            assert_eq!(traces(&event), None, "{event}");
        }
    }
}
