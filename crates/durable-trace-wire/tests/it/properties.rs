//! What holds for every input: decoding undoes encoding, and nothing panics.

use durable_trace_wire::{
    CheckpointNumber, CheckpointStyles, Context, Decision, ExecutionArn, HeaderStyle, Headers,
    Invocation, Operation, OperationType, Payload, SamplingPriority, SpanId, Tags, TraceId,
    WriteRules, decide, read,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

pub(crate) fn config() -> ProptestConfig {
    // A failing case prints itself; no files are left behind.
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn trace_id() -> impl Strategy<Value = TraceId> {
    // The lower half is never zero: Datadog's headers could not carry that.
    (prop_oneof![Just(0), any::<u64>()], 1..=u64::MAX)
        .prop_map(|(high, low)| TraceId::from_halves(high, low).unwrap())
}

fn span_id() -> impl Strategy<Value = SpanId> {
    (1..=u64::MAX).prop_map(|bits| SpanId::new(bits).unwrap())
}

/// A context with tags of these names and values.
fn context(
    name: &'static str,
    value: &'static str,
    origin: &'static str,
) -> impl Strategy<Value = Context> {
    let name = name.prop_map(|name| format!("_dd.p.{name}"));
    let tags = vec((name, value), 0..6).prop_map(Tags::from_pairs);
    let priority = of(-1_i64..=2).prop_map(|number| number.and_then(SamplingPriority::from_i64));
    (trace_id(), span_id(), priority, of(origin), tags).prop_map(
        |(trace_id, parent_id, sampling_priority, origin, tags)| Context {
            trace_id,
            parent_id,
            sampling_priority,
            origin,
            tags,
        },
    )
}

/// What Datadog's headers carry as it is: names from `a` to `l` are never `dm` nor `tid`, and values
/// do not begin or end with a space.
pub(crate) fn datadog_context() -> impl Strategy<Value = Context> {
    context(
        "[a-c!#-+/-<>-l]{1,3}",
        "[!-+/-~]([ -+/-~]{0,8}[!-+/-~])?",
        "[ -~]{1,12}",
    )
}

/// What a `dd` member carries as it is: no tag ends with a space.
fn w3c_context() -> impl Strategy<Value = Context> {
    context(
        "[a-c.]{0,3}",
        "([ -+\\--:<-}]{0,8}[!-+\\--:<-}])?",
        "[ -+\\--:<-}]{1,12}",
    )
}

fn any_header() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,40}",
        "[0-9+_ -]{0,22}",
        "(_dd\\.p\\.(a|dm|tid)=[0-9a-f,=-]{0,20},?){0,4}",
        "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-x)?",
        "((dd|foo)=([sopt]:?[0-9a-z.~-]{0,8};?){0,4},?){0,3}",
    ]
}

fn any_headers() -> impl Strategy<Value = Headers<'static>> {
    let name = prop::sample::select(vec![
        "x-datadog-trace-id",
        "x-datadog-parent-id",
        "X-Datadog-Sampling-Priority",
        "x-datadog-origin",
        "x-datadog-tags",
        "traceparent",
        "tracestate",
        "baggage",
    ]);
    vec((name, any_header()), 0..8).prop_map(Headers::from_pairs)
}

