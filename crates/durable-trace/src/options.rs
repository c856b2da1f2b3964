//! What a user can set in code. What is not set comes from the environment.

mod builder;

use std::sync::Arc;
use std::time::Duration;

use aws_types::SdkConfig;
use durable_trace_wire::{CarrierRules, CheckpointStyles};
use opentelemetry_sdk::trace::SdkTracerProvider;

pub use self::builder::{BuildOptionsError, OptionsBuilder};
use crate::caller::Extractor;
use crate::config::{CheckpointMode, Continuity, View};
use crate::handover::InvokeTargets;
use crate::logging::ReplayedLogs;
use crate::plan::ReplayedSpans;
use crate::spans::{DurableTracerProvider, Propagator};

/// Settings of [`run_with_options`](crate::run_with_options) and [`wrap`](crate::wrap).
///
/// Everything is optional: a value set here wins over the environment, the environment over the default.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use durable_trace::{CheckpointMode, Options};
///
/// let options = Options::builder()
///     .service("orders")
///     .checkpoint_mode(CheckpointMode::Ride)
///     .flush_budget(Duration::from_millis(200))
///     .build()?;
/// # drop(options);
/// # Ok::<(), durable_trace::BuildOptionsError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Options {
    pub(crate) lambda_client: Option<aws_sdk_lambda::Client>,
    pub(crate) sdk_config: Option<SdkConfig>,
    pub(crate) sdk: SdkOptions,
    pub(crate) tracer_provider: Option<SdkTracerProvider>,
    pub(crate) durable_tracer_provider: Option<DurableTracerProvider>,
    pub(crate) propagator: Option<Arc<dyn Propagator>>,
    pub(crate) settings: Settings,
    pub(crate) install_subscriber: bool,
    pub(crate) replayed_logs: ReplayedLogs,
    /// What the environment asks for and the tracer cannot give.
    pub(crate) unmet_view: Option<View>,
}

/// What is handed to the SDK as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SdkOptions {
    pub(crate) checkpoint_batching: Option<bool>,
    pub(crate) checkpoint_delay: Option<Duration>,
}

/// What an invocation needs to know.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one field a setting")]
pub(crate) struct Settings {
    pub(crate) checkpoint_budget: Duration,
    pub(crate) checkpoint_mode: CheckpointMode,
    pub(crate) carriers: CarrierRules,
    pub(crate) checkpoint_styles: CheckpointStyles,
    pub(crate) continuity: Continuity,
    pub(crate) cross_invocation: bool,
    pub(crate) enabled: bool,
    pub(crate) error_messages: bool,
    pub(crate) extractor: Option<Extractor>,
    pub(crate) flush_budget: Duration,
    pub(crate) invoke_targets: InvokeTargets,
    pub(crate) max_age: Option<Duration>,
    /// Styles are to be read that only the tracer knows.
    pub(crate) other_styles: bool,
    pub(crate) replayed_spans: ReplayedSpans,
    pub(crate) resource: Option<String>,
    #[cfg_attr(
        not(feature = "datadog"),
        expect(dead_code, reason = "asked where Datadog's tracer is set up")
    )]
    pub(crate) service: Option<String>,
    pub(crate) suspended_spans: bool,
    pub(crate) tags_max_length: usize,
    pub(crate) view: View,
}

impl Settings {
    /// Whether a checkpoint is written, with W3C's headers in it.
    pub(crate) fn saves_tracecontext(&self) -> bool {
        self.cross_invocation
            && self.checkpoint_mode != CheckpointMode::None
            && self.checkpoint_styles.has_tracecontext()
    }
}

impl Default for Options {
    fn default() -> Self {
        OptionsBuilder::default().resolve()
    }
}

impl Options {
    /// Begins with nothing set.
    pub fn builder() -> OptionsBuilder {
        OptionsBuilder::default()
    }
}
