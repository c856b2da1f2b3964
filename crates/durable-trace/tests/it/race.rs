//! The race that a call of one's own before PENDING can lose.
//!
//! What the function sleeps on may end just before it says PENDING. The answer to the last request tells of that.
//! If that request was the SDK's, the SDK sees it; if it was somebody else's, nobody does: nothing is pending any
//! more and nothing unseen, PENDING is refused, and three refusals in a row fail the execution.

use std::fmt::Write as _;
use std::pin::Pin;
use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, Branch, DurableContext};
use durable_trace::{CheckpointMode, Options};
use durable_trace_local::{
    CallbackAction, Clock, Config, ExecutionStatus, Function, InvocationStatus,
};
use serde_json::{Value, json};

use crate::document;
use crate::fate::Fate;
use crate::world::{FUNCTION, Layer, Sending, World};

const TARGET: &str = "target";

/// Executions that are under way at a time: few, so that it is the delays that decide and not the queue for the processor.
const TOGETHER: usize = 4;

/// The service's time passes faster, so that the 5 s behind a refused PENDING are a tenth of one.
const FASTER: u32 = 50;

/// The longest delay, in milliseconds.
const LONGEST: usize = 50;

/// Sleeps four times, each time on one thing, which ends after as many milliseconds as the event says.
async fn in_sequence(event: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let [first, second, third, fourth] = delays(event)?;
    let answer = callback(&ctx, first).await?;
    let echoed = invoke(&ctx, second).await?;
    let again = callback(&ctx, third).await?;
    Ok(json!([answer, echoed, again, invoke(&ctx, fourth).await?]))
}

/// Asks four times and sleeps until the answer.
async fn submitted(event: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let mut answers = Vec::new();
    for delay in delays(event)? {
        let submitted = ctx.wait_for_callback(|_, _| async { Ok(()) });
        let answer: Value = submitted.name(delay.to_string()).await?;
        answers.push(answer);
    }
    Ok(json!(answers))
}

/// Sleeps on two things at once, twice.
async fn side_by_side(event: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let [first, second, third, fourth] = delays(event)?;
    let mut answers = Vec::new();
    for (answered, echoed) in [(first, second), (third, fourth)] {
        let branches = vec![
            Branch::new("callback", move |ctx: DurableContext| async move {
                callback(&ctx, answered).await
            }),
            Branch::new("invoke", move |ctx: DurableContext| async move {
                invoke(&ctx, echoed).await
            }),
        ];
        answers.push(ctx.parallel(branches).name("both").await?);
    }
    Ok(json!(answers))
}

fn delays(event: Value) -> Result<[u64; 4], BoxError> {
    Ok(serde_json::from_value(event)?)
}

async fn callback(ctx: &DurableContext, delay: u64) -> Result<Value, BoxError> {
    let callback = ctx
        .create_callback::<Value>()
        .name(delay.to_string())
        .await?;
    Ok(callback.result().await?)
}

async fn invoke(ctx: &DurableContext, delay: u64) -> Result<Value, BoxError> {
    Ok(ctx.invoke(TARGET, json!(delay)).name("call").await?)
}

type Handler =
    fn(Value, DurableContext) -> Pin<Box<dyn Future<Output = Result<Value, BoxError>> + Send>>;

/// What is run, by name.
const WORKFLOWS: [(&str, Handler); 3] = [
    ("in sequence", |event, ctx| {
        Box::pin(in_sequence(event, ctx))
    }),
    ("submitted", |event, ctx| Box::pin(submitted(event, ctx))),
    ("side by side", |event, ctx| {
        Box::pin(side_by_side(event, ctx))
    }),
];

const SENDINGS: [Sending; 4] = [
    Sending {
        batching: false,
        coalescing: 0,
    },
    Sending {
        batching: true,
        coalescing: 0,
    },
    Sending {
        batching: false,
        coalescing: 5,
    },
    Sending {
        batching: true,
        coalescing: 5,
    },
];

/// How the function is traced, if it is.
const MODES: [(&str, Option<CheckpointMode>); 3] = [
    ("untraced", None),
    ("`ride`", Some(CheckpointMode::Ride)),
    ("`call`", Some(CheckpointMode::Call)),
];

/// What came of a number of executions.
#[derive(Debug, Default)]
struct Tally {
    executions: usize,
    sleeps: usize,
    refused: usize,
    failed: usize,
    fates: Vec<Fate>,
}

