//! AWS's two views, on the real SDK and the real wire.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use durable_trace::{CheckpointStyles, DurableTracerProvider, Options, View};
use durable_trace_local::Config;
use durable_trace_wire as wire;
use lambda_runtime::LambdaEvent;
use opentelemetry::{SpanId, TraceId};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use serde_json::{Value, json};

use crate::world::{Collected, FUNCTION, Layer, Seen, World, client, traced_function};

const VIEWS: [View; 2] = [View::Execution, View::Invocation];

/// What an invocation comes with beside its event.
#[derive(Clone, Copy, Debug, Default)]
struct Comes {
    xray: Option<&'static str>,
    /// Only the first.
    client_context: Option<&'static str>,
}

async fn nap_and_step(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    ctx.wait(Duration::from_secs(1)).name("nap").await?;
    ctx.step(|_| async { Ok(()) }).name("work").await?;
    Ok(Value::Null)
}

/// Runs `nap_and_step` in a view: its spans, its ARN, the checkpoints that it wrote.
async fn run(
    view: View,
    sampler: Sampler,
    input: Value,
    comes: Comes,
    styles: CheckpointStyles,
) -> (Collected, String, usize) {
    let world = World::without_function(Config::default(), Layer::With).await;
    let spans = Collected::default();
    let builder = SdkTracerProvider::builder().with_span_processor(spans.clone());
    let provider = DurableTracerProvider::with_sampler(builder, sampler);
    let options = Options::builder()
        .view(view)
        .lambda_client(client(&world.service, 3))
        .durable_tracer_provider(&provider)
        .propagator(TraceContextPropagator::new())
        .checkpoint_styles(styles)
        .build()
        .unwrap();
    let traced = durable_trace::wrap(nap_and_step, options);
    let first = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let serve = move |event: LambdaEvent<durable_trace::Event>| {
        let (event, mut context) = event.into_parts();
        context.xray_trace_id = comes.xray.map(str::to_owned);
        if first.swap(false, std::sync::atomic::Ordering::Relaxed) {
            let client = comes.client_context.map(serde_json::from_str);
            context.client_context = client.map(|client| client.unwrap());
        }
        traced(LambdaEvent::new(event, context))
    };
    world.service.register(FUNCTION, traced_function(serve));
    let ended = world.run(&input).await;
    assert_eq!(ended.status.as_str(), "SUCCEEDED", "{ended:?}");
    let checkpoints = world.checkpoints(&ended.arn).len();
    assert_eq!(spans.open(), 0, "nothing is left open");
    (spans, ended.arn, checkpoints)
}

fn only(spans: &Collected, name: &str) -> Seen {
    let mut named = spans.named(name);
    assert_eq!(named.len(), 1, "{name}");
    named.remove(0)
}

fn id(span_id: wire::SpanId) -> SpanId {
    SpanId::from_bytes(span_id.get().to_be_bytes())
}

#[tokio::test]
async fn ids_follow_from_the_execution_and_nothing_is_written_into_its_log() {
    for view in VIEWS {
        let always = Sampler::AlwaysOn;
        let (spans, arn, checkpoints) = run(
            view,
            always,
            json!({}),
            Comes::default(),
            CheckpointStyles::Datadog,
        )
        .await;
        assert_eq!(checkpoints, 0, "{view:?}");
        assert_eq!(spans.trace_ids().len(), 1, "{view:?}");
        assert!(spans.orphans().is_empty(), "{view:?}");
        let workflow = only(&spans, "Workflow");
        assert_eq!(workflow.span_id, id(wire::derive_span_id(&arn, "workflow")));
        assert_eq!(workflow.parent_id, SpanId::INVALID, "{view:?}");
        let random = u128::from_be_bytes(workflow.trace_id.to_bytes()) & (u128::MAX >> 32);
        let derived = wire::derive_trace_id(&arn, None).as_u128();
        assert_eq!(
            random, derived,
            "{view:?}: of unknown start, but for the time"
        );
        let work = only(&spans, "work");
        let operation = work.text("durable.operation.id").unwrap();
        assert_eq!(
            work.span_id,
            id(wire::derive_span_id(&arn, &format!("workflow {operation}")))
        );
        let invocations = spans.named("Invocation");
        assert_eq!(invocations.len(), 2);
        for invocation in &invocations {
            assert_eq!(invocation.parent_id, workflow.span_id, "{view:?}");
            assert_ne!(
                invocation.span_id,
                invocations[1 - usize::from(invocation.span_id == invocations[1].span_id)].span_id
            );
        }
        // A wait that two invocations saw: one span, or a segment in each with an id of its own.
        let naps = spans.named("nap");
        let ids: std::collections::HashSet<_> = naps.iter().map(|nap| nap.span_id).collect();
        let want = if view == View::Execution { 1 } else { 2 };
        assert_eq!((naps.len(), ids.len()), (want, want), "{view:?}");
    }
}

