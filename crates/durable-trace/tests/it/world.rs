//! A function, the service that invokes it, and the spans that came of it.

mod agent;
mod deployment;
mod lines;
mod process;
mod spans;

use std::sync::Arc;
use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use datadog_opentelemetry::configuration::Config as TracerConfig;
use durable_trace::{Event, Options, OptionsBuilder};
use durable_trace_local::{Config, ExecutionRecord, Function, InvocationRecord, Service};
use lambda_runtime::LambdaEvent;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde_json::Value;
use tracing::Instrument as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry};

pub(crate) use self::agent::Agent;
pub(crate) use self::deployment::Sending;
use self::lines::Lines;
pub(crate) use self::process::{Handler, crash, kill};
pub(crate) use self::spans::{Collected, Seen};

/// The function's name in every world.
pub(crate) const FUNCTION: &str = "orders";

/// Whether the tests' subscriber has our layer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Layer {
    With,
    Without,
}

impl Layer {
    /// With it where the function is traced.
    pub(crate) fn of(traced: bool) -> Self {
        if traced { Self::With } else { Self::Without }
    }
}

/// A service with one durable function on it, and everything that its tracer saw.
pub(crate) struct World {
    pub(crate) service: Arc<Service>,
    pub(crate) spans: Collected,
    /// What the user logged.
    pub(crate) lines: Lines,
    tracer: (SdkTracerProvider, Propagator),
    _subscriber: tracing::subscriber::DefaultGuard,
}

/// Settings of a [`World`].
pub(crate) struct Setting {
    pub(crate) config: Config,
    /// Each invocation runs inside an `aws.lambda` span of somebody else's.
    pub(crate) inside_lambda_span: bool,
    pub(crate) layer: Layer,
    pub(crate) max_attempts: u32,
    pub(crate) options: OptionsBuilder,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            config: Config::default(),
            inside_lambda_span: false,
            layer: Layer::With,
            max_attempts: 3,
            options: Options::builder(),
        }
    }
}

impl World {
    /// Starts the service and registers `handler`. Every call of the SDK's goes over a real socket.
    pub(crate) async fn new<F, Fut>(setting: Setting, handler: F) -> Self
    where
        F: Fn(Value, DurableContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value, BoxError>> + Send + 'static,
    {
        let world = Self::without_function(setting.config, setting.layer).await;
        let options = world.options(setting.options, setting.max_attempts);
        let traced = durable_trace::wrap(handler, options);
        let serve = move |event| -> durable_trace::InvocationFuture {
            let invocation = traced(event);
            if setting.inside_lambda_span {
                return Box::pin(invocation.instrument(tracing::info_span!("aws.lambda")));
            }
            invocation
        };
        world.service.register(FUNCTION, traced_function(serve));
        world
    }

    /// Starts a service, a tracer and a subscriber, and nothing that could be invoked.
    pub(crate) async fn without_function(config: Config, layer: Layer) -> Self {
        Self::beside(Agent::SOUND, config, layer).await
    }

    /// The same beside an agent that behaves so.
    pub(crate) async fn beside(agent: Agent, config: Config, layer: Layer) -> Self {
        let service = Service::start(config).await.expect("a free port");
        let spans = Collected::default();
        let lines = Lines::default();
        let mut config = TracerConfig::builder();
        config
            .set_service("orders".to_owned())
            .set_trace_agent_url(agent.url())
            .set_trace_partial_flush_enabled(true)
            .set_trace_partial_flush_min_spans(1)
            .set_remote_config_enabled(false)
            .set_trace_stats_computation_enabled(false)
            .set_telemetry_enabled(false)
            .set_log_level_filter(datadog_opentelemetry::log::LevelFilter::Off);
        let (provider, propagator) = datadog_opentelemetry::tracing()
            .with_config(config.build())
            .with_span_processor(spans.clone())
            .init_local();
        let ours = (layer == Layer::With).then(durable_trace::layer);
        let export = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("tests"))
            .with_filter(durable_trace::user_spans());
        let subscriber = Registry::default()
            .with(ours)
            .with(export)
            .with(lines.clone());
        Self {
            service: Arc::new(service),
            spans,
            lines,
            tracer: (provider, Propagator(Arc::new(propagator))),
            _subscriber: tracing::subscriber::set_default(subscriber),
        }
    }

    /// Options with this world's tracer and a client of its service.
    pub(crate) fn options(&self, options: OptionsBuilder, max_attempts: u32) -> Options {
        self.options_with(options, client(&self.service, max_attempts))
    }

    /// The same with a client of one's own.
    pub(crate) fn options_with(
        &self,
        options: OptionsBuilder,
        client: aws_sdk_lambda::Client,
    ) -> Options {
        let (provider, propagator) = self.tracer.clone();
        options
            .lambda_client(client)
            .tracer_provider(provider)
            .propagator(propagator)
            .build()
            .expect("options that do not contradict each other")
    }

    /// The tracer and its propagator.
    pub(crate) fn tracer(&self) -> (SdkTracerProvider, Propagator) {
        self.tracer.clone()
    }

    /// Shuts the tracer down, as a program does that means to end.
    pub(crate) fn shut_down_tracer(&self) {
        let _ = self.tracer.0.shutdown();
    }

