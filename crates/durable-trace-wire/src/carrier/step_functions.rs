//! A Step Functions context: which execution, state and attempt has called.
//!
//! Step Functions writes no headers. Its spans are made later, from its log, with ids derived from
//! what the context holds too; the same derivation here gives the parent. Users put the context into
//! the state's input, in one of three ways: as the whole payload (or its `Payload`), as `_datadog`,
//! or as a part of what they send on through SQS, SNS or EventBridge.
//! <https://docs.datadoghq.com/serverless/step_functions/installation/>

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::datadog::{self, Rules};
use crate::headers::Headers;
use crate::ids::{SpanId, TraceId};
use crate::sampling::SamplingPriority;

use crate::event::Event;

use super::header_map::Reader;
use super::{Carried, Source};
use crate::nested::{self, member, members};

pub(super) fn read(event: &Event<'_>, _: &Reader<'_>) -> Option<Carried> {
    let payload = event.payload.filter(|it| nested::is_object(it));
    let context = payload
        .and_then(|payload| context(member(payload, "_datadog")?))
        .or_else(|| context(payload?))
        .or_else(|| context(event.datadog?))
        .or_else(|| event.is_step_functions().then(|| context(event.raw))?)?;
    Some(Carried::new(Source::StepFunctions, context))
}

/// Returns the context of the state that has called, if `raw` is a Step Functions context.
///
/// The trace is the one that the state machine was itself called with, where it says so, else
/// derived from the execution that began it all. Without a decision from there the trace is kept, as
/// Datadog keeps those of Step Functions.
pub(super) fn context(raw: &str) -> Option<Context> {
    let [execution, state, machine, root_id] = members(
        raw,
        ["Execution", "State", "StateMachine", "RootExecutionId"],
    )?;
    machine.filter(|machine| nested::is_object(machine))?;
    let [id, redrives, input] = members(execution?, ["Id", "RedriveCount", "Input"])?;
    let id = nested::filled_text(id)?;
    let parent_id = Caller {
        execution_id: &id,
        redrives: redrives.and_then(count).unwrap_or_default(),
        state: state?,
    }
    .span_id()?;

    let input = input.and_then(|input| member(input, "_datadog"));
    let mut upstream = [Some(raw), input]
        .into_iter()
        .flatten()
        .filter_map(|headers| Headers::from_event(headers).ok());
    let mut context = upstream
        .find_map(|headers| with_ids(headers, None, parent_id))
        .or_else(|| {
            let root_id = nested::filled_text(root_id).unwrap_or(id);
            with_ids(
                Headers::from_event(raw).ok()?,
                derive_trace_id(&root_id),
                parent_id,
            )
        })?;
    context
        .sampling_priority
        .get_or_insert(SamplingPriority::AutoKeep);
    Some(context)
}

/// What the span of a state's attempt is derived from.
struct Caller<'a> {
    execution_id: &'a str,
    redrives: u64,
    state: &'a str,
}

impl Caller<'_> {
    /// `None` if the state has no name or was never entered: two such states would share a span.
    fn span_id(&self) -> Option<SpanId> {
        let [name, entered, retries] = members(self.state, ["Name", "EnteredTime", "RetryCount"])?;
        let (name, entered) = (nested::filled_text(name)?, nested::filled_text(entered)?);
        let retries = retries.and_then(count).unwrap_or_default();
        let mut text = format!("{}#{name}#{entered}", self.execution_id);
        // The first attempt's id is older than these counts.
        if retries != 0 || self.redrives != 0 {
            text = format!("{text}#{retries}#{}", self.redrives);
        }
        SpanId::new(halves(&text).0)
    }
}

/// Returns the context of headers with another parent, and, if one is given, another trace.
fn with_ids(
    mut headers: Headers<'_>,
    trace_id: Option<TraceId>,
    parent_id: SpanId,
) -> Option<Context> {
    headers.parent_id = Some(Cow::Owned(parent_id.to_string()));
    if let Some(trace_id) = trace_id {
        headers.trace_id = Some(Cow::Owned(trace_id.low().to_string()));
    }
    let context = datadog::parse(&headers, Rules::Event)?;
    Some(Context {
        trace_id: trace_id.unwrap_or(context.trace_id),
        ..context
    })
}

fn derive_trace_id(execution_id: &str) -> Option<TraceId> {
    let (high, low) = halves(execution_id);
    TraceId::from_halves(high, low)
}

/// Returns the two halves of a SHA-256's first 128 bits, each without its top bit, and never zero.
fn halves(text: &str) -> (u64, u64) {
    let digest = Sha256::digest(text);
    let mut bytes = digest.iter();
    let mut half = || {
        let bits = bytes
            .by_ref()
            .take(8)
            .fold(0, |bits: u64, byte| bits << 8 | u64::from(*byte));
        (bits & (u64::MAX >> 1)).max(1)
    };
    (half(), half())
}

/// Returns a count, in a text or not. Query languages may write it as a float.
fn count(raw: &str) -> Option<u64> {
    let text = nested::text(raw).unwrap_or(Cow::Borrowed(raw));
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let is_whole = fraction.bytes().all(|digit| digit == b'0');
    is_whole
        .then(|| crate::decimal::parse_digits(whole))
        .flatten()
}