#[tokio::test]
async fn x_rays_trace_is_the_executions_and_its_parent_is_above_it() {
    let xray = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    for view in VIEWS {
        let comes = Comes {
            xray: Some(xray),
            ..Comes::default()
        };
        // X-Ray's decision comes before the sampler's.
        let (spans, ..) = run(
            view,
            Sampler::AlwaysOff,
            json!({}),
            comes,
            CheckpointStyles::Datadog,
        )
        .await;
        let root = TraceId::from(0x5759_e988_bd86_2e3f_e1be_46a9_9427_2793_u128);
        assert_eq!(spans.trace_ids(), [root].into(), "{view:?}");
        let parent = SpanId::from(0x5399_5c3f_42cd_8ad8_u64);
        for name in ["Workflow", "Invocation"] {
            for span in spans.named(name) {
                assert_eq!(span.parent_id, parent, "{view:?}: {name}");
            }
        }
    }
}

#[tokio::test]
async fn a_trace_that_is_not_kept_makes_no_spans() {
    let caller = |flags: &str| {
        let parent = format!("00-640cfd8d00000000112210f47de98115-00f067aa0ba902b7-{flags}");
        json!({ "headers": { "traceparent": parent } })
    };
    for (sampler, input, xray, count, why) in [
        (
            Sampler::AlwaysOff,
            json!({}),
            None,
            0,
            "the sampler says so",
        ),
        (
            Sampler::AlwaysOn,
            caller("00"),
            None,
            0,
            "the caller says so",
        ),
        (
            Sampler::AlwaysOff,
            caller("01"),
            None,
            1,
            "the caller keeps it",
        ),
        (
            Sampler::AlwaysOn,
            caller("01"),
            Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"),
            0,
            "X-Ray says so",
        ),
    ] {
        for view in VIEWS {
            let comes = Comes {
                xray,
                ..Comes::default()
            };
            let (spans, ..) = run(
                view,
                sampler.clone(),
                input.clone(),
                comes,
                CheckpointStyles::Datadog,
            )
            .await;
            assert_eq!(spans.named("Workflow").len(), count, "{view:?}: {why}");
            assert_eq!(spans.all().is_empty(), count == 0, "{view:?}: {why}");
        }
    }
}

#[tokio::test]
async fn a_caller_in_the_event_is_above_the_execution_in_each_invocation() {
    let input = json!({ "headers": {
        "traceparent": "00-640cfd8d00000000112210f47de98115-00f067aa0ba902b7-01",
    }});
    for view in VIEWS {
        let always = Sampler::AlwaysOn;
        let (spans, _, checkpoints) = run(
            view,
            always,
            input.clone(),
            Comes::default(),
            CheckpointStyles::Datadog,
        )
        .await;
        assert_eq!(
            checkpoints, 0,
            "{view:?}: the event is there in each of them"
        );
        let trace_id = TraceId::from(0x640c_fd8d_0000_0000_1122_10f4_7de9_8115_u128);
        let caller = SpanId::from(0x00f0_67aa_0ba9_02b7_u64);
        assert_eq!(spans.trace_ids(), [trace_id].into(), "{view:?}");
        let workflow = only(&spans, "Workflow");
        assert_eq!(workflow.parent_id, caller, "{view:?}");
        assert_eq!(workflow.links, [(trace_id, caller)], "{view:?}");
        for invocation in spans.named("Invocation") {
            assert_eq!(invocation.parent_id, caller, "{view:?}");
        }
    }
}

