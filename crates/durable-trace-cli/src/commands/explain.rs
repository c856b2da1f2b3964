//! `explain`: what an event's checkpoints say, else its caller, which were passed over and why, and what would be written next.

use std::io::{self, Read};

use anyhow::Context as _;
use durable_trace_wire::{
    Carried, Checkpoint, Context, Decision, Headers, Invocation, Reading, SpanId, WriteRules,
};
use serde::{Serialize, de::IgnoredAny};

use crate::{
    args::ExplainArgs,
    caller::CallerRules,
    context_json::ContextJson,
    outcome::{self, Outcome},
    settings,
};

/// Explains the event on stdin.
pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<Outcome> {
    let mut bytes = Vec::new();
    io::stdin()
        .read_to_end(&mut bytes)
        .context("reading the event from stdin")?;
    let text = std::str::from_utf8(&bytes).context("expected one JSON document on stdin")?;
    let invocation = match Invocation::parse(text) {
        Ok(invocation) => invocation,
        // JSON that cannot be read as an event (half a surrogate pair, nesting without end) is no durable event.
        Err(_) => serde_json::from_str::<IgnoredAny>(text)
            .map(|_| None)
            .context("expected one JSON document on stdin")?,
    };
    let headers = match &args.headers {
        Some(text) => Some(Headers::from_json(text.as_str()).context("reading --headers")?),
        None => None,
    };
    let caller = settings::caller_rules();
    let mut answer = if let Some(invocation) = invocation {
        explain(
            &invocation,
            headers.as_ref(),
            args.span_id,
            &caller,
            &settings::write_rules(),
        )?
    } else {
        let carried = caller.read_event(text);
        serde_json::to_string_pretty(&Explanation {
            read: carried.as_ref().map(from_caller),
            ..Explanation::NOT_DURABLE
        })?
    };
    answer.push('\n');
    outcome::print(&answer)?;
    Ok(Outcome::Done)
}

#[derive(Debug, Serialize)]
struct Explanation<'a> {
    read: Option<ContextJson<'a>>,
    skipped: Vec<SkippedJson<'a>>,
    write: Option<WriteJson<'a>>,
    decision: &'a str,
    /// The event holds the first page of operations only, so that a higher checkpoint may be on another.
    more_pages: bool,
}

impl Explanation<'_> {
    const NOT_DURABLE: Self = Self {
        read: None,
        skipped: Vec::new(),
        write: None,
        decision: "not-durable",
        more_pages: false,
    };
}

#[derive(Debug, Serialize)]
struct SkippedJson<'a> {
    name: &'a str,
    reason: &'a str,
}

#[derive(Debug, Serialize)]
struct WriteJson<'a> {
    name: &'a str,
    id: &'a str,
    payload: &'a str,
}

impl<'a> From<&'a Checkpoint> for WriteJson<'a> {
    fn from(checkpoint: &'a Checkpoint) -> Self {
        Self {
            name: &checkpoint.name,
            id: &checkpoint.id,
            payload: &checkpoint.payload,
        }
    }
}

fn explain(
    invocation: &Invocation<'_>,
    headers: Option<&Headers<'_>>,
    span_id: Option<SpanId>,
    caller: &CallerRules,
    rules: &WriteRules,
) -> serde_json::Result<String> {
    let reading = durable_trace_wire::read(&invocation.arn, &invocation.operations);
    let decision = headers.map(|headers| decide(invocation, &reading, headers, span_id, rules));
    let name = reading.found.as_ref().map(|found| found.number.to_string());
    let read = reading.found.as_ref().zip(name.as_deref());
    let carried = match read {
        Some(_) => None,
        None => caller.read_invocation(invocation),
    };
    let read = match read {
        Some((found, name)) => Some(ContextJson::new(&found.context, name).named(Some(name))),
        None => carried.as_ref().map(from_caller),
    };
    serde_json::to_string_pretty(&Explanation {
        read,
        skipped: reading
            .skipped
            .iter()
            .map(|skipped| SkippedJson {
                name: &skipped.name,
                reason: skipped.reason.as_str(),
            })
            .collect(),
        write: match &decision {
            Some(Decision::Write(checkpoint)) => Some(checkpoint.into()),
            _ => None,
        },
        decision: match &decision {
            None => "not-asked",
            // To a reader of this, a name space without a free number is a log that is full.
            Some(Decision::Cap | Decision::NoNumber) => Decision::Cap.as_str(),
            Some(decision) => decision.as_str(),
        },
        more_pages: invocation.next_marker.is_some(),
    })
}

fn from_caller(carried: &Carried) -> ContextJson<'_> {
    ContextJson::new(&carried.context, carried.source.as_str()).named(None)
}

fn decide(
    invocation: &Invocation<'_>,
    reading: &Reading,
    headers: &Headers<'_>,
    span_id: Option<SpanId>,
    rules: &WriteRules,
) -> Decision {
    // Injection happens under the execute span, so that its own parent id is that span's.
    let anchor = span_id.or_else(|| Some(Context::extract(headers)?.0.parent_id));
    let Some(anchor) = anchor else {
        return Decision::NoContext;
    };
    durable_trace_wire::decide(
        &invocation.arn,
        reading.found.as_ref(),
        headers,
        anchor,
        reading.next_number(),
        invocation.operation_count,
        rules,
    )
}
