//! X-Ray's header: the invocation's, and an SQS message's.

use durable_trace_wire::{CarrierRules, SamplingPriority, extract_from_event, extract_from_xray};

use super::event::is_whole;
use super::measured;

pub(super) fn holds(text: &str) {
    let carried = measured(text, || extract_from_xray(text));
    let quoted = serde_json::to_string(text).expect("a text is JSON");
    let event = format!(
        r#"{{"Records":[{{"eventSource":"aws:sqs","attributes":{{"AWSTraceHeader":{quoted}}}}}]}}"#
    );
    let in_sqs = measured(&event, || {
        extract_from_event(&event, &CarrierRules::default())
    });
    carried.iter().chain(&in_sqs).for_each(is_whole);
    if let Some(carried) = &carried {
        let context = &carried.context;
        assert!(carried.complete && context.trace_id.high() == 0);
        assert_eq!(context.trace_id.low() >> 63, 0, "63 bits");
        let sampled = match context.sampling_priority {
            Some(SamplingPriority::UserKeep) => 1,
            _ => 0,
        };
        let (trace, parent) = (context.trace_id.low(), context.parent_id.to_hex());
        let again =
            format!("Root=1-00000000-00000000{trace:016x};Parent={parent};Sampled={sampled}");
        assert_eq!(extract_from_xray(&again).as_ref(), Some(carried));
    }
    if let Some(in_sqs) = &in_sqs {
        // A decision is another one there, and a trace has 64 bits; who has called is the same. Where the top bit is all there is,
        // nothing is left for the invocation.
        let low = in_sqs.context.trace_id.low() << 1 >> 1;
        let context = carried.map(|carried| carried.context);
        let read = context.map(|context| (context.trace_id.low(), context.parent_id));
        assert_eq!(read, (low != 0).then_some((low, in_sqs.context.parent_id)));
    }
}
