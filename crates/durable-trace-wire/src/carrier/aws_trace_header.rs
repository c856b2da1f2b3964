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
