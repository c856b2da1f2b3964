//! AWS's requirements for OpenTelemetry traces of durable executions, held against what the demo's scenarios send.
//!
//! The files are from aws/aws-durable-execution-conformance-tests; they are not part of this project.

mod matching;
mod requirement;
mod trace;

use std::fmt::Write as _;
use std::sync::Mutex;

use crate::{document, program};
use matching::Matcher;
use requirement::Requirement;
use trace::Trace;

/// Processes that run at once.
const AT_ONCE: usize = 3;

/// What came of a requirement.
struct Row {
    id: String,
    view: &'static str,
    scenario: String,
    about: String,
    verdict: Result<(), String>,
}

fn check(requirement: &Requirement) -> Result<(), String> {
    let scenario = format!("otel-{}", requirement.input.scenario);
    let args = [
        "demo",
        &scenario,
        "--view",
        requirement.view,
        "--format",
        "otlp-json",
    ];
    let ran = program::run(&args, "");
    if ran.code != Some(0) {
        return Err(format!("exit code {:?}: {}", ran.code, ran.stderr));
    }
    let trace = Trace::read(&ran.json());
    Matcher::new(requirement, &trace, &scenario)?.check()
}

fn rows(requirements: Vec<Requirement>) -> Vec<Row> {
    let left = Mutex::new(requirements.into_iter().enumerate().collect::<Vec<_>>());
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some((place, requirement)) = left.lock().unwrap().pop() else {
                        return;
                    };
                    let row = Row {
                        verdict: check(&requirement),
                        id: requirement.id,
                        view: requirement.view,
                        scenario: requirement.input.scenario,
                        about: requirement.description,
                    };
                    done.lock().unwrap().push((place, row));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, row)| row).collect()
}

#[test]
fn the_demos_scenarios_send_the_spans_that_aws_requires() {
    let Some(folder) = requirement::folder() else {
        eprintln!("skipped: AWS's requirements for traces are not here");
        return;
    };
    let requirements = requirement::all(&folder);
    assert!(requirements.len() >= 34, "some are missing");
    let rows = rows(requirements);
    let failed: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            Some(format!(
                "{} ({}): {}",
                row.id,
                row.view,
                row.verdict.as_ref().err()?
            ))
        })
        .collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
    document::hold(
        "conformance.md",
        "otel",
        &table(&rows),
        "UPDATE_CONFORMANCE",
    );
}

fn table(rows: &[Row]) -> String {
    let mut text = "\n| view | requirements | pass |\n|---|---|---|\n".to_owned();
    for view in ["execution", "invocation"] {
        let own: Vec<&Row> = rows.iter().filter(|row| row.view == view).collect();
        let passed = own.iter().filter(|row| row.verdict.is_ok()).count();
        let _ = writeln!(text, "| {view} | {} | {passed} |", own.len());
    }
    text.push_str("\n| requirement | view | scenario | | verdict |\n|---|---|---|---|---|\n");
    for row in rows {
        let verdict = match &row.verdict {
            Ok(()) => "pass".to_owned(),
            Err(why) => format!("**fail**: {}", why.replace('|', "\\|")),
        };
        let about = row.about.replace('|', "\\|");
        let _ = writeln!(
            text,
            "| {} | {} | `otel-{}` | {about} | {verdict} |",
            row.id, row.view, row.scenario
        );
    }
    text.push('\n');
    text
}

/// Scenarios that a requirement has in one view alone can be run in the other as well: one trace for each execution, with one root.
#[test]
fn each_scenario_makes_a_trace_in_either_view() {
    let list = program::run(&["demo", "--list"], "").stdout;
    let scenarios: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| name.starts_with("otel-"))
        .collect();
    assert!(scenarios.len() >= 22, "{scenarios:?}");
    let left = Mutex::new(scenarios);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(scenario) = left.lock().unwrap().pop() else {
                        return;
                    };
                    for view in ["execution", "invocation"] {
                        let args = ["demo", scenario, "--view", view, "--format", "otlp-json"];
                        let ran = program::run(&args, "");
                        assert_eq!(ran.code, Some(0), "{scenario}: {ran:?}");
                        let trace = Trace::read(&ran.json());
                        let at = format!("{scenario}, {view}");
                        assert!(trace.executions() == trace.ids(), "{at}: a trace for each");
                        // Without a last invocation nobody sends the root.
                        let roots = usize::from(scenario != "otel-wait-interrupted");
                        assert_eq!(trace.roots(), trace.ids() * roots, "{at}: one root each");
                        let strays = trace.strays();
                        assert!(roots == 0 || strays.is_empty(), "{at}: {strays:?}");
                    }
                }
            });
        }
    });
}
