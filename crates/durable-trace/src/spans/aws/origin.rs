//! Which trace an execution is in, and what it hangs on. Pure.

use durable_trace_wire::{self as wire, UnixMillis};
use opentelemetry::trace::{SpanId, TraceId};

use super::span_id;

/// Where an execution's trace comes from.
#[derive(Debug, PartialEq)]
pub(super) struct Origin {
    pub(super) trace_id: TraceId,
    /// Whether it is the caller's trace.
    pub(super) is_callers: bool,
    pub(super) ancestor: Option<SpanId>,
    pub(super) sampled: Option<bool>,
}

impl Origin {
    /// The trace is X-Ray's, which is the same in each invocation of an execution, else the caller's, else one that follows from
    /// the ARN and the start. Whose it is decides on sampling first.
    pub(super) fn decide(
        arn: &str,
        started: Option<UnixMillis>,
        caller: Option<&wire::Context>,
        xray: Option<wire::XRayHeader>,
    ) -> Self {
        let id = |id: wire::TraceId| TraceId::from_bytes(id.as_u128().to_be_bytes());
        let trace_id = xray
            .map(|xray| xray.trace_id)
            .or(caller.map(|caller| caller.trace_id))
            .unwrap_or_else(|| wire::derive_trace_id(arn, started));
        let ancestor = caller
            .filter(|caller| caller.trace_id == trace_id)
            .map(|caller| caller.parent_id)
            .or(xray.and_then(|xray| xray.parent_id));
        let by_caller = caller.and_then(|caller| caller.sampling_priority);
        Self {
            trace_id: id(trace_id),
            is_callers: caller.is_some_and(|caller| caller.trace_id == trace_id),
            ancestor: ancestor.map(span_id),
            sampled: xray
                .and_then(|xray| xray.sampled)
                .or(by_caller.map(|priority| priority.value() > 0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XRAY: &str = "Root=1-00000005-000000000000000000000007;Parent=0000000000000009";

    fn caller(trace_id: u128, priority: i8) -> wire::Context {
        wire::Context {
            trace_id: wire::TraceId::from_u128(trace_id).unwrap(),
            parent_id: wire::SpanId::new(11).unwrap(),
            sampling_priority: wire::SamplingPriority::from_i64(priority.into()),
            origin: None,
            tags: wire::Tags::default(),
        }
    }

    #[test]
    fn x_ray_comes_first_then_the_caller_then_what_follows_from_the_execution() {
        let derived = wire::derive_trace_id("arn", None).as_u128();
        let (of_xray, other) = ((5 << 96) | 7, 3);
        let sampled = |header: &str, flag| format!("{header};Sampled={flag}");
        for (header, caller, want, why) in [
            (None, None, (derived, None, None), "nothing"),
            (
                None,
                Some(caller(other, 2)),
                (other, Some(11), Some(true)),
                "a caller",
            ),
            (
                None,
                Some(caller(other, -1)),
                (other, Some(11), Some(false)),
                "one that drops it",
            ),
            (
                Some(XRAY.to_owned()),
                None,
                (of_xray, Some(9), None),
                "X-Ray, undecided",
            ),
            (
                Some(sampled(XRAY, 0)),
                None,
                (of_xray, Some(9), Some(false)),
                "X-Ray drops it",
            ),
            (
                Some(sampled(XRAY, 1)),
                Some(caller(other, -1)),
                (of_xray, Some(9), Some(true)),
                "X-Ray, and a caller in another trace",
            ),
            (
                Some(XRAY.to_owned()),
                Some(caller(other, -1)),
                (of_xray, Some(9), Some(false)),
                "X-Ray has not decided, the caller has",
            ),
            (
                Some(sampled(XRAY, 1)),
                Some(caller(of_xray, 1)),
                (of_xray, Some(11), Some(true)),
                "a caller in X-Ray's trace is nearer",
            ),
            (
                Some("Root=1-00000005-000000000000000000000007".to_owned()),
                None,
                (of_xray, None, None),
                "a root without a parent",
            ),
        ] {
            let xray = header.as_deref().and_then(wire::XRayHeader::parse);
            let origin = Origin::decide("arn", None, caller.as_ref(), xray);
            let trace_id = u128::from_be_bytes(origin.trace_id.to_bytes());
            let ancestor = origin.ancestor.map(|id| u64::from_be_bytes(id.to_bytes()));
            assert_eq!((trace_id, ancestor, origin.sampled), want, "{why}");
        }
    }
}
