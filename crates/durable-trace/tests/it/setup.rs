//! Kinds of bad set-up: what is said of each, once in a process. So each test has a process of its own.

use std::time::{Duration, SystemTime};

use aws_durable_execution_sdk::DurableContext;
use aws_sdk_lambda::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_lambda::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_lambda::error::BoxError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use durable_trace::{CheckpointMode, DurableTracerProvider, Options, View};
use durable_trace_local::{Config, Fault};
use lambda_runtime::LambdaEvent;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde_json::{Value, json};
use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry};

use crate::alone::{alone, says};
use crate::faults::has_checkpoint;
use crate::trace::step_wait_step;
use crate::world::{self, Agent, FUNCTION, Layer, Setting, World, client};

/// A function with the tracer that the library makes itself.
async fn with_own_tracer() -> World {
    let world = World::without_function(Config::default(), Layer::With).await;
    let options = Options::builder()
        .lambda_client(client(&world.service, 3))
        .build()
        .unwrap();
    let traced = durable_trace::wrap(step_wait_step, options);
    world
        .service
        .register(FUNCTION, world::traced_function(traced));
    world
}

/// Runs the function with the library's own tracer, and says what was warned of.
async fn run_with_own_tracer() -> Vec<String> {
    let world = with_own_tracer().await;
    world.run(&json!({})).await;
    world.lines.warnings()
}

/// Runs the function twice in a world, and says what was warned of.
async fn run_in(setting: Setting) -> Vec<String> {
    let world = World::new(setting, step_wait_step).await;
    world.run(&json!({})).await;
    world.run(&json!({})).await;
    world.lines.warnings()
}

/// An agent that answers `head`.
fn agent(head: &'static str) -> (&'static str, String) {
    ("DD_TRACE_AGENT_URL", Agent::Answers(head).url())
}

