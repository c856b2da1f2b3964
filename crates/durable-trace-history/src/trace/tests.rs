//! Traces of the demo's executions, as recorded, and of others made of them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use durable_trace_wire::derive_trace_id;
use serde_json::{Value, json};

use super::*;

/// The demo's `order`, untraced: without its checkpoint.
pub(crate) fn sample() -> Trace {
    Trace::of(&untraced("order"), &TraceRules::default()).unwrap()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/demo")
}

fn recorded(name: &str) -> String {
    std::fs::read_to_string(folder().join(name).with_extension("json")).unwrap()
}

fn history(name: &str) -> History {
    History::parse(&recorded(name)).unwrap()
}

fn untraced(name: &str) -> History {
    let mut document: Value = serde_json::from_str(&recorded(name)).unwrap();
    let events = document["Events"].as_array_mut().unwrap();
    events.retain(|event| {
        !event["Name"]
            .as_str()
            .unwrap_or_default()
            .starts_with("_datadog")
    });
    History::parse(&document.to_string()).unwrap()
}

fn trace(history: &History, selection: Selection) -> Trace {
    Trace::of(history, &TraceRules::default().select(selection)).unwrap()
}

/// The spans as a tree: how long after the execution's start each began, how long it took, what it says.
fn render(trace: &Trace) -> String {
    let start = trace.spans.first().unwrap().start;
    let mut text = match trace.spans[0].parent {
        Some(_) => "under the anchor:\n".to_owned(),
        None => String::new(),
    };
    let mut depths: BTreeMap<SpanId, usize> = BTreeMap::new();
    for span in &trace.spans {
        let depth = span
            .parent
            .and_then(|parent| depths.get(&parent))
            .map_or(0, |it| it + 1);
        depths.insert(span.id, depth);
        let get = |key| match span.attributes.get(key) {
            Some(Attribute::Text(text)) => Some(text.clone()),
            Some(Attribute::Number(number)) => Some(number.to_string()),
            Some(Attribute::Flag(flag)) => Some(flag.to_string()),
            None => None,
        };
        let mut words = vec![format!("{}{}", "  ".repeat(depth), span.name)];
        if span.resource != span.name {
            words.push(format!("[{}]", span.resource));
        }
        if let Some(number) = get(names::OPERATION_ATTEMPT) {
            words.push(format!("#{number}"));
        }
        let seconds = |micros: i64| format!("{}.{:03}", micros / 1_000_000, micros / 1_000 % 1_000);
        let length = span.end.since(span.start);
        words.push(format!(
            "+{} {}s",
            seconds(span.start.since(start)),
            seconds(length)
        ));
        words.extend(get(names::EXECUTION_STATUS));
        words.extend(get(names::UNFINISHED).map(|_| "unfinished".to_owned()));
        if span.is_error() {
            words.push(format!("error {}", get(names::ERROR_TYPE).unwrap()));
        }
        text.push_str(&words.join(" "));
        text.push('\n');
    }
    text
}

