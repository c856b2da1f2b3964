//! A context as `extract` and `explain` print it.

use durable_trace_wire::{Context, SamplingPriority, Tags};
use serde::{Serialize, Serializer};

/// A propagation context, with the carrier that it came from.
#[derive(Debug, Serialize)]
pub(crate) struct ContextJson<'a> {
    /// 32 lower-case hex digits.
    trace_id: String,
    /// A decimal string: JavaScript cannot hold a u64.
    parent_id: String,
    sampling_priority: Option<i8>,
    origin: Option<&'a str>,
    tags: TagsJson<'a>,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Name<'a>>,
}

impl<'a> ContextJson<'a> {
    pub(crate) fn new(context: &'a Context, source: &'a str) -> Self {
        Self {
            trace_id: context.trace_id.to_string(),
            parent_id: context.parent_id.to_string(),
            sampling_priority: context.sampling_priority.map(SamplingPriority::value),
            origin: context.origin.as_deref(),
            tags: TagsJson(&context.tags),
            source,
            name: None,
        }
    }

    /// Adds the name of the checkpoint it was read from, `null` if that was none.
    pub(crate) fn named(self, name: Option<&'a str>) -> Self {
        Self {
            name: Some(Name(name)),
            ..self
        }
    }
}

/// A checkpoint's name, or `null`.
#[derive(Debug, Serialize)]
struct Name<'a>(Option<&'a str>);

/// The tags as one object, in their order.
#[derive(Debug)]
struct TagsJson<'a>(&'a Tags);

impl Serialize for TagsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}
