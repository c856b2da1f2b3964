//! The trace context: what one service tells the next about the trace they share.

use crate::ascii::as_text;
use crate::datadog::{self, Rules};
use crate::headers::{HeaderStyle, Headers, Value, text_for};
use crate::ids::{SpanId, TraceId};
use crate::sampling::SamplingPriority;
use crate::tags::Tags;
use crate::{traceparent, tracestate};

/// A trace to go on with: which one, under which span, and what was decided about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Context {
    /// The trace.
    pub trace_id: TraceId,
    /// The span that the next one is a child of.
    pub parent_id: SpanId,
    /// The sampling decision; `None` if nobody has decided yet.
    pub sampling_priority: Option<SamplingPriority>,
    /// Where the trace came from, such as `rum` or `synthetics`: printable ASCII, never empty.
    pub origin: Option<String>,
    /// The trace's tags, `_dd.p.tid` excepted: that is the upper half of `trace_id`.
    pub tags: Tags,
}

impl Context {
    /// Reads a caller's headers as `ddtrace` does by default, and tells by which style.
    ///
    /// Datadog's are taken, else W3C's. If both name the same trace but not the same parent,
    /// `traceparent`'s counts: a service between may have known W3C's alone.
    pub fn extract(headers: &Headers<'_>) -> Option<(Self, HeaderStyle)> {
        let datadog = Self::extract_datadog(headers);
        let tracecontext = Self::extract_tracecontext(headers);
        let Some(mut context) = datadog else {
            return tracecontext.map(|context| (context, HeaderStyle::TraceContext));
        };
        if let Some(other) = tracecontext.filter(|other| other.trace_id == context.trace_id) {
            context.parent_id = other.parent_id;
        }
        Some((context, HeaderStyle::Datadog))
    }

    /// Reads a caller's `x-datadog-*` headers alone.
    pub fn extract_datadog(headers: &Headers<'_>) -> Option<Self> {
        datadog::parse(headers, Rules::Caller)
    }

    /// Reads `traceparent`, and `tracestate`'s `dd` member, alone.
    pub fn extract_tracecontext(headers: &Headers<'_>) -> Option<Self> {
        let parent = traceparent::parse(headers.traceparent()?)?;
        let member = headers
            .tracestate()
            .map(tracestate::parse)
            .unwrap_or_default();
        Some(Self {
            trace_id: parent.trace_id,
            parent_id: parent.parent_id,
            sampling_priority: member.priority(parent.sampled),
            origin: member.origin,
            tags: member.tags,
        })
    }

    /// Reads a checkpoint's headers, or those that a tracer of our own has just injected: Datadog's
    /// if their ids are valid, else W3C's.
    pub(crate) fn read(headers: &Headers<'_>) -> Option<(Self, HeaderStyle)> {
        if let Some(context) = datadog::parse(headers, Rules::Checkpoint) {
            return Some((context, HeaderStyle::Datadog));
        }
        Self::extract_tracecontext(headers).map(|context| (context, HeaderStyle::TraceContext))
    }

    /// Returns the context as `x-datadog-*` headers.
    ///
    /// `_dd.p.tid` stands last among the tags. If the tags are longer than `tags_max_length` bytes,
    /// or one is not printable ASCII, `_dd.p.tid` alone is written, whatever its length, and
    /// `_dd.p.dm` if both fit.
    pub fn to_datadog(&self, tags_max_length: usize) -> Headers<'static> {
        datadog::render(self, tags_max_length)
    }

    /// Returns the context as `traceparent` and `tracestate`.
    ///
    /// `tracestate` holds 256 characters of tags at most, with `_` for what it cannot carry. W3C
    /// knows no open decision: without a priority the trace is marked as not sampled, as in `ddtrace`.
    pub fn to_tracecontext(&self) -> Headers<'static> {
        let sampled = self
            .sampling_priority
            .is_some_and(SamplingPriority::is_keep);
        // As many bytes as are checked and copied fastest.
        let mut traceparent = [b' '; traceparent::LENGTH.next_multiple_of(16)];
        traceparent[..traceparent::LENGTH].copy_from_slice(&traceparent::render(
            self.trace_id,
            self.parent_id,
            sampled,
        ));
        let traceparent = as_text(&traceparent);
        let Some((traceparent, parent_id)) =
            traceparent.and_then(|text| Some((text, text.get(traceparent::PARENT_ID)?)))
        else {
            return Headers::default(); // never: it is ASCII
        };
        let start = traceparent.len();
        let mut text = text_for(start + tracestate::max_length(self));
        text.push_str(traceparent);
        tracestate::push(&mut text, self, parent_id);
        let tracestate = Value::within_short(start..text.len());
        let traceparent = Value::within_short(0..traceparent::LENGTH);
        Headers::new(
            text,
            [
                Value::ABSENT,
                Value::ABSENT,
                Value::ABSENT,
                Value::ABSENT,
                Value::ABSENT,
                traceparent,
                tracestate,
                Value::ABSENT,
            ],
        )
    }
}

#[cfg(test)]
mod tests;
