//! What went wrong inside this library, counted. Nothing here fails, and nothing of it reaches a workflow.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;

use crate::warning::{self, Warning};

/// Where it went wrong.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Location {
    /// Reserving a checkpoint's number.
    AllocateN,
    /// A checkpoint call of our own.
    CreateCheckpoint,
    /// Handing spans to the exporter at the end of an invocation.
    Flush,
    /// Taking the propagation headers from the tracer.
    Inject,
    /// Reading the event, or the checkpoints in it.
    Read,
    /// Finding the span that later invocations hang on.
    ResolveParentId,
    /// A checkpoint in a request of the SDK's.
    Ride,
    /// The tracer, the subscriber or the environment.
    Setup,
    /// Opening or closing a span.
    Span,
    /// Anywhere else.
    Unknown,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorType {
    /// The connection.
    Io,
    /// What was read is not what it must be.
    Malformed,
    /// It was more than is allowed.
    Oversize,
    /// None of the others.
    Other,
    /// Code of ours panicked.
    Panic,
    /// The service said no.
    Refused,
    /// The checkpoint token was used already.
    StaleToken,
    /// The service was asked too often.
    Throttled,
    /// The budget ran out.
    Timeout,
}

/// What came about that is no error but is worth knowing.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// No checkpoint was written: the execution has nearly as many operations as the service allows.
    Capped,
    /// No request could be ridden, and no timer made a call of our own safe.
    NoRide,
    /// The answer to a call of our own told of an operation's completion.
    Raced,
    /// A checkpoint was written in an invocation that ended the execution after all.
    Unused,
}

const LOCATIONS: [(Location, &str); 10] = [
    (Location::AllocateN, "allocate_n"),
    (Location::CreateCheckpoint, "create_checkpoint"),
    (Location::Flush, "flush"),
    (Location::Inject, "inject"),
    (Location::Read, "read"),
    (Location::ResolveParentId, "resolve_parent_id"),
    (Location::Ride, "ride"),
    (Location::Setup, "setup"),
    (Location::Span, "span"),
    (Location::Unknown, "unknown"),
];
const ERROR_TYPES: [(ErrorType, &str); 9] = [
    (ErrorType::Io, "io"),
    (ErrorType::Malformed, "malformed"),
    (ErrorType::Oversize, "oversize"),
    (ErrorType::Other, "other"),
    (ErrorType::Panic, "panic"),
    (ErrorType::Refused, "refused"),
    (ErrorType::StaleToken, "stale_token"),
    (ErrorType::Throttled, "throttled"),
    (ErrorType::Timeout, "timeout"),
];
const OUTCOMES: [(Outcome, &str); 4] = [
    (Outcome::Capped, "capped"),
    (Outcome::NoRide, "no_ride"),
    (Outcome::Raced, "raced"),
    (Outcome::Unused, "unused"),
];

impl Location {
    /// The name under which it is reported: `inject`, `read`, …
    pub fn as_str(self) -> &'static str {
        LOCATIONS
            .iter()
            .find(|(location, _)| *location == self)
            .map_or("unknown", |(_, name)| name)
    }
}

impl ErrorType {
    /// The name under which it is reported: `io`, `timeout`, …
    pub fn as_str(self) -> &'static str {
        ERROR_TYPES
            .iter()
            .find(|(error_type, _)| *error_type == self)
            .map_or("other", |(_, name)| name)
    }
}

