//! What a caller's W3C headers carry beside the trace: the function sees it in each invocation or in none.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use durable_trace::{CheckpointStyles, DurableTracerProvider, Options, View};
use durable_trace_local::Config;
use lambda_runtime::LambdaEvent;
use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde_json::{Value, json};

use crate::world::{Collected, FUNCTION, Layer, World, client, traced_function};

/// The tenant and the other vendor's member that code of the function's sees.
type Seen = Arc<Mutex<Vec<(Option<String>, Option<String>)>>>;

fn look(seen: &Seen) {
    let context = Context::current();
    let tenant = context.baggage().get("tenant").map(ToString::to_string);
    let span = context.span();
    let member = span.span_context().trace_state().get("es");
    let member = member.map(str::to_owned);
    seen.lock().unwrap().push((tenant, member));
}

/// Which way the caller's headers come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum By {
    /// In the event, which each invocation reads.
    Event,
    /// In the event, under X-Ray's header, which names another trace.
    EventUnderXRay,
    /// In Lambda's client context, of which the first alone hears.
    ClientContext,
}

/// Runs a step, a sleep and a step: what either saw, and the checkpoints written.
async fn run(view: View, by: By, styles: CheckpointStyles) -> (Seen, Vec<Value>) {
    run_as(view, by, styles, styles).await
}

/// The same; other invocations than the first have the styles `later`.
async fn run_as(
    view: View,
    by: By,
    styles: CheckpointStyles,
    later: CheckpointStyles,
) -> (Seen, Vec<Value>) {
    let world = World::without_function(Config::default(), Layer::With).await;
    let provider = DurableTracerProvider::new(
        SdkTracerProvider::builder().with_span_processor(Collected::default()),
    );
    let options = |styles| {
        Options::builder()
            .view(view)
            .lambda_client(client(&world.service, 3))
            .durable_tracer_provider(&provider)
            .propagator(TextMapCompositePropagator::new(vec![
                Box::new(TraceContextPropagator::new()),
                Box::new(BaggagePropagator::new()),
            ]))
            .checkpoint_styles(styles)
            .build()
            .unwrap()
    };
    let seen = Seen::default();
    let to_fill = Arc::clone(&seen);
    let handler = move |_: Value, ctx: DurableContext| {
        let seen = Arc::clone(&to_fill);
        async move {
            for step in ["before", "after"] {
                let seen = Arc::clone(&seen);
                let looks = move |_| async move {
                    look(&seen);
                    Ok(())
                };
                ctx.step(looks).name(step).await?;
                if step == "before" {
                    ctx.wait(Duration::from_secs(1)).name("nap").await?;
                }
            }
            look(&seen);
            Ok::<_, BoxError>(Value::Null)
        }
    };
    let headers = json!({
        "traceparent": "00-640cfd8d00000000112210f47de98115-00f067aa0ba902b7-01",
        "tracestate": "es=s:0.5",
        "baggage": "tenant=7",
    });
    let begins = durable_trace::wrap(handler.clone(), options(styles));
    let goes_on = durable_trace::wrap(handler, options(later));
    let first = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let custom = headers.clone();
    let serve = move |event: LambdaEvent<durable_trace::Event>| {
        let (event, mut context) = event.into_parts();
        let is_first = first.swap(false, std::sync::atomic::Ordering::Relaxed);
        if is_first && by == By::ClientContext {
            let client = json!({
                "client": { "installationId": "", "appTitle": "", "appVersionName": "",
                    "appVersionCode": "", "appPackageName": "" },
                "env": {}, "environment": {}, "custom": custom,
            });
            context.client_context = Some(serde_json::from_value(client).unwrap());
        }
        if by == By::EventUnderXRay {
            let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
            context.xray_trace_id = Some(format!("{root};Parent=53995c3f42cd8ad8;Sampled=1"));
        }
        let traced = if is_first { &begins } else { &goes_on };
        traced(LambdaEvent::new(event, context))
    };
    world.service.register(FUNCTION, traced_function(serve));
    let input = match by {
        By::Event | By::EventUnderXRay => json!({ "headers": headers }),
        By::ClientContext => json!({}),
    };
    let ended = world.run(&input).await;
    assert_eq!(ended.status.as_str(), "SUCCEEDED", "{ended:?}");
    let checkpoints = world.checkpoints(&ended.arn);
    let payloads = checkpoints.into_iter().map(|(_, _, payload)| payload);
    (seen, payloads.collect())
}

#[tokio::test]
async fn baggage_and_other_vendors_members_are_there_in_each_invocation_or_in_none() {
    use CheckpointStyles::{
        Datadog, DatadogAndTraceContext as TraceContext, DatadogTraceContextAndBaggage as All,
    };
    let all = (Some("7"), Some("s:0.5"));
    let member = (None, Some("s:0.5"));
    let none = (None, None);
    for (view, by, styles, want, saved, why) in [
        (
            View::Execution,
            By::EventUnderXRay,
            Datadog,
            (Some("7"), None),
            0,
            "members belong to the caller's trace",
        ),
        (
            View::Execution,
            By::Event,
            Datadog,
            all,
            0,
            "the event has it",
        ),
        (
            View::Invocation,
            By::Event,
            Datadog,
            all,
            0,
            "the event has it",
        ),
        (View::Execution, By::Event, All, all, 0, "the event has it"),
        (
            View::Execution,
            By::ClientContext,
            Datadog,
            none,
            0,
            "nothing would save it",
        ),
        (
            View::Execution,
            By::ClientContext,
            TraceContext,
            member,
            1,
            "saved without baggage",
        ),
        (View::Execution, By::ClientContext, All, all, 1, "saved"),
        (View::Invocation, By::ClientContext, All, all, 1, "saved"),
        (
            View::Datadog,
            By::Event,
            Datadog,
            none,
            1,
            "what is saved has no place for it",
        ),
        (
            View::Datadog,
            By::Event,
            TraceContext,
            member,
            1,
            "no place for baggage",
        ),
        (View::Datadog, By::Event, All, all, 1, "saved"),
        (
            View::Datadog,
            By::ClientContext,
            Datadog,
            none,
            1,
            "no place for it",
        ),
        (View::Datadog, By::ClientContext, All, all, 1, "saved"),
    ] {
        let (seen, checkpoints) = run(view, by, styles).await;
        let seen = seen.lock().unwrap().clone();
        let what = format!("{view:?}, {by:?}, {styles:?}: {why}");
        let want = (want.0.map(str::to_owned), want.1.map(str::to_owned));
        assert_eq!(seen, vec![want; 3], "{what}");
        assert_eq!(checkpoints.len(), saved, "{what}");
        for checkpoint in checkpoints {
            assert_eq!(
                checkpoint["baggage"] == "tenant=7",
                styles == All,
                "{what}: {checkpoint}"
            );
            let has_member = checkpoint["tracestate"].to_string().contains(",es=s:0.5");
            assert_eq!(has_member, styles != Datadog, "{what}: {checkpoint}");
        }
    }
}

#[tokio::test]
async fn what_a_checkpoint_has_does_not_come_in_where_ours_have_none() {
    use CheckpointStyles::{Datadog, DatadogTraceContextAndBaggage};
    for view in [View::Datadog, View::Execution] {
        let (first, by) = (DatadogTraceContextAndBaggage, By::ClientContext);
        let (seen, _) = run_as(view, by, first, Datadog).await;
        let all = (Some("7".to_owned()), Some("s:0.5".to_owned()));
        let seen = seen.lock().unwrap().clone();
        assert_eq!(seen, [all, (None, None), (None, None)], "{view:?}");
    }
}
