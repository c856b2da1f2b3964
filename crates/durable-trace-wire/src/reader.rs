//! Which checkpoint of an execution's log is the one to go on with.

use std::borrow::Cow;
use std::cmp::Reverse;

use crate::checkpoint::{CheckpointNumber, NAME_PREFIX, known_derivation};
use crate::context::Context;
use crate::headers::{HeaderStyle, Headers, ParseHeadersError};
use crate::json;
use crate::operation::{Operation, OperationType, Payload};

/// The checkpoint to go on with.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// The N of its name.
    pub number: CheckpointNumber,
    /// What it says.
    pub context: Context,
    /// The style that the ids were read from.
    pub style: HeaderStyle,
    /// Its headers as they stand, for the comparison before the next one is written.
    pub headers: Headers<'static>,
    /// Whether its Id is one that a tracing library gives: if not, it may be a user's step.
    pub id_known: bool,
}

/// An operation in our name space that was passed over.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Skipped {
    /// Its name, as it stands.
    pub name: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why an operation whose name begins with [`NAME_PREFIX`] was passed over.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SkipReason {
    /// An earlier operation has the same number.
    DuplicateNumber,
    /// There is no payload.
    NoPayload,
    /// The payload names no valid ids: neither Datadog's nor a valid `traceparent`.
    NoValidContext,
    /// Its Type is not STEP.
    NotAStep,
    /// The payload is JSON, but no object.
    NotAnObject,
    /// What follows the prefix is no canonical decimal up to 2^53-1.
    NotCanonical,
    /// The payload is not JSON.
    NotJson,
    /// Its Id is not one that a tracing library gives, and a checkpoint with such an Id, though
    /// with a lower number, is valid.
    UnknownId,
}

impl SkipReason {
    /// Returns the stable name that `explain` prints.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DuplicateNumber => "duplicate-number",
            Self::NoPayload => "no-payload",
            Self::NoValidContext => "no-valid-context",
            Self::NotAStep => "not-a-step",
            Self::NotAnObject => "not-an-object",
            Self::NotCanonical => "not-canonical",
            Self::NotJson => "not-json",
            Self::UnknownId => "unknown-id",
        }
    }
}

/// What a log says about the trace.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Reading {
    /// The checkpoint to go on with.
    pub found: Option<Found>,
    /// What was passed over: highest number first, names without a number last. A checkpoint with a
    /// lower number than the one found is not among them: it was not looked at.
    pub skipped: Vec<Skipped>,
    /// The highest number that any operation bears, a user's included.
    pub highest: Option<u64>,
    /// How many operations look like checkpoints but for their Id.
    pub unknown_ids: usize,
}

impl Reading {
    /// Returns the number for the next checkpoint; `None` if there is none left.
    pub fn next_number(&self) -> Option<u64> {
        match self.highest {
            None => Some(0),
            Some(highest) => CheckpointNumber::new(highest)?
                .next()
                .map(CheckpointNumber::get),
        }
    }
}

/// Reads the log of the execution `arn`: the operations of all pages, in order.
///
/// The valid checkpoint with the highest number is found. Those whose Id a tracing library gave go
/// before all others: a user's step may look like a checkpoint. Of two with the same number the
/// first alone counts.
pub fn read<'a>(arn: &str, operations: impl IntoIterator<Item = &'a Operation<'a>>) -> Reading {
    let mut reading = Reading::default();
    let mut passed = Vec::new();
    let mut candidates = Vec::new();
    for operation in operations {
        let Some(name) = operation
            .name
            .as_deref()
            .filter(|name| name.starts_with(NAME_PREFIX))
        else {
            continue;
        };
        let Some(number) = CheckpointNumber::parse_name(name) else {
            passed.push((None, name, SkipReason::NotCanonical));
            continue;
        };
        reading.highest = reading.highest.max(Some(number.get()));
        if operation.kind == OperationType::Step {
            let id_known = known_derivation(&operation.id, name, arn);
            candidates.push(Candidate {
                number,
                name,
                id_known,
                payload: operation.result.as_ref(),
            });
        } else {
            passed.push((Some(number), name, SkipReason::NotAStep));
        }
    }
    // Stable: of equal numbers the first in the log stays first.
    candidates.sort_by_key(|candidate| Reverse(candidate.number));
    candidates.dedup_by(|later, first| {
        let repeated = later.number == first.number;
        if repeated {
            passed.push((Some(later.number), later.name, SkipReason::DuplicateNumber));
        }
        repeated
    });
    reading.unknown_ids = candidates
        .iter()
        .filter(|candidate| !candidate.id_known)
        .count();

    let known = candidates.iter().filter(|candidate| candidate.id_known);
    let unknown = candidates.iter().filter(|candidate| !candidate.id_known);
    for candidate in known.chain(unknown.clone()) {
        match candidate.read() {
            Ok(found) => {
                reading.found = Some(found);
                break;
            }
            Err(reason) => passed.push((Some(candidate.number), candidate.name, reason)),
        }
    }
    if let Some(found) = reading.found.as_ref().filter(|found| found.id_known) {
        let above = unknown.filter(|candidate| candidate.number > found.number);
        passed.extend(above.map(|candidate| {
            (
                Some(candidate.number),
                candidate.name,
                SkipReason::UnknownId,
            )
        }));
    }
    // Stable again: a duplicate comes after the one it repeats only if that one was pushed before.
    passed.sort_by(|one, other| {
        other
            .0
            .cmp(&one.0)
            .then(is_repeat(one.2).cmp(&is_repeat(other.2)))
    });
    let skipped = passed.into_iter().map(|(_, name, reason)| Skipped {
        name: name.to_owned(),
        reason,
    });
    reading.skipped = skipped.collect();
    reading
}

fn is_repeat(reason: SkipReason) -> bool {
    reason == SkipReason::DuplicateNumber
}

struct Candidate<'a> {
    number: CheckpointNumber,
    name: &'a str,
    id_known: bool,
    payload: Option<&'a Payload<'a>>,
}

impl Candidate<'_> {
    fn read(&self) -> Result<Found, SkipReason> {
        let payload = self.payload.ok_or(SkipReason::NoPayload)?;
        let json = unwrap(payload).ok_or(SkipReason::NotJson)?;
        let headers = Headers::from_checkpoint(&json).map_err(|error| match error {
            ParseHeadersError::NotAnObject => SkipReason::NotAnObject,
            ParseHeadersError::NotJson => SkipReason::NotJson,
        })?;
        let (context, style) = Context::read(&headers).ok_or(SkipReason::NoValidContext)?;
        Ok(Found {
            number: self.number,
            context,
            style,
            headers: headers.into_owned(),
            id_known: self.id_known,
        })
    }
}

/// Returns the JSON text of a payload: what a JSON string holds, or the value itself.
fn unwrap<'a>(payload: &'a Payload<'_>) -> Option<Cow<'a, str>> {
    match payload {
        Payload::Json(raw) if raw.starts_with('"') => json::text(raw),
        Payload::Json(text) | Payload::Text(text) => Some(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
mod tests;
