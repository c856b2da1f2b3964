//! `headers`, else `multiValueHeaders`: API Gateway's three kinds, ALB and function URLs.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use crate::event::Event;

use super::header_map::Reader;
use super::{Carried, Source};

pub(super) fn read_headers(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    reader.read(Source::Headers, event.headers?)
}

pub(super) fn read_multi_value_headers(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    reader.read(Source::MultiValueHeaders, event.multi_value_headers?)
}
