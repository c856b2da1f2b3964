//! Inputs of a size that no fuzzer makes up, of the shapes that cost the most: what they take is bounded as for small ones.

use durable_trace_local::fuzzing::World;
use durable_trace_wire::{
    CarrierRules, Context, Headers, Invocation, extract_from_event, read, trigger_of,
};

use super::measured;

/// So many times the same, each with its number.
fn many(times: usize, each: impl Fn(usize) -> String, between: &str) -> String {
    (0..times).map(each).collect::<Vec<_>>().join(between)
}

#[test]
fn an_event_of_nothing_but_operations_is_read_within_bounds() {
    let name = |number| format!(r#"{{"Type":"STEP","Name":"_datadog_{number}"}}"#);
    for operations in [
        many(50_000, |_| "{}".to_owned(), ","),
        many(50_000, name, ","),
    ] {
        let event = format!(
            r#"{{"DurableExecutionArn":"a","InitialExecutionState":{{"Operations":[{operations}]}}}}"#
        );
        let invocation = measured(&event, || Invocation::parse(&event))
            .unwrap()
            .unwrap();
        assert_eq!(invocation.operation_count, 50_000);
        measured(&event, || read(&invocation.arn, &invocation.operations));
    }
}

#[test]
fn headers_of_nothing_but_tags_are_read_within_bounds() {
    let tags = many(18_000, |number| format!("_dd.p.{number}=x"), ",");
    let fields = many(20_000, |number| format!("t.x{number}:x"), ";");
    let state = format!("dd=s:1;{fields}");
    let parent = "00-6b02ac840000000050d5c87ec1d5bfe7-e1f0a5f3b1c2d3e5-01";
    let headers = Headers::from_pairs([
        ("x-datadog-trace-id", "5824782139817050087"),
        ("x-datadog-parent-id", "5"),
        ("x-datadog-tags", tags.as_str()),
        ("traceparent", parent),
        ("tracestate", &state),
    ]);
    let json = headers.to_json();
    let carried = measured(&json, || {
        extract_from_event(&json, &CarrierRules::default())
    })
    .unwrap();
    assert_eq!(carried.context.tags.len(), 38_000, "both styles' tags");
    measured(&json, || carried.context.to_datadog(512));
    measured(&json, || carried.context.to_tracecontext());
    measured(&json, || Context::extract(&headers));
}

#[test]
fn a_batch_of_nothing_but_contexts_is_read_within_bounds() {
    let record = |number| {
        let headers = format!(
            r#"{{\"x-datadog-trace-id\":{},\"x-datadog-parent-id\":5}}"#,
            number + 1
        );
        format!(
            r#"{{"eventSource":"aws:sqs","messageAttributes":{{"_datadog":{{"stringValue":"{headers}"}}}}}}"#
        )
    };
    let event = format!(r#"{{"Records":[{}]}}"#, many(10_000, record, ","));
    let carried = measured(&event, || {
        extract_from_event(&event, &CarrierRules::default())
    });
    assert_eq!(carried.unwrap().links.len(), 100);
    measured(&event, || trigger_of(&event, "a"));
}

#[test]
fn depth_costs_no_more_than_length() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
        let event = format!(r#"{{"headers":{deep},"Records":[{deep}],"_datadog":{deep}}}"#);
        measured(&event, || {
            extract_from_event(&event, &CarrierRules::default())
        });
        measured(&event, || trigger_of(&event, "a"));
        let event = format!(r#"{{"DurableExecutionArn":"a","InitialExecutionState":{deep}}}"#);
        assert!(measured(&event, || Invocation::parse(&event)).is_ok());
    }
}

#[test]
fn a_request_of_nothing_but_updates_is_read_within_bounds() {
    let updates = many(
        20_000,
        |number| format!(r#"{{"Id":"{number}","Type":"STEP","Action":"START"}}"#),
        ",",
    );
    let request = format!(
        "POST /2025-12-01/durable-executions/a/checkpoint\n\n{{\"CheckpointToken\":\"t\",\"Updates\":[{updates}]}}"
    );
    let world = World::default();
    assert!(measured(&request, || world.read(&request)).is_ok());
}
