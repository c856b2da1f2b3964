//! A function, the service that invokes it, and the spans that came of it.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use aws_durable_execution_sdk::{BoxError, DurableContext};
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use datadog_opentelemetry::configuration::Config as TracerConfig;
use durable_trace::{Event, Options, OptionsBuilder};
use durable_trace_local::{
    Config, ExecutionRecord, Function, FunctionError, InvocationRecord, Service,
};
use lambda_runtime::{Context, LambdaEvent};
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, SpanId, TraceId};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};
use serde_json::Value;
use tracing::Instrument as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry};

/// The function's name in every world.
pub(crate) const FUNCTION: &str = "orders";

/// Whether the tests' subscriber has our layer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Layer {
    With,
    Without,
}

/// A service with one durable function on it, and everything that its tracer saw.
pub(crate) struct World {
    pub(crate) service: Service,
    pub(crate) spans: Collected,
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
        let service = Service::start(setting.config).await.expect("a free port");
        let spans = Collected::default();
        let mut config = TracerConfig::builder();
        config
            .set_service("orders".to_owned())
            .set_trace_agent_url(agent())
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
        let ours = (setting.layer == Layer::With).then(durable_trace::layer);
        let export = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("tests"))
            .with_filter(durable_trace::user_spans());
        let subscriber =
            tracing::subscriber::set_default(Registry::default().with(ours).with(export));
        let propagator: Propagator = Propagator(Arc::new(propagator));
        let shared = (provider.clone(), propagator.clone());
        let options = setting
            .options
            .lambda_client(client(&service, setting.max_attempts))
            .tracer_provider(provider)
            .propagator(propagator)
            .flush_budget(Duration::from_millis(500))
            .build()
            .expect("options that do not contradict each other");
        let traced = durable_trace::wrap(handler, options);
        let around = move |event| -> durable_trace::InvocationFuture {
            let invocation = traced(event);
            if setting.inside_lambda_span {
                return Box::pin(invocation.instrument(tracing::info_span!("aws.lambda")));
            }
            invocation
        };
        service.register(FUNCTION, in_process(around));
        Self {
            service,
            spans,
            tracer: shared,
            _subscriber: subscriber,
        }
    }

    /// Registers another durable function, traced by the same tracer.
    pub(crate) fn register<F, Fut>(&self, name: &str, options: OptionsBuilder, handler: F)
    where
        F: Fn(Value, DurableContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value, BoxError>> + Send + 'static,
    {
        let (provider, propagator) = self.tracer.clone();
        let options = options
            .lambda_client(client(&self.service, 3))
            .tracer_provider(provider)
            .propagator(propagator)
            .build()
            .expect("options that do not contradict each other");
        self.service
            .register(name, in_process(durable_trace::wrap(handler, options)));
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

/// A service made by `wrap`, as a function of the local service.
pub(crate) fn in_process<S>(traced: S) -> Function
where
    S: Fn(LambdaEvent<Event>) -> durable_trace::InvocationFuture + Clone + Send + Sync + 'static,
{
    Function::in_process(move |invocation| {
        let traced = traced.clone();
        async move {
            let mut context = Context::default();
            context.request_id = invocation.request_id;
            context.deadline = invocation.deadline.as_millis();
            context.invoked_function_arn = invocation.function_arn;
            context.env_config = Arc::new(lambda_runtime::Config {
                function_name: FUNCTION.to_owned(),
                ..Default::default()
            });
            match traced(LambdaEvent::new(Event::from(invocation.payload), context)).await {
                Ok(response) => Ok(serde_json::to_value(response).expect("a response is JSON")),
                Err(error) => Err(FunctionError::new("Error", error.to_string())),
            }
        }
    })
}

/// Every span that ended, on its way to the exporter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collected {
    ended: Arc<Mutex<Vec<Seen>>>,
    open: Arc<Mutex<HashSet<SpanId>>>,
}

/// A span that ended.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) parent_id: SpanId,
    pub(crate) start: SystemTime,
    pub(crate) end: SystemTime,
    pub(crate) failed: bool,
    pub(crate) links: Vec<(TraceId, SpanId)>,
    attributes: Vec<KeyValue>,
}

