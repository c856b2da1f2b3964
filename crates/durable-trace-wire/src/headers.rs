//! The seven propagation headers, whatever map they came in.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

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

/// A header's value: small, for headers are moved about.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Borrowed(&'a str),
    /// Stands in the headers' own text.
    Within {
        start: u32,
        end: u32,
    },
}

impl<'a> Value<'a> {
    /// Stands nowhere.
    pub(crate) const ABSENT: Self = Self::Within { start: 1, end: 0 };

    /// Absent beyond 4 GiB, which no header has.
    pub(crate) fn within(place: Range<usize>) -> Self {
        match u32::try_from(place.end) {
            Ok(_) => Self::within_short(place),
            Err(_) => Self::ABSENT,
        }
    }

    /// The same for a text that [`Headers::new`] takes: there is none of that length.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "no place begins behind its end, and a text that is too long is not kept"
    )]
    pub(crate) fn within_short(place: Range<usize>) -> Self {
        debug_assert!(place.start <= place.end);
        Self::Within {
            start: place.start as u32,
            end: place.end as u32,
        }
    }

    /// The same, but absent if nothing stands there.
    pub(crate) fn within_some(place: Range<usize>) -> Self {
        if place.is_empty() {
            return Self::ABSENT;
        }
        Self::within_short(place)
    }

    #[inline]
    fn text<'t>(self, own: &'t str) -> Option<&'t str>
    where
        'a: 't,
    {
        match self {
            Self::Borrowed(text) => Some(text),
            Self::Within { start, end } => own.get(start as usize..end as usize),
        }
    }
}

impl Default for Value<'_> {
    fn default() -> Self {
        Self::ABSENT
    }
}

/// Returns an empty text with room for so many bytes, and for what most contexts take in either style: a block of one
/// size is what an allocator has at hand soonest.
pub(crate) fn text_for(length: usize) -> String {
    const MOST: usize = 112;
    if length > MOST {
        return String::with_capacity(length);
    }
    String::with_capacity(MOST)
}

/// One for each [`Header`], in their order.
#[derive(Clone, Default)]
struct Values<'a>([Value<'a>; Header::NAMES.len()]);

impl<'a> Values<'a> {
    fn get(&self, header: Header) -> Value<'a> {
        self.0.get(header as usize).copied().unwrap_or_default()
    }

    fn set(&mut self, header: Header, value: Value<'a>) {
        if let Some(slot) = self.0.get_mut(header as usize) {
            *slot = value;
        }
    }
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

    fn get(&self, header: Header) -> Option<&str> {
        self.values.get(header).text(&self.text)
    }

    /// Whether none of the seven is there.
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

/// One of the seven, in the order in which we write them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Header {
    TraceId,
    ParentId,
    SamplingPriority,
    Origin,
    Tags,
    Traceparent,
    Tracestate,
}

impl Header {
    const ALL: [Self; 7] = [
        Self::TraceId,
        Self::ParentId,
        Self::SamplingPriority,
        Self::Origin,
        Self::Tags,
        Self::Traceparent,
        Self::Tracestate,
    ];

    /// In the same order.
    const NAMES: [&'static str; 7] = [
        TRACE_ID,
        PARENT_ID,
        SAMPLING_PRIORITY,
        ORIGIN,
        TAGS,
        TRACEPARENT,
        TRACESTATE,
    ];

    fn name(self) -> &'static str {
        Self::NAMES.get(self as usize).copied().unwrap_or_default()
    }

    /// Whether this is the name as we write it: each arm compares with a text whose length is known.
    fn is(self, name: &[u8]) -> bool {
        match self {
            Self::Origin => name == ORIGIN.as_bytes(),
            Self::ParentId => name == PARENT_ID.as_bytes(),
            Self::SamplingPriority => name == SAMPLING_PRIORITY.as_bytes(),
            Self::Tags => name == TAGS.as_bytes(),
            Self::TraceId => name == TRACE_ID.as_bytes(),
            Self::Traceparent => name == TRACEPARENT.as_bytes(),
            Self::Tracestate => name == TRACESTATE.as_bytes(),
        }
    }

    /// Returns the one whose name has this length: no two have the same.
    const fn of_length(length: usize) -> Option<Self> {
        Some(match length {
            10 => Self::Tracestate,
            11 => Self::Traceparent,
            14 => Self::Tags,
            16 => Self::Origin,
            18 => Self::TraceId,
            19 => Self::ParentId,
            27 => Self::SamplingPriority,
            _ => return None,
        })
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
    /// Returns the header of this name.
    fn find(self, name: &[u8]) -> Option<Header> {
        if let Some(header) = Header::of_length(name.len())
            && (header.is(name) || name.eq_ignore_ascii_case(header.name().as_bytes()))
        {
            return Some(header);
        }
        match self {
            Self::Caller | Self::Event => find_wsgi(name),
            Self::Checkpoint => None,
        }
    }
}

fn find_wsgi(name: &[u8]) -> Option<Header> {
    let (prefix, wsgi) = name.split_at_checked(WSGI_PREFIX.len())?;
    let header = Header::of_length(wsgi.len())?;
    let same = |(have, want): (&u8, u8)| match want {
        b'-' => *have == b'_',
        want => have.eq_ignore_ascii_case(&want),
    };
    let is_it = prefix.eq_ignore_ascii_case(WSGI_PREFIX)
        && wsgi.iter().zip(header.name().bytes()).all(same);
    is_it.then_some(header)
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
    if Names::Event.find(name) == Some(Header::Tracestate) {
        let lines: Vec<_> = texts.collect();
        return (!lines.is_empty()).then(|| Cow::Owned(lines.join(",")));
    }
    texts.next()
}

#[cfg(test)]
mod tests;
