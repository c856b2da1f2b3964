//! What becomes of an execution whose function is deployed anew while it sleeps.

use std::sync::atomic::{AtomicUsize, Ordering};

use durable_trace::{CheckpointMode, Options, OptionsBuilder};
use durable_trace_local::{Config, Function};
use opentelemetry::TraceId;
use serde_json::json;

use crate::history;
use crate::trace::three_waits;
use crate::world::{
    FUNCTION, Handler, Layer, Sending, World, client, traced_handler, untraced_handler,
};

/// A deployment of the function, by what its row says of it.
fn deployed(world: &World, what: &str) -> Handler {
    let traced = |options: OptionsBuilder| {
        traced_handler(durable_trace::wrap(three_waits, world.options(options, 3)))
    };
    let mode = |mode| traced(Options::builder().checkpoint_mode(mode));
    match what {
        "call" => mode(CheckpointMode::Call),
        "none" => mode(CheckpointMode::None),
        "opted-out" => traced(Options::builder().cross_invocation_tracing(false)),
        "ride" => mode(CheckpointMode::Ride),
        _ => {
            assert_eq!(what, "untraced");
            untraced_handler(three_waits, client(&world.service, 3), Sending::AT_ONCE)
        }
    }
}

/// The traces of the invocations, a letter each, in the order of their beginnings; `-` is untraced.
fn letters(world: &World, deployments: &[&str]) -> String {
    let mut seen: Vec<TraceId> = Vec::new();
    let mut lambdas = world.spans.named("aws.lambda").into_iter();
    deployments
        .iter()
        .map(|deployment| {
            if *deployment == "untraced" {
                return '-';
            }
            let trace_id = lambdas
                .next()
                .expect("a span for each traced invocation")
                .trace_id;
            let place = seen
                .iter()
                .position(|seen| *seen == trace_id)
                .unwrap_or_else(|| {
                    seen.push(trace_id);
                    seen.len() - 1
                });
            char::from(b'A' + u8::try_from(place).expect("few traces"))
        })
        .collect()
}

#[tokio::test]
async fn whatever_is_deployed_meanwhile_the_course_is_the_functions_and_the_trace_goes_on_where_it_can()
 {
    let alone = run(&["untraced"; 4]).await.1;
    for (deployments, want, why) in [
        (["ride", "ride", "ride", "ride"], "AAAA", "one deployment"),
        (
            ["untraced", "ride", "ride", "ride"],
            "-AAA",
            "switched on: what follows from the execution, and is saved",
        ),
        (
            ["untraced", "none", "ride", "none"],
            "-AAA",
            "what follows from the execution is the same for all",
        ),
        (
            ["ride", "untraced", "ride", "ride"],
            "A-AA",
            "rolled back and forth: the checkpoint stays",
        ),
        (
            ["ride", "ride", "untraced", "untraced"],
            "AA--",
            "rolled back",
        ),
        (
            ["ride", "opted-out", "opted-out", "ride"],
            "AAAA",
            "opted out, a checkpoint is read all the same",
        ),
        (
            ["opted-out", "ride", "ride", "opted-out"],
            "ABBB",
            "opted in: the first had a trace of its own",
        ),
        (
            ["opted-out", "opted-out", "opted-out", "opted-out"],
            "ABCD",
            "opted out",
        ),
        (
            ["none", "ride", "call", "none"],
            "AAAA",
            "the mode is changed",
        ),
        (
            ["ride", "none", "none", "call"],
            "AAAA",
            "a checkpoint wins",
        ),
        (
            ["call", "ride", "ride", "call"],
            "AAAA",
            "the mode is changed",
        ),
    ] {
        let (world, course) = run(&deployments).await;
        assert_eq!(course, alone, "{deployments:?}: {why}");
        assert_eq!(
            letters(&world, &deployments),
            want,
            "{deployments:?}: {why}"
        );
        assert_eq!(world.spans.open(), 0, "{deployments:?}");
    }
}

type Course = (Option<String>, Vec<serde_json::Value>);

/// Runs an execution whose n-th invocation meets the n-th deployment.
async fn run(deployments: &[&str]) -> (World, Course) {
    let world = World::without_function(Config::default(), Layer::With).await;
    let functions: Vec<Handler> = deployments
        .iter()
        .map(|deployment| deployed(&world, deployment))
        .collect();
    let next = AtomicUsize::new(0);
    let redeployed = Function::in_process(move |invocation| {
        let number = next.fetch_add(1, Ordering::SeqCst);
        functions
            .get(number)
            .expect("a deployment for each invocation")(invocation)
    });
    world.service.register(FUNCTION, redeployed);
    let ended = world.run(&json!({})).await;
    let history = history::comparable(&world.service.history(&ended.arn), &[]);
    (world, (ended.result, history))
}
