//! One trace across suspend and resume, for AWS Lambda durable functions in Rust.
//!
//! A durable function checkpoints its progress, suspends, and is invoked again later, in another process. Each invocation would be
//! a trace of its own. This library saves the trace's propagation headers in the execution's own log when the function suspends, as
//! a finished step named `_datadog_{N}`; the next invocation reads it and goes on under the same trace. Datadog's Python and JavaScript
//! libraries write and read the same steps.
//!
//! # Use
//!
//! Call [`run`] where you called `aws_durable_execution_sdk::run`:
//!
//! ```no_run
//! use aws_durable_execution_sdk::{BoxError, DurableContext};
//!
//! async fn handler(order: String, ctx: DurableContext) -> Result<String, BoxError> {
//!     let receipt = ctx.step(move |_| async move { Ok(format!("receipt for {order}")) }).name("payment").await?;
//!     ctx.wait(std::time::Duration::from_secs(86_400)).name("until-tomorrow").await?;
//!     ctx.step(|_| async { Ok("shipped".to_owned()) }).name("shipment").await?;
//!     Ok(receipt)
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), lambda_runtime::Error> {
//!     durable_trace::run(handler).await
//! }
//! ```
//!
//! # What it does not do
//!
//! - It never changes a workflow: the response is the SDK's, and a failure of ours is counted ([`health`]) and dropped.
//! - It sends nothing but spans, to the agent that the tracer is configured for. Payloads, results and inputs stay where they are.
//! - An execution that is stopped or times out has no last invocation, so no span shows its end.
//!
//! # Environment
//!
//! | variable | type | default | effect |
//! |---|---|---|---|
//! | `DD_DECODE_AUTHORIZER_CONTEXT` | boolean | `true` | whether a context that an API Gateway authorizer added is read |
//! | `DD_DURABLE_CROSS_INVOCATION_TRACING_ENABLED` | boolean | `true` | `false`: no checkpoint is written and no trace derived; one that is there is read |
//! | `DD_ENV`, `DD_VERSION` | text | | tags of the service |
//! | `DD_MERGE_XRAY_TRACES` | boolean | `false` | whether X-Ray's header may be the parent |
//! | `DD_SERVICE` | text | the function's name | the service that spans belong to |
//! | `DD_TRACE_AGENT_URL` | URL | `http://localhost:8126` | where spans go |
//! | `DD_TRACE_ENABLED` | boolean | `true` | `false`: no spans, no writes, the SDK's plain behaviour |
//! | `DD_TRACE_PROPAGATION_STYLE_EXTRACT` | comma list | `datadog,tracecontext` | the header styles that the caller's context is read in, in order |
//! | `DD_TRACE_X_DATADOG_TAGS_MAX_LENGTH` | characters | `512` | limit of `x-datadog-tags` in a checkpoint |
//! | `DURABLE_TRACE_CHECKPOINT_BUDGET_MS` | milliseconds | `250` | time for a checkpoint call of our own |
//! | `DURABLE_TRACE_CHECKPOINT_MODE` | `ride`, `call`, `none` | `ride` | how a checkpoint reaches the log: see [`CheckpointMode`] |
//! | `DURABLE_TRACE_CHECKPOINT_STYLE` | `datadog`, `datadog,tracecontext` | `datadog` | headers in a checkpoint |
//! | `DURABLE_TRACE_CONTINUITY` | `parent`, `link` | `parent` | whether resumed invocations go on in the trace: see [`Continuity`] |
//! | `DURABLE_TRACE_ERROR_MESSAGES` | boolean | `true` | `false`: messages of errors stay out of spans, their types stay on them |
//! | `DURABLE_TRACE_FLUSH_BUDGET_MS` | milliseconds | `500` | how long the end of an invocation waits for the exporter |
//! | `DURABLE_TRACE_INVOKE_TARGETS` | names or ARNs, or `*` | none | functions that are handed the trace by `ctx.invoke`: see [`OptionsBuilder::invoke_targets`] |
//! | `DURABLE_TRACE_MAX_AGE` | seconds, or with `s`, `m`, `h`, `d` | off | age of an execution past which its invocations link |
//! | `DURABLE_TRACE_REPLAYED_SPANS` | `omit`, `emit` | `omit` | whether replayed work is spans too: see [`ReplayedSpans`] |
//! | `DURABLE_TRACE_SUSPENDED_SPANS` | boolean | `false` | one `aws.durable.suspended` span per resume |
//! | `DURABLE_TRACE_WARNINGS` | boolean | `true` | whether what you can act on is logged at WARN, once per process |
//!
//! A boolean is `true`, `1`, `false` or `0`, in any case. A value that cannot be used leaves the default in force and is named in
//! a warning. The tracer reads further `DD_*` variables itself, and logging follows `lambda_runtime`'s rules
//! (`AWS_LAMBDA_LOG_FORMAT`, `AWS_LAMBDA_LOG_LEVEL`, `RUST_LOG`).

mod body;
mod caller;
mod client;
mod config;
pub mod contract;
#[cfg(feature = "datadog")]
mod datadog;
pub mod diagnosis;
mod event;
mod flush;
mod handover;
mod health;
#[cfg(feature = "datadog")]
mod lambda_spans;
mod layer;
mod options;
mod plan;
mod registry;
mod resume;
mod service;
mod session;
mod setup;
mod spans;
mod subscriber;
mod traced;
mod warning;

pub use body::{BodyLayer, BodyService};
pub use config::{CheckpointMode, Continuity};
pub use durable_trace_wire::{CheckpointStyles, Context, SamplingPriority, SpanId, Tags, TraceId};
pub use event::Event;
pub use health::{ErrorType, Health, Location, Outcome, health};
pub use layer::{layer, user_spans};
pub use options::{BuildOptionsError, Options, OptionsBuilder};
pub use plan::ReplayedSpans;
pub use service::{InvocationFuture, run, run_with_options, wrap};
pub use warning::{Contradiction, Warning};

/// The program in the README, compiled as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