impl Outcome {
    /// The name under which it is reported: `raced`, `unused`, …
    pub fn as_str(self) -> &'static str {
        OUTCOMES
            .iter()
            .find(|(outcome, _)| *outcome == self)
            .map_or("", |(_, name)| name)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What this process has counted since it started; see [`health`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Health {
    errors: Vec<(Location, ErrorType, u64)>,
    outcomes: Vec<(Outcome, u64)>,
}

impl Health {
    /// The errors that occurred, with how often: where, what, count. Those that never did are left out.
    pub fn errors(&self) -> impl Iterator<Item = (Location, ErrorType, u64)> + '_ {
        self.errors.iter().copied()
    }

    /// How often `error_type` occurred at `location`.
    pub fn error_count(&self, location: Location, error_type: ErrorType) -> u64 {
        self.errors()
            .filter(|(l, e, _)| (*l, *e) == (location, error_type))
            .map(|(_, _, count)| count)
            .sum()
    }

    /// How often `outcome` came about.
    pub fn outcome_count(&self, outcome: Outcome) -> u64 {
        self.outcomes
            .iter()
            .filter(|(o, _)| *o == outcome)
            .map(|(_, count)| count)
            .sum()
    }
}

/// What went wrong in this library since the process started.
///
/// # Examples
///
/// ```
/// let health = durable_trace::health();
/// assert_eq!(health.errors().count(), 0);
/// ```
pub fn health() -> Health {
    COUNTERS.snapshot()
}

static COUNTERS: Counters = Counters::new();

static METER: OnceLock<Counter<u64>> = OnceLock::new();

/// Counts an error and says so once at debug level. `about` names what is needed to reproduce it, never payloads.
pub(crate) fn count(location: Location, error_type: ErrorType, about: &About<'_>) {
    COUNTERS.add(location, error_type);
    tracing::debug!(
        target: "durable_trace",
        location = location.as_str(),
        error_type = error_type.as_str(),
        executionArn = about.arn,
        checkpoint = about.checkpoint,
        operationId = about.operation_id,
        spanId = about.span_id,
        cause = about.cause,
        "integration error"
    );
    METER
        .get_or_init(|| {
            opentelemetry::global::meter("durable_trace")
                .u64_counter("durable_trace.integration_errors")
                .with_description("Errors inside durable-trace; none of them reaches a workflow")
                .build()
        })
        .add(
            1,
            &[
                KeyValue::new("location", location.as_str()),
                KeyValue::new("error_type", error_type.as_str()),
            ],
        );
}

/// What an error is about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About<'a> {
    pub(crate) arn: Option<&'a str>,
    pub(crate) cause: Option<&'a str>,
    pub(crate) checkpoint: Option<&'a str>,
    pub(crate) operation_id: Option<&'a str>,
    pub(crate) span_id: Option<&'a str>,
}

/// Counts what is no error.
pub(crate) fn note(outcome: Outcome) {
    COUNTERS.note(outcome);
}

/// The errors counted since the last call: how many, and the places in alphabetical order. `None` if there were none.
pub(crate) fn take_unreported() -> Option<(u64, String)> {
    COUNTERS.take_unreported()
}

/// Runs code of ours so that its panic is counted and goes no further.
pub(crate) fn shielded<T>(location: Location, arn: &str, code: impl FnOnce() -> T) -> Option<T> {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(code));
    if caught.is_err() {
        count(
            location,
            ErrorType::Panic,
            &About {
                arn: Some(arn),
                ..About::default()
            },
        );
    }
    caught.ok()
}

static WARNED: [AtomicBool; warning::KINDS] = [const { AtomicBool::new(false) }; warning::KINDS];

/// Says `warning` at WARN, once per process and kind.
pub(crate) fn warn_once(warning: &Warning) {
    let first = WARNED
        .get(warning.index())
        .is_some_and(|said| !said.swap(true, Ordering::Relaxed));
    if first && crate::config::environment().warnings {
        tracing::warn!(target: "durable_trace", "{warning}");
    }
}

#[derive(Debug)]
struct Counters {
    errors: [[AtomicU64; ERROR_TYPES.len()]; LOCATIONS.len()],
    outcomes: [AtomicU64; OUTCOMES.len()],
    /// Errors not told on a span yet: how many at each location.
    unreported: Mutex<[u64; LOCATIONS.len()]>,
}

impl Counters {
    const fn new() -> Self {
        Self {
            errors: [const { [const { AtomicU64::new(0) }; ERROR_TYPES.len()] }; LOCATIONS.len()],
            outcomes: [const { AtomicU64::new(0) }; OUTCOMES.len()],
            unreported: Mutex::new([0; LOCATIONS.len()]),
        }
    }

