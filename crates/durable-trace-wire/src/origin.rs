//! Which trace an execution is in and what it hangs on where nothing is saved: AWS's views.

use crate::carrier::XRayHeader;
use crate::context::Context;
use crate::derived::derive_trace_id;
use crate::ids::{SpanId, TraceId};
use crate::sampling::SamplingPriority;
use crate::timestamp::UnixMillis;

/// Where an execution's trace comes from, as each invocation, and whoever reads the history, comes to by itself.
///
/// # Examples
///
/// ```
/// use durable_trace_wire::{Origin, XRayHeader};
///
/// let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
/// let origin = Origin::of("arn", None, None, XRayHeader::parse(header));
/// assert_eq!(origin.trace_id.to_string(), "5759e988bd862e3fe1be46a994272793");
/// assert_eq!(origin.sampled, Some(true));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Origin {
    /// The trace.
    pub trace_id: TraceId,
    /// Whether it is the caller's trace.
    pub is_callers: bool,
    /// What the execution hangs on; `None` where it is the root.
    pub parent_id: Option<SpanId>,
    /// Whether it is kept; `None` where nobody has decided.
    pub sampled: Option<bool>,
}

impl Origin {
    /// The trace is X-Ray's, which is the same in each invocation of an execution, else the caller's, else one that follows from
    /// the ARN and the start ([`derive_trace_id`]). Whose it is decides on sampling first.
    pub fn of(
        arn: &str,
        started_at: Option<UnixMillis>,
        caller: Option<&Context>,
        xray: Option<XRayHeader>,
    ) -> Self {
        let trace_id = xray
            .map(|xray| xray.trace_id)
            .or(caller.map(|caller| caller.trace_id))
            .unwrap_or_else(|| derive_trace_id(arn, started_at));
        let in_it = caller.filter(|caller| caller.trace_id == trace_id);
        let by_caller = caller.and_then(|caller| caller.sampling_priority);
        Self {
            trace_id,
            is_callers: in_it.is_some(),
            parent_id: in_it
                .map(|caller| caller.parent_id)
                .or(xray.and_then(|xray| xray.parent_id)),
            sampled: xray
                .and_then(|xray| xray.sampled)
                .or(by_caller.map(SamplingPriority::is_keep)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::Tags;

    const XRAY: &str = "Root=1-00000005-000000000000000000000007;Parent=0000000000000009";

    fn caller(trace_id: u128, priority: i8) -> Context {
        Context {
            trace_id: TraceId::from_u128(trace_id).unwrap(),
            parent_id: SpanId::new(11).unwrap(),
            sampling_priority: SamplingPriority::from_i64(priority.into()),
            origin: None,
            tags: Tags::default(),
        }
    }

    #[test]
    fn x_ray_comes_first_then_the_caller_then_what_follows_from_the_execution() {
        let derived = derive_trace_id("arn", None).as_u128();
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
            let xray = header.as_deref().and_then(XRayHeader::parse);
            let origin = Origin::of("arn", None, caller.as_ref(), xray);
            let trace_id = origin.trace_id.as_u128();
            let ancestor = origin.parent_id.map(SpanId::get);
            assert_eq!((trace_id, ancestor, origin.sampled), want, "{why}");
        }
    }
}
