//! How options come about: what is set in code, then the environment, then the defaults.

use std::sync::Arc;
use std::time::Duration;

use aws_types::SdkConfig;
use durable_trace_wire::CheckpointStyles;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;

use super::{Options, SdkOptions, Settings};
use crate::caller::Extractor;
use crate::config::{CheckpointMode, Continuity, View, environment};
use crate::handover::InvokeTargets;
use crate::logging::ReplayedLogs;
use crate::plan::ReplayedSpans;
use crate::spans::{DurableTracerProvider, Propagator};

/// Builds [`Options`].
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct OptionsBuilder {
    lambda_client: Option<aws_sdk_lambda::Client>,
    sdk_config: Option<SdkConfig>,
    sdk: SdkOptions,
    tracer_provider: Option<SdkTracerProvider>,
    durable_tracer_provider: Option<DurableTracerProvider>,
    propagator: Option<Arc<dyn Propagator>>,
    service: Option<String>,
    resource: Option<String>,
    checkpoint_mode: Option<CheckpointMode>,
    checkpoint_budget: Option<Duration>,
    checkpoint_styles: Option<CheckpointStyles>,
    flush_budget: Option<Duration>,
    invoke_targets: Option<InvokeTargets>,
    continuity: Option<Continuity>,
    extractor: Option<Extractor>,
    cross_invocation_tracing: Option<bool>,
    error_messages: Option<bool>,
    max_age: Option<Duration>,
    replayed_logs: Option<ReplayedLogs>,
    replayed_spans: Option<ReplayedSpans>,
    suspended_spans: Option<bool>,
    view: Option<View>,
    install_subscriber: Option<bool>,
}

impl OptionsBuilder {
    /// The client that the SDK calls the service with. Ours watches its calls; its retries and time-outs stay as they are.
    pub fn lambda_client(mut self, client: aws_sdk_lambda::Client) -> Self {
        self.lambda_client = Some(client);
        self
    }

    /// The AWS configuration to make that client from. Without either it is loaded once, at the first invocation.
    pub fn sdk_config(mut self, config: SdkConfig) -> Self {
        self.sdk_config = Some(config);
        self
    }

    /// Handed to the SDK: how long a checkpoint write waits for others to join it.
    pub fn checkpoint_delay(mut self, delay: Duration) -> Self {
        self.sdk.checkpoint_delay = Some(delay);
        self
    }

    /// Handed to the SDK: whether writes that meet are sent together.
    pub fn checkpoint_batching(mut self, batching: bool) -> Self {
        self.sdk.checkpoint_batching = Some(batching);
        self
    }

    /// A tracer of your own instead of the one made from `DD_*`. Give its [`propagator`](Self::propagator) too.
    pub fn tracer_provider(mut self, provider: SdkTracerProvider) -> Self {
        self.tracer_provider = Some(provider);
        self
    }

    /// A tracer of your own that takes the ids of AWS's views from us. It serves Datadog's view as well.
    pub fn durable_tracer_provider(mut self, provider: &DurableTracerProvider) -> Self {
        self.durable_tracer_provider = Some(provider.clone());
        self
    }

    /// Which spans an execution makes, instead of `DURABLE_TRACE_VIEW`. AWS's views need a
    /// [`durable_tracer_provider`](Self::durable_tracer_provider).
    pub fn view(mut self, view: View) -> Self {
        self.view = Some(view);
        self
    }

    /// The propagator that belongs to [`tracer_provider`](Self::tracer_provider).
    ///
    /// It carries the sampling decision between the tracer and a checkpoint. For Datadog's tracer it must be the one that was made
    /// with the provider.
    pub fn propagator(
        mut self,
        propagator: impl TextMapPropagator + Send + Sync + 'static,
    ) -> Self {
        self.propagator = Some(Arc::new(propagator));
        self
    }