    fn add(&self, location: Location, error_type: ErrorType) {
        let row = LOCATIONS.iter().position(|(l, _)| *l == location);
        let column = ERROR_TYPES.iter().position(|(e, _)| *e == error_type);
        if let Some(cell) = row
            .zip(column)
            .and_then(|(r, c)| self.errors.get(r)?.get(c))
        {
            cell.fetch_add(1, Ordering::Relaxed);
        }
        let mut unreported = self
            .unreported
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = row.and_then(|row| unreported.get_mut(row)) {
            *count += 1;
        }
    }

    fn note(&self, outcome: Outcome) {
        let index = OUTCOMES.iter().position(|(o, _)| *o == outcome);
        if let Some(cell) = index.and_then(|i| self.outcomes.get(i)) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn take_unreported(&self) -> Option<(u64, String)> {
        let mut unreported = self
            .unreported
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let taken = std::mem::replace(&mut *unreported, [0; LOCATIONS.len()]);
        drop(unreported);
        // `LOCATIONS` is in alphabetical order.
        let places = LOCATIONS
            .iter()
            .zip(&taken)
            .filter(|(_, count)| **count > 0);
        let places: Vec<&str> = places.map(|((_, name), _)| *name).collect();
        (!places.is_empty()).then(|| (taken.iter().sum(), places.join(",")))
    }

    fn snapshot(&self) -> Health {
        let errors = LOCATIONS
            .iter()
            .zip(&self.errors)
            .flat_map(|((location, _), row)| {
                ERROR_TYPES
                    .iter()
                    .zip(row)
                    .map(move |((error_type, _), cell)| {
                        (*location, *error_type, cell.load(Ordering::Relaxed))
                    })
            });
        let outcomes = OUTCOMES
            .iter()
            .zip(&self.outcomes)
            .map(|((outcome, _), cell)| (*outcome, cell.load(Ordering::Relaxed)));
        Health {
            errors: errors.filter(|(_, _, count)| *count > 0).collect(),
            outcomes: outcomes.filter(|(_, count)| *count > 0).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_counted_where_and_as_what_it_occurred() {
        let counters = Counters::new();
        counters.add(Location::Ride, ErrorType::Refused);
        counters.add(Location::Ride, ErrorType::Refused);
        counters.add(Location::Flush, ErrorType::Timeout);
        let health = counters.snapshot();
        assert_eq!(health.error_count(Location::Ride, ErrorType::Refused), 2);
        assert_eq!(health.error_count(Location::Flush, ErrorType::Timeout), 1);
        assert_eq!(
            health.errors().count(),
            2,
            "what never occurred is left out"
        );
    }

    #[test]
    fn errors_are_reported_once_with_their_places_in_order() {
        let counters = Counters::new();
        assert_eq!(counters.take_unreported(), None);
        counters.add(Location::Ride, ErrorType::Io);
        counters.add(Location::Flush, ErrorType::Io);
        counters.add(Location::Ride, ErrorType::Io);
        assert_eq!(
            counters.take_unreported(),
            Some((3, "flush,ride".to_owned()))
        );
        assert_eq!(counters.take_unreported(), None);
    }

    #[test]
    fn outcomes_are_counted_apart_from_errors() {
        let counters = Counters::new();
        counters.note(Outcome::NoRide);
        let health = counters.snapshot();
        assert_eq!(
            (
                health.outcome_count(Outcome::NoRide),
                health.errors().count()
            ),
            (1, 0)
        );
        assert_eq!(counters.take_unreported(), None);
    }

    #[test]
    fn a_panic_of_ours_stays_inside() {
        let before = health().error_count(Location::Unknown, ErrorType::Panic);
        assert_eq!(
            shielded(Location::Unknown, "arn", || -> u8 { panic!("ours") }),
            None
        );
        assert!(health().error_count(Location::Unknown, ErrorType::Panic) > before);
    }
}
