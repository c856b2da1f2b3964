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
//! - It sends no logs. What joins them to the trace stands in each line that is written: [`logging`].
//! - An execution that is stopped or times out has no last invocation, so no span shows its end.
//!
//! # Guide
//!
//! The [`guide`] goes from a first function to the bill. Every variable is in [`guide::configuration`], what a warning means in
//! [`guide::troubleshooting`], what to set up in Datadog in [`guide::reading_the_trace`].

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
#[cfg(any(doc, doctest))]
pub mod guide;
mod handover;
mod health;
mod heard;
#[cfg(feature = "datadog")]
mod lambda_spans;
mod layer;
pub mod logging;
mod options;
mod plan;
mod registry;
mod resume;
mod sdk_names;
mod service;
mod session;
mod setup;
mod spans;
mod subscriber;
mod traced;
mod virtual_context;
mod warning;

pub use body::{BodyLayer, BodyService};
pub use config::{CheckpointMode, Continuity, View};
pub use durable_trace_wire::{CheckpointStyles, Context, SamplingPriority, SpanId, Tags, TraceId};
pub use event::Event;
pub use health::{ErrorType, Health, Location, Outcome, health};
pub use layer::{layer, user_spans};
pub use options::{BuildOptionsError, Options, OptionsBuilder};
pub use plan::ReplayedSpans;
pub use service::{InvocationFuture, run, run_with_options, wrap};
pub use spans::DurableTracerProvider;
pub use virtual_context::virtual_context;
pub use warning::{Contradiction, Warning};

/// The program in the README, compiled as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