    /// The service that spans belong to, instead of `DD_SERVICE` or the function's name. Only for the tracer made from `DD_*`.
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// The resource of `aws.durable.execute`, instead of the handler's name.
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// How a checkpoint reaches the log, instead of `DURABLE_TRACE_CHECKPOINT_MODE`.
    pub fn checkpoint_mode(mut self, mode: CheckpointMode) -> Self {
        self.checkpoint_mode = Some(mode);
        self
    }

    /// Time for a checkpoint call of our own, instead of `DURABLE_TRACE_CHECKPOINT_BUDGET_MS`.
    pub fn checkpoint_budget(mut self, budget: Duration) -> Self {
        self.checkpoint_budget = Some(budget);
        self
    }

    /// The header styles of a checkpoint, instead of `DURABLE_TRACE_CHECKPOINT_STYLE`.
    pub fn checkpoint_styles(mut self, styles: CheckpointStyles) -> Self {
        self.checkpoint_styles = Some(styles);
        self
    }

    /// How long the end of an invocation waits for the exporter, instead of `DURABLE_TRACE_FLUSH_BUDGET_MS`.
    pub fn flush_budget(mut self, budget: Duration) -> Self {
        self.flush_budget = Some(budget);
        self
    }

    /// The functions that `ctx.invoke` hands the trace to, by name or ARN, instead of `DURABLE_TRACE_INVOKE_TARGETS`; `*` for all.
    ///
    /// Their events get a member `_datadog`, if they are JSON objects. A durable function of this library's or Datadog's reads it; a
    /// function that refuses members that it does not know would break, so none is handed anything unless it is named. `*` is safe
    /// where every function that is invoked ignores what it does not know, as `serde` does by default.
    pub fn invoke_targets<T: AsRef<str>>(mut self, targets: impl IntoIterator<Item = T>) -> Self {
        let list: Vec<String> = targets
            .into_iter()
            .map(|target| target.as_ref().to_owned())
            .collect();
        self.invoke_targets = Some(InvokeTargets::parse(&list.join(",")));
        self
    }

    /// Your own way to find the caller's context in the event that started the execution, tried before all others.
    ///
    /// # Examples
    ///
    /// ```
    /// use durable_trace::{Context, Options, SamplingPriority, SpanId, Tags, TraceId};
    ///
    /// let options = Options::builder().extractor(|event| {
    ///     #[derive(serde::Deserialize)]
    ///     struct Ours { trace: u64, span: u64 }
    ///     let ours: Ours = serde_json::from_str(event.get()).ok()?;
    ///     Some(Context {
    ///         trace_id: TraceId::from_u128(ours.trace.into())?,
    ///         parent_id: SpanId::new(ours.span)?,
    ///         sampling_priority: Some(SamplingPriority::UserKeep),
    ///         origin: None,
    ///         tags: Tags::default(),
    ///     })
    /// });
    /// # drop(options);
    /// ```
    pub fn extractor(
        mut self,
        extractor: fn(&serde_json::value::RawValue) -> Option<crate::Context>,
    ) -> Self {
        self.extractor = Some(extractor);
        self
    }

    /// Whether checkpoints are written, instead of `DD_DURABLE_CROSS_INVOCATION_TRACING_ENABLED`. They are read all the same.
    pub fn cross_invocation_tracing(mut self, enabled: bool) -> Self {
        self.cross_invocation_tracing = Some(enabled);
        self
    }

    /// Whether messages of errors go on spans, instead of `DURABLE_TRACE_ERROR_MESSAGES`. Their types do all the same.
    pub fn error_messages(mut self, enabled: bool) -> Self {
        self.error_messages = Some(enabled);
        self
    }

    /// What becomes of log lines of replayed work where [`run`](crate::run) installs the subscriber, instead of
    /// `DURABLE_TRACE_REPLAYED_LOGS`.
    pub fn replayed_logs(mut self, replayed_logs: ReplayedLogs) -> Self {
        self.replayed_logs = Some(replayed_logs);
        self
    }

