//! A direct invocation: `_datadog`, or headers, at the event's top level.
//!
//! An event that an AWS service has made is none, whatever else it holds.

use crate::event::Event;

use super::header_map::Reader;
use super::{Carried, Source};

pub(super) fn read_datadog(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    let datadog = event.datadog.filter(|_| !event.is_of_a_service())?;
    reader.read(Source::Datadog, datadog)
}

pub(super) fn read_map(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    let carried = reader.read(Source::Map, event.raw)?;
    (!event.is_of_a_service()).then_some(carried)
}
