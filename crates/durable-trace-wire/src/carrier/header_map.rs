//! A map of headers: which context the styles find in it.

use crate::context::Context;
use crate::datadog::{self, Rules};
use crate::headers::{self, Header, HeaderStyle, Headers};
use crate::ids::TraceId;
use crate::pass_through::PassThrough;
use crate::sampling::SamplingPriority;
use crate::tags::Tags;
use crate::{traceparent, tracestate};

use super::{Carried, CarrierRules, OtherStyles, Source, step_functions};

/// How header maps are read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'r> {
    pub(super) rules: &'r CarrierRules,
    pub(super) others: Option<&'r OtherStyles<'r>>,
}

impl Reader<'_> {
    /// Reads a JSON object of headers: the first style that finds a complete context, else the first
    /// that finds one. The same trace in both styles is one context, whose parts complete each other.
    pub(super) fn read(&self, source: Source, json: &str) -> Option<Carried> {
        let headers = Headers::from_event(json).ok()?;
        let found = self.read_styles(&headers);
        let complete = |found: &(Context, _)| found.0.sampling_priority.is_some();
        let (context, other) = match found {
            Some(found) if complete(&found) => found,
            incomplete => self
                .read_others(json)
                .map(|context| (context, None))
                .filter(|other| complete(other) || incomplete.is_none())
                .or(incomplete)?,
        };
        let mut carried = Carried::new(source, context);
        carried.links.extend(other);
        let PassThrough {
            tracestate,
            baggage,
        } = PassThrough::of(&headers);
        carried.pass_through = PassThrough {
            // It goes with the trace that `traceparent` names.
            tracestate: tracestate.filter(|_| {
                let traceparent = headers.traceparent().and_then(traceparent::parse);
                traceparent.is_some_and(|w3c| is_same_trace(carried.context.trace_id, w3c.trace_id))
            }),
            baggage,
        };
        Some(carried)
    }

    /// Reads a `_datadog` object: a Step Functions context if it is one, else headers.
    pub(super) fn read_datadog(&self, source: Source, json: &str) -> Option<Carried> {
        match step_functions::context(json) {
            Some(context) => Some(Carried::new(source, context)),
            None => self.read(source, json),
        }
    }

    /// Returns the context to go on with, and the one that another style names instead.
    fn read_styles(&self, headers: &Headers<'_>) -> Option<(Context, Option<Context>)> {
        let uses = |style| self.rules.styles.contains(&style);
        let w3c = uses(HeaderStyle::TraceContext)
            .then(|| read_w3c(headers))
            .flatten();
        let dd = uses(HeaderStyle::Datadog)
            .then(|| read_datadog(headers, w3c.as_ref()))
            .flatten();
        let (dd, w3c) = match (dd, w3c) {
            (Some(dd), Some(w3c)) => (dd, w3c),
            (dd, w3c) => return Some((dd.or(w3c)?, None)),
        };
        let w3c_leads = self.rules.styles.first() == Some(&HeaderStyle::TraceContext);
        if is_same_trace(dd.trace_id, w3c.trace_id) {
            // A service between may have known W3C's headers alone, so theirs is the nearer parent.
            let (trace_id, parent_id) = (w3c.trace_id, w3c.parent_id);
            let (first, second) = if w3c_leads { (w3c, dd) } else { (dd, w3c) };
            let mut context = Context {
                trace_id,
                parent_id,
                ..first
            };
            if context.sampling_priority.is_none() {
                context.sampling_priority = second.sampling_priority;
                // Who made the decision goes with it. At once: one by one, each would be looked for among all the others.
                context.tags = Tags::from_pairs(context.tags.iter().chain(second.tags.iter()));
            }
            return Some((context, None));
        }
        let (first, second) = if w3c_leads { (w3c, dd) } else { (dd, w3c) };
        if first.sampling_priority.is_none() && second.sampling_priority.is_some() {
            return Some((second, Some(first)));
        }
        Some((first, Some(second)))
    }

    fn read_others(&self, json: &str) -> Option<Context> {
        let others = self.others?;
        others(&headers::event_pairs(json))
    }
}

fn read_w3c(headers: &Headers<'_>) -> Option<Context> {
    let parent = traceparent::parse(headers.traceparent()?)?;
    let member = headers
        .tracestate()
        .map(tracestate::parse_each)
        .unwrap_or_default();
    Some(Context {
        trace_id: parent.trace_id,
        parent_id: parent.parent_id,
        // Browser sessions whose `s` is lost: the flag alone can say that they are kept.
        sampling_priority: member
            .priority(parent.sampled)
            .or_else(|| parent.sampled.then_some(SamplingPriority::AutoKeep)),
        tags: datadog::sound_tags(&member.tags),
        origin: member.origin,
    })
}

/// Reads Datadog's headers; if they name no parent, W3C's for the same trace is theirs.
fn read_datadog(headers: &Headers<'_>, w3c: Option<&Context>) -> Option<Context> {
    if let Some(context) = datadog::parse(headers, Rules::Event) {
        return Some(context);
    }
    let w3c = w3c?;
    let mut patched = headers.clone();
    patched.write(Header::ParentId, &w3c.parent_id.to_string());
    datadog::parse(&patched, Rules::Event)
        .filter(|context| is_same_trace(context.trace_id, w3c.trace_id))
}

/// Whether two contexts name one trace: Datadog's without an upper half is the same trace as W3C's
/// with the same lower half, its `_dd.p.tid` having been lost on the way.
fn is_same_trace(dd: TraceId, w3c: TraceId) -> bool {
    dd == w3c || (dd.high() == 0 && dd.low() == w3c.low())
}

#[cfg(test)]
mod tests;
