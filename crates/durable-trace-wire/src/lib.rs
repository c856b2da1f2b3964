//! What the bytes of a traced durable execution mean. Pure: no I/O, no clock, no environment, no
//! tracer; nothing here panics, whatever the input.
//!
//! | on the wire | here | defined by |
//! |---|---|---|
//! | `x-datadog-trace-id`, `x-datadog-parent-id`, `_dd.p.tid` | [`TraceId`], [`SpanId`] | [Datadog][dd] |
//! | `x-datadog-sampling-priority` | [`SamplingPriority`] | [Datadog][dd] |
//! | `x-datadog-origin`, `x-datadog-tags` | [`Context`], [`Tags`] | [Datadog][dd] |
//! | `traceparent`, `tracestate` | [`Context`], by [`HeaderStyle::TraceContext`] | [W3C][w3c] |
//! | `baggage`, other vendors' part of `tracestate` | [`PassThrough`] | [W3C][baggage] |
//! | any map of these | [`Headers`] | |
//! | the event: `DurableExecutionArn`, `InitialExecutionState`, … | [`Invocation`] | [AWS][aws] |
//! | one of its `Operations` | [`Operation`] | [AWS][op] |
//! | the ARN | [`ExecutionArn`] | [AWS][aws] |
//! | the response's `Status` and `Error` | [`response_status`] | [AWS][aws] |
//! | a step named `_datadog_{N}` | [`read`] finds it, [`decide`] makes the next | `ddtrace`, `dd-trace` |
//! | the event that started it: HTTP, SQS, SNS, EventBridge, … | [`extract_from_event`], [`trigger_of`] | [AWS][events], `datadog-lambda` |
//! | its Lambda client context, its X-Ray header | [`extract_from_client_context`], [`extract_from_xray`], [`Origin`] | [AWS][aws] |
//!
//! An [`Invocation`] is parsed, its log is [`read`], the [`Context`] found is gone on with; at a
//! suspension [`decide`] says which checkpoint to write, if any:
//!
//! ```
//! use durable_trace_wire::{Decision, Headers, Invocation, SpanId, WriteRules, decide, read};
//!
//! let event = r#"{
//!     "DurableExecutionArn": "arn:aws:lambda:eu-west-1:1:function:f:1/durable-execution/n/i",
//!     "InitialExecutionState": {"Operations": [{"Id": "i", "Type": "EXECUTION"}]}
//! }"#;
//! let invocation = Invocation::parse(event)?.ok_or("not durable")?;
//! let reading = read(&invocation.arn, &invocation.operations);
//! assert_eq!(reading.found, None); // the first invocation
//!
//! let injected = Headers::from_pairs([
//!     ("x-datadog-trace-id", "77"),
//!     ("x-datadog-parent-id", "5"),
//!     ("x-datadog-sampling-priority", "1"),
//! ]);
//! let Decision::Write(checkpoint) = decide(
//!     &invocation.arn,
//!     reading.found.as_ref(),
//!     &injected,
//!     SpanId::new(5).ok_or("zero")?,
//!     reading.next_number(),
//!     invocation.operation_count,
//!     &WriteRules::default(),
//! ) else {
//!     return Err("nothing to write".into());
//! };
//! assert_eq!(checkpoint.name, "_datadog_0");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [dd]: https://docs.datadoghq.com/tracing/trace_collection/trace_context_propagation/
//! [baggage]: https://www.w3.org/TR/baggage/
//! [w3c]: https://www.w3.org/TR/trace-context/
//! [aws]: https://docs.aws.amazon.com/lambda/latest/dg/durable-functions.html
//! [events]: https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html
//! [op]: https://docs.aws.amazon.com/lambda/latest/api/API_Operation.html

mod arn;
mod ascii;
mod carrier;
mod checkpoint;
mod context;
mod datadog;
mod decimal;
mod derived;
mod event;
mod headers;
mod ids;
mod invocation;
mod json;
mod nested;
mod operation;
mod origin;
mod pass_through;
mod reader;
mod response;
mod sampling;
mod tags;
mod timestamp;
mod traceparent;
mod tracestate;
mod trigger;
mod writer;

pub use arn::ExecutionArn;
pub use carrier::{
    Carried, CarrierRules, OtherStyles, Source, XRayHeader, extract_from_client_context,
    extract_from_event, extract_from_event_with, extract_from_xray, first_complete,
};
pub use checkpoint::{CheckpointNumber, NAME_PREFIX, checkpoint_id, known_derivation};
pub use context::Context;
pub use datadog::DEFAULT_TAGS_MAX_LENGTH;
pub use derived::{
    derive_context, derive_operation_span_id, derive_span_id, derive_trace_id, derive_workflow_id,
};
pub use headers::{HeaderStyle, Headers, ParseHeadersError};
pub use ids::{ParseSpanIdError, ParseTraceIdError, SpanId, TraceId};
pub use invocation::Invocation;
pub use operation::{ErrorObject, Operation, OperationStatus, OperationType, Payload};
pub use origin::Origin;
pub use pass_through::PassThrough;
pub use reader::{Found, Reading, SkipReason, Skipped, read};
pub use response::{InvocationStatus, ResponseStatus, response_status};
pub use sampling::SamplingPriority;
pub use tags::Tags;
pub use timestamp::UnixMillis;
pub use trigger::{HttpRequest, Trigger, trigger_of};
pub use writer::{Checkpoint, CheckpointStyles, Decision, WriteRules, decide};

/// The program in the README, compiled as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