impl Seen {
    /// An attribute as text.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.attributes
            .iter()
            .rev()
            .find(|kv| kv.key.as_str() == key)
            .map(|kv| kv.value.as_str().into_owned())
    }

    /// What Datadog calls the resource.
    pub(crate) fn resource(&self) -> String {
        self.text("resource.name").unwrap_or_default()
    }
}

impl Collected {
    /// All spans that ended, by start.
    pub(crate) fn all(&self) -> Vec<Seen> {
        let mut all = self.ended.lock().unwrap().clone();
        all.sort_by_key(|span| span.start);
        all
    }

    /// Those of one name, by start.
    pub(crate) fn named(&self, name: &str) -> Vec<Seen> {
        self.all()
            .into_iter()
            .filter(|span| span.name == name)
            .collect()
    }

    /// How many spans are still open.
    pub(crate) fn open(&self) -> usize {
        self.open.lock().unwrap().len()
    }

    /// The distinct trace ids.
    pub(crate) fn trace_ids(&self) -> HashSet<TraceId> {
        self.all().iter().map(|span| span.trace_id).collect()
    }

    /// Asserts one trace without orphans, whose later invocations hang on the first execute span.
    pub(crate) fn assert_one_trace(&self) {
        assert_eq!(self.trace_ids().len(), 1, "one trace");
        assert_eq!(self.open(), 0, "nothing left open");
        let all = self.all();
        let ids: HashSet<_> = all.iter().map(|span| span.span_id).collect();
        for span in &all {
            assert!(
                span.parent_id == SpanId::INVALID || ids.contains(&span.parent_id),
                "{} has a parent that nobody sent",
                span.name
            );
        }
        let anchor = self
            .named("aws.durable.execute")
            .first()
            .map(|execute| execute.span_id);
        for lambda in self.named("aws.lambda").iter().skip(1) {
            assert_eq!(
                Some(lambda.parent_id),
                anchor,
                "later invocations are siblings under the anchor"
            );
        }
    }
}

impl SpanProcessor for Collected {
    fn on_start(&self, span: &mut Span, _: &opentelemetry::Context) {
        use opentelemetry::trace::Span as _;
        self.open
            .lock()
            .unwrap()
            .insert(span.span_context().span_id());
    }

    fn on_end(&self, span: SpanData) {
        self.open
            .lock()
            .unwrap()
            .remove(&span.span_context.span_id());
        self.ended.lock().unwrap().push(Seen {
            name: span.name.into_owned(),
            trace_id: span.span_context.trace_id(),
            span_id: span.span_context.span_id(),
            parent_id: span.parent_span_id,
            start: span.start_time,
            end: span.end_time,
            failed: matches!(span.status, opentelemetry::trace::Status::Error { .. }),
            links: span
                .links
                .iter()
                .map(|link| (link.span_context.trace_id(), link.span_context.span_id()))
                .collect(),
            attributes: span.attributes,
        });
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// The URL of an agent that takes everything and looks at nothing: the spans are collected on their way.
fn agent() -> String {
    static AGENT: OnceLock<String> = OnceLock::new();
    AGENT
        .get_or_init(|| {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let url = format!("http://{}", listener.local_addr().expect("a bound address"));
            std::thread::spawn(move || {
                for connection in listener.incoming().flatten() {
                    std::thread::spawn(move || answer(connection));
                }
            });
            url
        })
        .clone()
}

fn answer(connection: TcpStream) -> Option<()> {
    let mut writer = connection.try_clone().ok()?;
    let mut reader = BufReader::new(connection);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).ok()?;
        writer
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            .ok()?;
    }
}
