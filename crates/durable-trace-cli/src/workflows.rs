//! The workflows that `demo` can run, written with the official SDK as a user would write them.

mod callback;
mod caller;
mod child_wait;
mod condition;
mod create_callback;
mod invoke;
mod map_items;
mod no_suspend;
mod order;
pub(crate) mod otel;
mod parallel_waits;
mod plain_target;
mod race;
mod resampled;
mod spaced_json;
mod step_fail_after_wait;
mod step_retry;
mod step_wait_step;
mod suspend_then_fail;
mod three_waits;

use std::pin::Pin;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use clap::builder::PossibleValuesParser;
use durable_trace::{DurableTracerProvider, Options, OptionsBuilder};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use serde::{Serialize, de::Deserialize};
use serde_json::Value;

pub(crate) use self::invoke::TARGET as INVOKE_TARGET;
use self::spaced_json::SpacedJson;

/// The workflow that runs when none is named.
pub(crate) const DEFAULT: &str = "order";

/// A workflow of the demo.
#[derive(Debug)]
pub(crate) struct Workflow {
    /// How it is called on the command line, and the name of its function.
    pub(crate) name: &'static str,
    /// What it shows, in a line.
    pub(crate) about: &'static str,
    /// The event that starts it.
    pub(crate) input: &'static str,
    /// Serves it through the Lambda Runtime API, as a function's `main` would, until the process ends.
    pub(crate) serve: fn() -> Serving,
}

/// A function being served.
pub(crate) type Serving = Pin<Box<dyn Future<Output = Result<(), lambda_runtime::Error>>>>;

/// All workflows, as `--list` shows them.
pub(crate) const ALL: &[Workflow] = &[
    Workflow {
        name: "order",
        about: "an order: validation, a payment that is retried, a wait for packing, a shipment",
        input: r#"{"order":"A-1001","amount":42}"#,
        serve: || traced("order", order::order),
    },
    Workflow {
        name: "step-wait-step",
        about: "the smallest workflow that suspends: a step, a wait, a step",
        input: "{}",
        serve: || twin("step-wait-step", step_wait_step::step_wait_step),
    },
    Workflow {
        name: "three-waits",
        about: "four invocations, and still one checkpoint",
        input: "{}",
        serve: || twin("three-waits", three_waits::three_waits),
    },
    Workflow {
        name: "step-retry",
        about: "a step that fails twice: each attempt is a span, in an invocation of its own",
        input: "{}",
        serve: || twin("step-retry", step_retry::step_retry),
    },
    Workflow {
        name: "callback",
        about: "an approval from outside, awaited: a callback and the step that asks for it",
        input: "{}",
        serve: || twin("callback", callback::callback),
    },
    Workflow {
        name: "create-callback",
        about: "a callback that is made first and awaited later",
        input: "{}",
        serve: || twin("create-callback", create_callback::create_callback),
    },
    Workflow {
        name: "invoke",
        about: "a call of another function, awaited asleep",
        input: "{}",
        serve: || twin("invoke", invoke::invoke),
    },
    Workflow {
        name: "caller",
        about: "an HTTP request whose trace goes on through two durable functions, each of which sleeps",
        input: caller::REQUEST,
        serve: || handing_on("caller", caller::BILLING, caller::caller),
    },
    Workflow {
        name: "parallel-waits",
        about: "three branches that sleep for one, two and three seconds",
        input: "{}",
        serve: || twin("parallel-waits", parallel_waits::parallel_waits),
    },
    Workflow {
        name: "map-items",
        about: "five items at once, each of which sleeps",
        input: "{}",
        serve: || twin("map-items", map_items::map_items),
    },
    Workflow {
        name: "child-wait",
        about: "a child context that is entered in one invocation and left in the next",
        input: "{}",
        serve: || twin("child-wait", child_wait::child_wait),
    },
    Workflow {
        name: "condition",
        about: "a condition that is checked three times, asleep in between",
        input: "{}",
        serve: || twin("condition", condition::condition),
    },
    Workflow {
        name: "no-suspend",
        about: "two steps in one invocation: nothing needs to be saved",
        input: "{}",
        serve: || twin("no-suspend", no_suspend::no_suspend),
    },
    Workflow {
        name: "suspend-then-fail",
        about: "a handler that fails after it was resumed: the error is in the first trace",
        input: "{}",
        serve: || twin("suspend-then-fail", suspend_then_fail::suspend_then_fail),
    },
    Workflow {
        name: "step-fail-after-wait",
        about: "a step that fails for good after the execution was resumed",
        input: "{}",
        serve: || {
            twin(
                "step-fail-after-wait",
                step_fail_after_wait::step_fail_after_wait,
            )
        },
    },
    Workflow {
        name: "resampled",
        about: "the sampling priority changes on resume: a second checkpoint, with the same anchor",
        input: "{}",
        serve: || Box::pin(resampled::serve("resampled")),
    },
];

