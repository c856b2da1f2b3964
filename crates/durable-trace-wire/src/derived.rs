//! A context that follows from the execution alone, for invocations that find no other.

use std::num::{NonZeroU64, NonZeroU128};

use blake2::Blake2bVarCore;
use blake2::digest::core_api::{Buffer, UpdateCore, VariableOutputCore};

use crate::{Context, SpanId, Tags, TraceId, UnixMillis};

/// Personalisations of the hashes, 16 bytes each, so that the ids have nothing to do with each other.
const TRACE: &[u8; 16] = b"durable_trace.tr";
const PARENT: &[u8; 16] = b"durable_trace.pa";
const ROOT: &[u8; 16] = b"durable_trace.ro";
const SPAN: &[u8; 16] = b"durable_trace.sp";

/// Returns the context that every invocation of the execution `arn`, started at `started_at`, comes to by itself.
///
/// The trace id's upper half is the start in seconds and 32 zero bits, as Datadog's tracers make it; its lower half, and the parent
/// id, are 8-byte `BLAKE2b` digests of the ARN under two personalisations, `durable_trace.tr` and `durable_trace.pa`, read
/// big-endian. No span has the parent's id: it is an anchor to hang on. There is no sampling decision and no tag.
///
/// ```
/// use durable_trace_wire::{UnixMillis, derive_context};
///
/// let arn = "arn:aws:lambda:us-east-1:123456789012:function:f:1/durable-execution/n/i";
/// let context = derive_context(arn, Some(UnixMillis(1_700_000_000_123)));
/// assert_eq!(context.trace_id.high(), 1_700_000_000 << 32);
/// assert_eq!(context, derive_context(arn, Some(UnixMillis(1_700_000_000_999))));
/// ```
pub fn derive_context(arn: &str, started_at: Option<UnixMillis>) -> Context {
    let high = u64::from(seconds(started_at)) << 32;
    let low = NonZeroU128::from(digest(TRACE, arn));
    Context {
        trace_id: TraceId::from(low | (u128::from(high) << 64)),
        parent_id: SpanId::from(digest(PARENT, arn)),
        sampling_priority: None,
        origin: None,
        tags: Tags::default(),
    }
}

/// Returns the trace id that every invocation of the execution `arn`, started at `started_at`, comes to by itself, in X-Ray's shape.
///
/// The upper 32 bits are the start in seconds, the others 96 bits of `BLAKE2b` over the ARN.
/// Shape: <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-traces>.
///
/// ```
/// use durable_trace_wire::{UnixMillis, derive_trace_id};
///
/// let arn = "arn:aws:lambda:us-east-1:123456789012:function:f:1/durable-execution/n/i";
/// let id = derive_trace_id(arn, Some(UnixMillis(1_700_000_000_123)));
/// assert_eq!(id.as_u128() >> 96, 1_700_000_000);
/// assert_eq!(id, derive_trace_id(arn, Some(UnixMillis(1_700_000_000_999))));
/// ```
pub fn derive_trace_id(arn: &str, started_at: Option<UnixMillis>) -> TraceId {
    let low = NonZeroU128::from(digest(TRACE, arn));
    let middle = u128::from(digest(ROOT, arn).get() & u64::from(u32::MAX)) << 64;
    TraceId::from(low | middle | (u128::from(seconds(started_at)) << 96))
}

/// Returns the id of the span that stands for a `part` of the execution `arn` where it is told of after the fact, so that telling of it
/// again gives the same span.
///
/// It is the 8-byte `BLAKE2b` digest of the ARN, a line feed and the part, under the personalisation `durable_trace.sp`, read big-endian.
///
/// ```
/// use durable_trace_wire::derive_span_id;
///
/// let arn = "arn:aws:lambda:us-east-1:123456789012:function:f:1/durable-execution/n/i";
/// assert_eq!(derive_span_id(arn, "execution"), derive_span_id(arn, "execution"));
/// assert_ne!(derive_span_id(arn, "execution"), derive_span_id(arn, "operation 1ced8f"));
/// ```
pub fn derive_span_id(arn: &str, part: &str) -> SpanId {
    SpanId::from(digest(SPAN, &format!("{arn}\n{part}")))
}

