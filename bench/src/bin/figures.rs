//! What each piece of work takes, in nanoseconds: ours, and that of other crates on the same bytes.
//!
//! `figures inputs FOLDER` writes the inputs; `figures` prints one line of JSON, a row for each piece of work; `figures PREFIX` only
//! those whose names begin so.

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use durable_trace_bench::event::{ARN, event};
use durable_trace_bench::function::{Function, parse};
use durable_trace_bench::work::{self, DATADOG, Decision, TRACE_CONTEXT, Theirs, extract, inject};
use durable_trace_wire::{Invocation, read};

/// Sizes of events, in operations.
const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
/// Seconds that one row is given, and how often it begins anew: the fastest of these counts.
const SHARE: f64 = 0.05;
const TIMES: u32 = 4;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [word, folder] if word == "inputs" => write_inputs(Path::new(folder)),
        [] | [_] => {
            let rows = rows(arguments.first().map_or("", String::as_str));
            println!("{}", serde_json::to_string(&rows)?);
            Ok(())
        }
        _ => Err(std::io::Error::other(
            "usage: figures [PREFIX | inputs FOLDER]",
        )),
    }
}

fn write_inputs(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for size in SIZES {
        std::fs::write(folder.join(format!("event-{size}.json")), event(size))?;
    }
    for (style, headers) in [("datadog", &DATADOG[..]), ("tracecontext", &TRACE_CONTEXT)] {
        let headers: BTreeMap<_, _> = headers.iter().copied().collect();
        let json = serde_json::to_string(&headers)?;
        std::fs::write(folder.join(format!("{style}.json")), json)?;
    }
    Ok(())
}

fn rows(prefix: &str) -> BTreeMap<String, f64> {
    let mut rows = Rows {
        prefix,
        found: BTreeMap::new(),
    };
    for (style, headers) in [("datadog", &DATADOG[..]), ("tracecontext", &TRACE_CONTEXT)] {
        let theirs = Theirs::new(style);
        let map: HashMap<String, String> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let context = extract(headers);
        let remote = theirs.extract(&map);
        rows.add(&format!("ours/extract/{style}"), || extract(headers));
        rows.add(&format!("ours/inject/{style}"), || inject(style, &context));
        rows.add(&format!("crate/extract/{style}"), || theirs.extract(&map));
        rows.add(&format!("crate/inject/{style}"), || theirs.inject(&remote));
    }
    for size in SIZES {
        let event = event(size);
        let bytes = Bytes::from(event.clone());
        let invocation = Invocation::read(&event).expect("a durable invocation");
        let decision = Decision::new(&invocation);
        let name = |work: &str| format!("{work}/{size}");
        rows.add(&name("sdk/parse"), || parse::<serde_json::Value>(&bytes));
        rows.add(&name("ours/body"), || work::body(&bytes).len());
        rows.add(&name("ours/pass"), || Invocation::read(&event));
        rows.add(&name("ours/find"), || read(ARN, &invocation.operations));
        rows.add(&name("ours/decide"), || decision.decide());
        rows.add(&name("ours/write"), || decision.write());
        rows.add(&name("skip/serde_json"), || {
            serde_json::from_str::<serde::de::IgnoredAny>(&event)
        });
        rows.add(&name("skip/sonic-rs"), || {
            // SAFETY: the event is JSON.
            unsafe { sonic_rs::get_unchecked(event.as_str(), ["none"]) }.is_ok()
        });
        let untraced = Function::untraced(size);
        rows.add(&name("invocation/untraced"), || untraced.invoke(&bytes));
        drop(untraced);
        let traced = Function::traced(size);
        rows.add(&name("invocation/traced"), || traced.invoke(&bytes));
    }
    rows.found
}

struct Rows<'a> {
    prefix: &'a str,
    found: BTreeMap<String, f64>,
}

impl Rows<'_> {
    fn add<T>(&mut self, name: &str, work: impl Fn() -> T) {
        if name.starts_with(self.prefix) {
            self.found.insert(name.to_owned(), measure(work));
        }
    }
}

/// Nanoseconds that one call takes.
fn measure<T>(work: impl Fn() -> T) -> f64 {
    black_box(work());
    let began = Instant::now();
    black_box(work());
    let once = began.elapsed().as_secs_f64().max(1e-9);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number of calls, and not a large one"
    )]
    let calls = (SHARE / f64::from(TIMES) / once).max(1.0) as u32;
    let mut best = f64::INFINITY;
    for _ in 0..TIMES {
        let began = Instant::now();
        for _ in 0..calls {
            black_box(work());
        }
        best = best.min(began.elapsed().as_secs_f64() / f64::from(calls));
    }
    best * 1e9
}
