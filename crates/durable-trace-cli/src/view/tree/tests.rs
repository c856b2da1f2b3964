use std::collections::BTreeMap;

use super::*;
use crate::report::{Execution, Invocation, Operation, Resume, SpanRecord};

const ARN: &str =
    "arn:aws:lambda:us-east-1:123456789012:function:order:$LATEST/durable-execution/e/1";

struct Sketch {
    ids: (u64, u64),
    name: &'static str,
    resource: &'static str,
    invocation: usize,
    start_us: i64,
    us: i64,
    meta: &'static [(&'static str, &'static str)],
}

impl Sketch {
    fn span(&self) -> SpanRecord {
        let meta: BTreeMap<String, String> = self
            .meta
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        SpanRecord {
            invocation: Some(self.invocation),
            trace_id: "6b02ae0600000000000000000000002a".into(),
            span_id: self.ids.0.to_string(),
            parent_id: self.ids.1.to_string(),
            name: self.name.into(),
            resource: self.resource.into(),
            service: "order".into(),
            kind: "serverless".into(),
            error: i32::from(meta.contains_key("error.message")),
            start: self.start_us * 1_000,
            duration: self.us * 1_000,
            meta,
            metrics: BTreeMap::new(),
            links: Vec::new(),
        }
    }
}

fn sketch(
    ids: (u64, u64),
    name: &'static str,
    resource: &'static str,
    (invocation, start_us, us): (usize, i64, i64),
    meta: &'static [(&'static str, &'static str)],
) -> SpanRecord {
    Sketch {
        ids,
        name,
        resource,
        invocation,
        start_us,
        us,
        meta,
    }
    .span()
}

fn spans() -> Vec<SpanRecord> {
    vec![
        sketch(
            (1, 0),
            "aws.lambda",
            "order",
            (0, 1_000_000, 41_200),
            &[
                ("aws.durable.execution_status", "PENDING"),
                ("span.kind", "server"),
            ],
        ),
        sketch(
            (2, 1),
            "aws.durable.execute",
            "order",
            (0, 1_001_000, 38_000),
            &[("aws.durable.invocation_status", "pending")],
        ),
        sketch(
            (3, 2),
            "aws.durable.step",
            "payment",
            (0, 1_002_000, 2_400),
            &[
                ("error.type", "CardDeclined"),
                ("error.message", "try again"),
            ],
        ),
        sketch(
            (4, 3),
            "internal",
            "card.authorize",
            (0, 1_003_000, 2_100),
            &[],
        ),
        sketch(
            (5, 2),
            "aws.lambda",
            "order",
            (1, 2_000_000, 1_200_000),
            &[("aws.durable.execution_status", "SUCCEEDED")],
        ),
        sketch(
            (6, 5),
            "aws.durable.execute",
            "order",
            (1, 2_001_000, 424),
            &[
                ("aws.durable.invocation_status", "succeeded"),
                ("aws.durable.replayed", "true"),
            ],
        ),
        sketch(
            (7, 6),
            "aws.durable.step",
            "payment",
            (1, 2_002_000, 300),
            &[("aws.durable.replayed", "true")],
        ),
    ]
}

/// An order in two invocations whose payment failed once.
pub(in crate::view) fn sample() -> Report {
    let name = "_datadog_0".to_owned();
    let invocation = |index, status: &str, context, written| Invocation {
        index,
        execution_arn: ARN.into(),
        request_id: format!("request-{index}"),
        status: status.into(),
        context,
        api_calls: vec!["CheckpointDurableExecution".into()],
        checkpoint_written: written,
        checkpoint_by: None,
    };
    let resume = Resume {
        source: name.clone(),
        trace_id: "6b02ae0600000000000000000000002a".into(),
        parent_id: "2".into(),
    };
    Report {
        input: "{}".to_owned(),
        workflow: "order".into(),
        execution_arn: ARN.into(),
        status: "SUCCEEDED".into(),
        result: Some("\"done\"".into()),
        error: None,
        executions: vec![Execution {
            arn: ARN.into(),
            function: "order".into(),
            status: "SUCCEEDED".into(),
            result: Some("\"done\"".into()),
            error: None,
        }],
        invocations: vec![
            invocation(0, "PENDING", None, Some(name.clone())),
            invocation(1, "SUCCEEDED", Some(resume), None),
        ],
        operations: vec![Operation {
            execution_arn: ARN.into(),
            id: durable_trace_wire::checkpoint_id(&name, ARN),
            name: Some(name),
            kind: "STEP".into(),
            subtype: Some("Step".into()),
            status: "SUCCEEDED".into(),
            parent_id: None,
            result: Some(
                r#"{"x-datadog-trace-id":"42","x-datadog-parent-id":"2","x-datadog-sampling-priority":"1","x-datadog-tags":"_dd.p.dm=-0,_dd.p.tid=6b02ae0600000000"}"#.into(),
            ),
            written_by: Some(0),
        }],
        spans: spans(),
        requests: Vec::new(),
    }
}