    /// Whether replayed work is spans too, instead of `DURABLE_TRACE_REPLAYED_SPANS`.
    pub fn replayed_spans(mut self, replayed_spans: ReplayedSpans) -> Self {
        self.replayed_spans = Some(replayed_spans);
        self
    }

    /// Whether the time asleep is a span, instead of `DURABLE_TRACE_SUSPENDED_SPANS`.
    pub fn suspended_spans(mut self, enabled: bool) -> Self {
        self.suspended_spans = Some(enabled);
        self
    }

    /// How a resumed invocation relates to the first, instead of `DURABLE_TRACE_CONTINUITY`.
    pub fn continuity(mut self, continuity: Continuity) -> Self {
        self.continuity = Some(continuity);
        self
    }

    /// The age of an execution past which its invocations link, instead of `DURABLE_TRACE_MAX_AGE`.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Whether [`run`](crate::run) installs a subscriber when there is none yet (default: it does).
    pub fn install_subscriber(mut self, install: bool) -> Self {
        self.install_subscriber = Some(install);
        self
    }

    /// The options, if they do not contradict each other.
    ///
    /// # Errors
    ///
    /// [`BuildOptionsError`] names the two settings that cannot both hold.
    pub fn build(self) -> Result<Options, BuildOptionsError> {
        if self.lambda_client.is_some() && self.sdk_config.is_some() {
            return Err(BuildOptionsError::ClientAndConfig);
        }
        if self.tracer_provider.is_some() && self.durable_tracer_provider.is_some() {
            return Err(BuildOptionsError::TwoProviders);
        }
        let brought = self.tracer_provider.is_some() || self.durable_tracer_provider.is_some();
        if let Some(view) = self.view.filter(|view| *view != View::Datadog)
            && self.durable_tracer_provider.is_none()
        {
            return Err(BuildOptionsError::ViewWithoutIds(view));
        }
        if self.propagator.is_some() && !brought {
            return Err(BuildOptionsError::PropagatorWithoutProvider);
        }
        if self.service.is_some() && brought {
            return Err(BuildOptionsError::ServiceWithProvider);
        }
        Ok(self.resolve())
    }

    pub(super) fn resolve(self) -> Options {
        let environment = environment();
        // What an operator has set does not keep a function from starting: it is said, and Datadog's view serves.
        let asked = environment.view;
        let is_met = asked == View::Datadog || self.durable_tracer_provider.is_some();
        let unmet_view = (self.view.is_none() && !is_met).then_some(asked);
        let of_environment = if is_met { asked } else { View::Datadog };
        Options {
            lambda_client: self.lambda_client,
            sdk_config: self.sdk_config,
            sdk: self.sdk,
            tracer_provider: self.tracer_provider,
            durable_tracer_provider: self.durable_tracer_provider,
            propagator: self.propagator,
            settings: Settings {
                checkpoint_budget: self
                    .checkpoint_budget
                    .unwrap_or(environment.checkpoint_budget),
                checkpoint_mode: self.checkpoint_mode.unwrap_or(environment.checkpoint_mode),
                checkpoint_styles: self
                    .checkpoint_styles
                    .unwrap_or(environment.checkpoint_styles),
                continuity: self.continuity.unwrap_or(environment.continuity),
                cross_invocation: self
                    .cross_invocation_tracing
                    .unwrap_or(environment.cross_invocation),
                carriers: environment.carriers.clone(),
                enabled: environment.enabled,
                error_messages: self.error_messages.unwrap_or(environment.error_messages),
                extractor: self.extractor,
                other_styles: environment.other_styles,
                flush_budget: self.flush_budget.unwrap_or(environment.flush_budget),
                max_age: self.max_age.or(environment.max_age),
                replayed_spans: self.replayed_spans.unwrap_or(environment.replayed_spans),
                invoke_targets: self
                    .invoke_targets
                    .unwrap_or_else(|| environment.invoke_targets.clone()),
                resource: self.resource,
                service: self.service,
                suspended_spans: self.suspended_spans.unwrap_or(environment.suspended_spans),
                tags_max_length: environment.tags_max_length,
                view: self.view.unwrap_or(of_environment),
            },
            unmet_view,
            install_subscriber: self.install_subscriber.unwrap_or(true),
            replayed_logs: self.replayed_logs.unwrap_or(environment.replayed_logs),
        }
    }
}

