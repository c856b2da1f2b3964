//! The caller's context, wherever the event that started an execution carries it.
//!
//! | file | carrier |
//! |---|---|
//! | `request.rs` | `request.headers`: AppSync, and whatever else has it |
//! | `authorizer.rs` | what an API Gateway authorizer has added |
//! | `http.rs` | `headers`, `multiValueHeaders`: API Gateway, ALB, function URLs |
//! | `records.rs` | batches: which record is the parent, which become links |
//! | `eventbridge_sqs.rs`, `sns_sqs.rs`, `sqs.rs`, `aws_trace_header.rs` | one SQS record |
//! | `sns.rs`, `kinesis.rs` | one record of theirs |
//! | `eventbridge.rs` | an EventBridge event |
//! | `step_functions.rs` | a Step Functions context: ids derived as Datadog's forwarder derives them |
//! | `direct.rs` | `_datadog`, or a map of headers, at the top level |
//! | `client_context.rs`, `xray.rs` | not in the event: the invocation's Lambda context |
//!
//! Where they stand, and what Datadog's own library makes of them:
//! <https://github.com/DataDog/datadog-lambda-python/blob/main/datadog_lambda/tracing.py>
//!
//! Everything is read in place. A text is decoded only where a carrier may be, once, and never
//! beyond 256 KB; nothing is read recursively.

use crate::context::Context;
use crate::event::Event;
use crate::headers::HeaderStyle;
use crate::pass_through::PassThrough;

mod authorizer;
mod aws_trace_header;
mod client_context;
mod direct;
mod eventbridge;
mod eventbridge_sqs;
mod header_map;
mod http;
mod kinesis;
mod records;
mod request;
mod sns;
mod sns_sqs;
mod sqs;
mod step_functions;
mod xray;

use header_map::Reader;
pub use xray::XRayHeader;

/// What is read from carriers, and how.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CarrierRules {
    /// The styles that are read, in this order: those of `DD_TRACE_PROPAGATION_STYLE_EXTRACT` that
    /// this crate knows.
    pub styles: Vec<HeaderStyle>,
    /// Whether what an API Gateway authorizer has added is read: `DD_DECODE_AUTHORIZER_CONTEXT`.
    pub decode_authorizer: bool,
    /// Whether X-Ray's header may be the parent: `DD_MERGE_XRAY_TRACES`. The caller asks before
    /// [`extract_from_xray`]; the event is read the same either way.
    pub merge_xray: bool,
}

/// Datadog, then W3C; authorizers are read, X-Ray is not merged: the defaults of Datadog's library.
impl Default for CarrierRules {
    fn default() -> Self {
        Self {
            styles: vec![HeaderStyle::Datadog, HeaderStyle::TraceContext],
            decode_authorizer: true,
            merge_xray: false,
        }
    }
}

/// A context, and what carried it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Carried {
    /// The context to go on with.
    pub context: Context,
    /// What carried it.
    pub source: Source,
    /// Whether a sampling decision has come with it; if not the tracer makes one.
    pub complete: bool,
    /// Other contexts that came along, at most 100, none twice: of the same headers in another
    /// style, and of the other records of a batch.
    pub links: Vec<Context>,
    /// What of W3C's headers is to be passed on.
    pub pass_through: PassThrough,
}

impl Carried {
    /// Returns what a user's own extractor has found.
    pub fn by_extractor(context: Context) -> Self {
        Self::new(Source::Extractor, context)
    }

    fn new(source: Source, context: Context) -> Self {
        Self {
            complete: context.sampling_priority.is_some(),
            context,
            source,
            links: Vec::new(),
            pass_through: PassThrough::default(),
        }
    }
}

