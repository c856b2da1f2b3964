//! The guide's links lead somewhere, and its figures follow from the ones that they are made of.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext, RetryDecision, StepError};
use durable_trace::ReplayedSpans;
use durable_trace_local::OperationType;
use serde_json::{Value, json};

use crate::document;
use crate::world::{Setting, World};

/// Labels and what rustdoc takes them for; stands before each page there, and the first definition of a label counts.
const RUSTDOC_LINKS: &str = include_str!("../../guide/rustdoc-links.md");

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("guide")
}

/// The pages: file name and text.
fn pages() -> Vec<(String, String)> {
    let pages: Vec<_> = std::fs::read_dir(folder())
        .expect("the guide is there")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            (
                path.file_name()
                    .map(|name| name.to_string_lossy().into_owned()),
                path,
            )
        })
        .filter_map(|(name, path)| Some((name?, std::fs::read_to_string(path).ok()?)))
        .filter(|(name, _)| name != "rustdoc-links.md")
        .collect();
    assert!(pages.len() > 5, "{pages:?}");
    pages
}

/// `[label]: target` at the beginning of a line.
fn definitions(text: &str) -> HashMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.strip_prefix('[')?.split_once("]: "))
        .collect()
}

/// What stands between `open` and `close`, wherever that is.
fn between<'a>(text: &'a str, open: &str, close: char) -> Vec<&'a str> {
    text.split(open)
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(close)?.0))
        .collect()
}

/// The text without its blocks and pieces of code.
fn prose(text: &str) -> String {
    let blocks: String = text.split("```").step_by(2).collect();
    blocks.split('`').step_by(2).collect()
}

