//! The seven propagation headers, whatever map they came in.

use std::borrow::Cow;

use serde::ser::{SerializeMap, Serializer};

use crate::ids::SpanId;
use crate::json::{self, Cursor};
use crate::nested::{MAX_DECODED_BYTES, items};
use crate::{datadog, traceparent, tracestate};

pub(crate) const TRACE_ID: &str = "x-datadog-trace-id";
pub(crate) const PARENT_ID: &str = "x-datadog-parent-id";
pub(crate) const SAMPLING_PRIORITY: &str = "x-datadog-sampling-priority";
pub(crate) const ORIGIN: &str = "x-datadog-origin";
pub(crate) const TAGS: &str = "x-datadog-tags";
pub(crate) const TRACEPARENT: &str = "traceparent";
pub(crate) const TRACESTATE: &str = "tracestate";

/// The style that a context was read from or is written in.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum HeaderStyle {
    /// `x-datadog-*`.
    Datadog,
    /// W3C's `traceparent` and `tracestate`.
    TraceContext,
}

impl HeaderStyle {
    /// Returns the name that `DD_TRACE_PROPAGATION_STYLE` uses: `datadog` or `tracecontext`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Datadog => "datadog",
            Self::TraceContext => "tracecontext",
        }
    }

    /// Returns the styles in a list such as `DD_TRACE_PROPAGATION_STYLE_EXTRACT` holds, in its order,
    /// none twice: names in any case, between commas; others are left out.
    pub fn parse_list(list: &str) -> Vec<Self> {
        let mut styles = Vec::new();
        for name in list.split(',').map(str::trim) {
            let named = [Self::Datadog, Self::TraceContext]
                .into_iter()
                .find(|style| style.as_str().eq_ignore_ascii_case(name));
            styles.extend(named.filter(|style| !styles.contains(style)));
        }
        styles
    }
}

/// The propagation headers we know, undecoded. Others are not kept, only noticed.
///
/// Names are read in any case, and as WSGI writes them (`HTTP_X_DATADOG_TRACE_ID`); of two values
/// for one header the last counts. In JSON an integer counts as its decimal, a value of another
/// type as absent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Headers<'a> {
    pub(crate) trace_id: Option<Cow<'a, str>>,
    pub(crate) parent_id: Option<Cow<'a, str>>,
    pub(crate) sampling_priority: Option<Cow<'a, str>>,
    pub(crate) origin: Option<Cow<'a, str>>,
    pub(crate) tags: Option<Cow<'a, str>>,
    pub(crate) traceparent: Option<Cow<'a, str>>,
    pub(crate) tracestate: Option<Cow<'a, str>>,
    /// Whether the map held anything else: it then differs from every map of ours.
    pub(crate) others: bool,
}

impl<'a> Headers<'a> {
    /// Returns the headers in a JSON object.
    ///
    /// # Errors
    ///
    /// [`ParseHeadersError`] if `json` is not JSON, or no object.
    pub fn from_json(json: &'a str) -> Result<Self, ParseHeadersError> {
        Self::read_json(json, Names::Caller)
    }

    /// The same for a checkpoint's payload, where no web server has renamed anything.
    pub(crate) fn from_checkpoint(json: &'a str) -> Result<Self, ParseHeadersError> {
        Self::read_json(json, Names::Checkpoint)
    }

    /// The same for headers within the event that started an execution. A value may be a list: of
    /// its texts the first counts, but those of `tracestate` are one list.
    /// <https://www.w3.org/TR/trace-context/#tracestate-header>
    pub(crate) fn from_event(json: &'a str) -> Result<Self, ParseHeadersError> {
        Self::read_json(json, Names::Event)
    }

    /// Returns the headers among pairs of name and value.
    pub fn from_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: AsRef<str>,
        V: Into<Cow<'a, str>>,
    {
        let mut headers = Self::default();
        for (name, value) in pairs {
            match headers.slot(name.as_ref().as_bytes(), Names::Caller) {
                Some(slot) => *slot = Some(value.into()),
                None => headers.others = true,
            }
        }
        headers
    }

    /// Returns `x-datadog-trace-id` as it came.
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    /// Returns `x-datadog-parent-id` as it came.
    pub fn parent_id(&self) -> Option<&str> {
        self.parent_id.as_deref()
    }

    /// Returns `x-datadog-sampling-priority` as it came.
    pub fn sampling_priority(&self) -> Option<&str> {
        self.sampling_priority.as_deref()
    }

    /// Returns `x-datadog-origin` as it came.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Returns `x-datadog-tags` as it came.
    pub fn tags(&self) -> Option<&str> {
        self.tags.as_deref()
    }

    /// Returns `traceparent` as it came.
    pub fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// Returns `tracestate` as it came.
    pub fn tracestate(&self) -> Option<&str> {
        self.tracestate.as_deref()
    }

