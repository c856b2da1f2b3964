//! Whether a checkpoint is to be written, and which.

use std::collections::HashMap;

use crate::checkpoint::{CheckpointNumber, checkpoint_id};
use crate::context::Context;
use crate::datadog::DEFAULT_TAGS_MAX_LENGTH;
use crate::headers::Headers;
use crate::ids::SpanId;
use crate::pass_through::PassThrough;
use crate::reader::Found;
use crate::sampling::SamplingPriority;
use crate::{decimal, tags, traceparent, tracestate};

/// The headers that a checkpoint holds.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum CheckpointStyles {
    /// Datadog's alone: what the other libraries read.
    #[default]
    Datadog,
    /// Datadog's, and W3C's after them, with other vendors' members of `tracestate`.
    DatadogAndTraceContext,
    /// The same and `baggage`, which may hold anything that the caller says of its users.
    DatadogTraceContextAndBaggage,
}

impl CheckpointStyles {
    /// Reads a list of the names that `OTEL_PROPAGATORS` uses: `datadog`, `datadog,tracecontext` or `datadog,tracecontext,baggage`, spaces
    /// left out of account.
    pub fn parse(list: &str) -> Option<Self> {
        match list.replace(' ', "").as_str() {
            "datadog" => Some(Self::Datadog),
            "datadog,tracecontext" => Some(Self::DatadogAndTraceContext),
            "datadog,tracecontext,baggage" => Some(Self::DatadogTraceContextAndBaggage),
            _ => None,
        }
    }

    /// Whether `traceparent` and `tracestate` are among them.
    pub const fn has_tracecontext(self) -> bool {
        !matches!(self, Self::Datadog)
    }

    /// Whether `baggage` is among them.
    pub const fn has_baggage(self) -> bool {
        matches!(self, Self::DatadogTraceContextAndBaggage)
    }

    /// Returns a context in these styles, with what of others' stands in `injected`.
    pub fn headers(
        self,
        context: &Context,
        injected: &Headers<'_>,
        tags_max_length: usize,
    ) -> Headers<'static> {
        let datadog = context.to_datadog(tags_max_length);
        if !self.has_tracecontext() {
            return datadog;
        }
        // What did not fit into the one style is not told in the other: whoever reads both would write again.
        let told = Context::read(&datadog).map(|(told, _)| told);
        let w3c = told.as_ref().unwrap_or(context).to_tracecontext();
        let mut others = PassThrough::of(injected);
        others.baggage = others.baggage.filter(|_| self.has_baggage());
        datadog
            .with_tracecontext_of(&w3c)
            .with_pass_through(&others)
    }
}

/// What limits the writing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WriteRules {
    /// Whether checkpoints are written at all.
    pub enabled: bool,
    /// Which headers they hold.
    pub styles: CheckpointStyles,
    /// The most bytes of `x-datadog-tags`.
    pub tags_max_length: usize,
    /// How many operations the service takes in one execution.
    pub operation_cap: usize,
    /// How many of these are left to the user.
    pub cap_margin: usize,
}

/// Enabled, Datadog's headers, 512 bytes of tags, and the last 5 of 3,000 operations left alone.
impl Default for WriteRules {
    fn default() -> Self {
        Self {
            enabled: true,
            styles: CheckpointStyles::Datadog,
            tags_max_length: DEFAULT_TAGS_MAX_LENGTH,
            operation_cap: 3000,
            cap_margin: 5,
        }
    }
}

/// What to do about a checkpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Decision {
    /// Nothing: too few operations are left.
    Cap,
    /// Nothing: injection gave no context, or none that these styles can carry.
    NoContext,
    /// Nothing: the numbers are used up.
    NoNumber,
    /// Nothing: writing is switched off.
    Off,
    /// Nothing: the log says the same already.
    Unchanged,
    /// Write this one.
    Write(Checkpoint),
}

impl Decision {
    /// Returns the stable name that `explain` prints.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Cap => "cap",
            Self::NoContext => "no-context",
            Self::NoNumber => "no-number",
            Self::Off => "off",
            Self::Unchanged => "unchanged",
            Self::Write(_) => "write",
        }
    }
}

/// A checkpoint to write: one update of Type STEP, Action SUCCEED, `SubType` `Step`, no `ParentId`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The N of its name.
    pub number: CheckpointNumber,
    /// `Name`.
    pub name: String,
    /// `Id`.
    pub id: String,
    /// `Payload`: compact JSON.
    pub payload: String,
}

