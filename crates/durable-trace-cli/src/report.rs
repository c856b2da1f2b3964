//! What a demo run showed: executions, invocations, the log and the spans, tied together.

mod otlp;
mod resume;
mod spans;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

pub(crate) use self::{
    otlp::spans_of,
    resume::{Resume, is_checkpoint, note_writers},
    spans::attribute_spans,
};

/// A run of a workflow, as `demo --format json` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) workflow: String,
    /// The event that started it, as the service was given it.
    pub(crate) input: String,
    /// The execution that the demo started, the first of `executions`.
    pub(crate) execution_arn: String,
    pub(crate) status: String,
    /// The service's string as it is.
    pub(crate) result: Option<String>,
    pub(crate) error: Option<Failure>,
    pub(crate) executions: Vec<Execution>,
    pub(crate) invocations: Vec<Invocation>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) spans: Vec<SpanRecord>,
    /// The same as they came, in AWS's views: OTLP/JSON requests.
    #[serde(skip)]
    pub(crate) requests: Vec<Value>,
}

/// Why an execution failed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Failure {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) message: Option<String>,
}

/// An execution, as the service keeps it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Execution {
    pub(crate) arn: String,
    pub(crate) function: String,
    pub(crate) status: String,
    pub(crate) result: Option<String>,
    #[serde(skip)]
    pub(crate) error: Option<Failure>,
}

/// One invocation of a function.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Invocation {
    /// Counts from 0 over all executions, by start.
    pub(crate) index: usize,
    pub(crate) execution_arn: String,
    pub(crate) request_id: String,
    pub(crate) status: String,
    /// What its `aws.lambda` span continued; none if it began a trace.
    pub(crate) context: Option<Resume>,
    /// Every request that reached the service during the invocation, retries included.
    pub(crate) api_calls: Vec<String>,
    pub(crate) checkpoint_written: Option<String>,
    /// How: with a request of the SDK's, or by a call of its own.
    pub(crate) checkpoint_by: Option<Means>,
}

/// How a checkpoint came into the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Means {
    Call,
    Ride,
}

/// An operation of an execution's log.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Operation {
    pub(crate) execution_arn: String,
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) subtype: Option<String>,
    pub(crate) status: String,
    pub(crate) parent_id: Option<String>,
    pub(crate) result: Option<String>,
    /// The invocation that wrote it first, if one did.
    #[serde(skip)]
    pub(crate) written_by: Option<usize>,
}

/// A span that the intake received.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SpanRecord {
    /// None for a span under no `aws.lambda` span of a known request.
    pub(crate) invocation: Option<usize>,
    /// 32 lower-case hex digits.
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    /// "0" for none.
    pub(crate) parent_id: String,
    pub(crate) name: String,
    pub(crate) resource: String,
    pub(crate) service: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) error: i32,
    /// Nanoseconds since 1970.
    pub(crate) start: i64,
    /// Nanoseconds.
    pub(crate) duration: i64,
    pub(crate) meta: BTreeMap<String, String>,
    pub(crate) metrics: BTreeMap<String, f64>,
    /// Only in AWS's views: Datadog's has its links among `meta`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) links: Vec<LinkRecord>,
}

/// A span that another links to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LinkRecord {
    /// 32 lower-case hex digits.
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
}

/// The name of the span that stands for one invocation.
pub(crate) const LAMBDA_SPAN: &str = "aws.lambda";

/// The name of the span that stands for the time asleep before an invocation.
pub(crate) const SUSPENDED_SPAN: &str = "aws.durable.suspended";
