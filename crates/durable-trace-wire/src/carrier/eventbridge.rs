//! An EventBridge event: `detail._datadog`.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>

use super::event::Event;
use super::header_map::Reader;
use super::nested::{self, member};
use super::{Carried, Source};

pub(super) fn read(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    let detail = envelope(event.detail, event.detail_type, event.source)?;
    if is_schedule(event.detail_type, event.source) {
        return None;
    }
    read_detail(Source::EventBridge, detail, reader)
}

/// Returns the detail of what is an EventBridge event: an object, with a type and a source.
pub(super) fn envelope<'a>(
    detail: Option<&'a str>,
    detail_type: Option<&str>,
    source: Option<&str>,
) -> Option<&'a str> {
    let is_filled = |raw| nested::filled_text(raw).is_some();
    detail.filter(|detail| nested::is_object(detail) && is_filled(detail_type) && is_filled(source))
}

/// Reads the detail of an EventBridge event.
pub(super) fn read_detail(source: Source, detail: &str, reader: &Reader<'_>) -> Option<Carried> {
    reader.read_datadog(source, member(detail, "_datadog")?)
}

/// Whether EventBridge has made the event itself, on a schedule: there is no caller.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html>
fn is_schedule(detail_type: Option<&str>, source: Option<&str>) -> bool {
    nested::filled_text(source).as_deref() == Some("aws.events")
        && nested::filled_text(detail_type).as_deref() == Some("Scheduled Event")
}