#[test]
fn a_run_is_a_tree_and_its_checkpoints() {
    insta::assert_snapshot!(render_tree(&sample(), Palette::Plain), @r#"
    order succeeded: 2 invocations, each in a process of its own, 1 trace

    trace 6b02ae0600000000000000000000002a
    aws.lambda                    order           41.2 ms  pending    invocation 0 began the trace
    └─ aws.durable.execute        order           38.0 ms  pending    ◀ the anchor in _datadog_0
       ├─ aws.durable.step        payment         2.40 ms  error      CardDeclined: try again
       │  └─ internal             card.authorize  2.10 ms  ok
       └─ aws.lambda              order            1.20 s  succeeded  invocation 1 resumed from _datadog_0
          └─ aws.durable.execute  order           0.42 ms  succeeded
             └─ aws.durable.step  payment         0.30 ms  ok         replayed

    _datadog_0 in the execution's log, written by invocation 0, read by 1
      trace     6b02ae0600000000000000000000002a
      parent    2
      priority  1
      tags      _dd.p.dm=-0

    result "done"
    "#);
}

#[test]
fn colour_changes_nothing_but_colour() {
    let coloured = render_tree(&sample(), Palette::Colour);
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_ne!(coloured, plain, "there is colour");
    let trimmed = |text: &str| {
        text.lines()
            .map(str::trim_end)
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(
        trimmed(&plain),
        trimmed(&render_tree(&sample(), Palette::Plain))
    );
}

#[test]
fn broken_trees_are_shown_as_they_are() {
    let mut report = sample();
    report.spans.retain(|span| span.span_id != "2"); // the anchor was never sent
    report
        .spans
        .push(sketch((20, 20), "loop", "of one", (0, 3_000_000, 1), &[]));
    report
        .spans
        .push(sketch((31, 32), "a", "loop", (0, 3_000_000, 1), &[]));
    report
        .spans
        .push(sketch((32, 31), "b", "of two", (0, 3_000_000, 1), &[]));
    report.spans[0].trace_id = "0000000000000000000000000000002a".into();
    report.spans[0].invocation = None;
    report.error = Some(Failure {
        kind: Some("FatalError".into()),
        message: Some("terminal failure".into()),
    });
    report.status = "FAILED".into();
    insta::assert_snapshot!(render_tree(&report, Palette::Plain), @r"
    order failed: 2 invocations, each in a process of its own, 2 traces

    trace 0000000000000000000000000000002a
    aws.lambda              order           41.2 ms  pending    of no known invocation

    trace 6b02ae0600000000000000000000002a
    aws.durable.step        payment         2.40 ms  error      CardDeclined: try again
    └─ internal             card.authorize  2.10 ms  ok
    aws.lambda              order            1.20 s  succeeded  invocation 1 resumed from _datadog_0
    └─ aws.durable.execute  order           0.42 ms  succeeded
       └─ aws.durable.step  payment         0.30 ms  ok         replayed
    loop                    of one          0.00 ms  ok
    b                       of two          0.00 ms  ok
    └─ a                    loop            0.00 ms  ok

    _datadog_0 in the execution's log, written by invocation 0, read by 1
      trace     6b02ae0600000000000000000000002a
      parent    2
      priority  1
      tags      _dd.p.dm=-0

    error FatalError: terminal failure
    ");
}

/// A span of a durable operation with an id of its own, under `parent`.
fn operation(
    ids: (u64, u64),
    name: &'static str,
    resource: &'static str,
    invocation: usize,
    meta: &'static [(&'static str, &'static str)],
) -> SpanRecord {
    let start_us = 1_990_000 + i64::try_from(ids.0).unwrap() * 1_000;
    let mut span = sketch(ids, name, resource, (invocation, start_us, 1_000), meta);
    let id = format!("operation-{resource}");
    span.meta.insert("aws.durable.operation_id".into(), id);
    span
}

fn attempted(mut span: SpanRecord, attempt: f64) -> SpanRecord {
    let key = "aws.durable.operation_attempt".to_owned();
    span.metrics.insert(key, attempt);
    span
}

#[test]
fn every_kind_of_operation_has_its_line() {
    let mut report = sample();
    let lambdas: Vec<SpanRecord> = report
        .spans
        .drain(..)
        .filter(|s| s.name != "internal" && s.name != "aws.durable.step")
        .collect();
    report.spans = lambdas;
    let resumed = &mut report.spans[2];
    resumed
        .meta
        .insert("aws.durable.suspended_on".into(), "wait pause".into());
    let call = &[("aws.durable.invoke.function_name", "plain-target")];
    let failure = &[("error.type", "FlakyError"), ("error.message", "boom")];
    let unbounded = &[("aws.durable.operation_name", "double-0")];
    report.spans.extend([
        operation((10, 2), "aws.durable.map", "fanmap", 0, &[]),
        attempted(
            operation(
                (11, 10),
                "aws.durable.step",
                "aws.durable.step",
                0,
                unbounded,
            ),
            0.0,
        ),
        operation((12, 10), "aws.durable.wait", "aws.durable.wait", 0, &[]),
        operation((13, 2), "aws.durable.parallel", "fan", 0, &[]),
        operation((14, 13), "aws.durable.child_context", "kid", 0, &[]),
        attempted(
            operation((15, 14), "aws.durable.step", "once", 0, failure),
            0.0,
        ),
        operation((16, 2), "aws.durable.wait_for_callback", "approval", 0, &[]),
        operation((17, 16), "aws.durable.create_callback", "ext", 0, &[]),
        attempted(
            operation((18, 2), "aws.durable.step", "flaky", 0, failure),
            0.0,
        ),
        sketch(
            (19, 2),
            "aws.durable.suspended",
            "wait pause",
            (1, 1_500_000, 400_000),
            &[("aws.durable.suspended_on", "wait pause")],
        ),
        attempted(
            operation((20, 6), "aws.durable.step", "flaky", 1, failure),
            1.0,
        ),
        attempted(
            operation((21, 6), "aws.durable.wait_for_condition", "poll", 1, &[]),
            2.0,
        ),
        operation((22, 6), "aws.durable.invoke", "call", 1, call),
        operation(
            (23, 6),
            "aws.durable.child_context",
            "kid-2",
            1,
            &[("aws.durable.replayed", "true")],
        ),
    ]);
    report
        .spans
        .sort_by_key(|span| (span.invocation, span.start));
    insta::assert_snapshot!(render_tree(&report, Palette::Plain), @r#"
    order succeeded: 2 invocations, each in a process of its own, 1 trace

    trace 6b02ae0600000000000000000000002a
    aws.lambda                                  order        41.2 ms  pending    invocation 0 began the trace
    └─ aws.durable.execute                      order        38.0 ms  pending    ◀ the anchor in _datadog_0
       ├─ aws.durable.map                       fanmap       1.00 ms  ok
       │  ├─ aws.durable.step                   double-0     1.00 ms  ok
       │  └─ aws.durable.wait                                1.00 ms  ok
       ├─ aws.durable.parallel                  fan          1.00 ms  ok
       │  └─ aws.durable.child_context          kid          1.00 ms  ok
       │     └─ aws.durable.step                once         1.00 ms  error      FlakyError: boom
       ├─ aws.durable.wait_for_callback         approval     1.00 ms  ok
       │  └─ aws.durable.create_callback        ext          1.00 ms  ok
       ├─ aws.durable.step                      flaky        1.00 ms  error      1st attempt: FlakyError: boom
       ├─ aws.durable.suspended                 wait pause  400.0 ms  asleep
       └─ aws.lambda                            order         1.20 s  succeeded  invocation 1 resumed from _datadog_0 after wait pause
          └─ aws.durable.execute                order        0.42 ms  succeeded
             ├─ aws.durable.step                flaky        1.00 ms  error      2nd attempt: FlakyError: boom
             ├─ aws.durable.wait_for_condition  poll         1.00 ms  ok         3rd attempt
             ├─ aws.durable.invoke              call         1.00 ms  ok         of plain-target
             └─ aws.durable.child_context       kid-2        1.00 ms  ok         replayed

    _datadog_0 in the execution's log, written by invocation 0, read by 1
      trace     6b02ae0600000000000000000000002a
      parent    2
      priority  1
      tags      _dd.p.dm=-0

    result "done"
    "#);
}
