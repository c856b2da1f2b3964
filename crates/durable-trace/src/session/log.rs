//! What the log says of the trace, as far as it has come.

use durable_trace_wire as wire;

use crate::health::{self, About, ErrorType, Location};

/// The log's checkpoints, or what is there of them so far.
#[derive(Debug)]
pub(super) enum Log {
    /// Pages are being fetched by the SDK, all from the first.
    Loading {
        /// What the event told of the execution itself and of checkpoints.
        told: Vec<wire::Operation<'static>>,
        /// Those that came so far.
        pages: Vec<wire::Operation<'static>>,
    },
    Read(Box<Read>),
}

/// What the log says of the trace.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) found: Option<wire::Found>,
    /// Highest number in our name space, seen anywhere.
    pub(super) highest: Option<u64>,
}

impl Log {
    /// Notes the numbers of checkpoints among `operations`.
    pub(super) fn saw(&mut self, operations: &[wire::Operation<'_>]) {
        let Self::Read(read) = self else {
            return;
        };
        let numbers = operations
            .iter()
            .filter_map(|operation| wire::CheckpointNumber::parse_name(operation.name.as_deref()?));
        let seen = numbers.map(wire::CheckpointNumber::get).max();
        read.highest = read.highest.max(seen);
    }
}

impl Read {
    pub(super) fn new(arn: &str, operations: &[wire::Operation<'_>]) -> Self {
        let reading = wire::read(arn, operations);
        for _ in 0..reading.unknown_ids {
            health::count(
                Location::Read,
                ErrorType::Other,
                &About {
                    arn: Some(arn),
                    cause: Some("checkpoint with an unknown id"),
                    ..About::default()
                },
            );
        }
        Self {
            found: reading.found,
            highest: reading.highest,
        }
    }
}
