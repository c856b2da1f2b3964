//! `request.headers`: AppSync's direct resolvers, and whatever else has it.
//!
//! <https://docs.aws.amazon.com/appsync/latest/devguide/resolver-context-reference-js.html>

use crate::event::Event;

use super::header_map::Reader;
use super::{Carried, Source};
use crate::nested::member;

pub(super) fn read(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    reader.read(Source::Request, member(event.request?, "headers")?)
}