    /// Registers another durable function, traced by the same tracer.
    pub(crate) fn register<F, Fut>(&self, name: &str, options: OptionsBuilder, handler: F)
    where
        F: Fn(Value, DurableContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value, BoxError>> + Send + 'static,
    {
        let traced = durable_trace::wrap(handler, self.options(options, 3));
        self.service.register(name, traced_function(traced));
    }

    /// Runs an execution to its end.
    pub(crate) async fn run(&self, input: &Value) -> ExecutionRecord {
        let arn = self
            .service
            .start_execution(FUNCTION, Some(input.to_string()), None)
            .await
            .expect("a start");
        self.service.ended(&arn).await
    }

    /// Starts executions side by side and gives them as they ended, in the order of their starts.
    pub(crate) async fn run_together(&self, count: usize) -> Vec<ExecutionRecord> {
        let mut arns = Vec::new();
        for _ in 0..count {
            let started = self.service.start_execution(FUNCTION, None, None).await;
            arns.push(started.expect("a start"));
        }
        let mut ended = Vec::new();
        for arn in &arns {
            ended.push(self.service.ended(arn).await);
        }
        ended
    }

    /// The invocations of an execution, in order.
    pub(crate) fn invocations(&self, arn: &str) -> Vec<InvocationRecord> {
        self.service
            .invocations()
            .into_iter()
            .filter(|invocation| invocation.arn == arn)
            .collect()
    }

    /// The checkpoints in an execution's log: name, id, payload.
    pub(crate) fn checkpoints(&self, arn: &str) -> Vec<(String, String, Value)> {
        let operations = self.service.operations(arn).into_iter();
        operations
            .filter_map(|operation| {
                let name = operation
                    .name
                    .filter(|name| name.starts_with("_datadog_"))?;
                let payload = serde_json::from_str(&operation.result.unwrap_or_default())
                    .unwrap_or(Value::Null);
                Some((name, operation.id, payload))
            })
            .collect()
    }

    /// The names of the checkpoints in an execution's log.
    pub(crate) fn checkpoint_names(&self, arn: &str) -> Vec<String> {
        self.checkpoints(arn)
            .into_iter()
            .map(|(name, _, _)| name)
            .collect()
    }

    /// How many requests each invocation of an execution sent.
    pub(crate) fn calls(&self, arn: &str) -> Vec<usize> {
        self.invocations(arn)
            .iter()
            .map(|invocation| invocation.calls.len())
            .collect()
    }
}

/// A propagator that several services share.
#[derive(Clone, Debug)]
pub(crate) struct Propagator(Arc<dyn SharedPropagator>);

pub(crate) trait SharedPropagator: TextMapPropagator + Send + Sync {}
impl<P: TextMapPropagator + Send + Sync> SharedPropagator for P {}

impl TextMapPropagator for Propagator {
    fn inject_context(&self, context: &opentelemetry::Context, injector: &mut dyn Injector) {
        self.0.inject_context(context, injector);
    }

    fn extract_with_context(
        &self,
        context: &opentelemetry::Context,
        extractor: &dyn Extractor,
    ) -> opentelemetry::Context {
        self.0.extract_with_context(context, extractor)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

/// A client of the local service.
pub(crate) fn client(service: &Service, max_attempts: u32) -> aws_sdk_lambda::Client {
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(service.endpoint())
        .region(Region::new(service.region().to_owned()))
        .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(max_attempts)
                .with_initial_backoff(Duration::from_millis(1)),
        )
        .build();
    aws_sdk_lambda::Client::from_conf(config)
}

/// A service made by our `wrap`, as a function of the local service.
pub(crate) fn traced_function<S>(traced: S) -> Function
where
    S: Fn(LambdaEvent<Event>) -> durable_trace::InvocationFuture + Clone + Send + Sync + 'static,
{
    process::function(traced_handler(traced))
}

/// The same as a handler.
pub(crate) fn traced_handler<S>(traced: S) -> Handler
where
    S: Fn(LambdaEvent<Event>) -> durable_trace::InvocationFuture + Clone + Send + Sync + 'static,
{
    process::handler(move |payload, context| traced(LambdaEvent::new(payload.into(), context)))
}

/// The same for the SDK's own `wrap`: the function as it is without us.
pub(crate) fn untraced_function<F, Fut>(
    handler: F,
    client: aws_sdk_lambda::Client,
    sending: Sending,
) -> Function
where
    F: Fn(Value, DurableContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Value, BoxError>> + Send + 'static,
{
    process::function(untraced_handler(handler, client, sending))
}

/// The same as a handler.
pub(crate) fn untraced_handler<F, Fut>(
    handler: F,
    client: aws_sdk_lambda::Client,
    sending: Sending,
) -> Handler
where
    F: Fn(Value, DurableContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Value, BoxError>> + Send + 'static,
{
    let options = aws_durable_execution_sdk::Options::builder().lambda_client(client);
    let options = sending
        .applied(options)
        .build()
        .expect("options that do not contradict each other");
    let untraced = Arc::new(aws_durable_execution_sdk::wrap(handler, options));
    process::handler(move |payload, context| {
        let event = serde_json::from_str(payload.get()).expect("an event is JSON");
        untraced(LambdaEvent::new(event, context))
    })
}

/// A function that is not durable and gives back what it is given.
pub(crate) fn echo() -> Function {
    Function::in_process(|invocation| async move {
        Ok(serde_json::from_str(invocation.payload.get()).unwrap_or_default())
    })
    .plain()
}