#[tokio::test]
async fn a_caller_that_only_the_first_invocation_hears_of_is_saved_or_left_alone() {
    let client_context = r#"{"client":{"installationId":"","appTitle":"","appVersionName":"",
        "appVersionCode":"","appPackageName":""},"environment":{},"env":{},"custom":{
        "traceparent":"00-640cfd8d00000000112210f47de98115-00f067aa0ba902b7-01"}}"#;
    for view in VIEWS {
        for (styles, saved) in [
            (CheckpointStyles::Datadog, 0),
            (CheckpointStyles::DatadogAndTraceContext, 1),
        ] {
            let comes = Comes {
                client_context: Some(client_context),
                ..Comes::default()
            };
            let (spans, _, checkpoints) =
                run(view, Sampler::AlwaysOn, json!({}), comes, styles).await;
            assert_eq!(checkpoints, saved, "{view:?}, {styles:?}");
            assert_eq!(
                spans.trace_ids().len(),
                1,
                "{view:?}, {styles:?}: one trace"
            );
            let workflow = only(&spans, "Workflow");
            let caller = SpanId::from(0x00f0_67aa_0ba9_02b7_u64);
            assert_eq!(
                workflow.parent_id == caller,
                saved == 1,
                "{view:?}, {styles:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_function_that_is_called_goes_on_in_the_callers_trace() {
    for view in VIEWS {
        let world = World::without_function(Config::default(), Layer::With).await;
        let spans = Collected::default();
        let provider = DurableTracerProvider::new(
            SdkTracerProvider::builder().with_span_processor(spans.clone()),
        );
        let options = || {
            Options::builder()
                .view(view)
                .lambda_client(client(&world.service, 3))
                .durable_tracer_provider(&provider)
                .propagator(TraceContextPropagator::new())
                .invoke_targets(["billing"])
                .build()
                .unwrap()
        };
        let calling = |_: Value, ctx: DurableContext| async move {
            let answer: Value = ctx.invoke("billing", json!({})).name("bill").await?;
            Ok::<_, BoxError>(answer)
        };
        let called = durable_trace::wrap(nap_and_step, options());
        world.service.register("billing", traced_function(called));
        let calling = durable_trace::wrap(calling, options());
        world.service.register(FUNCTION, traced_function(calling));
        let ended = world.run(&json!({})).await;
        assert_eq!(ended.status.as_str(), "SUCCEEDED", "{ended:?}");
        assert_eq!(spans.trace_ids().len(), 1, "{view:?}");
        let bills = spans.named("bill");
        let workflows = spans.named("Workflow");
        assert_eq!(workflows.len(), 2, "{view:?}");
        let target = workflows
            .iter()
            .find(|workflow| workflow.parent_id != SpanId::INVALID)
            .unwrap();
        let above = bills.iter().find(|bill| bill.span_id == target.parent_id);
        assert!(
            above.is_some(),
            "{view:?}: the call is above what it called"
        );
        assert_eq!(
            target.links,
            [(target.trace_id, target.parent_id)],
            "{view:?}"
        );
    }
}

#[tokio::test]
async fn a_context_of_which_the_log_knows_nothing_is_in_each_views_trace() {
    for view in [View::Datadog, View::Execution, View::Invocation] {
        let world = World::without_function(Config::default(), Layer::With).await;
        let spans = Collected::default();
        let provider = DurableTracerProvider::new(
            SdkTracerProvider::builder().with_span_processor(spans.clone()),
        );
        let options = Options::builder()
            .view(view)
            .lambda_client(client(&world.service, 3))
            .durable_tracer_provider(&provider)
            .propagator(TraceContextPropagator::new())
            .build()
            .unwrap();
        let handler = |_: Value, ctx: DurableContext| async move {
            let good = async { Ok(json!(1)) };
            let one = durable_trace::virtual_context(&ctx, "good", good).await?;
            let bad = async { Err::<Value, BoxError>("no".into()) };
            assert!(
                durable_trace::virtual_context(&ctx, "bad", bad)
                    .await
                    .is_err()
            );
            Ok::<_, BoxError>(one)
        };
        let traced = durable_trace::wrap(handler, options);
        world.service.register(FUNCTION, traced_function(traced));
        let ended = world.run(&json!({})).await;
        assert_eq!(ended.result.as_deref(), Some("1"), "{view:?}");
        assert!(world.service.operations(&ended.arn).is_empty(), "{view:?}");
        for (name, failed) in [("good", false), ("bad", true)] {
            let all = spans.all();
            let is_it = |span: &&Seen| span.name == name || span.resource() == name;
            let found: Vec<_> = all.iter().filter(is_it).collect();
            assert_eq!(found.len(), 1, "{view:?}: {name}");
            assert_eq!(found[0].failed, failed, "{view:?}: {name}");
        }
        assert_eq!(spans.open(), 0, "{view:?}");
    }
}
