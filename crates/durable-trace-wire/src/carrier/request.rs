//! `request.headers`: AppSync's direct resolvers, and whatever else has it.
//!
//! <https://docs.aws.amazon.com/appsync/latest/devguide/resolver-context-reference-js.html>

use super::event::Event;
use super::header_map::Reader;
use super::nested::member;
use super::{Carried, Source};

pub(super) fn read(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    reader.read(Source::Request, member(event.request?, "headers")?)
}