#[test]
fn an_untraced_execution_gives_everything_in_its_own_trace() {
    let trace = sample();
    insta::assert_snapshot!(render(&trace), @"
    aws.durable.execute [order] +0.000 3.000s SUCCEEDED
      aws.lambda [order] +0.000 0.000s PENDING
      aws.lambda [order] +1.000 0.000s PENDING
      aws.lambda [order] +3.000 0.000s SUCCEEDED
      aws.durable.suspended [step payment] +0.000 1.000s
      aws.durable.suspended [wait packing] +1.000 2.000s
      aws.durable.step [validation] #0 +0.000 0.000s
      aws.durable.step [payment] #0 +0.000 0.000s error CardDeclined
      aws.durable.step [payment] #1 +1.000 0.000s
      aws.durable.wait [packing] +1.000 2.000s
      aws.durable.step [shipment] #0 +3.000 0.000s
    ");
    assert!(trace.is_whole && trace.checkpoint == CheckpointState::Absent);
    let arn = history("order").arn().unwrap().to_owned();
    let derived = derive_context(&arn, Some(UnixMillis(trace.spans[0].start.0 / 1_000)));
    assert_eq!(trace.trace_id, derived.trace_id);
    assert_eq!(
        trace.spans[0].id, derived.parent_id,
        "what live tracing hangs on where it finds no checkpoint"
    );
}

#[test]
fn of_a_traced_execution_the_rest_alone_goes_under_the_anchor() {
    let trace = trace(&history("order"), Selection::Auto);
    insta::assert_snapshot!(render(&trace), @"
    under the anchor:
    aws.durable.execute [order] +0.000 3.000s SUCCEEDED
      aws.durable.suspended [step payment] +0.000 1.000s
      aws.durable.suspended [wait packing] +1.000 2.000s
    ");
    assert!(!trace.is_whole && trace.checkpoint == CheckpointState::Read);
    let timeline = Timeline::of(&history("order"), &Viewpoint::default());
    let checkpoint = &timeline.checkpoints[0];
    assert_eq!(Some(trace.trace_id.to_string()), checkpoint.trace_id);
    let anchor = trace.spans[0].parent.unwrap();
    assert_eq!(Some(anchor.to_string()), checkpoint.parent_id);
    assert_eq!(
        Some(trace.sampling_priority.value()),
        checkpoint.sampling_priority
    );
    let is_marked =
        |span: &Span| span.attributes[names::SOURCE] == Attribute::Text("history".into());
    assert!(trace.spans.iter().all(is_marked));
}

#[test]
fn all_of_a_traced_execution_goes_under_the_anchor_if_asked_for() {
    let trace = trace(&history("order"), Selection::All);
    insta::assert_snapshot!(render(&trace), @"
    under the anchor:
    aws.durable.execute [order] +0.000 3.000s SUCCEEDED
      aws.lambda [order] +0.000 0.000s PENDING
      aws.lambda [order] +1.000 0.000s PENDING
      aws.lambda [order] +3.000 0.000s SUCCEEDED
      aws.durable.suspended [step payment] +0.000 1.000s
      aws.durable.suspended [wait packing] +1.000 2.000s
      aws.durable.step [validation] #0 +0.000 0.000s
      aws.durable.step [payment] #0 +0.000 0.000s error CardDeclined
      aws.durable.step [payment] #1 +1.000 0.000s
      aws.durable.wait [packing] +1.000 2.000s
      aws.durable.step [shipment] #0 +3.000 0.000s
    ");
    assert!(trace.is_whole && trace.checkpoint == CheckpointState::Read);
}

#[test]
fn an_execution_that_was_stopped_or_timed_out_has_an_end_at_last() {
    insta::assert_snapshot!(render(&trace(&history("stopped"), Selection::Auto)), @"
    under the anchor:
    aws.durable.execute [create-callback] +0.000 1.596s STOPPED error STOPPED
      aws.durable.suspended [create_callback ext] +0.050 1.546s
      aws.durable.create_callback [ext] +0.040 1.556s unfinished
    ");
    insta::assert_snapshot!(render(&trace(&untraced("stopped"), Selection::Auto)), @"
    aws.durable.execute [create-callback] +0.000 1.596s STOPPED error STOPPED
      aws.lambda [create-callback] +0.000 0.050s PENDING
      aws.durable.suspended [create_callback ext] +0.050 1.546s
      aws.durable.create_callback [ext] +0.040 1.556s unfinished
      aws.durable.step [notify] #0 +0.044 0.003s
    ");
    insta::assert_snapshot!(render(&trace(&history("timed-out"), Selection::Auto)), @"
    under the anchor:
    aws.durable.execute [create-callback] +0.000 7203.293s TIMED_OUT error Execution.Timeout
      aws.durable.suspended [create_callback ext] +201.528 7001.765s
      aws.durable.create_callback [ext] +162.293 7041.000s unfinished
    ");
    let running = trace(&history("running"), Selection::Auto);
    assert!(!running.has_ended);
    insta::assert_snapshot!(render(&running), @"
    under the anchor:
    aws.durable.execute [create-callback] +0.000 0.050s RUNNING
      aws.durable.create_callback [ext] +0.040 0.010s unfinished
    ");
}

#[test]
fn contexts_hold_what_ran_in_them_and_items_have_no_span() {
    insta::assert_snapshot!(render(&trace(&untraced("child-wait"), Selection::Auto)), @"
    aws.durable.execute [child-wait] +0.000 1.000s SUCCEEDED
      aws.lambda [child-wait] +0.000 0.000s PENDING
      aws.lambda [child-wait] +1.000 0.000s SUCCEEDED
      aws.durable.suspended [wait inner-wait] +0.000 1.000s
      aws.durable.child_context [kid] +0.000 1.000s
        aws.durable.step [inner-step] #0 +0.000 0.000s
        aws.durable.wait [inner-wait] +0.000 1.000s
        aws.durable.step [inner-step-2] #0 +1.000 0.000s
      aws.durable.step [outer-step] #0 +1.000 0.000s
    ");
    insta::assert_snapshot!(render(&trace(&untraced("map-items"), Selection::Auto)), @"
    aws.durable.execute [map-items] +0.000 1.000s SUCCEEDED
      aws.lambda [map-items] +0.000 0.000s PENDING
      aws.lambda [map-items] +1.000 0.000s SUCCEEDED
      aws.durable.suspended [wait pause-0] +0.000 1.000s
      aws.durable.map [fanmap] +0.000 1.000s
        aws.durable.step #0 +0.000 0.000s
        aws.durable.step #0 +0.000 0.000s
        aws.durable.step #0 +0.000 0.000s
        aws.durable.wait +0.000 1.000s
        aws.durable.step #0 +0.000 0.000s
        aws.durable.wait +0.000 1.000s
        aws.durable.step #0 +0.000 0.000s
        aws.durable.wait +0.000 1.000s
        aws.durable.wait +0.000 1.000s
        aws.durable.wait +0.000 1.000s
    ");
    insta::assert_snapshot!(render(&trace(&untraced("callback"), Selection::Auto)), @"
    aws.durable.execute [callback] +0.000 3600.000s SUCCEEDED
      aws.lambda [callback] +0.000 0.000s PENDING
      aws.lambda [callback] +3600.000 0.000s SUCCEEDED
      aws.durable.suspended [create_callback] +0.000 3600.000s
      aws.durable.wait_for_callback [approval] +0.000 3600.000s
        aws.durable.create_callback +0.000 3600.000s
        aws.durable.step #0 +0.000 0.000s
      aws.durable.step [after] #0 +3600.000 0.000s
    ");
    insta::assert_snapshot!(render(&trace(&untraced("invoke"), Selection::Auto)), @"
    aws.durable.execute [invoke] +0.000 0.001s SUCCEEDED
      aws.lambda [invoke] +0.000 0.000s PENDING
      aws.lambda [invoke] +0.001 0.000s SUCCEEDED
      aws.durable.suspended [invoke call-plain] +0.000 0.001s
      aws.durable.invoke [call-plain] +0.000 0.001s
      aws.durable.step [after-invoke] #0 +0.001 0.000s
    ");
    insta::assert_snapshot!(render(&trace(&untraced("condition"), Selection::Auto)), @"
    aws.durable.execute [condition] +0.000 2.000s SUCCEEDED
      aws.lambda [condition] +0.000 0.000s PENDING
      aws.lambda [condition] +1.000 0.000s PENDING
      aws.lambda [condition] +2.000 0.000s SUCCEEDED
      aws.durable.suspended [wait_for_condition poll] +0.000 1.000s
      aws.durable.suspended [wait_for_condition poll] +1.000 1.000s
      aws.durable.wait_for_condition [poll] #0 +0.000 0.000s
      aws.durable.wait_for_condition [poll] #1 +1.000 0.000s
      aws.durable.wait_for_condition [poll] #2 +2.000 0.000s
    ");
}

#[test]
fn errors_are_those_of_attempts_and_of_the_execution() {
    insta::assert_snapshot!(render(&trace(&untraced("step-retry"), Selection::Auto)), @"
    aws.durable.execute [step-retry] +0.000 2.000s SUCCEEDED
      aws.lambda [step-retry] +0.000 0.000s PENDING
      aws.lambda [step-retry] +1.000 0.000s PENDING
      aws.lambda [step-retry] +2.000 0.000s SUCCEEDED
      aws.durable.suspended [step flaky] +0.000 1.000s
      aws.durable.suspended [step flaky] +1.000 1.000s
      aws.durable.step [flaky] #0 +0.000 0.000s error FlakyError
      aws.durable.step [flaky] #1 +1.000 0.000s error FlakyError
      aws.durable.step [flaky] #2 +2.000 0.000s
    ");
    insta::assert_snapshot!(render(&trace(&untraced("suspend-then-fail"), Selection::Auto)), @"
    aws.durable.execute [suspend-then-fail] +0.000 1.000s FAILED error FatalError
      aws.lambda [suspend-then-fail] +0.000 0.000s PENDING
      aws.lambda [suspend-then-fail] +1.000 0.000s FAILED
      aws.durable.suspended [wait pause] +0.000 1.000s
      aws.durable.step [ok-step] #0 +0.000 0.000s
      aws.durable.wait [pause] +0.000 1.000s
    ");
}

#[test]
fn every_span_has_an_id_of_its_own_and_the_same_each_time_and_hangs_on_one_before_it() {
    for file in std::fs::read_dir(folder()).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let history = History::parse(&text).unwrap();
        for selection in [Selection::All, Selection::Auto, Selection::Rest] {
            let trace = trace(&history, selection);
            let mut before = Vec::new();
            for (index, span) in trace.spans.iter().enumerate() {
                assert!(!before.contains(&span.id), "{span:?} twice");
                let hangs = span.parent.is_some_and(|parent| before.contains(&parent));
                assert!(hangs || index == 0, "{span:?} hangs on nothing");
                assert!(span.end >= span.start, "{span:?} ends before it begins");
                before.push(span.id);
            }
            let again = Trace::of(&history, &TraceRules::default().select(selection)).unwrap();
            assert_eq!(trace, again);
        }
    }
}

#[test]
fn of_an_execution_that_never_slept_the_rest_is_the_execution() {
    let history = history("no-suspend");
    let everything = trace(&history, Selection::Auto);
    assert!(everything.is_whole, "nothing shows that it was traced");
    let rest = trace(&history, Selection::Rest);
    assert_eq!(rest.spans, everything.spans[..1]);
}

#[test]
fn checkpoints_without_their_payloads_are_not_taken_for_none() {
    let mut document: Value = serde_json::from_str(&recorded("order")).unwrap();
    for event in document["Events"].as_array_mut().unwrap() {
        if let Some(details) = event.get_mut("StepSucceededDetails") {
            details["Result"] = serde_json::json!({ "Truncated": true });
        }
    }
    let history = History::parse(&document.to_string()).unwrap();
    let trace = trace(&history, Selection::Auto);
    assert_eq!(trace.checkpoint, CheckpointState::Unreadable);
}

#[test]
fn a_history_without_an_arn_gives_no_trace() {
    let history = History::parse(r#"{"Events": []}"#).unwrap();
    assert_eq!(
        Trace::of(&history, &TraceRules::default()),
        Err(UnknownArnError)
    );
    let arn = "arn:aws:lambda:us-east-1:1:function:f:1/durable-execution/n/i";
    assert!(Trace::of(&history.with_arn(arn), &TraceRules::default()).is_ok());
}

#[test]
fn inputs_results_and_messages_go_where_they_are_wanted() {
    let history = untraced("order");
    let texts = |rules: &TraceRules| {
        let trace = Trace::of(&history, rules).unwrap();
        let attributes = trace.spans.into_iter().flat_map(|span| span.attributes);
        let mut texts = BTreeMap::new();
        for (key, value) in attributes {
            if let Attribute::Text(text) = value {
                texts.insert(key, text);
            }
        }
        texts
    };
    let plain = texts(&TraceRules::default());
    assert!(!plain.contains_key(names::INPUT) && !plain.contains_key(names::RESULT));
    assert!(plain.contains_key(names::ERROR_MESSAGE));
    let bare = texts(&TraceRules::default().without_error_messages());
    assert!(!bare.contains_key(names::ERROR_MESSAGE));
    assert!(bare.contains_key(names::ERROR_TYPE));
    let full = texts(&TraceRules::default().with_data());
    assert!(full[names::INPUT].contains("A-1001"), "{full:?}");
    assert!(full.contains_key(names::RESULT));
}

#[test]
fn times_asleep_stay_out_of_the_rest_where_live_tracing_sends_them() {
    let rules = TraceRules::default().without_suspended();
    let names = |history: &History| -> Vec<String> {
        let trace = Trace::of(history, &rules).unwrap();
        trace
            .spans
            .iter()
            .map(|span| span.name.to_string())
            .collect()
    };
    assert_eq!(names(&history("order")), [names::EXECUTE]);
    assert!(
        names(&untraced("order")).contains(&names::SUSPENDED.to_owned()),
        "nobody else sends them"
    );
}

/// What Datadog's library for Python traced: its waits are no longer than an invocation.
#[test]
fn of_recorded_executions_in_python_waits_go_at_full_length() {
    let shared = std::env::var_os("DURABLE_TRACE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let folder = shared.join("oracle/runs");
    if !folder.is_dir() {
        eprintln!("skipped: no recordings at {}", folder.display());
        return;
    }
    let play = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name).with_extension("json")).unwrap();
        let run: Value = serde_json::from_str(&text).unwrap();
        let arn = run["execution_arn_local"].as_str().unwrap();
        let history = History::parse(&run["history"].to_string()).unwrap();
        let history = if history.arn().is_some() {
            history
        } else {
            history.with_arn(arn)
        };
        outline(&trace(&history, Selection::Auto))
    };
    insta::assert_snapshot!(play("a_step_wait_step"), @"
    under the anchor:
    aws.durable.execute SUCCEEDED
      aws.durable.suspended [wait pause]
      aws.durable.wait [pause]
    ");
    insta::assert_snapshot!(play("b_three_waits"), @"
    under the anchor:
    aws.durable.execute SUCCEEDED
      aws.durable.suspended [wait w1]
      aws.durable.suspended [wait w2]
      aws.durable.suspended [wait w3]
      aws.durable.wait [w1]
      aws.durable.wait [w2]
      aws.durable.wait [w3]
    ");
    insta::assert_snapshot!(play("c_step_retry"), @"
    under the anchor:
    aws.durable.execute SUCCEEDED
      aws.durable.suspended [step flaky]
      aws.durable.suspended [step flaky]
    ");
    insta::assert_snapshot!(play("e_parallel_waits"), @"
    under the anchor:
    aws.durable.execute SUCCEEDED
      aws.durable.suspended [wait b0-wait]
      aws.durable.suspended [wait b1-wait]
      aws.durable.suspended [wait b2-wait]
      aws.durable.wait
      aws.durable.wait
      aws.durable.wait
    ");
    insta::assert_snapshot!(play("f_map_items"), @"
    under the anchor:
    aws.durable.execute SUCCEEDED
      aws.durable.suspended [wait pause-0]
      aws.durable.wait
      aws.durable.wait
      aws.durable.wait
      aws.durable.wait
      aws.durable.wait
    ");
    insta::assert_snapshot!(play("g_child_wait"), @"
    under the anchor:
    aws.durable.execute SUCCEEDED
      aws.durable.suspended [wait inner-wait]
      aws.durable.wait [inner-wait]
    ");
    insta::assert_snapshot!(play("h_suspend_then_fail"), @"
    under the anchor:
    aws.durable.execute FAILED error FatalError
      aws.durable.suspended [wait pause]
      aws.durable.wait [pause]
    ");
    insta::assert_snapshot!(play("j_no_suspend"), @"
    aws.durable.execute SUCCEEDED
      aws.lambda SUCCEEDED
      aws.durable.step [one] #0
      aws.durable.step [two] #0
    ");
}

/// A tree without times: those of a recording are the recorder's.
fn outline(trace: &Trace) -> String {
    let lines = render(trace);
    let lines = lines.lines().map(|line| {
        let words = line.split(' ');
        let is_time = |word: &&str| {
            let word = word.trim_start_matches('+').trim_end_matches('s');
            word.parse::<f64>().is_ok()
        };
        words
            .filter(|word| !is_time(word))
            .collect::<Vec<_>>()
            .join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The rows of a view: how long after the execution's start each began, how long it took, how it went, what it links to.
fn render_view(name: &str, view: TraceView) -> String {
    let trace = Trace::of(&history(name), &TraceRules::default().view(view)).unwrap();
    let by_id: BTreeMap<String, &Span> = trace
        .spans
        .iter()
        .map(|span| (span.id.get().to_string(), span))
        .collect();
    let start = trace.spans[0].start;
    let mut text = String::new();
    for row in trace.rows() {
        let span = by_id[&row.id];
        let links: Vec<&str> = span
            .links
            .iter()
            .map(|id| by_id[&id.get().to_string()].name.as_ref())
            .collect();
        let millis = |micros: i64| micros / 1_000;
        let _ = writeln!(
            text,
            "{}{} +{} {}ms {} {}",
            "  ".repeat(row.depth),
            span.name,
            millis(span.start.since(start)),
            millis(span.end.since(span.start)),
            row.status,
            links.join(" "),
        );
    }
    text.replace(" \n", "\n")
}

#[test]
fn in_awss_execution_view_an_operation_is_one_span_over_its_whole_life() {
    insta::assert_snapshot!(render_view("order", TraceView::Execution), @"
    Workflow +0 3000ms ok
      Invocation +0 0ms ok
      validation +0 0ms ok Invocation
        validation attempt 1 +0 0ms ok Invocation
      payment +0 1000ms ok Invocation
        payment attempt 1 +0 0ms error Invocation
        payment attempt 2 +1000 0ms ok Invocation
      Invocation +1000 0ms ok
      packing +1000 2000ms ok Invocation
      Invocation +3000 0ms ok
      shipment +3000 0ms ok Invocation
        shipment attempt 1 +3000 0ms ok Invocation
    ");
    insta::assert_snapshot!(render_view("callback", TraceView::Execution), @"
    Workflow +0 3600000ms ok
      Invocation +0 0ms ok
      approval +0 3600000ms ok Invocation
        approval-callback +0 3600000ms ok Invocation
        approval-submitter +0 0ms ok Invocation
          approval-submitter attempt 1 +0 0ms ok Invocation
      Invocation +3600000 0ms ok
      after +3600000 0ms ok Invocation
        after attempt 1 +3600000 0ms ok Invocation
    ");
}

#[test]
fn in_awss_invocation_view_an_operation_has_a_segment_in_each_invocation() {
    insta::assert_snapshot!(render_view("order", TraceView::Invocation), @"
    Workflow +0 3000ms ok
      Invocation +0 0ms ok
        validation +0 0ms ok Workflow
          validation attempt 1 +0 0ms ok Workflow
        payment +0 0ms unset Workflow
          payment attempt 1 +0 0ms error Workflow
      Invocation +1000 0ms ok
        payment +1000 0ms ok Workflow
          payment attempt 2 +1000 0ms ok Workflow
        packing +1000 0ms unset Workflow
      Invocation +3000 0ms ok
        packing +3000 0ms ok Workflow
        shipment +3000 0ms ok Workflow
          shipment attempt 1 +3000 0ms ok Workflow
    ");
    insta::assert_snapshot!(render_view("child-wait", TraceView::Invocation), @"
    Workflow +0 1000ms ok
      Invocation +0 0ms ok
        kid +0 0ms unset Workflow
          inner-step +0 0ms ok Workflow
            inner-step attempt 1 +0 0ms ok Workflow
          inner-wait +0 0ms unset Workflow
      Invocation +1000 0ms ok
        kid +1000 0ms ok Workflow
          inner-wait +1000 0ms ok Workflow
          inner-step-2 +1000 0ms ok Workflow
            inner-step-2 attempt 1 +1000 0ms ok Workflow
        outer-step +1000 0ms ok Workflow
          outer-step attempt 1 +1000 0ms ok Workflow
    ");
}

#[test]
fn awss_views_have_ids_that_live_spans_have() {
    let history = history("order");
    let arn = history.arn().unwrap().to_owned();
    for view in [TraceView::Execution, TraceView::Invocation] {
        let trace = Trace::of(&history, &TraceRules::default().view(view)).unwrap();
        let started = UnixMillis(trace.spans[0].start.0 / 1_000);
        assert_eq!(trace.trace_id, derive_trace_id(&arn, Some(started)));
        assert_eq!(
            trace.spans[0].id,
            durable_trace_wire::derive_span_id(&arn, "workflow")
        );
        let again = Trace::of(&history, &TraceRules::default().view(view)).unwrap();
        assert_eq!(trace, again, "exported twice");
        let ids: std::collections::BTreeSet<_> = trace.spans.iter().map(|span| span.id).collect();
        assert_eq!(ids.len(), trace.spans.len(), "no two spans share one");
    }
}

#[test]
fn awss_views_are_in_the_trace_that_live_spans_are_in() {
    const ARN: &str = "arn:aws:lambda:eu-west-1:1:function:f:1/durable-execution/n/i";
    let xray = json!({ "XAmznTraceId":
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1" });
    let of_xray = "5759e988bd862e3fe1be46a994272793";
    let caller = r#"{"traceparent":"00-640cfd8d00000000112210f47de98115-00f067aa0ba902b7-01"}"#;
    let derived = derive_trace_id(ARN, Some(UnixMillis(1_795_337_713_000))).to_string();
    let of_caller = "640cfd8d00000000112210f47de98115";
    let (parent, above) = (Some(0x5399_5c3f_42cd_8ad8), Some(0x00f0_67aa_0ba9_02b7));
    for (header, input, trace_id, parent, links, why) in [
        (
            json!(null),
            "{}",
            derived.as_str(),
            None,
            0,
            "nobody is above it",
        ),
        (
            json!({}),
            "{}",
            derived.as_str(),
            None,
            0,
            "an empty header",
        ),
        (json!(null), caller, of_caller, above, 1, "a caller"),
        (xray.clone(), "{}", of_xray, parent, 0, "X-Ray"),
        (xray, caller, of_xray, parent, 0, "X-Ray comes first"),
    ] {
        let execution = json!({ "DurableExecutionArn": ARN, "TraceHeader": header });
        let events = json!({ "Events": [
            { "EventType": "ExecutionStarted", "EventId": 1, "EventTimestamp": 1_795_337_713, "Id": "e",
                "ExecutionStartedDetails": { "Input": { "Payload": input } } },
            { "EventType": "ExecutionSucceeded", "EventId": 2, "EventTimestamp": 1_795_337_714, "Id": "e" },
            { "EventType": "InvocationCompleted", "EventId": 3, "EventTimestamp": 1_795_337_714,
                "InvocationCompletedDetails": { "RequestId": "r", "StartTimestamp": 1_795_337_713, "EndTimestamp": 1_795_337_714 } },
        ]});
        let history = History::parse(&format!("{execution}{events}")).unwrap();
        for view in [TraceView::Execution, TraceView::Invocation] {
            let trace = Trace::of(&history, &TraceRules::default().view(view)).unwrap();
            assert_eq!(trace.trace_id.to_string(), trace_id, "{why}");
            let (workflow, invocation) = (&trace.spans[0], &trace.spans[1]);
            assert_eq!(workflow.parent.map(SpanId::get), parent, "{why}");
            assert_eq!(workflow.links.len(), links, "{why}");
            let want = workflow.parent.or(Some(workflow.id));
            assert_eq!(invocation.parent, want, "{why}");
        }
    }
}

#[test]
fn an_execution_that_is_cut_short_has_failed_in_awss_views() {
    for name in ["stopped", "timed-out"] {
        let trace = Trace::of(
            &history(name),
            &TraceRules::default().view(TraceView::Execution),
        )
        .unwrap();
        let workflow = &trace.spans[0];
        assert_eq!(
            (workflow.name.as_ref(), workflow.status),
            ("Workflow", SpanStatus::Error)
        );
        let said = workflow.attributes.get(names::AWS_EXECUTION_STATUS);
        assert_eq!(said, Some(&Attribute::Text("FAILED".to_owned())));
    }
    let running = Trace::of(
        &history("running"),
        &TraceRules::default().view(TraceView::Execution),
    )
    .unwrap();
    assert!(
        running.spans.iter().all(|span| span.name != "Workflow"),
        "told of at the end"
    );
}
