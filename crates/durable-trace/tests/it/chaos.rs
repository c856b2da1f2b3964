//! Workflows and faults that a machine makes up: whatever fails, the workflow comes to the same, and the trace holds together.

#![expect(
    clippy::panic,
    reason = "what a machine made up badly is to be noticed"
)]

mod run;
mod schedule;
mod workflow;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use schedule::{Schedule, schedules};
use workflow::{Operation, operations};

/// Where the made-up cases begin; `DURABLE_TRACE_SEED` begins elsewhere.
const SEED: u64 = 2_026;

/// What does not hold of a case.
fn examine(workflow: &[Operation], schedule: &Schedule) -> Result<(), String> {
    let untraced = on_its_own(async { Ok(run::run(workflow, schedule, false).await?.outcome) })?;
    let (traced, spans) = on_its_own(async {
        let traced = run::run(workflow, schedule, true).await?;
        let spans = traced.check_spans(schedule);
        Ok((traced.outcome, spans))
    })?;
    if traced != untraced {
        return Err(format!("{traced:?}\ninstead of\n{untraced:?}"));
    }
    spans
}

/// Runs on a runtime that takes with it whatever is still under way: what a process that is killed leaves behind.
fn on_its_own<T>(examined: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let result = runtime.block_on(examined);
    // A flush that an agent holds up is not waited for.
    runtime.shutdown_background();
    result
}

/// Examines so many cases; the first that fails is made as small as it can be.
fn survives(cases: u32, part: u64) {
    let seed = std::env::var("DURABLE_TRACE_SEED").ok();
    let seed = seed.map_or(SEED, |seed| {
        seed.parse().expect("DURABLE_TRACE_SEED is a number")
    }) + part;
    eprintln!("{cases} schedules from seed {seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let outcome = runner.run(&(operations(), schedules()), |(workflow, schedule)| {
        examine(&workflow, &schedule).map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, (workflow, schedule))) => {
            panic!("seed {seed}: {why}\nworkflow {workflow:#?}\nschedule {schedule:#?}")
        }
        Err(TestError::Abort(why)) => panic!("seed {seed}: {why}"),
    }
}

#[test]
fn the_first_half_of_three_hundred_schedules_is_survived() {
    survives(150, 0);
}

#[test]
fn the_second_half_of_three_hundred_schedules_is_survived() {
    survives(150, 1);
}

#[test]
#[ignore = "takes minutes, in a release build"]
fn the_first_quarter_of_ten_thousand_schedules_is_survived() {
    survives(2_500, 2);
}

#[test]
#[ignore = "takes minutes, in a release build"]
fn the_second_quarter_of_ten_thousand_schedules_is_survived() {
    survives(2_500, 3);
}

#[test]
#[ignore = "takes minutes, in a release build"]
fn the_third_quarter_of_ten_thousand_schedules_is_survived() {
    survives(2_500, 4);
}

#[test]
#[ignore = "takes minutes, in a release build"]
fn the_fourth_quarter_of_ten_thousand_schedules_is_survived() {
    survives(2_500, 5);
}
