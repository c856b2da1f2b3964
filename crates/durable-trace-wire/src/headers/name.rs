//! The names of the eight headers, and the spellings in which they come.

const TRACE_ID: &str = "x-datadog-trace-id";
const PARENT_ID: &str = "x-datadog-parent-id";
const SAMPLING_PRIORITY: &str = "x-datadog-sampling-priority";
const ORIGIN: &str = "x-datadog-origin";
const TAGS: &str = "x-datadog-tags";
const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const BAGGAGE: &str = "baggage";

/// One of the eight, in the order in which we write them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Header {
    TraceId,
    ParentId,
    SamplingPriority,
    Origin,
    Tags,
    Traceparent,
    Tracestate,
    Baggage,
}

impl Header {
    pub(super) const ALL: [Self; 8] = [
        Self::TraceId,
        Self::ParentId,
        Self::SamplingPriority,
        Self::Origin,
        Self::Tags,
        Self::Traceparent,
        Self::Tracestate,
        Self::Baggage,
    ];

    /// In the same order.
    pub(super) const NAMES: [&'static str; 8] = [
        TRACE_ID,
        PARENT_ID,
        SAMPLING_PRIORITY,
        ORIGIN,
        TAGS,
        TRACEPARENT,
        TRACESTATE,
        BAGGAGE,
    ];

    pub(super) fn name(self) -> &'static str {
        Self::NAMES.get(self as usize).copied().unwrap_or_default()
    }

    /// Whether this is the name as we write it: each arm compares with a text whose length is known.
    pub(super) fn is(self, name: &[u8]) -> bool {
        match self {
            Self::Baggage => name == BAGGAGE.as_bytes(),
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
    pub(super) const fn of_length(length: usize) -> Option<Self> {
        Some(match length {
            7 => Self::Baggage,
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

/// Which spellings of a header's name are understood.
#[derive(Clone, Copy, Debug)]
pub(super) enum Names {
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
    pub(super) fn find(self, name: &[u8]) -> Option<Header> {
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