    /// Whether none of the seven is there.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Returns the headers that are there, by lower-case name, in the order in which we write them.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            (TRACE_ID, &self.trace_id),
            (PARENT_ID, &self.parent_id),
            (SAMPLING_PRIORITY, &self.sampling_priority),
            (ORIGIN, &self.origin),
            (TAGS, &self.tags),
            (TRACEPARENT, &self.traceparent),
            (TRACESTATE, &self.tracestate),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }

    /// Returns the headers as one compact JSON object of strings, in the order of [`Headers::iter`].
    pub fn to_json(&self) -> String {
        let mut json = Vec::new();
        let written = (|| {
            let mut serializer = serde_json::Serializer::new(&mut json);
            let mut map = (&mut serializer).serialize_map(None)?;
            for (name, value) in self.iter() {
                map.serialize_entry(name, value)?;
            }
            map.end()
        })();
        // Strings into memory: neither step can fail; an empty object is what no header would give.
        match (written, String::from_utf8(json)) {
            (Ok(()), Ok(json)) => json,
            _ => "{}".to_owned(),
        }
    }

    /// Returns the same headers, borrowing nothing.
    pub fn into_owned(self) -> Headers<'static> {
        let own = |value: Option<Cow<'_, str>>| value.map(|value| Cow::Owned(value.into_owned()));
        Headers {
            trace_id: own(self.trace_id),
            parent_id: own(self.parent_id),
            sampling_priority: own(self.sampling_priority),
            origin: own(self.origin),
            tags: own(self.tags),
            traceparent: own(self.traceparent),
            tracestate: own(self.tracestate),
            others: self.others,
        }
    }

    /// Returns the headers with `parent` wherever a parent is named: `x-datadog-parent-id`, the
    /// parent field of `traceparent`, `p:` in the `dd` member of `tracestate`. What is absent or
    /// malformed stays so.
    #[must_use]
    pub fn with_parent_id(mut self, parent: SpanId) -> Self {
        if self.parent_id().is_some_and(datadog::is_id) {
            self.parent_id = Some(Cow::Owned(parent.to_string()));
        }
        if let Some(replaced) = self
            .traceparent()
            .and_then(|text| traceparent::with_parent_id(text, parent))
        {
            self.traceparent = Some(Cow::Owned(replaced));
        }
        if let Some(replaced) = self
            .tracestate()
            .and_then(|text| tracestate::with_parent_id(text, parent))
        {
            self.tracestate = Some(Cow::Owned(replaced));
        }
        self
    }

    fn read_json(json: &'a str, names: Names) -> Result<Self, ParseHeadersError> {
        let mut headers = Self::default();
        let mut cursor = Cursor::check(json).map_err(|_| ParseHeadersError::NotJson)?;
        let is_object = cursor.members(|name, value| {
            let Some(slot) = headers.slot(name, names) else {
                headers.others = true;
                return;
            };
            let value = value.raw();
            *slot = match names {
                Names::Event => value.and_then(|value| event_value(name, value)),
                Names::Caller | Names::Checkpoint => value.and_then(json::text_or_integer),
            };
        });
        if is_object {
            Ok(headers)
        } else {
            Err(ParseHeadersError::NotAnObject)
        }
    }

    fn slot(&mut self, name: &[u8], names: Names) -> Option<&mut Option<Cow<'a, str>>> {
        let is = |header: &str| names.matches(name, header.as_bytes());
        if is(TRACE_ID) {
            Some(&mut self.trace_id)
        } else if is(PARENT_ID) {
            Some(&mut self.parent_id)
        } else if is(SAMPLING_PRIORITY) {
            Some(&mut self.sampling_priority)
        } else if is(ORIGIN) {
            Some(&mut self.origin)
        } else if is(TAGS) {
            Some(&mut self.tags)
        } else if is(TRACEPARENT) {
            Some(&mut self.traceparent)
        } else if is(TRACESTATE) {
            Some(&mut self.tracestate)
        } else {
            None
        }
    }
}

/// Why a text holds no header map.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseHeadersError {
    /// JSON, but not an object.
    #[error("expected a JSON object")]
    NotAnObject,
    /// Not JSON.
    #[error("expected JSON")]
    NotJson,
}

/// Which spellings of a header's name are understood.
#[derive(Clone, Copy, Debug)]
enum Names {
    /// Those of a caller's headers: in any case, or as WSGI puts them into its environment.
    /// <https://peps.python.org/pep-3333/#environ-variables>
    Caller,
    /// In any case.
    Checkpoint,
    /// As a caller's.
    Event,
}

impl Names {
    fn matches(self, name: &[u8], header: &[u8]) -> bool {
        if name.eq_ignore_ascii_case(header) {
            return true;
        }
        let Some((prefix, wsgi)) = name.split_at_checked(WSGI_PREFIX.len()) else {
            return false;
        };
        matches!(self, Self::Caller | Self::Event)
            && prefix.eq_ignore_ascii_case(WSGI_PREFIX)
            && wsgi.len() == header.len()
            && wsgi.iter().zip(header).all(|(have, want)| match want {
                b'-' => *have == b'_',
                want => have.eq_ignore_ascii_case(want),
            })
    }
}

const WSGI_PREFIX: &[u8] = b"http_";

/// Returns the texts of an event's header map, under their names as they stand, in their order; none
/// if `json` is no object.
pub(crate) fn event_pairs(json: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    if let Ok(mut cursor) = Cursor::check(json) {
        cursor.members(|name, value| {
            let value = value.raw().and_then(|value| event_value(name, value));
            let pair = std::str::from_utf8(name).ok().zip(value);
            pairs.extend(pair.map(|(name, value)| (name.to_owned(), value.into_owned())));
        });
    }
    pairs
}

/// Returns a header's value in an event: a text, an integer, or a list of these.
fn event_value<'a>(name: &[u8], raw: &'a str) -> Option<Cow<'a, str>> {
    if raw.len() > MAX_DECODED_BYTES {
        return None;
    }
    if !raw.starts_with('[') {
        return json::text_or_integer(raw);
    }
    let mut texts = items(raw, usize::MAX)
        .into_iter()
        .filter_map(json::text_or_integer);
    if Names::Event.matches(name, TRACESTATE.as_bytes()) {
        let lines: Vec<_> = texts.collect();
        return (!lines.is_empty()).then(|| Cow::Owned(lines.join(",")));
    }
    texts.next()
}

#[cfg(test)]
mod tests;
