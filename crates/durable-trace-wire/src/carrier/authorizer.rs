//! What an API Gateway Lambda authorizer has added: base64 of JSON, in `requestContext.authorizer`.
//!
//! API Gateway caches an authorizer's answer and gives it to later requests, whose parent it is not.
//! It counts if the authorizer was run for this request: it took time, or it has noted this
//! request's id. <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>

use crate::event::Event;

use super::header_map::Reader;
use super::{Carried, Source};
use crate::nested::{self, members};

pub(super) fn read(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    if !reader.rules.decode_authorizer {
        return None;
    }
    let [authorizer, request_id] = members(event.request_context?, ["authorizer", "requestId"])?;
    let [rest, http, latency] = members(authorizer?, ["_datadog", "lambda", "integrationLatency"])?;
    let added = rest.or_else(|| nested::member(http?, "_datadog"))?;
    let added = nested::base64_text(added)?;
    let noted_id = nested::member(&added, AUTHORIZED_REQUEST_ID);
    let is_of_this_request = || Some(nested::text(request_id?)? == nested::text(noted_id?)?);
    if !latency.is_some_and(is_positive) && is_of_this_request() != Some(true) {
        return None;
    }
    reader.read(Source::Authorizer, &added)
}

/// The id of the request that the authorizer was run for, as Datadog's library notes it.
const AUTHORIZED_REQUEST_ID: &str = "x-datadog-authorizing-requestid";

/// Whether a number, in a text or not, is above zero.
fn is_positive(raw: &str) -> bool {
    let number = nested::text(raw).map_or_else(|| raw.parse(), |text| text.parse::<f64>());
    number.is_ok_and(|number| number > 0.0)
}
