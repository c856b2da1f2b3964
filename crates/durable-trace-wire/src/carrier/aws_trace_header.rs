//! X-Ray's header among an SQS message's system attributes, where Datadog's Java tracer writes its
//! own ids: the eight digits before the lower half of the trace id are zero then, and random if X-Ray
//! has made them.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>

use crate::context::Context;
use crate::ids::TraceId;
use crate::sampling::SamplingPriority;
use crate::tags::Tags;

use super::header_map::Reader;
use super::sqs::Message;
use super::xray::Header;
use super::{Carried, Source};
use crate::nested::{self, member};

pub(super) fn read(message: &Message<'_>, _: &Reader<'_>) -> Option<Carried> {
    let text = nested::text(member(message.attributes?, "AWSTraceHeader")?)?;
    let header = Header::parse(&text)?;
    let low = u64::try_from(header.random).ok()?;
    let context = Context {
        trace_id: TraceId::from_halves(0, low)?,
        parent_id: header.parent_id,
        sampling_priority: header.sampled.map(|sampled| {
            if sampled {
                SamplingPriority::AutoKeep
            } else {
                SamplingPriority::AutoReject
            }
        }),
        origin: None,
        tags: Tags::default(),
    };
    Some(Carried::new(Source::AwsTraceHeader, context))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::carrier::tests::{found, headers, text, undecided};
    use crate::carrier::{CarrierRules, extract_from_event};

    fn sqs(header: &str, attribute: &Value) -> Value {
        json!({ "Records": [{
            "eventSource": "aws:sqs", "body": "Hello", "attributes": { "AWSTraceHeader": header },
            "messageAttributes": { "_datadog": { "dataType": "String", "stringValue": text(attribute) } },
        }] })
    }

    #[test]
    fn a_decision_is_kept_as_it_was() {
        for (sampled, want) in [("0", 0), ("1", 1)] {
            let header = format!(
                "Root=1-65eb7350-000000006dfd06bf489aa4e5;Parent=0000000000000007;Sampled={sampled}"
            );
            let event = sqs(&header, &Value::Null).to_string();
            let carried = extract_from_event(&event, &CarrierRules::default()).unwrap();
            assert_eq!(carried.context.sampling_priority.unwrap().value(), want);
            assert_eq!(
                carried.context.trace_id.high(),
                0,
                "the time is no part of it"
            );
            assert_eq!(carried.context.parent_id.get(), 7);
        }
    }

    #[test]
    fn only_a_header_that_datadog_has_written_counts() {
        for (event, want, why) in [
            (
                sqs(
                    "Root=1-65eb7350-000000006dfd06bf489aa4e5;Parent=48cc02b6aafae897;Sampled=1",
                    &Value::Null,
                ),
                Some(("aws-trace-header", 0x6dfd_06bf_489a_a4e5, true)),
                "of the Java tracer",
            ),
            (
                sqs(
                    "Sampled=0;Self=1-1-1;Parent=48cc02b6aafae897;Root=1-65eb7350-000000006dfd06bf489aa4e5",
                    &Value::Null,
                ),
                Some(("aws-trace-header", 0x6dfd_06bf_489a_a4e5, true)),
                "any order",
            ),
            (
                sqs(
                    "Root=1-65eb7350-000000006dfd06bf489aa4e5;Parent=48cc02b6aafae897",
                    &Value::Null,
                ),
                Some(("aws-trace-header", 0x6dfd_06bf_489a_a4e5, false)),
                "no decision",
            ),
            (
                sqs(
                    "Root=1-65eb7350-000000006dfd06bf489aa4e5;Parent=48cc02b6aafae897;Sampled=?",
                    &Value::Null,
                ),
                Some(("aws-trace-header", 0x6dfd_06bf_489a_a4e5, false)),
                "an open decision",
            ),
            (
                sqs(
                    "Root=1-64cc2edd-112fbf1701d1355973a11d57;Parent=7d5a9776024b2d42;Sampled=0",
                    &Value::Null,
                ),
                None,
                "of X-Ray",
            ),
            (
                sqs(
                    "Root=1-65eb7350-0000000a44ac2af39c13bd9d;Parent=27ea8135c807b4c2;Sampled=1",
                    &Value::Null,
                ),
                None,
                "seven zeros: of X-Ray",
            ),
            (
                sqs(
                    "Root=1-65eb7350-000000000000000000000000;Parent=27ea8135c807b4c2;Sampled=1",
                    &Value::Null,
                ),
                None,
                "no trace",
            ),
            (sqs("garbage", &Value::Null), None, "no header"),
            (
                sqs(
                    "Root=1-65eb7350-000000006dfd06bf489aa4e5;Parent=48cc02b6aafae897;Sampled=1",
                    &headers(1),
                ),
                Some(("sqs", 1, true)),
                "an attribute goes first",
            ),
            (
                sqs(
                    "Root=1-65eb7350-000000006dfd06bf489aa4e5;Parent=48cc02b6aafae897;Sampled=1",
                    &undecided(1),
                ),
                Some(("aws-trace-header", 0x6dfd_06bf_489a_a4e5, true)),
                "unless nothing is decided there",
            ),
        ] {
            assert_eq!(found(&event), want, "{why}: {event}");
        }
    }
}
