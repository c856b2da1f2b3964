//! An EventBridge event: `detail._datadog`.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>

use crate::event::Event;

use super::header_map::Reader;
use super::{Carried, Source};
use crate::nested::{self, member};

pub(super) fn read(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    let detail = event.envelope().filter(|_| !is_schedule(event))?;
    read_detail(Source::EventBridge, detail, reader)
}

/// Reads the detail of an EventBridge event.
pub(super) fn read_detail(source: Source, detail: &str, reader: &Reader<'_>) -> Option<Carried> {
    reader.read_datadog(source, member(detail, "_datadog")?)
}

/// Whether EventBridge has made the event itself, on a schedule: there is no caller.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html>
fn is_schedule(event: &Event<'_>) -> bool {
    let is = |raw, text| nested::filled_text(raw).as_deref() == Some(text);
    is(event.source, "aws.events") && is(event.detail_type, "Scheduled Event")
}
