//! What a plan is told, and what it says.

use durable_trace_wire::{Context, ErrorObject, Operation, UnixMillis};

use super::operation::{Facts, Shape, Update};

/// What was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input<'a> {
    /// The SDK entered the body of a step; `attempt` counts from 0.
    BodyEntered { id: &'a str, attempt: u32 },
    /// The user's handler returned; whatever is requested from now on ends the execution.
    HandlerReturned,
    /// The operations that the log held when the invocation began, all pages of it, and which of them
    /// changed since the invocation before; empty where the event does not tell.
    Loaded {
        operations: &'a [Operation<'a>],
        updated: &'a [String],
    },
    /// The invocation is over, whatever came of it.
    Over { layer: Layer, outcome: Outcome },
    /// The SDK fetched a page of the log: an answer had no room for all that changed.
    Paged { operations: &'a [Operation<'a>] },
    /// The SDK returned a recorded outcome instead of doing the work.
    Replayed { id: &'a str },
    /// The service answered the request `sequence` with the operations that changed.
    RequestAnswered {
        sequence: u64,
        changed: &'a [Operation<'a>],
    },
    /// The request `sequence` failed for good.
    RequestFailed { sequence: u64 },
    /// The SDK is about to send a checkpoint request.
    Requested {
        sequence: u64,
        updates: &'a [Update],
    },
}

/// Whether our tracing layer saw this invocation's spans.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Layer {
    /// It did not: what it would have told is inferred.
    Absent,
    /// It did.
    Present,
}

/// Whether the function sleeps now or is done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Ended,
    Suspended,
}

/// What is told of work that an earlier invocation recorded.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ReplayedSpans {
    /// Each invocation tells of all that it passed through, as Datadog's Python and JavaScript libraries do.
    Emit,
    /// An operation is told of once, by the invocation that sees its end.
    #[default]
    Omit,
}

/// What a view is told of.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Telling {
    /// Each transition that this invocation sees, also of what only waits and of each item of a batch; nothing that is replayed.
    Transitions,
    /// All that the invocation passes through, work that is replayed among it.
    Passes,
    /// Each operation once, when it ends.
    #[default]
    Ends,
}

impl From<ReplayedSpans> for Telling {
    fn from(replayed: ReplayedSpans) -> Self {
        match replayed {
            ReplayedSpans::Emit => Self::Passes,
            ReplayedSpans::Omit => Self::Ends,
        }
    }
}

/// What it means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// An operation, or an attempt of it, is over.
    Close { id: String, closing: Closing },
    /// An operation, or an attempt of it, begins.
    Open(Opening),
    /// The request at hand is the one to ride on.
    Ride,
    /// One that is over as soon as it is seen: it was replayed, or ended while the function slept.
    Whole {
        opening: Opening,
        replayed: bool,
        closing: Closing,
    },
}

/// An operation to open.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Opening {
    pub(crate) facts: Facts,
    /// Counts from 0.
    pub(crate) attempt: u32,
    /// The nearest enclosing operation that is looked at. It is open.
    pub(crate) parent: Option<Parent>,
    pub(crate) start: Moment,
    /// When the service says that the operation began, if that was seen before.
    pub(crate) begun: Option<UnixMillis>,
}

/// How and when an operation, or an attempt of it, is over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Closing {
    pub(crate) ending: Ending,
    pub(crate) end: Moment,
    /// The trace context of whoever completed it, if it is a callback and they were traced.
    pub(crate) completer: Option<Context>,
}

impl Closing {
    pub(super) fn new(ending: Ending, end: Moment) -> Self {
        Self {
            ending,
            end,
            completer: None,
        }
    }
}

/// An operation that encloses another.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Parent {
    pub(crate) id: String,
    pub(crate) shape: Shape,
}

/// When something happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Moment {
    /// When the invocation began: the best that is known.
    Invocation,
    /// Now.
    Now,
    /// When the service says.
    Recorded(UnixMillis),
}

impl Moment {
    pub(super) fn recorded(at: Option<UnixMillis>, otherwise: Self) -> Self {
        at.map_or(otherwise, Self::Recorded)
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ending {
    /// For good, with an error.
    Failed(Failure),
    /// The service will have it tried again: with an error, or because a condition is not met yet.
    Retried(Option<Failure>),
    /// Well.
    Succeeded,
    /// Not in this invocation. Not an error: a suspended function goes on later.
    Unfinished,
}

impl Ending {
    /// The user's error, if there was one.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) | Self::Retried(Some(failure)) => Some(failure),
            Self::Retried(None) | Self::Succeeded | Self::Unfinished => None,
        }
    }
}

/// The user's error, as the SDK tells it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Failure {
    pub(crate) error_type: Option<String>,
    pub(crate) message: Option<String>,
}

impl From<&ErrorObject<'_>> for Failure {
    fn from(error: &ErrorObject<'_>) -> Self {
        Self {
            error_type: error.error_type.as_deref().map(str::to_owned),
            message: error.message.as_deref().map(str::to_owned),
        }
    }
}