/// Durable functions that workflows call. Each demo has them at hand.
pub(crate) const PARTNERS: &[Workflow] = &[Workflow {
    name: caller::BILLING,
    about: "the function that `caller` calls",
    input: "{}",
    serve: || traced(caller::BILLING, caller::billing),
}];

/// All functions that workflows call.
pub(crate) fn partners() -> impl Iterator<Item = &'static Workflow> {
    PARTNERS.iter().chain(otel::TARGETS)
}

/// Functions that a driver outside starts, for what the local service cannot show: `agreement/runner` does.
pub(crate) const DRIVEN: &[Workflow] = &[
    Workflow {
        name: INVOKE_TARGET,
        about: "the plain function that `invoke` and `race` call, as a process",
        input: "{}",
        serve: || Box::pin(plain_target::serve()),
    },
    Workflow {
        name: "race",
        about: "callbacks and calls that complete while the function falls asleep on them",
        input: r#"{"tell":"http://127.0.0.1:9","sleeps":[]}"#,
        serve: || traced("race", race::race),
    },
];

/// The tracer that the view asks for: Datadog's, or for AWS's views OpenTelemetry's own with an exporter of OTLP.
fn tracer(options: OptionsBuilder) -> Result<OptionsBuilder, lambda_runtime::Error> {
    let variable = |name| std::env::var(name).ok();
    let view = variable("DURABLE_TRACE_VIEW");
    if !matches!(view.as_deref(), Some("execution" | "invocation")) {
        return Ok(options);
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpJson)
        .build()?;
    let service = variable("OTEL_SERVICE_NAME").unwrap_or_default();
    let provider = SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name(service).build())
        .with_batch_exporter(exporter);
    Ok(options
        .durable_tracer_provider(&DurableTracerProvider::new(provider))
        .propagator(TraceContextPropagator::new()))
}

/// `durable_trace::run(handler)`, but that the handler's name in the trace is short.
fn traced<F, E, Fut, O>(resource: &'static str, handler: F) -> Serving
where
    F: Fn(E, DurableContext) -> Fut + Send + Sync + 'static,
    E: for<'de> Deserialize<'de> + Send + 'static,
    Fut: Future<Output = Result<O, BoxError>> + Send + 'static,
    O: Serialize + Send + 'static,
{
    Box::pin(async move {
        let options = tracer(Options::builder().resource(resource))?.build()?;
        durable_trace::run_with_options(handler, options).await
    })
}

/// As [`traced`], for a workflow whose trace is handed to the function that it calls.
fn handing_on<F, E, Fut, O>(resource: &'static str, target: &'static str, handler: F) -> Serving
where
    F: Fn(E, DurableContext) -> Fut + Send + Sync + 'static,
    E: for<'de> Deserialize<'de> + Send + 'static,
    Fut: Future<Output = Result<O, BoxError>> + Send + 'static,
    O: Serialize + Send + 'static,
{
    Box::pin(async move {
        let options = Options::builder()
            .resource(resource)
            .invoke_targets([target]);
        let options = tracer(options)?.build()?;
        durable_trace::run_with_options(handler, options).await
    })
}

/// As [`traced`], for a workflow that has a twin in Python: its result is written as Python writes it.
fn twin<F, Fut, O>(resource: &'static str, handler: F) -> Serving
where
    F: Fn(Value, DurableContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, BoxError>> + Send + 'static,
    O: Serialize + Send + 'static,
{
    traced(resource, move |event, ctx| {
        let ended = handler(event, ctx);
        async move { ended.await.map(SpacedJson) }
    })
}

/// The workflow of this name.
pub(crate) fn named(name: &str) -> Option<&'static Workflow> {
    listed().find(|workflow| workflow.name == name)
}

/// The function of this name: a workflow's, one that workflows call, or one that is driven from outside.
pub(crate) fn function(name: &str) -> Option<&'static Workflow> {
    functions().find(|function| function.name == name)
}

/// All that can be run.
pub(crate) fn listed() -> impl Iterator<Item = &'static Workflow> {
    ALL.iter().chain(otel::ALL)
}

fn functions() -> impl Iterator<Item = &'static Workflow> {
    listed().chain(partners()).chain(DRIVEN)
}

/// Accepts the names of functions.
pub(crate) fn function_names() -> PossibleValuesParser {
    let names: Vec<&str> = functions().map(|function| function.name).collect();
    names.into()
}

/// Accepts the names of workflows.
pub(crate) fn names() -> PossibleValuesParser {
    let names: Vec<&str> = listed().map(|workflow| workflow.name).collect();
    names.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_and_unique_and_inputs_are_json() {
        let functions: Vec<&Workflow> = functions().collect();
        for (index, workflow) in functions.iter().enumerate() {
            let name = workflow.name;
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{name} is no function name"
            );
            assert!(
                functions
                    .iter()
                    .skip(index + 1)
                    .all(|other| other.name != name),
                "{name} twice"
            );
            let input = serde_json::from_str::<Value>(workflow.input);
            assert!(input.is_ok(), "{name}: {}", workflow.input);
        }
        assert!(named(DEFAULT).is_some());
    }
}