/// As GitHub and rustdoc make an anchor of a heading.
fn anchors(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = heading
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn a_link_leads_to_a_file_as_markdown_and_to_a_page_in_rustdoc() {
    let in_rustdoc = definitions(RUSTDOC_LINKS);
    for (name, text) in pages() {
        let defined = definitions(&text);
        let prose = prose(&text);
        for label in between(&prose, "][", ']') {
            assert!(
                defined.contains_key(label),
                "{name} does not define [{label}]"
            );
        }
        for target in between(&prose, "](", ')') {
            let both = target.starts_with("https://") || target.starts_with('#');
            assert!(
                both,
                "{name}: {target} is for Markdown alone; give it a label"
            );
        }
        for (label, target) in defined {
            assert!(
                in_rustdoc.contains_key(label),
                "rustdoc-links.md lacks [{label}] of {name}"
            );
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = folder().join(file);
            assert!(path.exists(), "{name}: there is no {target}");
            if !anchor.is_empty() {
                let text = std::fs::read_to_string(path).expect("a page");
                let known = anchors(&text).iter().any(|known| known == anchor);
                assert!(known, "{name}: nothing is headed as {target} says");
            }
        }
    }
}

#[test]
fn each_page_is_in_rustdoc_and_in_the_table_of_contents() {
    let modules = include_str!("../../src/guide.rs");
    let contents = include_str!("../../guide/README.md");
    for (name, _) in pages() {
        let included = format!("include_str!(\"../guide/{name}\")");
        assert!(modules.contains(&included), "guide.rs lacks {name}");
        let listed = definitions(contents).values().any(|target| *target == name);
        assert!(listed || name == "README.md", "README.md lacks {name}");
    }
}

/// The README's order: three invocations, one of them for a retry.
async fn order(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    ctx.step(|_| async { Ok(()) }).name("validation").await?;
    ctx.step(|step| async move {
        if step.attempt() < 2 {
            return Err(BoxError::from("declined"));
        }
        Ok(())
    })
    .name("payment")
    .retry_strategy(|_: &StepError, _| RetryDecision::Retry {
        delay: Duration::from_secs(1),
    })
    .await?;
    ctx.wait(Duration::from_secs(2)).name("packing").await?;
    ctx.step(|_| async { Ok(()) }).name("shipment").await?;
    Ok(json!({}))
}

/// What one execution of it comes to.
struct Counts {
    invocations: u32,
    /// The user's own, and the start of the execution.
    operations: u32,
    checkpoints: u32,
    spans: u32,
    execute_spans: u32,
}

async fn counted(replayed_spans: ReplayedSpans) -> Counts {
    let mut setting = Setting::default();
    setting.options = setting.options.replayed_spans(replayed_spans);
    let world = World::new(setting, order).await;
    let ended = world.run(&json!({})).await;
    let count = |count: usize| u32::try_from(count).expect("few");
    let checkpoints = count(world.checkpoints(&ended.arn).len());
    let operations = world.service.operations(&ended.arn);
    let own = operations
        .iter()
        .filter(|operation| operation.r#type != OperationType::Execution);
    Counts {
        invocations: count(world.invocations(&ended.arn).len()),
        operations: 1 + count(own.count()) - checkpoints,
        checkpoints,
        spans: count(world.spans.all().len()),
        execute_spans: count(world.spans.named("aws.durable.execute").len()),
    }
}

/// Prices in dollars; the page names their sources.
mod prices {
    pub(super) const MILLION_OPERATIONS: f64 = 8.00;
    pub(super) const GB_WRITTEN: f64 = 0.25;
    pub(super) const GB_MONTH_RETAINED: f64 = 0.15;
    pub(super) const GB_SECOND: f64 = 0.000_016_666_7;
    pub(super) const GB_INGESTED: f64 = 0.10;
    pub(super) const MILLION_INDEXED: f64 = 1.70;
}

/// Executions in a month, in millions, so that a count of one execution is one of millions.
const MILLIONS: f64 = 1.0;
/// How long the log is kept after the execution's end, in months: Lambda's default of 14 days.
const RETAINED: f64 = 14.0 / 30.0;
/// The function's memory in GB, for what time costs.
const MEMORY: f64 = 1.0;
/// The row of the default in the table of suspensions.
const RIDE: &str = "`ride`, the default";
/// Bytes of one execution, times the executions of a month, in GB.
const GB: f64 = MILLIONS * 1e6 / 1e9;

/// The figure in the cell `column` of the row of `docs/performance.md` that begins with `first`; times in milliseconds.
fn measured(first: &str, column: usize) -> f64 {
    let document = include_str!("../../../../docs/performance.md");
    let row = document
        .lines()
        .find(|line| line.starts_with(&format!("| {first} |")));
    assert!(row.is_some(), "docs/performance.md has no row {first}");
    let cell = row
        .and_then(|row| row.split('|').nth(column))
        .expect("a cell");
    let mut words = cell.split_whitespace();
    let number = words.next().expect("a figure").replace([',', '+'], "");
    let number: f64 = number.parse().expect("a number");
    if words.next() == Some("µs") {
        number / 1_000.0
    } else {
        number
    }
}

/// Bytes of a span as it was sent, from the row of a way to treat replays.
fn bytes_per_span(first: &str) -> f64 {
    measured(first, 3) / measured(first, 2)
}

fn table(omit: &Counts, emit: &Counts) -> String {
    let dollars = |amount: f64| format!("${amount:.2}");
    let row = |what: &str, cells: [String; 3]| format!("| {what} | {} |\n", cells.join(" | "));
    let both = |untraced: String, traced: String| [untraced, traced.clone(), traced];
    let operations = f64::from(omit.operations) * MILLIONS;
    let all_operations = operations + f64::from(omit.checkpoints) * MILLIONS;
    let written = measured(RIDE, 5) * f64::from(omit.checkpoints) * GB;
    // Milliseconds times millions are thousands of seconds.
    let slower = measured(RIDE, 6) - measured("untraced", 6);
    let seconds = slower * 1e3 * f64::from(omit.invocations) * MILLIONS;
    let spans = |counts: &Counts| f64::from(counts.spans) * MILLIONS;
    let ingested =
        |counts: &Counts, first: &str| bytes_per_span(first) * f64::from(counts.spans) * GB;
    let (omitted, emitted) = (
        ingested(omit, "`omit`, the default"),
        ingested(emit, "`emit`, as the reference"),
    );
    let filtered = f64::from(omit.execute_spans) * MILLIONS;
    let none = || "0".to_owned();
    let mut table =
        String::from("| a month | untraced | `omit`, the default | `emit` |\n|---|---|---|---|\n");
    table += &row(
        "invocations",
        both(
            format!("{} M", omit.invocations),
            format!("{} M", omit.invocations),
        ),
    );
    table += &row(
        "operations",
        both(format!("{operations} M"), format!("{all_operations} M")),
    );
    table += &row(
        "AWS: operations",
        both(
            dollars(operations * prices::MILLION_OPERATIONS),
            dollars(all_operations * prices::MILLION_OPERATIONS),
        ),
    );
    table += &row(
        "checkpoints, at most",
        both(none(), format!("{written:.2} GB")),
    );
    table += &row(
        "AWS: data written",
        both(none(), dollars(written * prices::GB_WRITTEN)),
    );
    table += &row(
        "AWS: data retained, 14 days",
        both(
            none(),
            dollars(written * RETAINED * prices::GB_MONTH_RETAINED),
        ),
    );
    table += &row(
        &format!("AWS: time, {slower:.2} ms an invocation more, at {MEMORY} GB"),
        both(none(), dollars(seconds * MEMORY * prices::GB_SECOND)),
    );
    table += &row(
        "spans",
        [
            none(),
            format!("{} M", spans(omit)),
            format!("{} M", spans(emit)),
        ],
    );
    table += &row(
        "sent",
        [
            none(),
            format!("{omitted:.1} GB"),
            format!("{emitted:.1} GB"),
        ],
    );
    table += &row(
        "Datadog: ingestion",
        [
            none(),
            dollars(omitted * prices::GB_INGESTED),
            dollars(emitted * prices::GB_INGESTED),
        ],
    );
    table += &row(
        "Datadog: indexing the execute spans",
        both(none(), dollars(filtered * prices::MILLION_INDEXED)),
    );
    table += &row(
        "Datadog: indexing all spans instead",
        [
            none(),
            dollars(spans(omit) * prices::MILLION_INDEXED),
            dollars(spans(emit) * prices::MILLION_INDEXED),
        ],
    );
    table
}

#[tokio::test]
async fn the_page_on_cost_has_the_prices_times_what_one_execution_comes_to() {
    let omit = counted(ReplayedSpans::Omit).await;
    let emit = counted(ReplayedSpans::Emit).await;
    assert_eq!(
        omit.spans,
        2 * omit.invocations + 4 + 1,
        "by the formula of docs/contract.md: four attempts and a wait"
    );
    assert_eq!((omit.operations, omit.checkpoints), (5, 1));
    document::hold_at(
        &folder().join("cost.md"),
        "cost",
        &table(&omit, &emit),
        "UPDATE_COST",
    );
}

#[test]
fn the_prices_of_the_page_are_those_that_it_is_computed_with() {
    let page = std::fs::read_to_string(folder().join("cost.md")).expect("the page");
    for price in [
        format!("${:.2} per million operations", prices::MILLION_OPERATIONS),
        format!("${:.2} per GB written", prices::GB_WRITTEN),
        format!("${:.2} per GB-month retained", prices::GB_MONTH_RETAINED),
        format!("${:.10} per GB-second", prices::GB_SECOND),
        format!("${:.2} per GB ingested", prices::GB_INGESTED),
        format!("${:.2} per million spans indexed", prices::MILLION_INDEXED),
    ] {
        assert!(page.contains(&price), "cost.md does not say {price}");
    }
}