/// Decides whether to write a checkpoint into the log of the execution `arn`.
///
/// `injected` is what the tracer injects now, in Datadog's style or W3C's; `prior` what was last
/// read or written. The parent written is the prior's, so that all invocations stay siblings under
/// one span, or `anchor`, the current execute span, if there is none. Nothing is written if the
/// headers, parents apart, are those of `prior`. `next_number` is the number to use (`None`: used
/// up), `operation_count` the size of the log.
pub fn decide(
    arn: &str,
    prior: Option<&Found>,
    injected: &Headers<'_>,
    anchor: SpanId,
    next_number: Option<u64>,
    operation_count: usize,
    rules: &WriteRules,
) -> Decision {
    if !rules.enabled {
        return Decision::Off;
    }
    let Some((mut context, _)) = Context::read(injected) else {
        return Decision::NoContext;
    };
    context.parent_id = prior.map_or(anchor, |prior| prior.context.parent_id);
    context.sampling_priority = context
        .sampling_priority
        .or_else(|| implied_priority(&context));
    // A trace id whose lower half is zero has no valid x-datadog-trace-id.
    if context.trace_id.low() == 0 && !rules.styles.has_tracecontext() {
        return Decision::NoContext;
    }
    let headers = rules
        .styles
        .headers(&context, injected, rules.tags_max_length);
    if prior.is_some_and(|prior| same_but_parents(&prior.headers, &headers)) {
        return Decision::Unchanged;
    }
    if operation_count.saturating_add(rules.cap_margin) >= rules.operation_cap {
        return Decision::Cap;
    }
    let Some(number) = next_number.and_then(CheckpointNumber::new) else {
        return Decision::NoNumber;
    };
    let name = number.to_string();
    let id = checkpoint_id(&name, arn);
    Decision::Write(Checkpoint {
        number,
        name,
        id,
        payload: headers.to_json(),
    })
}

/// Returns the decision that the tag `_dd.p.dm` tells of where the priority itself is missing: only
/// a trace that is kept has one, and the mechanism that it names keeps by sampling or by the user's
/// will. <https://docs.rs/libdd-sampling/latest/libdd_sampling/struct.SamplingMechanism.html>
fn implied_priority(context: &Context) -> Option<SamplingPriority> {
    let maker = context.tags.get(tags::DECISION_MAKER)?.strip_prefix('-')?;
    Some(match decimal::parse_digits(maker)? {
        3 | 4 | 8 | 10 | 11 | 12 => SamplingPriority::UserKeep,
        _ => SamplingPriority::AutoKeep,
    })
}

/// Whether two maps are the same but for the parents that they name, and for the order within
/// `x-datadog-tags` and the `dd` member.
fn same_but_parents(prior: &Headers<'_>, current: &Headers<'_>) -> bool {
    prior.others == current.others
        && prior.parent_id().is_some() == current.parent_id().is_some()
        && same(prior.trace_id(), current.trace_id(), same_number)
        && same(
            prior.sampling_priority(),
            current.sampling_priority(),
            same_number,
        )
        && same(prior.origin(), current.origin(), |one, other| one == other)
        && same(prior.tags(), current.tags(), same_tags)
        && same(
            prior.traceparent(),
            current.traceparent(),
            traceparent::same_but_parent,
        )
        && same(
            prior.tracestate(),
            current.tracestate(),
            tracestate::same_but_parent,
        )
        && prior.baggage() == current.baggage()
}

fn same(one: Option<&str>, other: Option<&str>, equal: impl Fn(&str, &str) -> bool) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other || equal(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Whether two texts are the same number, however written.
fn same_number(one: &str, other: &str) -> bool {
    let number = decimal::parse_like_python(one);
    number.is_some() && number == decimal::parse_like_python(other)
}

/// Whether two tagsets hold the same pairs; one that repeats a name, or has a part without `=`, is
/// the same as none.
fn same_tags(one: &str, other: &str) -> bool {
    match (pairs(one), pairs(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

fn pairs(text: &str) -> Option<HashMap<&str, &str>> {
    let mut pairs = HashMap::new();
    for pair in text.split(',') {
        let (name, value) = pair.split_once('=')?;
        if pairs.insert(name, value).is_some() {
            return None;
        }
    }
    Some(pairs)
}

#[cfg(test)]
mod tests;
