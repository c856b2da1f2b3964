//! What holds for a context that was read, from wherever: it can be sent on, and nothing is smuggled in it.

use durable_trace_wire::{
    CheckpointNumber, CheckpointStyles, Context, Decision, Headers, Operation, OperationType,
    PassThrough, Payload, Reading, SamplingPriority, SpanId, WriteRules, checkpoint_id, decide,
    read,
};

const ARN: &str = "arn:aws:lambda:eu-west-1:1:function:f:1/durable-execution/n/i";

/// The longest `_dd.p.tid`, which stays whatever the limit: without it the trace falls in two.
const TRACE_ID_HIGH: usize = "_dd.p.tid=0123456789abcdef".len();

/// More than any checkpoint needs: 512 bytes of tags, of an origin and of `tracestate`, which escaping may double, ids
/// and names.
const MAX_PAYLOAD: usize = 4_096;

/// Checks all of it.
pub(super) fn goes_on(context: &Context) {
    assert_ne!(context.origin.as_deref(), Some(""), "an empty origin");
    for limit in [0, 40, 512] {
        stays_in_datadogs_headers(context, limit);
    }
    stays_in_w3cs_headers(context);
    for styles in [
        CheckpointStyles::Datadog,
        CheckpointStyles::DatadogAndTraceContext,
    ] {
        survives_a_suspension(context, &Headers::default(), styles);
    }
}

/// What is emitted is printable ASCII, so that no value can end its line and begin a header of its own.
pub(super) fn is_clean(headers: &Headers<'_>) {
    for (name, value) in headers.iter() {
        let clean = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        assert!(clean && !value.is_empty(), "{name}: {value:?}");
    }
}

/// A log that holds one checkpoint, as its writer gave it.
pub(super) fn read_payload(payload: Payload<'_>) -> Reading {
    let name = "_datadog_0";
    let operation = Operation {
        id: checkpoint_id(name, ARN).into(),
        kind: OperationType::Step,
        name: Some(name.into()),
        result: Some(payload),
        ..Operation::default()
    };
    read(ARN, &[operation])
}

fn stays_in_datadogs_headers(context: &Context, limit: usize) {
    let written = context.to_datadog(limit);
    is_clean(&written);
    let tags = written.tags().map_or(0, str::len);
    assert!(
        tags <= limit.max(TRACE_ID_HIGH),
        "{tags} bytes of tags, where {limit} fit"
    );
    if context.trace_id.low() == 0 {
        return;
    }
    // The strictest reader there is takes them, and finds the same trace.
    let again = Context::extract_datadog(&written).expect("our own headers are read");
    assert_eq!(again.trace_id, context.trace_id);
    assert_eq!(again.parent_id, context.parent_id);
    assert_eq!(again.sampling_priority, context.sampling_priority);
    assert_eq!(again.origin.as_deref(), written.origin());
    assert_eq!(
        again.to_datadog(limit),
        written,
        "there is one way to write it"
    );
    moves(context, |context| context.to_datadog(limit));
}

fn stays_in_w3cs_headers(context: &Context) {
    let written = context.to_tracecontext();
    is_clean(&written);
    // What every vendor passes on. <https://www.w3.org/TR/trace-context/#tracestate-limits>
    let length = written.tracestate().map_or(0, str::len);
    assert!(length <= 512, "{length} bytes of tracestate");
    let again = Context::extract_tracecontext(&written).expect("our own headers are read");
    assert_eq!(again.trace_id, context.trace_id);
    assert_eq!(again.parent_id, context.parent_id);
    let is_kept = |context: &Context| {
        let priority = context.sampling_priority;
        priority.is_some_and(SamplingPriority::is_keep)
    };
    assert_eq!(is_kept(&again), is_kept(context));
    // W3C knows no open decision: a context has one after the way through, and is stable from then on.
    let twice = again.to_tracecontext();
    if context.sampling_priority.is_some() {
        assert_eq!(twice, written, "there is one way to write it");
    }
    let again = Context::extract_tracecontext(&twice).expect("our own headers are read");
    assert_eq!(again.to_tracecontext(), twice);
    moves(context, Context::to_tracecontext);
}

/// Another parent changes what names the parent, and nothing else.
fn moves(context: &Context, write: impl Fn(&Context) -> Headers<'static>) {
    let parent_id = SpanId::new(10).expect("not zero");
    let moved = Context {
        parent_id,
        ..context.clone()
    };
    assert_eq!(write(context).with_parent_id(parent_id), write(&moved));
}

/// What the writer writes the reader reads, and once it is there nothing is written again.
pub(super) fn survives_a_suspension(
    context: &Context,
    others: &Headers<'_>,
    styles: CheckpointStyles,
) {
    let rules = WriteRules {
        styles,
        ..WriteRules::default()
    };
    let anchor = SpanId::new(9).expect("not zero");
    let others = PassThrough::of(others);
    let inject = |context: &Context| context.to_datadog(1_000).with_pass_through(&others);
    let injected = inject(context);
    let written = match decide(ARN, None, &injected, anchor, Some(0), 1, &rules) {
        Decision::Write(checkpoint) => checkpoint,
        Decision::NoContext => {
            // Datadog's headers cannot name such a trace.
            assert_eq!(context.trace_id.low(), 0);
            return;
        }
        other => panic!("{other:?}"),
    };
    let most = MAX_PAYLOAD + others.baggage.as_ref().map_or(0, |it| it.len() + 13);
    assert!(written.payload.len() <= most, "{written:?}");
    assert_eq!(CheckpointNumber::new(0), Some(written.number));
    let reading = read_payload(Payload::Text(written.payload.into()));
    let found = reading.found.expect("our own checkpoint is found");
    is_clean(&found.headers);
    assert!(found.id_known && reading.skipped.is_empty());
    assert_eq!(found.context.trace_id, context.trace_id);
    assert_eq!(found.context.parent_id, anchor);
    let next = Some(1);
    let again = decide(ARN, Some(&found), &injected, anchor, next, 2, &rules);
    assert_eq!(again, Decision::Unchanged);
    // The same, where the tracer injects what it was given by the checkpoint.
    let injected = inject(&found.context);
    let again = decide(ARN, Some(&found), &injected, anchor, next, 2, &rules);
    assert_eq!(again, Decision::Unchanged);
}
