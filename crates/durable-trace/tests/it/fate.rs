//! How an execution's checkpoint was written, as the service saw it.

use durable_trace_local::{InvocationRecord, InvocationStatus};

use crate::checkpoints::{carries_ours, updates};

/// What became of an execution's checkpoint.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Fate {
    /// By a request of our own.
    Called,
    /// The first suspension went by without one; a later one had it.
    Late,
    /// The execution slept, and nothing was written at all.
    Missing,
    /// It never slept, and nothing was written.
    NotNeeded,
    /// With a request of the SDK's.
    Rode,
    /// Written, and the invocation ended the execution after all.
    Unused,
}

impl Fate {
    pub(crate) const ALL: [Self; 6] = [
        Self::Rode,
        Self::NotNeeded,
        Self::Called,
        Self::Unused,
        Self::Late,
        Self::Missing,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Called => "a call of its own",
            Self::Late => "rode, one suspension late",
            Self::Missing => "none, though it slept",
            Self::NotNeeded => "none: it never slept",
            Self::Rode => "rode",
            Self::Unused => "rode for nothing",
        }
    }

    /// The fate of the first checkpoint of an execution.
    pub(crate) fn of(invocations: &[InvocationRecord]) -> Self {
        let slept = |invocation: &&InvocationRecord| invocation.status == InvocationStatus::Pending;
        let first_sleep = invocations
            .iter()
            .find(slept)
            .map(|invocation| invocation.index);
        let written = invocations.iter().find_map(|invocation| {
            let call = invocation
                .calls
                .iter()
                .find(|call| carries_ours(&call.request))?;
            Some((invocation, call))
        });
        match (first_sleep, written) {
            (None, None) => Self::NotNeeded,
            (Some(_), None) => Self::Missing,
            (None, Some(_)) => Self::Unused,
            (Some(sleep), Some((invocation, _))) if invocation.index > sleep => Self::Late,
            // A checkpoint of an invocation before the first sleep has not been for nothing: the next one read it.
            (Some(_), Some((_, call))) if updates(&call.request).len() == 1 => Self::Called,
            (Some(_), Some(_)) => Self::Rode,
        }
    }
}
