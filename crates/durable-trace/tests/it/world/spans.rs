//! The spans that came of it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use opentelemetry::{KeyValue, SpanId, TraceId};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

/// Every span that ended, on its way to the exporter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collected {
    ended: Arc<Mutex<Vec<Seen>>>,
    open: Arc<Mutex<HashSet<SpanId>>>,
}

/// A span that ended.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) parent_id: SpanId,
    pub(crate) start: SystemTime,
    pub(crate) end: SystemTime,
    pub(crate) failed: bool,
    pub(crate) links: Vec<(TraceId, SpanId)>,
    /// All that it says, in whatever way.
    pub(crate) everything: String,
    attributes: Vec<KeyValue>,
}

impl Seen {
    /// An attribute as text.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.attributes
            .iter()
            .rev()
            .find(|kv| kv.key.as_str() == key)
            .map(|kv| kv.value.as_str().into_owned())
    }

    /// What Datadog calls the resource.
    pub(crate) fn resource(&self) -> String {
        self.text("resource.name").unwrap_or_default()
    }
}

impl Collected {
    /// All spans that ended, by start.
    pub(crate) fn all(&self) -> Vec<Seen> {
        let mut all = self.ended.lock().unwrap().clone();
        all.sort_by_key(|span| span.start);
        all
    }

    /// Those of one name, by start.
    pub(crate) fn named(&self, name: &str) -> Vec<Seen> {
        self.all()
            .into_iter()
            .filter(|span| span.name == name)
            .collect()
    }

    /// How many spans are still open.
    pub(crate) fn open(&self) -> usize {
        self.open.lock().unwrap().len()
    }

    /// The distinct trace ids.
    pub(crate) fn trace_ids(&self) -> HashSet<TraceId> {
        self.all().iter().map(|span| span.trace_id).collect()
    }

    /// Spans whose parent is none of the others.
    pub(crate) fn orphans(&self) -> Vec<Seen> {
        let all = self.all();
        let ids: HashSet<_> = all.iter().map(|span| span.span_id).collect();
        let is_orphan =
            |span: &Seen| span.parent_id != SpanId::INVALID && !ids.contains(&span.parent_id);
        all.into_iter().filter(is_orphan).collect()
    }

    /// Asserts one trace without orphans, whose later invocations hang on the first execute span.
    pub(crate) fn assert_one_trace(&self) {
        assert_eq!(self.trace_ids().len(), 1, "one trace");
        assert_eq!(self.open(), 0, "nothing left open");
        let orphans = self.orphans();
        assert!(orphans.is_empty(), "parents that nobody sent: {orphans:?}");
        let anchor = self
            .named("aws.durable.execute")
            .first()
            .map(|execute| execute.span_id);
        for lambda in self.named("aws.lambda").iter().skip(1) {
            assert_eq!(
                Some(lambda.parent_id),
                anchor,
                "later invocations are siblings under the anchor"
            );
        }
    }
}

impl SpanProcessor for Collected {
    fn on_start(&self, span: &mut Span, _: &opentelemetry::Context) {
        use opentelemetry::trace::Span as _;
        self.open
            .lock()
            .unwrap()
            .insert(span.span_context().span_id());
    }

    fn on_end(&self, span: SpanData) {
        self.open
            .lock()
            .unwrap()
            .remove(&span.span_context.span_id());
        let everything = format!("{span:?}");
        self.ended.lock().unwrap().push(Seen {
            everything,
            name: span.name.into_owned(),
            trace_id: span.span_context.trace_id(),
            span_id: span.span_context.span_id(),
            parent_id: span.parent_span_id,
            start: span.start_time,
            end: span.end_time,
            failed: matches!(span.status, opentelemetry::trace::Status::Error { .. }),
            links: span
                .links
                .iter()
                .map(|link| (link.span_context.trace_id(), link.span_context.span_id()))
                .collect(),
            attributes: span.attributes,
        });
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
