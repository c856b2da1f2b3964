//! Instructions that each piece of work takes, counted by Callgrind: they are the same on a busy machine.

#![allow(missing_docs, reason = "made by macros")]

use std::collections::HashMap;
use std::hint::black_box;

use bytes::Bytes;
use durable_trace_bench::event::{ARN, event};
use durable_trace_bench::function::{Function, parse};
use durable_trace_bench::work::{self, DATADOG, Decision, TRACE_CONTEXT, Theirs};
use durable_trace_wire::{Context, Invocation, Operation, read};
use gungraun::{library_benchmark, library_benchmark_group, main};
use serde_json::Value;

fn headers(style: &str) -> &'static [(&'static str, &'static str)] {
    match style {
        "datadog" => &DATADOG,
        _ => &TRACE_CONTEXT,
    }
}

fn context(style: &'static str) -> (&'static str, Context) {
    (style, work::extract(headers(style)))
}

fn their_headers(style: &str) -> (Theirs, HashMap<String, String>) {
    let headers = headers(style).iter();
    let headers = headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    (Theirs::new(style), headers.collect())
}

fn their_context(style: &str) -> (Theirs, opentelemetry::Context) {
    let (theirs, headers) = their_headers(style);
    let context = theirs.extract(&headers);
    (theirs, context)
}

fn operations(count: usize) -> Vec<Operation<'static>> {
    let event = event(count);
    let invocation = Invocation::read(&event).expect("a durable invocation");
    let owned = invocation.operations.into_iter().map(Operation::into_owned);
    owned.collect()
}

fn decision(operations: usize) -> Decision {
    let event = event(operations);
    Decision::new(&Invocation::read(&event).expect("a durable invocation"))
}

/// A function that has been invoked before: what is made once is made.
fn untraced(operations: usize) -> (Function, Bytes) {
    warm(Function::untraced(operations), operations)
}

fn traced(operations: usize) -> (Function, Bytes) {
    warm(Function::traced(operations), operations)
}

fn warm(function: Function, operations: usize) -> (Function, Bytes) {
    let event = Bytes::from(event(operations));
    function.invoke(&event);
    (function, event)
}

#[library_benchmark]
#[bench::datadog(headers("datadog"))]
#[bench::tracecontext(headers("tracecontext"))]
fn extract(headers: &[(&str, &'static str)]) -> Context {
    black_box(work::extract(black_box(headers)))
}

#[library_benchmark]
#[bench::datadog(context("datadog"))]
#[bench::tracecontext(context("tracecontext"))]
fn inject((style, context): (&str, Context)) -> usize {
    black_box(work::inject(style, &context)).iter().count()
}

#[library_benchmark]
#[bench::datadog(their_headers("datadog"))]
#[bench::tracecontext(their_headers("tracecontext"))]
fn crate_extract(
    (theirs, headers): (Theirs, HashMap<String, String>),
) -> (Theirs, opentelemetry::Context) {
    let context = black_box(theirs.extract(&headers));
    (theirs, context)
}

#[library_benchmark]
#[bench::datadog(their_context("datadog"))]
#[bench::tracecontext(their_context("tracecontext"))]
fn crate_inject(
    (theirs, context): (Theirs, opentelemetry::Context),
) -> (Theirs, HashMap<String, String>) {
    let headers = black_box(theirs.inject(&context));
    (theirs, headers)
}

#[library_benchmark]
#[bench::n10(event(10))]
#[bench::n100(event(100))]
#[bench::n1000(event(1_000))]
#[bench::n10000(event(10_000))]
fn sdk_parse(event: String) -> Value {
    black_box(parse(event.as_bytes()))
}

#[library_benchmark]
#[bench::n10(event(10))]
#[bench::n100(event(100))]
#[bench::n1000(event(1_000))]
#[bench::n10000(event(10_000))]
fn body(event: String) -> String {
    black_box(work::body(black_box(event.as_bytes())));
    event
}

#[library_benchmark]
#[bench::n10(event(10))]
#[bench::n100(event(100))]
#[bench::n1000(event(1_000))]
#[bench::n10000(event(10_000))]
fn pass(event: String) -> usize {
    black_box(Invocation::read(&event)).map_or(0, |invocation| invocation.operation_count)
}

#[library_benchmark]
#[bench::n10(operations(10))]
#[bench::n100(operations(100))]
#[bench::n1000(operations(1_000))]
#[bench::n10000(operations(10_000))]
fn find(operations: Vec<Operation<'static>>) -> Vec<Operation<'static>> {
    black_box(read(ARN, &operations));
    operations
}

#[library_benchmark]
#[bench::n10(decision(10))]
#[bench::n10000(decision(10_000))]
fn decide(decision: Decision) -> Decision {
    black_box(decision.decide());
    decision
}

#[library_benchmark]
#[bench::n10(decision(10))]
#[bench::n10000(decision(10_000))]
fn write(decision: Decision) -> Decision {
    black_box(decision.write());
    decision
}

#[library_benchmark]
#[bench::untraced_10(untraced(10))]
#[bench::traced_10(traced(10))]
#[bench::untraced_100(untraced(100))]
#[bench::traced_100(traced(100))]
#[bench::untraced_1000(untraced(1_000))]
#[bench::traced_1000(traced(1_000))]
#[bench::untraced_10000(untraced(10_000))]
#[bench::traced_10000(traced(10_000))]
fn invocation((function, event): (Function, Bytes)) -> (Function, Bytes) {
    function.invoke(&event);
    (function, event)
}

library_benchmark_group!(
    name = codec,
    benchmarks = [extract, inject, crate_extract, crate_inject]
);
library_benchmark_group!(
    name = log,
    benchmarks = [sdk_parse, body, pass, find, decide, write]
);
library_benchmark_group!(name = whole, benchmarks = [invocation]);

main!(library_benchmark_groups = codec, log, whole);