/// Two settings that cannot both hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildOptionsError {
    /// A client is made already, so there is nothing to make from a configuration.
    #[error("both `lambda_client` and `sdk_config` are set; give one of them")]
    ClientAndConfig,
    /// A propagator serves the tracer that it was made with.
    #[error("`propagator` is set without `tracer_provider`; give both or neither")]
    PropagatorWithoutProvider,
    /// A provider of the user's carries its own service name.
    #[error(
        "both `service` and `tracer_provider` are set; set `service.name` in the provider's resource instead"
    )]
    ServiceWithProvider,
    /// Spans go to one tracer.
    #[error("both `tracer_provider` and `durable_tracer_provider` are set; give one of them")]
    TwoProviders,
    /// AWS's views need spans with ids that any invocation can come to. Datadog's tracer, and any plain provider, draws its own.
    #[error(
        "view `{}` needs `durable_tracer_provider`: the tracer made from `DD_*`, or given by `tracer_provider`, draws span ids of its own",
        .0.as_str()
    )]
    ViewWithoutIds(View),
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::propagation::TraceContextPropagator;

    use super::*;

    #[test]
    fn contradictions_are_refused_by_name() {
        let config = SdkConfig::builder().build();
        let client = aws_sdk_lambda::Client::new(&config);
        let provider = SdkTracerProvider::builder().build();
        let durable = DurableTracerProvider::new(SdkTracerProvider::builder());
        for (builder, want) in [
            (
                Options::builder().lambda_client(client).sdk_config(config),
                BuildOptionsError::ClientAndConfig,
            ),
            (
                Options::builder().propagator(TraceContextPropagator::new()),
                BuildOptionsError::PropagatorWithoutProvider,
            ),
            (
                Options::builder().service("s").tracer_provider(provider),
                BuildOptionsError::ServiceWithProvider,
            ),
            (
                Options::builder()
                    .tracer_provider(SdkTracerProvider::builder().build())
                    .durable_tracer_provider(&durable),
                BuildOptionsError::TwoProviders,
            ),
            (
                Options::builder()
                    .service("s")
                    .durable_tracer_provider(&durable),
                BuildOptionsError::ServiceWithProvider,
            ),
            (
                Options::builder().view(View::Execution),
                BuildOptionsError::ViewWithoutIds(View::Execution),
            ),
            (
                Options::builder()
                    .view(View::Invocation)
                    .tracer_provider(SdkTracerProvider::builder().build()),
                BuildOptionsError::ViewWithoutIds(View::Invocation),
            ),
        ] {
            assert_eq!(builder.build().err(), Some(want), "{want}");
        }
    }

    #[test]
    fn what_is_set_in_code_wins_over_the_environment() {
        let options = Options::builder()
            .checkpoint_mode(CheckpointMode::Call)
            .checkpoint_budget(Duration::from_millis(1))
            .flush_budget(Duration::from_millis(2))
            .cross_invocation_tracing(false)
            .checkpoint_styles(CheckpointStyles::DatadogAndTraceContext)
            .build()
            .unwrap();
        let settings = options.settings;
        assert_eq!(settings.checkpoint_mode, CheckpointMode::Call);
        assert_eq!(settings.checkpoint_budget, Duration::from_millis(1));
        assert_eq!(settings.flush_budget, Duration::from_millis(2));
        assert_eq!(
            settings.checkpoint_styles,
            CheckpointStyles::DatadogAndTraceContext
        );
        assert!(!settings.cross_invocation);
    }
}