const AGENT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{\"endpoints\":[]}";

/// A port that is reserved, and at which nobody listens.
const NOBODY: &str = "http://127.0.0.1:1";

#[test]
fn a_sound_set_up_is_not_spoken_of() {
    let said = alone(&[agent(AGENT)], run_with_own_tracer);
    assert_eq!(said, Vec::<String>::new());
}

#[test]
fn nobody_listens_at_the_agents_url() {
    let said = alone(
        &[("DD_TRACE_AGENT_URL", NOBODY.to_owned())],
        run_with_own_tracer,
    );
    says(
        &said,
        &[
            "no Datadog agent listens at http://127.0.0.1:1",
            "add the Datadog extension layer",
        ],
    );
}

#[test]
fn what_listens_at_the_agents_url_is_no_agent() {
    let other = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    let said = alone(&[agent(other)], run_with_own_tracer);
    says(
        &said,
        &[
            "does not answer as a Datadog agent does (GET /info: 404)",
            "let DD_TRACE_AGENT_URL name",
        ],
    );
}

#[test]
fn the_agents_url_is_none() {
    let url = ("DD_TRACE_AGENT_URL", "localhost:8126".to_owned());
    let said = alone(&[url], run_with_own_tracer);
    says(
        &said,
        &["URL \"localhost:8126\" cannot be used", "http://HOST:PORT"],
    );
}

#[test]
fn the_tracer_provider_was_shut_down() {
    let said = alone(&[], || async {
        let world = World::new(Setting::default(), step_wait_step).await;
        world.shut_down_tracer();
        let ended = world.run(&json!({})).await;
        assert_eq!(ended.result.as_deref(), Some(r#"{"first":1,"second":2}"#));
        world.lines.warnings()
    });
    says(
        &said,
        &["has been shut down", "let it live as long as the process"],
    );
}

async fn run_under(filter: LevelFilter) -> Vec<String> {
    let world = World::new(Setting::default(), step_wait_step).await;
    let filtered = Registry::default()
        .with(filter)
        .with(durable_trace::layer())
        .with(world.lines.clone());
    let _guard = tracing::subscriber::set_default(filtered);
    world.run(&json!({})).await;
    world.lines.warnings()
}

#[test]
fn a_global_filter_hides_the_sdks_spans_from_our_layer() {
    let said = alone(&[], || run_under(LevelFilter::WARN));
    says(
        &said,
        &["does not see the SDK's spans", "let no global filter hide"],
    );
}

#[test]
fn a_global_filter_hides_the_sdks_events_from_our_layer() {
    let said = alone(&[], || run_under(LevelFilter::INFO));
    says(&said, &["hides the SDK's events", "through at DEBUG"]);
}

/// Our layer with a filter on it, as if the SDK did not say what is hidden.
async fn run_without(hidden: fn(&Metadata<'_>) -> bool) -> Vec<String> {
    let world = World::new(Setting::default(), step_wait_step).await;
    let heard = filter_fn(move |metadata| !hidden(metadata));
    let filtered = Registry::default()
        .with(durable_trace::layer().with_filter(heard))
        .with(world.lines.clone());
    let _guard = tracing::subscriber::set_default(filtered);
    world.run(&json!({})).await;
    world.lines.warnings()
}

#[test]
fn the_sdk_has_no_span_for_steps_any_more() {
    let said = alone(&[], || {
        run_without(|metadata| metadata.name() == "durable_operation")
    });
    says(
        &said,
        &["SDK's span durable_operation does not come", "tested with"],
    );
}

#[test]
fn the_sdk_has_no_events_any_more() {
    let said = alone(&[], || run_without(|metadata| !metadata.is_span()));
    says(
        &said,
        &[
            "SDK's event execution_started",
            "put no filter on the layer",
        ],
    );
}

#[test]
fn another_tracer_is_set_up_in_the_process() {
    let said = alone(&[agent(AGENT)], || async {
        opentelemetry::global::set_tracer_provider(SdkTracerProvider::builder().build());
        run_with_own_tracer().await
    });
    says(
        &said,
        &[
            "another OpenTelemetry tracer is set up",
            "hand it to durable_trace::Options",
        ],
    );
}

#[test]
fn another_propagator_is_set_up_in_the_process() {
    let said = alone(&[agent(AGENT)], || async {
        opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
        run_with_own_tracer().await
    });
    says(
        &said,
        &[
            "another OpenTelemetry tracer is set up",
            "hand it to durable_trace::Options",
        ],
    );
}

fn denied() -> Fault {
    Fault::Refuse {
        status: 403,
        error_type: "AccessDeniedException".to_owned(),
        message: "User is not authorized to perform it".to_owned(),
    }
}

#[test]
fn a_call_of_our_own_is_denied() {
    let said = alone(&[], || {
        run_in(Setting {
            config: Config::default().fault(|call| has_checkpoint(call).then(denied)),
            options: Options::builder()
                .checkpoint_mode(CheckpointMode::Call)
                .checkpoint_budget(Duration::from_secs(20)),
            ..Setting::default()
        })
    });
    says(
        &said,
        &[
            "allow lambda:CheckpointDurableExecution on arn:aws:lambda:",
            ":function:orders:* (with its qualifier",
        ],
    );
}

#[test]
fn a_call_of_the_sdks_is_denied() {
    for (operation, action) in [
        (
            "CheckpointDurableExecution",
            "lambda:CheckpointDurableExecution",
        ),
        (
            "GetDurableExecutionState",
            "lambda:GetDurableExecutionState",
        ),
    ] {
        let variables = [("DENIED", operation.to_owned())];
        let said = alone(&variables, || async {
            let denied_operation = std::env::var("DENIED").unwrap();
            let first = std::sync::atomic::AtomicBool::new(true);
            run_in(Setting {
                config: Config::default().page_size(2).fault(move |call| {
                    let denies = call.operation == denied_operation
                        && first.swap(false, std::sync::atomic::Ordering::SeqCst);
                    denies.then(denied)
                }),
                ..Setting::default()
            })
            .await
        });
        says(
            &said,
            &[
                &format!("allow {action} on arn:aws:lambda:"),
                ":function:orders:*",
            ],
        );
    }
}

/// Sets the service's clock, as far as its answers tell it.
#[derive(Debug)]
struct Clock(fn() -> SystemTime);

impl Intercept for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = DateTime::from((self.0)()).fmt(Format::HttpDate)?;
        context.response_mut().headers_mut().insert("date", date);
        Ok(())
    }
}

#[test]
fn the_clocks_of_service_and_function_differ() {
    let said = alone(&[], || async {
        let world = World::without_function(Config::default(), Layer::With).await;
        let behind = Clock(|| SystemTime::now() - Duration::from_mins(5));
        let config = client(&world.service, 3)
            .config()
            .to_builder()
            .interceptor(behind)
            .build();
        let options = Options::builder()
            .lambda_client(aws_sdk_lambda::Client::from_conf(config))
            .tracer_provider(SdkTracerProvider::builder().build())
            .build()
            .unwrap();
        let traced = durable_trace::wrap(step_wait_step, options);
        world
            .service
            .register(FUNCTION, world::traced_function(traced));
        world.run(&json!({})).await;
        world.lines.warnings()
    });
    // Of the second that a date leaves out, nothing is counted.
    says(
        &said,
        &[
            "the service's clock is 29",
            " s behind this one",
            "synchronise",
        ],
    );
}

#[tokio::test]
async fn no_span_ends_before_its_start_where_the_services_clock_is_ahead() {
    // The local service skips the time of waits, so that its clock is two hours ahead in the end.
    let handler = |_: Value, ctx: DurableContext| async move {
        let hour = Duration::from_hours(1);
        ctx.wait(hour).name("before").await?;
        let child = ctx.run_in_child_context(move |ctx: DurableContext| async move {
            ctx.wait(hour).name("within").await?;
            Ok(ctx.step(|_| async { Ok(1) }).name("last").await?)
        });
        child.await?;
        Ok(Value::Null)
    };
    let world = World::new(Setting::default(), handler).await;
    world.run(&json!({})).await;
    let spans = world.spans.all();
    assert!(!spans.is_empty());
    for span in spans {
        assert!(span.start <= span.end, "{} {:?}", span.name, span);
    }
}

#[test]
fn the_client_has_one_attempt() {
    let said = alone(&[], || {
        run_in(Setting {
            max_attempts: 1,
            ..Setting::default()
        })
    });
    says(
        &said,
        &["the Lambda client has one attempt", "AWS_MAX_ATTEMPTS=2"],
    );
}

#[test]
fn one_attempt_is_enough_where_nothing_is_written() {
    let said = alone(&[], || {
        run_in(Setting {
            max_attempts: 1,
            options: Options::builder().cross_invocation_tracing(false),
            ..Setting::default()
        })
    });
    assert_eq!(said, Vec::<String>::new());
}

#[test]
fn there_is_no_way_to_the_lambda_api() {
    let said = alone(&[], || async {
        let world = World::without_function(Config::default(), Layer::With).await;
        let config = client(&world.service, 2)
            .config()
            .to_builder()
            .endpoint_url(NOBODY)
            .build();
        let options = world.options_with(
            Options::builder(),
            aws_sdk_lambda::Client::from_conf(config),
        );
        let traced = durable_trace::wrap(step_wait_step, options);
        let event = json!({
            "DurableExecutionArn": "arn:aws:lambda:us-east-1:1:function:orders:$LATEST/durable-execution/n/i",
            "CheckpointToken": "token",
            "InitialExecutionState": { "Operations": [{
                "Id": "execution", "Type": "EXECUTION", "Status": "STARTED", "StartTimestamp": 1,
                "ExecutionDetails": { "InputPayload": "{}" },
            }] },
        });
        let event = serde_json::value::to_raw_value(&event).unwrap();
        let mut context = lambda_runtime::Context::default();
        context.deadline = u64::MAX / 2;
        let answer = traced(LambdaEvent::new(event.into(), context)).await;
        assert!(answer.is_err(), "the SDK fails, as it would without us");
        world.lines.warnings()
    });
    says(
        &said,
        &["no connection to the Lambda API came about", "NAT gateway"],
    );
}

#[test]
fn variables_contradict_each_other() {
    let variables = [
        ("DURABLE_TRACE_CONTINUITY", "link".to_owned()),
        ("DURABLE_TRACE_MAX_AGE", "1d".to_owned()),
    ];
    let said = alone(&variables, || run_in(Setting::default()));
    says(
        &said,
        &[
            "DURABLE_TRACE_CONTINUITY=link wins over DURABLE_TRACE_MAX_AGE",
            "unset the one",
        ],
    );
}

#[test]
fn a_variable_has_an_unusable_value() {
    let variables = [("DURABLE_TRACE_CHECKPOINT_MODE", "swim".to_owned())];
    let said = alone(&variables, || run_in(Setting::default()));
    says(
        &said,
        &["DURABLE_TRACE_CHECKPOINT_MODE (expected ride, call or none)"],
    );
}

#[test]
fn a_variable_of_ours_is_misspelt() {
    let variables = [("DURABLE_TRACE_CHECKPOINT_MOD", "call".to_owned())];
    let said = alone(&variables, || run_in(Setting::default()));
    says(
        &said,
        &[
            "no such setting: DURABLE_TRACE_CHECKPOINT_MOD",
            "did you mean DURABLE_TRACE_CHECKPOINT_MODE?",
        ],
    );
}

#[test]
fn nothing_is_said_where_the_user_wants_to_hear_nothing() {
    let variables = [
        ("DURABLE_TRACE_CHECKPOINT_MODE", "swim".to_owned()),
        ("DURABLE_TRACE_WARNINGS", "false".to_owned()),
    ];
    let said = alone(&variables, || run_in(Setting::default()));
    assert_eq!(said, Vec::<String>::new());
}

/// Runs the function in one of AWS's views, twice, under an X-Ray header that says `sampled`.
async fn run_under_xray(sampled: u8) -> Vec<String> {
    let world = World::without_function(Config::default(), Layer::With).await;
    let provider = DurableTracerProvider::new(SdkTracerProvider::builder());
    let options = Options::builder()
        .view(View::Execution)
        .lambda_client(client(&world.service, 3))
        .durable_tracer_provider(&provider)
        .propagator(TraceContextPropagator::new())
        .build()
        .unwrap();
    let traced = durable_trace::wrap(step_wait_step, options);
    let serve = move |event: LambdaEvent<durable_trace::Event>| {
        let (event, mut context) = event.into_parts();
        let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
        context.xray_trace_id = Some(format!("{root};Parent=53995c3f42cd8ad8;Sampled={sampled}"));
        traced(LambdaEvent::new(event, context))
    };
    world
        .service
        .register(FUNCTION, world::traced_function(serve));
    world.run(&json!({})).await;
    world.run(&json!({})).await;
    world.lines.warnings()
}

#[test]
fn x_ray_keeps_nothing_and_so_awss_views_do_not() {
    let said = alone(&[], || run_under_xray(0));
    says(
        &said,
        &[
            "X-Ray's header says that this execution is not sampled",
            "active tracing",
        ],
    );
}

#[test]
fn what_x_ray_samples_is_not_spoken_of() {
    assert_eq!(alone(&[], || run_under_xray(1)), Vec::<String>::new());
}