/// Returns the id of the `Workflow` span of AWS's views, which every invocation of the execution `arn` comes to by itself.
///
/// It is [`derive_span_id`] of the part `workflow`.
pub fn derive_workflow_id(arn: &str) -> SpanId {
    derive_span_id(arn, "workflow")
}

/// Returns the id of the span of an `operation`, by its id, in AWS's views, which every invocation of the execution `arn` comes to by
/// itself.
///
/// It is [`derive_span_id`] of the part `workflow`, a space and the operation's id.
pub fn derive_operation_span_id(arn: &str, operation: &str) -> SpanId {
    derive_span_id(arn, &format!("workflow {operation}"))
}

/// Seconds since 1970, 0 where that is unknown or out of range.
fn seconds(at: Option<UnixMillis>) -> u32 {
    at.and_then(|at| u32::try_from(at.0.div_euclid(1_000)).ok())
        .unwrap_or_default()
}

/// `BLAKE2b` with an 8-byte digest, no key and no salt; 1 in place of 0.
fn digest(personalisation: &[u8; 16], text: &str) -> NonZeroU64 {
    let mut core = Blake2bVarCore::new_with_params(&[], personalisation, 0, 8);
    let mut buffer = Buffer::<Blake2bVarCore>::default();
    buffer.digest_blocks(text.as_bytes(), |blocks| core.update_blocks(blocks));
    let mut full = blake2::digest::Output::<Blake2bVarCore>::default();
    core.finalize_variable_core(&mut buffer, &mut full);
    let bytes = full.first_chunk().copied().unwrap_or_default();
    NonZeroU64::new(u64::from_be_bytes(bytes)).unwrap_or(NonZeroU64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_are_those_that_python_computes() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:f:1/durable-execution/n/i";
        // hashlib.blake2b(arn, digest_size=8, person=b"durable_trace.tr"), and with .pa
        assert_eq!(format!("{:016x}", digest(TRACE, arn)), "a23e744930fb4097");
        assert_eq!(format!("{:016x}", digest(PARENT, arn)), "e189dd1bc40f1adf");
        // More than the 128 bytes of a block.
        let long = format!("arn:{}", "x".repeat(300));
        assert_eq!(format!("{:016x}", digest(TRACE, &long)), "c925d0ec933c4601");
    }

    #[test]
    fn a_spans_id_is_that_of_its_part_as_python_computes_it() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:f:1/durable-execution/n/i";
        // hashlib.blake2b(arn + "\nexecution", digest_size=8, person=b"durable_trace.sp")
        assert_eq!(
            derive_span_id(arn, "execution").to_hex(),
            "0c23f04e3984dd14"
        );
    }

    #[test]
    fn an_execution_of_unknown_start_has_a_trace_of_its_own_all_the_same() {
        for started_at in [None, Some(UnixMillis(-1)), Some(UnixMillis(i64::MAX))] {
            let context = derive_context("arn", started_at);
            assert_eq!(context.trace_id.high(), 0, "{started_at:?}");
        }
        let other = derive_context("another arn", None);
        assert_ne!(derive_context("arn", None), other);
        assert_ne!(other.trace_id.low(), other.parent_id.get());
    }

    #[test]
    fn a_derived_trace_id_has_the_start_and_96_bits_of_the_arn() {
        let at = |started_at| derive_trace_id("arn", started_at).as_u128();
        let mask = (1 << 96) - 1;
        assert_eq!(at(Some(UnixMillis(5_000))) >> 96, 5);
        assert_eq!(at(None) >> 96, 0, "an unknown start");
        assert_eq!(at(None) & mask, at(Some(UnixMillis(5_000))) & mask);
        assert_ne!(
            derive_trace_id("other", None).as_u128() & mask,
            at(None) & mask
        );
    }
}
