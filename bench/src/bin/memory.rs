//! What is allocated: how often, how much at once, and what stays. One line of JSON.

use std::collections::BTreeMap;
use std::hint::black_box;

use allocation_counter::{AllocationInfo, measure};
use bytes::Bytes;
use durable_trace_bench::event::{ARN, event};
use durable_trace_bench::function::Function;
use durable_trace_bench::work::{DATADOG, Decision, TRACE_CONTEXT, extract, inject};
use durable_trace_wire::{Invocation, read};
use serde_json::{Value, json};

fn main() {
    let mut rows = BTreeMap::new();
    let mut add = |name: String, info: AllocationInfo| {
        let row = json!({"allocations": info.count_total, "bytes_at_once": info.bytes_max, "bytes_kept": info.bytes_current});
        rows.insert(name, row);
    };
    for (style, headers) in [("datadog", &DATADOG[..]), ("tracecontext", &TRACE_CONTEXT)] {
        let context = extract(headers);
        add(
            format!("extract/{style}"),
            measure(|| drop(black_box(extract(headers)))),
        );
        add(
            format!("inject/{style}"),
            measure(|| drop(black_box(inject(style, &context)))),
        );
    }
    for size in [10, 100, 1_000, 10_000] {
        let event = event(size);
        let bytes = Bytes::from(event.clone());
        let invocation = Invocation::read(&event).expect("a durable invocation");
        let decision = Decision::new(&invocation);
        add(
            format!("pass/{size}"),
            measure(|| drop(black_box(Invocation::read(&event)))),
        );
        add(
            format!("find/{size}"),
            measure(|| drop(black_box(read(ARN, &invocation.operations)))),
        );
        add(
            format!("decide/{size}"),
            measure(|| drop(black_box(decision.decide()))),
        );
        for (name, function) in [
            ("untraced", Function::untraced(size)),
            ("traced", Function::traced(size)),
        ] {
            function.invoke(&bytes);
            function.invoke(&bytes);
            add(
                format!("invocation/{name}/{size}"),
                measure(|| function.invoke(&bytes)),
            );
        }
    }
    println!("{}", Value::from_iter(rows));
}