/// What a context came in.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Source {
    /// What an API Gateway authorizer has added to the request.
    Authorizer,
    /// X-Ray's header on an SQS message, written by a Datadog tracer.
    AwsTraceHeader,
    /// The invocation's Lambda client context.
    ClientContext,
    /// `_datadog` at the event's top level.
    Datadog,
    /// An EventBridge event.
    EventBridge,
    /// An EventBridge event in an SQS message.
    EventBridgeSqs,
    /// The user's own extractor.
    Extractor,
    /// An HTTP event's `headers`.
    Headers,
    /// A Kinesis record.
    Kinesis,
    /// Headers at the event's top level.
    Map,
    /// An HTTP event's `multiValueHeaders`.
    MultiValueHeaders,
    /// `request.headers`, as AppSync sends them.
    Request,
    /// An SNS notification.
    Sns,
    /// An SNS notification in an SQS message.
    SnsSqs,
    /// An attribute of an SQS message.
    Sqs,
    /// A Step Functions context.
    StepFunctions,
    /// The invocation's X-Ray header.
    XRay,
}

impl Source {
    /// Returns the stable name that `extract` and `explain` print.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorizer => "authorizer",
            Self::AwsTraceHeader => "aws-trace-header",
            Self::ClientContext => "client-context",
            Self::Datadog => "datadog",
            Self::EventBridge => "eventbridge",
            Self::EventBridgeSqs => "eventbridge-sqs",
            Self::Extractor => "extractor",
            Self::Headers => "headers",
            Self::Kinesis => "kinesis",
            Self::Map => "map",
            Self::MultiValueHeaders => "multi-value-headers",
            Self::Request => "request",
            Self::Sns => "sns",
            Self::SnsSqs => "sns-sqs",
            Self::Sqs => "sqs",
            Self::StepFunctions => "step-functions",
            Self::XRay => "xray",
        }
    }
}

/// Reads a context in a style that this crate does not know, such as B3, from the names and the
/// texts of a header map.
pub type OtherStyles<'f> = dyn Fn(&[(String, String)]) -> Option<Context> + 'f;

/// Returns the context that an event carries: of its carriers, in their order, the first that is
/// complete, else the first that names a trace and a parent.
///
/// `event` is the customer's event as JSON; what is no JSON object carries nothing.
pub fn extract_from_event(event: &str, rules: &CarrierRules) -> Option<Carried> {
    extract_from_event_with(event, rules, None)
}

/// The same. Header maps in which the styles of `rules` find nothing complete are shown to `others`.
pub fn extract_from_event_with(
    event: &str,
    rules: &CarrierRules,
    others: Option<&OtherStyles<'_>>,
) -> Option<Carried> {
    let event = Event::parse(event)?;
    let reader = Reader { rules, others };
    first_complete(CARRIERS.iter().map(|read| read(&event, &reader)))
}

/// Returns the context in a Lambda client context: in `custom._datadog`, else in `custom` itself.
pub fn extract_from_client_context(
    json: &str,
    rules: &CarrierRules,
    others: Option<&OtherStyles<'_>>,
) -> Option<Carried> {
    client_context::read(json, &Reader { rules, others })
}

/// Returns the context in X-Ray's header (`Root=…;Parent=…;Sampled=…`): the lower 63 bits of the
/// trace, kept if X-Ray samples it and dropped if not. Always complete.
pub fn extract_from_xray(header: &str) -> Option<Carried> {
    xray::read(header)
}

/// Returns the first that is complete, else the first that is there at all. What comes after a
/// complete one is not asked for.
pub fn first_complete(candidates: impl IntoIterator<Item = Option<Carried>>) -> Option<Carried> {
    let mut first = None;
    for candidate in candidates.into_iter().flatten() {
        if candidate.complete {
            return Some(candidate);
        }
        first.get_or_insert(candidate);
    }
    first
}

/// The carriers of an event, in the order in which they are tried.
const CARRIERS: [fn(&Event<'_>, &Reader<'_>) -> Option<Carried>; 9] = [
    request::read,
    authorizer::read,
    http::read_headers,
    http::read_multi_value_headers,
    records::read,
    eventbridge::read,
    step_functions::read,
    direct::read_datadog,
    direct::read_map,
];

#[cfg(test)]
mod tests;
