//! What started an execution, as tags of a function's span tell it.
//!
//! The names are those of Datadog's libraries:
//! <https://github.com/DataDog/datadog-lambda-python/blob/main/datadog_lambda/trigger.py>

use std::borrow::Cow;

use crate::event::Event;
use crate::nested::filled_text;

mod http;
mod source;

pub use http::HttpRequest;

use source::FunctionArn;

/// The service, or the request, that an event came from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Trigger {
    /// The kind of service, such as `sqs` or `api-gateway`: tag `function_trigger.event_source`.
    pub event_source: &'static str,
    /// The queue, topic, stream, stage, …, if the event tells: tag
    /// `function_trigger.event_source_arn`.
    pub event_source_arn: Option<String>,
    /// The request, if it was one: tags `http.*`.
    pub http: Option<HttpRequest>,
}

/// Returns what an event came from; `None` if it is no JSON object or of no known kind.
///
/// `function_arn` is the ARN that the function was invoked by: the ARN of an API Gateway stage or of a
/// function URL is made with its partition, region and account. It may be that of the execution.
pub fn trigger_of(event: &str, function_arn: &str) -> Option<Trigger> {
    let event = Event::parse(event)?;
    let function = FunctionArn::parse(function_arn);
    KINDS.iter().find_map(|kind| kind(&event, function))
}

type Kind = fn(&Event<'_>, Option<FunctionArn<'_>>) -> Option<Trigger>;

/// The kinds of events, the most telling first.
const KINDS: [Kind; 7] = [
    http::trigger,
    source::of_records,
    source::of_kafka,
    source::of_logs,
    source::of_eventbridge,
    source::of_step_functions,
    source::of_appsync,
];

/// Returns the text of a value, if it is one and not empty.
fn owned_text(raw: Option<&str>) -> Option<String> {
    filled_text(raw).map(Cow::into_owned)
}

#[cfg(test)]
mod tests;