/// JSON that has the shape of an event, more or less.
fn any_event() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("1e999".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        Just("-0".to_owned()),
        Just("\"STEP\"".to_owned()),
        Just("\"EXECUTION\"".to_owned()),
        Just("\"{\\\"x-datadog-trace-id\\\":\\\"7\\\",\\\"x-datadog-parent-id\\\":5}\"".to_owned()),
        any::<u64>().prop_map(|number| number.to_string()),
        "\"_datadog_[0-9]{0,3}\"",
        "[a-z]{1,3}",
    ];
    scalar.prop_recursive(5, 60, 8, |inner| {
        let name = prop::sample::select(vec![
            "DurableExecutionArn",
            "CheckpointToken",
            "InitialExecutionState",
            "Operations",
            "NextMarker",
            "Id",
            "Name",
            "Type",
            "StepDetails",
            "Result",
            "Payload",
            "Error",
            "StartTimestamp",
            "ExecutionDetails",
            "InputPayload",
            "\\udfff",
        ]);
        let member = (name, inner.clone()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
        prop_oneof![
            vec(inner, 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            vec(member, 0..8).prop_map(|members| format!("{{{}}}", members.join(" ,"))),
        ]
    })
}

fn log(payloads: Vec<(u64, String)>) -> Vec<Operation<'static>> {
    let operation = |(number, payload): (u64, String)| Operation {
        kind: OperationType::Step,
        name: CheckpointNumber::new(number).map(|number| number.to_string().into()),
        result: Some(Payload::Text(payload.into())),
        ..Operation::default()
    };
    payloads.into_iter().map(operation).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn ids_are_read_as_they_are_written(trace_id in trace_id(), span_id in span_id()) {
        prop_assert_eq!(trace_id.to_string().parse(), Ok(trace_id));
        prop_assert_eq!(span_id.to_string().parse(), Ok(span_id));
    }

    #[test]
    fn datadogs_headers_carry_a_context_whole(context in datadog_context()) {
        let headers = context.to_datadog(512);
        prop_assert_eq!(Context::extract_datadog(&headers), Some(context.clone()));
        prop_assert_eq!(Context::extract(&headers), Some((context, HeaderStyle::Datadog)));
    }

    #[test]
    fn w3cs_headers_carry_a_context_whole(context in w3c_context()) {
        let headers = context.to_tracecontext();
        // W3C knows no open decision, and a browser session's flag is none.
        let read = Context::extract_tracecontext(&headers).unwrap();
        let sampling_priority = context.sampling_priority.or(read.sampling_priority);
        prop_assert_eq!(read, Context { sampling_priority, ..context });
    }

    #[test]
    fn headers_are_read_as_they_are_written(headers in any_headers()) {
        let json = headers.to_json();
        let read = Headers::from_json(&json).unwrap();
        prop_assert_eq!(read.iter().collect::<Vec<_>>(), headers.iter().collect::<Vec<_>>());
        prop_assert_eq!(read.to_json(), json);
    }

    #[test]
    fn what_was_read_is_written_in_one_way(headers in any_headers()) {
        if let Some((context, _)) = Context::extract(&headers) {
            let written = context.to_datadog(512);
            if let Some(again) = Context::extract_datadog(&written) {
                prop_assert_eq!(again.to_datadog(512), written);
            }
        }
    }

    #[test]
    fn another_parent_is_the_only_change(context in w3c_context(), parent in span_id()) {
        let moved = Context { parent_id: parent, ..context.clone() };
        prop_assert_eq!(context.to_datadog(512).with_parent_id(parent), moved.to_datadog(512));
        prop_assert_eq!(context.to_tracecontext().with_parent_id(parent), moved.to_tracecontext());
    }

    #[test]
    fn names_are_read_as_they_are_written(number in 0..=CheckpointNumber::MAX.get()) {
        let number = CheckpointNumber::new(number).unwrap();
        prop_assert_eq!(CheckpointNumber::parse_name(&number.to_string()), Some(number));
    }

    #[test]
    fn arns_are_read_as_they_are_written(function in "[^/]{0,20}", name in "[^/]{1,10}", id in "[^/]{1,10}") {
        let text = format!("{function}/durable-execution/{name}/{id}");
        let arn = ExecutionArn::parse(&text).unwrap();
        prop_assert_eq!((arn.function_arn(), arn.execution_name(), arn.execution_id()), (&*function, &*name, &*id));
        _ = (arn.function_name(), arn.qualifier());
    }

    #[test]
    fn what_was_just_written_is_unchanged(context in datadog_context(), anchor in span_id(), number in 0_u64..9, limit in 0_usize..600) {
        for styles in [CheckpointStyles::Datadog, CheckpointStyles::DatadogAndTraceContext, CheckpointStyles::DatadogTraceContextAndBaggage] {
            let rules = WriteRules { styles, tags_max_length: limit, ..WriteRules::default() };
            let injected = context.to_datadog(1000);
            let decision = decide("arn", None, &injected, anchor, Some(number), 1, &rules);
            let Decision::Write(checkpoint) = decision else { panic!("{decision:?}") };
            let found = read("arn", &log(vec![(number, checkpoint.payload)])).found.unwrap();
            prop_assert_eq!(found.context.parent_id, anchor);
            prop_assert_eq!(found.context.trace_id, context.trace_id);
            let again = decide("arn", Some(&found), &injected, anchor, Some(number + 1), 2, &rules);
            prop_assert_eq!(again, Decision::Unchanged);
        }
    }

    #[test]
    fn the_highest_valid_checkpoint_is_found(valid in vec(any::<bool>(), 0..12), order in any::<u64>()) {
        let payload = |valid| if valid { r#"{"x-datadog-trace-id":"7","x-datadog-parent-id":"5"}"# } else { "{}" };
        let mut payloads: Vec<_> = (0..).zip(&valid).map(|(number, valid)| (number, payload(*valid).to_owned())).collect();
        payloads.sort_by_key(|(number, _)| (number ^ order).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let reading = read("arn", &log(payloads));
        let want = valid.iter().rposition(|valid| *valid);
        prop_assert_eq!(reading.found.map(|found| usize::try_from(found.number.get()).unwrap()), want);
        prop_assert_eq!(reading.skipped.len(), want.map_or(valid.len(), |want| valid.len() - 1 - want));
        prop_assert_eq!(reading.highest, (valid.len() as u64).checked_sub(1));
    }

    #[test]
    fn no_headers_panic(headers in any_headers(), text in any_header(), parent in span_id()) {
        _ = Context::extract(&headers);
        _ = headers.clone().with_parent_id(parent);
        _ = Headers::from_json(&text);
        _ = read("arn", &log(vec![(0, text), (0, headers.to_json())]));
        _ = decide("arn", None, &headers, parent, Some(0), 1, &WriteRules::default());
    }

    #[test]
    fn an_event_is_an_error_just_if_it_is_not_json(event in any_event()) {
        let parsed = Invocation::parse(&event);
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&event).is_ok();
        prop_assert_eq!(parsed.is_ok(), is_json, "{}", event);
        if let Ok(Some(invocation)) = parsed {
            let reading = read(&invocation.arn, &invocation.operations);
            prop_assert!(invocation.operations.len() <= invocation.operation_count);
            let owned: Vec<_> = invocation.operations.iter().cloned().map(Operation::into_owned).collect();
            prop_assert_eq!(read(&invocation.arn, &owned), reading);
            _ = invocation.input();
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        _ = Invocation::parse(&text);
        _ = ExecutionArn::parse(&text);
        _ = text.parse::<TraceId>();
        _ = text.parse::<SpanId>();
        _ = CheckpointNumber::parse_name(&format!("_datadog_{text}"));
    }
}
