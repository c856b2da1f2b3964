//! What is the user's stays where it is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext, RetryDecision, StepError};
use durable_trace::{CheckpointStyles, Options, ReplayedSpans};
use durable_trace_local::{Config, ExecutionStatus};
use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use serde_json::{Value, json};

use crate::checkpoints::{is_ours, updates};
use crate::world::{self, FUNCTION, Layer, Propagator, Setting, World, client};

/// Stands in everything that is the user's.
const SECRET: &str = "4111-1111-1111-1111";

fn said(what: &str) -> BoxError {
    format!("{what}: {SECRET}").into()
}

/// Fails in every way that there is: a retried step, a step that gives up, a child context, the process, the handler.
fn failing() -> impl Fn(
    Value,
    DurableContext,
) -> std::pin::Pin<Box<dyn Future<Output = Result<Value, BoxError>> + Send>>
+ Send
+ Sync
+ 'static {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    PANICS.store(0, Ordering::SeqCst);
    |_, ctx| {
        Box::pin(async move {
            let retried = ctx
                .step(|_| async { Err::<(), _>(said("declined")) })
                .name("payment")
                .retry_strategy(|_: &StepError, attempt| {
                    if attempt < 2 {
                        RetryDecision::Retry {
                            delay: Duration::from_secs(1),
                        }
                    } else {
                        RetryDecision::Stop
                    }
                });
            assert!(retried.await.is_err());
            let child =
                ctx.run_in_child_context(|_: DurableContext| async { Err::<(), _>(said("child")) });
            assert!(child.await.is_err());
            ctx.wait(Duration::from_secs(1)).name("pause").await?;
            assert!(PANICS.fetch_add(1, Ordering::SeqCst) > 0, "{SECRET}");
            Err(said("order"))
        })
    }
}

#[tokio::test]
async fn messages_of_errors_stay_out_of_spans_where_the_user_wants_them_out() {
    for (messages, replayed) in [
        (false, ReplayedSpans::Omit),
        (false, ReplayedSpans::Emit),
        (true, ReplayedSpans::Omit),
    ] {
        let options = Options::builder()
            .error_messages(messages)
            .replayed_spans(replayed);
        let setting = Setting {
            options,
            ..Setting::default()
        };
        let world = World::new(setting, failing()).await;
        let ended = world.run(&json!({})).await;
        assert_eq!(ended.status, ExecutionStatus::Failed);
        let failed: Vec<_> = world
            .spans
            .all()
            .into_iter()
            .filter(|span| span.failed)
            .collect();
        for name in [
            "aws.durable.step",
            "aws.durable.child_context",
            "aws.durable.execute",
            "aws.lambda",
        ] {
            let of_name = failed.iter().filter(|span| span.name == name);
            assert!(of_name.count() > 0, "{name} has failed all the same");
        }
        let telling = world
            .spans
            .all()
            .into_iter()
            .filter(|span| span.everything.contains(SECRET));
        assert_eq!(telling.count() > 0, messages, "{replayed:?}");
        let types: Vec<_> = failed
            .iter()
            .filter_map(|span| span.text("error.type"))
            .collect();
        assert!(
            types.contains(&"panic".to_owned()),
            "the type stays: {types:?}"
        );
    }
}

/// A propagator that says more than where a trace goes on, as one with baggage does.
#[derive(Debug)]
struct Talkative(Propagator);

impl TextMapPropagator for Talkative {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        self.0.inject_context(context, injector);
        for name in [
            "baggage",
            "ot-baggage-card",
            "authorization",
            "x-datadog-card",
        ] {
            injector.set(name, format!("card={SECRET}"));
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        self.0.extract_with_context(context, extractor)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

/// Every header that may be in a checkpoint, or be handed to a function that is invoked.
const HEADERS: [&str; 7] = [
    "traceparent",
    "tracestate",
    "x-datadog-origin",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-tags",
    "x-datadog-trace-id",
];

fn assert_only_headers(carrier: &Value) {
    let carrier = carrier.as_object().expect("a map of headers");
    assert!(carrier.contains_key("x-datadog-trace-id"), "{carrier:?}");
    for (name, value) in carrier {
        assert!(HEADERS.contains(&name.as_str()), "{name} is none of them");
        assert!(!value.to_string().contains(SECRET), "{name}: {value}");
    }
}

#[tokio::test]
async fn only_propagation_headers_enter_the_log_and_the_events_of_invoked_functions() {
    let handler = |input: Value, ctx: DurableContext| async move {
        let card = input["body"].clone();
        let failed = ctx
            .step(|_| async { Err::<(), _>(said("declined")) })
            .name("payment")
            .retry_strategy(|_: &StepError, _| RetryDecision::Stop);
        assert!(failed.await.is_err());
        ctx.step(move |_| async move { Ok(card) })
            .name("card")
            .await?;
        let order = json!({ "order": SECRET });
        let _: Value = ctx.invoke("packing", order).name("packing").await?;
        ctx.wait(Duration::from_secs(1)).name("pause").await?;
        Ok(json!(SECRET))
    };
    for styles in [
        CheckpointStyles::Datadog,
        CheckpointStyles::DatadogAndTraceContext,
    ] {
        let world = World::without_function(Config::default(), Layer::With).await;
        let (provider, propagator) = world.tracer();
        let options = Options::builder()
            .lambda_client(client(&world.service, 3))
            .tracer_provider(provider)
            .propagator(Talkative(propagator))
            .checkpoint_styles(styles)
            .invoke_targets(["packing"])
            .build()
            .unwrap();
        let traced = durable_trace::wrap(handler, options);
        world
            .service
            .register(FUNCTION, world::traced_function(traced));
        let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
        let packing = durable_trace_local::Function::in_process(move |invocation| {
            let _ = sender.send(invocation.payload.get().to_owned());
            async { Ok(Value::Null) }
        });
        world.service.register("packing", packing.plain());
        let input = json!({
            "headers": {
                "x-datadog-trace-id": "7", "x-datadog-parent-id": "8", "x-datadog-tags": "_dd.p.dm=-4",
                "baggage": format!("card={SECRET}"), "ot-baggage-card": SECRET, "authorization": SECRET,
            },
            "body": SECRET,
        });
        let ended = world.run(&input).await;
        assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
        let checkpoints = world.checkpoints(&ended.arn);
        assert_eq!(checkpoints.len(), 1);
        assert_only_headers(&checkpoints[0].2);
        let ours = world.service.calls().into_iter().flat_map(|call| {
            let ours = updates(&call.request)
                .iter()
                .filter(|update| is_ours(update));
            ours.cloned().collect::<Vec<_>>()
        });
        let ours: Vec<_> = ours.collect();
        assert_eq!(ours.len(), 1);
        let members: Vec<_> = ours[0].as_object().unwrap().keys().collect();
        let allowed = ["Action", "Id", "Name", "Payload", "SubType", "Type"];
        assert_eq!(members, allowed, "the update has no other member");
        let event: Value = serde_json::from_str(&events.recv().await.unwrap()).unwrap();
        assert_only_headers(&event["_datadog"]);
    }
}
