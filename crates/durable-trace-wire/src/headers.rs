//! The eight propagation headers, whatever map they came in.

mod name;
mod value;

use std::borrow::Cow;
use std::fmt;

use crate::ids::SpanId;
use crate::json::{self, Cursor};
use crate::nested::{MAX_DECODED_BYTES, items};
use crate::pass_through::PassThrough;
use crate::{datadog, traceparent, tracestate};

pub(crate) use self::name::Header;
use self::name::Names;
use self::value::Values;
pub(crate) use self::value::{Value, text_for};

/// The style that a context was read from or is written in.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
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
#[derive(Clone, Default)]
pub struct Headers<'a> {
    /// The values that are not borrowed; what is none, or no longer, may stand among them.
    text: String,
    values: Values<'a>,
    /// Whether the map held anything else: it then differs from every map of ours.
    pub(crate) others: bool,
}

impl<'a> Headers<'a> {
    /// Returns headers that stand in `text`, or are borrowed: a value for each [`Header`], in their order. None of a text
    /// beyond 4 GiB, whose places cannot be told.
    pub(crate) fn new(text: String, values: [Value<'a>; Header::NAMES.len()]) -> Self {
        if u32::try_from(text.len()).is_err() {
            return Self::default();
        }
        Self {
            text,
            values: Values(values),
            others: false,
        }
    }

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
    /// its texts the first counts, but those of `tracestate`, and of `baggage`, are one list.
    /// <https://www.w3.org/TR/trace-context/#tracestate-header>, <https://www.w3.org/TR/baggage/#header-name>
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
            match Names::Caller.find(name.as_ref().as_bytes()) {
                Some(header) => headers.set(header, Some(value.into())),
                None => headers.others = true,
            }
        }
        headers
    }

    /// Returns `x-datadog-trace-id` as it came.
    pub fn trace_id(&self) -> Option<&str> {
        self.get(Header::TraceId)
    }

    /// Returns `x-datadog-parent-id` as it came.
    pub fn parent_id(&self) -> Option<&str> {
        self.get(Header::ParentId)
    }

    /// Returns `x-datadog-sampling-priority` as it came.
    pub fn sampling_priority(&self) -> Option<&str> {
        self.get(Header::SamplingPriority)
    }

    /// Returns `x-datadog-origin` as it came.
    pub fn origin(&self) -> Option<&str> {
        self.get(Header::Origin)
    }

    /// Returns `x-datadog-tags` as it came.
    pub fn tags(&self) -> Option<&str> {
        self.get(Header::Tags)
    }

    /// Returns `traceparent` as it came.
    pub fn traceparent(&self) -> Option<&str> {
        self.get(Header::Traceparent)
    }

    /// Returns `tracestate` as it came.
    pub fn tracestate(&self) -> Option<&str> {
        self.get(Header::Tracestate)
    }

    /// Returns `baggage` as it came.
    pub fn baggage(&self) -> Option<&str> {
        self.get(Header::Baggage)
    }

    fn get(&self, header: Header) -> Option<&str> {
        self.values.get(header).text(&self.text)
    }

    /// Whether none of the eight is there.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Returns the headers that are there, by lower-case name, in the order in which we write them.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let present =
            |(name, value): (&&'static str, &Value<'a>)| Some((*name, value.text(&self.text)?));
        Header::NAMES.iter().zip(&self.values.0).filter_map(present)
    }

    /// Returns the headers as one compact JSON object of strings, in the order of [`Headers::iter`].
    pub fn to_json(&self) -> String {
        let pairs = self.iter().map(|(name, value)| name.len() + value.len());
        let mut json = String::with_capacity(2 + pairs.map(|length| length + 6).sum::<usize>());
        for (name, value) in self.iter() {
            json.push_str(if json.is_empty() { "{\"" } else { ",\"" });
            json.push_str(name);
            json.push_str("\":");
            json::push_text(&mut json, value);
        }
        json.push_str(if json.is_empty() { "{}" } else { "}" });
        json
    }

    /// Returns the same headers, borrowing nothing.
    pub fn into_owned(self) -> Headers<'static> {
        let mut owned = Headers {
            others: self.others,
            ..Headers::default()
        };
        owned
            .text
            .reserve_exact(self.iter().map(|(_, value)| value.len()).sum());
        for header in Header::ALL {
            if let Some(value) = self.get(header) {
                owned.write(header, value);
            }
        }
        owned
    }

    /// Returns the headers with `parent` wherever a parent is named: `x-datadog-parent-id`, the
    /// parent field of `traceparent`, `p:` in the `dd` member of `tracestate`. What is absent or
    /// malformed stays so.
    #[must_use]
    pub fn with_parent_id(mut self, parent: SpanId) -> Self {
        if self.parent_id().is_some_and(datadog::is_id) {
            self.write(Header::ParentId, &parent.to_string());
        }
        if let Some(replaced) = self
            .traceparent()
            .and_then(|text| traceparent::with_parent_id(text, parent))
        {
            self.write(Header::Traceparent, &replaced);
        }
        if let Some(replaced) = self
            .tracestate()
            .and_then(|text| tracestate::with_parent_id(text, parent))
        {
            self.write(Header::Tracestate, &replaced);
        }
        self
    }

    /// Returns the headers with `traceparent` and `tracestate` of others.
    pub(crate) fn with_tracecontext_of(mut self, others: &Headers<'_>) -> Self {
        for (header, value) in [
            (Header::Traceparent, others.traceparent()),
            (Header::Tracestate, others.tracestate()),
        ] {
            match value {
                Some(value) => self.write(header, value),
                None => self.values.set(header, Value::ABSENT),
            }
        }
        self
    }

    /// Returns the headers with what others have put into W3C's: behind Datadog's member of `tracestate`, and in `baggage`, whatever
    /// of others stood in both before.
    #[must_use]
    pub fn with_pass_through(mut self, others: &PassThrough) -> Self {
        let mut members = String::new();
        if let Some(own) = self.tracestate() {
            tracestate::push_members(&mut members, own, tracestate::is_ours);
        }
        if let Some(list) = &others.tracestate {
            tracestate::push_members(&mut members, list, |it| !tracestate::is_ours(it));
        }
        let tracestate = (!members.is_empty()).then_some(members);
        self.set(Header::Tracestate, tracestate.map(Cow::Owned));
        self.set(Header::Baggage, others.baggage.clone().map(Cow::Owned));
        self
    }

    fn read_json(json: &'a str, names: Names) -> Result<Self, ParseHeadersError> {
        let mut headers = Self::default();
        let mut cursor = Cursor::check(json).map_err(|_| ParseHeadersError::NotJson)?;
        let is_object = cursor.members(|name, value| {
            let Some(header) = names.find(name) else {
                headers.others = true;
                return;
            };
            let value = value.raw();
            let value = match names {
                Names::Event => value.and_then(|value| event_value(name, value)),
                Names::Caller | Names::Checkpoint => value.and_then(json::text_or_integer),
            };
            headers.set(header, value);
        });
        if is_object {
            Ok(headers)
        } else {
            Err(ParseHeadersError::NotAnObject)
        }
    }

    #[inline]
    fn set(&mut self, header: Header, value: Option<Cow<'a, str>>) {
        match value {
            None => self.values.set(header, Value::ABSENT),
            Some(Cow::Borrowed(value)) => self.values.set(header, Value::Borrowed(value)),
            Some(Cow::Owned(value)) => self.write(header, &value),
        }
    }

    /// Sets a header to a copy of `value`.
    pub(crate) fn write(&mut self, header: Header, value: &str) {
        let start = self.text.len();
        self.text.push_str(value);
        self.values
            .set(header, Value::within(start..self.text.len()));
    }
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<_> = self.iter().collect();
        f.debug_struct("Headers")
            .field("pairs", &pairs)
            .field("others", &self.others)
            .finish()
    }
}

impl PartialEq for Headers<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.others == other.others && self.iter().eq(other.iter())
    }
}

impl Eq for Headers<'_> {}

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
    let header = Names::Event.find(name);
    if matches!(header, Some(Header::Tracestate | Header::Baggage)) {
        let lines: Vec<_> = texts.collect();
        return (!lines.is_empty()).then(|| Cow::Owned(lines.join(",")));
    }
    texts.next()
}

#[cfg(test)]
mod tests;
