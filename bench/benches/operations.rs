//! The pieces of work by the clock: `cargo bench --bench operations`, for whoever changes one and wants to see what comes of it.

use std::collections::HashMap;
use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use durable_trace_bench::event::{ARN, event};
use durable_trace_bench::function::{Function, parse};
use durable_trace_bench::work::{self, DATADOG, Decision, TRACE_CONTEXT, Theirs, extract, inject};
use durable_trace_wire::{Invocation, read};
use serde_json::Value;

const SIZES: [usize; 3] = [10, 1_000, 10_000];

fn codec(criterion: &mut Criterion) {
    for (style, headers) in [("datadog", &DATADOG[..]), ("tracecontext", &TRACE_CONTEXT)] {
        let theirs = Theirs::new(style);
        let map: HashMap<String, String> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let (context, remote) = (extract(headers), theirs.extract(&map));
        let mut group = criterion.benchmark_group(style);
        group.bench_function("extract", |b| b.iter(|| extract(black_box(headers))));
        group.bench_function("inject", |b| b.iter(|| inject(style, black_box(&context))));
        group.bench_function("extract by the crate", |b| {
            b.iter(|| theirs.extract(black_box(&map)));
        });
        group.bench_function("inject by the crate", |b| {
            b.iter(|| theirs.inject(black_box(&remote)));
        });
    }
}

fn log(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("log");
    for size in SIZES {
        let event = event(size);
        let bytes = event.as_bytes();
        let invocation = Invocation::read(&event).expect("a durable invocation");
        let decision = Decision::new(&invocation);
        group.throughput(Throughput::Bytes(event.len() as u64));
        let id = |name| BenchmarkId::new(name, size);
        group.bench_function(id("the SDK parses"), |b| b.iter(|| parse::<Value>(bytes)));
        group.bench_function(id("body"), |b| b.iter(|| work::body(bytes).len()));
        group.bench_function(id("pass"), |b| b.iter(|| Invocation::read(&event)));
        group.bench_function(id("find"), |b| b.iter(|| read(ARN, &invocation.operations)));
        group.bench_function(id("decide"), |b| b.iter(|| decision.decide()));
        group.bench_function(id("write"), |b| b.iter(|| decision.write()));
    }
}

fn invocation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("invocation");
    for size in SIZES {
        let event = Bytes::from(event(size));
        let mut bench = |name, function: &dyn Fn(usize) -> Function| {
            let function = function(size);
            group.bench_function(BenchmarkId::new(name, size), |b| {
                b.iter_batched(|| (), |()| function.invoke(&event), BatchSize::PerIteration);
            });
        };
        bench("untraced", &Function::untraced);
        bench("traced", &Function::traced);
    }
}

criterion_group!(benches, codec, log, invocation);
criterion_main!(benches);
