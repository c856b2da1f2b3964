//! X-Ray's header: `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
//!
//! <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>

use crate::context::Context;
use crate::ids::{SpanId, TraceId};
use crate::sampling::SamplingPriority;
use crate::tags::Tags;

use super::{Carried, Source};

/// X-Ray's trace, as an invocation's header tells it.
///
/// ```
/// use durable_trace_wire::XRayHeader;
///
/// let header = XRayHeader::parse("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1").unwrap();
/// assert_eq!(header.trace_id.to_string(), "5759e988bd862e3fe1be46a994272793");
/// assert_eq!((header.parent_id, header.sampled), (None, Some(true)));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct XRayHeader {
    /// `Root`: the time and the random part, as one id of 128 bits.
    pub trace_id: TraceId,
    /// `Parent`, if it is there and is one.
    pub parent_id: Option<SpanId>,
    /// `Sampled`, if the decision is made.
    pub sampled: Option<bool>,
}

/// The fields of a header that names a parent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Header {
    /// The 96 bits of the trace id that are random: the first 32 are the time.
    pub(super) random: u128,
    /// The parent; never zero.
    pub(super) parent_id: SpanId,
    /// The decision, if it is made.
    pub(super) sampled: Option<bool>,
}

impl XRayHeader {
    /// Takes the fields in any order, others among them; `None` without a valid `Root`.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut root, mut parent, mut sampled) = (None, None, None);
        for (key, value) in text.split(';').filter_map(|field| field.split_once('=')) {
            match key.trim() {
                "Root" => root = Some(value.trim()),
                "Parent" => parent = Some(value.trim()),
                "Sampled" => sampled = Some(value.trim()),
                _ => {}
            }
        }
        let mut root = root?.split('-');
        let (version, time, random) = (root.next()?, root.next()?, root.next()?);
        if version != "1" || root.next().is_some() {
            return None;
        }
        let span_id = |text| SpanId::new(u64::try_from(hex::<16>(text)?).ok()?);
        Some(Self {
            trace_id: TraceId::from_u128((hex::<8>(time)? << 96) | hex::<24>(random)?)?,
            parent_id: parent.and_then(span_id),
            sampled: match sampled {
                Some("0") => Some(false),
                Some("1") => Some(true),
                _ => None,
            },
        })
    }
}

impl Header {
    /// `None` without a trace and a parent.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let header = XRayHeader::parse(text)?;
        Some(Self {
            random: header.trace_id.as_u128() & (u128::MAX >> 32),
            parent_id: header.parent_id?,
            sampled: header.sampled,
        })
    }
}

/// Datadog's library takes the lower 63 bits, and a decision of X-Ray's as if the user had made it.
pub(super) fn read(text: &str) -> Option<Carried> {
    let header = Header::parse(text)?;
    let low = u64::try_from(header.random & u128::from(u64::MAX >> 1)).ok()?;
    let context = Context {
        trace_id: TraceId::from_halves(0, low)?,
        parent_id: header.parent_id,
        sampling_priority: Some(match header.sampled {
            Some(true) => SamplingPriority::UserKeep,
            Some(false) | None => SamplingPriority::UserReject,
        }),
        origin: None,
        tags: Tags::default(),
    };
    Some(Carried::new(Source::XRay, context))
}

/// Returns the value of exactly so many hex digits.
fn hex<const DIGITS: usize>(text: &str) -> Option<u128> {
    let is_hex = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex
        .then(|| u128::from_str_radix(text, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_invocations_header_gives_63_bits_and_a_decision() {
        for (header, want, why) in [
            (
                "Root=1-5fb7331e-2c0a8f4137738dc042009320;Parent=94ae789b969f1cc5;Sampled=1",
                Some((0x3773_8dc0_4200_9320, 2)),
                "sampled",
            ),
            (
                "Root=1-5fb7331e-2c0a8f4137738dc042009320;Parent=94ae789b969f1cc5;Sampled=0;Lineage=a:0",
                Some((0x3773_8dc0_4200_9320, -1)),
                "not sampled",
            ),
            (
                "Root=1-5fb7331e-2c0a8f41ffffffffffffffff; Parent=94ae789b969f1cc5",
                Some((u64::MAX >> 1, -1)),
                "the top bit is dropped; nothing decided",
            ),
            (
                "Root=1-5fb7331e-2c0a8f418000000000000000;Parent=94ae789b969f1cc5;Sampled=1",
                None,
                "nothing is left",
            ),
            (
                "Root=1-5fb7331e-2c0a8f4137738dc042009320;Parent=0000000000000000;Sampled=1",
                None,
                "no parent",
            ),
            (
                "Root=1-5fb7331e-2c0a8f4137738dc042009320;Sampled=1",
                None,
                "no parent at all",
            ),
            (
                "Root=1-5fb7331e-2c0a;Parent=94ae789b969f1cc5;Sampled=1",
                None,
                "short",
            ),
            (
                "Root=1-5fb7331e-2c0a8f4137738dc042009320;Parent=194ae789b969f1cc5",
                None,
                "long",
            ),
            (
                "Root=1-5fb7331e-2c0a8f4137738dc04200932g;Parent=94ae789b969f1cc5",
                None,
                "no hex",
            ),
            (
                "Root=1-5fb7331e-+c0a8f4137738dc042009320;Parent=94ae789b969f1cc5",
                None,
                "a sign",
            ),
            (
                "Root=1-5fb7331e-2c0a8f4137738dc042009320-1;Parent=94ae789b969f1cc5",
                None,
                "four parts",
            ),
            (
                "Root=2-5fb7331e-2c0a8f4137738dc042009320;Parent=94ae789b969f1cc5",
                None,
                "another version",
            ),
            ("", None, "nothing"),
        ] {
            let got = read(header).map(|carried| {
                assert!(carried.complete);
                let priority = carried.context.sampling_priority.unwrap();
                (carried.context.trace_id.low(), priority.value())
            });
            assert_eq!(got, want, "{why}: {header}");
        }
    }

    #[test]
    fn a_root_is_enough_to_know_the_trace() {
        for (header, want, why) in [
            (
                "Root=1-00000005-000000000000000000000007",
                Some((None, None)),
                "a root",
            ),
            (
                "Root=1-00000005-000000000000000000000007;Parent=00;Sampled=2",
                Some((None, None)),
                "the rest is not valid",
            ),
            (
                "Root=1-00000000-000000000000000000000000;Parent=000000000000000a",
                None,
                "all zero",
            ),
            (
                "Root=2-00000005-000000000000000000000007",
                None,
                "another version",
            ),
            ("Parent=000000000000000a;Sampled=1", None, "no root"),
            ("", None, "nothing"),
        ] {
            let got = XRayHeader::parse(header);
            let rest = got.map(|header| (header.parent_id, header.sampled));
            assert_eq!(rest, want, "{why}");
            if let Some(got) = got {
                assert_eq!(got.trace_id.as_u128(), (5 << 96) | 7, "{why}");
            }
        }
    }
}