async fn race(
    executions: usize,
    handler: Handler,
    mode: Option<CheckpointMode>,
    sending: Sending,
) -> Tally {
    let config = Config::default()
        .clock(Clock::Factor(f64::from(FASTER)))
        .on_callback(|started| {
            // The delay is the callback's name, or that of the wait_for_callback around it.
            let mut names = [&started.name, &started.parent_name].into_iter().flatten();
            let delay: u64 = names.find_map(|name| name.parse().ok()).unwrap_or_default();
            [CallbackAction::complete(
                Duration::from_millis(delay) * FASTER,
                "1",
            )]
        });
    let world = World::without_function(config, Layer::of(mode.is_some())).await;
    let options = mode.map(|mode| Options::builder().checkpoint_mode(mode));
    world.deploy(handler, options, sending);
    let target = Function::in_process(|invocation| async move {
        let delay: u64 = serde_json::from_str(invocation.payload.get()).unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(delay)).await;
        Ok(json!(delay))
    });
    world.service.register(TARGET, target.plain());

    let mut tally = Tally::default();
    let mut arns = Vec::new();
    for index in 0..executions + TOGETHER {
        if index < executions {
            // Every delay occurs at every place, each beside others each time.
            let delays = [7, 11, 13, 17].map(|stride| index * stride % (LONGEST + 1));
            let input = Some(json!(delays).to_string());
            arns.push(
                world
                    .service
                    .start_execution(FUNCTION, input, None)
                    .await
                    .expect("a start"),
            );
        }
        if let Some(arn) = index
            .checked_sub(TOGETHER)
            .and_then(|index| arns.get(index))
        {
            let ended = world.service.ended(arn).await;
            let invocations = world.invocations(arn);
            let slept = |status: InvocationStatus| status == InvocationStatus::Pending;
            tally.executions += 1;
            tally.failed += usize::from(ended.status != ExecutionStatus::Succeeded);
            tally.sleeps += invocations.iter().filter(|it| slept(it.status)).count();
            tally.refused += invocations
                .iter()
                .filter(|it| slept(it.status) && it.error.is_some())
                .count();
            tally.fates.push(Fate::of(&invocations));
        }
    }
    tally
}

fn heading() -> String {
    let mut heading =
        "\n| workflow | | batching | coalescing | executions | slept | PENDING refused | failed |"
            .to_owned();
    for fate in Fate::ALL {
        let _ = write!(heading, " {} |", fate.as_str());
    }
    let _ = writeln!(heading, "\n|{}", "---|".repeat(8 + Fate::ALL.len()));
    heading
}

fn row(workflow: &str, mode: &str, sending: Sending, tally: &Tally) -> String {
    let mut row = format!(
        "| {workflow} | {mode} | {} | {} | {} | {} | {} | {} |",
        if sending.batching { "on" } else { "off" },
        if sending.coalescing > 0 {
            format!("{} ms", sending.coalescing)
        } else {
            "off".to_owned()
        },
        tally.executions,
        tally.sleeps,
        tally.refused,
        tally.failed,
    );
    for fate in Fate::ALL {
        match tally.fates.iter().filter(|other| **other == fate).count() {
            _ if mode == "untraced" => row.push_str(" |"),
            count => drop(write!(row, " {count} |")),
        }
    }
    row + "\n"
}

/// Races, and holds that riding loses as few as the function alone.
///
/// The SDK loses some by itself: it does not look at what the answers to its requests tell of a callback that it awaits already.
async fn table(
    executions: [usize; 3],
    sendings: &[Sending],
    modes: &[(&str, Option<CheckpointMode>)],
) -> String {
    let mut table = heading();
    for ((workflow, handler), executions) in WORKFLOWS.into_iter().zip(executions) {
        for sending in sendings.iter().copied() {
            let mut alone = 0;
            for (name, mode) in modes.iter().copied() {
                let tally = race(executions, handler, mode, sending).await;
                let row = row(workflow, name, sending, &tally);
                eprint!("{row}"); // progress
                table.push_str(&row);
                match mode {
                    None => alone = tally.refused,
                    Some(CheckpointMode::Ride) => {
                        assert!(!tally.fates.contains(&Fate::Called), "{row}");
                        // Two counts of the same rare event, four standard deviations apart at most.
                        let apart = tally.refused.abs_diff(alone);
                        assert!(apart.pow(2) <= 16 * (tally.refused + alone + 1), "{row}");
                    }
                    Some(_) => {}
                }
            }
        }
    }
    table.push('\n');
    table
}

#[tokio::test]
async fn riding_pending_is_refused_no_oftener_than_without_us() {
    let ([at_once, .., held_back], [untraced, ride, _]) = (SENDINGS, MODES);
    table([20; 3], &[at_once, held_back], &[untraced, ride]).await;
}

#[tokio::test]
#[ignore = "takes half an hour; writes docs/conformance.md with UPDATE_RACE=1"]
async fn the_race_a_thousand_times() {
    let table = table([1_000, 200, 200], &SENDINGS, &MODES).await;
    if std::env::var_os("UPDATE_RACE").is_some() {
        document::hold("conformance.md", "race", &table, "UPDATE_RACE");
    }
}
