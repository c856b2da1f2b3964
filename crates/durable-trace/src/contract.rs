//! Names of the spans, attributes and environment variables that this library speaks in.
//!
//! Renaming one is a breaking change: dashboards, monitors and Datadog's durable-function views match on them.
//! The names are those of Datadog's Python and JavaScript integrations
//! (<https://docs.datadoghq.com/serverless/aws_lambda/durable_functions>), except where a comment says otherwise.

/// Span names (Datadog: operation names; OpenTelemetry: span names).
pub mod span_names {
    /// A child context, `with_retry`, or a combinator (`join_all`, `try_join_all`, `race`, `select_ok`).
    pub const CHILD_CONTEXT: &str = "aws.durable.child_context";
    /// A callback that somebody is to complete.
    pub const CREATE_CALLBACK: &str = "aws.durable.create_callback";
    /// One execution's handler in one invocation.
    pub const EXECUTE: &str = "aws.durable.execute";
    /// A call of another function.
    pub const INVOKE: &str = "aws.durable.invoke";
    /// One Lambda invocation.
    pub const LAMBDA: &str = "aws.lambda";
    /// A map over items; what its iterations do hangs on it.
    pub const MAP: &str = "aws.durable.map";
    /// Branches side by side; what they do hangs on it.
    pub const PARALLEL: &str = "aws.durable.parallel";
    /// One attempt of a step.
    pub const STEP: &str = "aws.durable.step";
    /// The time that an execution slept before an invocation, with `DURABLE_TRACE_SUSPENDED_SPANS`. Ours alone.
    pub const SUSPENDED: &str = "aws.durable.suspended";
    /// A durable timer.
    pub const WAIT: &str = "aws.durable.wait";
    /// A callback together with the step that submits it.
    pub const WAIT_FOR_CALLBACK: &str = "aws.durable.wait_for_callback";
    /// One check of a condition.
    pub const WAIT_FOR_CONDITION: &str = "aws.durable.wait_for_condition";
    /// In AWS's views: one Lambda invocation.
    pub const AWS_INVOCATION: &str = "Invocation";
    /// In AWS's views: a whole execution.
    pub const AWS_WORKFLOW: &str = "Workflow";
}

/// Attribute keys (Datadog: `meta` for text, `metrics` for numbers).
pub mod keys {
    /// `true` on the first invocation of a process.
    pub const COLD_START: &str = "cold_start";
    /// The integration that made the span.
    pub const COMPONENT: &str = "component";
    /// Sent as Datadog's `type`.
    pub const DATADOG_SPAN_TYPE: &str = "span.type";
    /// Sent as Datadog's `name`.
    pub const DATADOG_OPERATION: &str = "operation.name";
    /// Sent as Datadog's `resource`.
    pub const DATADOG_RESOURCE: &str = "resource.name";
    /// The product that a trace began in; `lambda` unless the caller's trace names another.
    pub const DATADOG_ORIGIN: &str = "_dd.origin";
    /// Upper 64 bits of the trace id, 16 lower-case hex digits.
    pub const DATADOG_TRACE_ID_HIGH: &str = "_dd.p.tid";
    /// 1: the backend computes statistics on the span.
    pub const DATADOG_MEASURED: &str = "_dd.measured";
    /// `true` on what was still open 200 ms before Lambda's deadline: it ends there in the trace, whatever became of it. Ours alone.
    pub const DEADLINE: &str = "durable_trace.deadline";
    /// `true` on a span whose parent is no span: an anchor that follows from the execution's ARN. Ours alone.
    pub const DERIVED_PARENT: &str = "durable_trace.derived_parent";
    /// Message of the user's error, unless `DURABLE_TRACE_ERROR_MESSAGES` is `false`.
    pub const ERROR_MESSAGE: &str = "error.message";
    /// Type of the user's error, where the SDK tells it.
    pub const ERROR_TYPE: &str = "error.type";
    /// In AWS's views: which attempt of an operation it is, from 1.
    pub const AWS_ATTEMPT_NUMBER: &str = "durable.attempt.number";
    /// In AWS's views: `SUCCEEDED` or `FAILED`; a condition that is not met yet has succeeded.
    pub const AWS_ATTEMPT_OUTCOME: &str = "durable.attempt.outcome";
    /// In AWS's views: the execution's ARN.
    pub const AWS_EXECUTION_ARN: &str = "durable.execution.arn";
    /// In AWS's views: `SUCCEEDED` or `FAILED`.
    pub const AWS_EXECUTION_STATUS: &str = "durable.execution.status";
    /// In AWS's views: `true` on an execution's first invocation, else `false`.
    pub const AWS_INVOCATION_FIRST: &str = "durable.invocation.first";
    /// In AWS's views: `SUCCEEDED`, `FAILED` or `PENDING`.
    pub const AWS_INVOCATION_STATUS: &str = "durable.invocation.status";
    /// In AWS's views: the SDK's id of the operation.
    pub const AWS_OPERATION_ID: &str = "durable.operation.id";
    /// In AWS's views: the operation's name, if it has one.
    pub const AWS_OPERATION_NAME: &str = "durable.operation.name";
    /// In AWS's views: `STARTED`, `SUCCEEDED` or `FAILED`.
    pub const AWS_OPERATION_STATUS: &str = "durable.operation.status";
    /// In AWS's views: the SDK's word for what kind of a type it is, such as `WaitForCondition`.
    pub const AWS_OPERATION_SUBTYPE: &str = "durable.operation.subtype";
    /// In AWS's views: `STEP`, `WAIT`, `CONTEXT`, `CHAINED_INVOKE` or `CALLBACK`.
    pub const AWS_OPERATION_TYPE: &str = "durable.operation.type";
    /// In AWS's views: the invocation's request id. OpenTelemetry's name.
    pub const FAAS_INVOCATION_ID: &str = "faas.invocation_id";
    /// In AWS's views: `true` on the first invocation of a process. OpenTelemetry's name.
    pub const FAAS_COLDSTART: &str = "faas.coldstart";
    /// The execution's ARN.
    pub const EXECUTION_ARN: &str = "aws.durable.execution_arn";
    /// Last part of the ARN.
    pub const EXECUTION_ID: &str = "aws.durable.execution_id";
    /// Last part but one of the ARN.
    pub const EXECUTION_NAME: &str = "aws.durable.execution_name";
    /// `SUCCEEDED`, `FAILED` or `PENDING`, as the function answered.
    pub const EXECUTION_STATUS: &str = "aws.durable.execution_status";
    /// `true` on the first invocation of an execution.
    pub const FIRST_INVOCATION: &str = "aws.durable.first_invocation";
    /// The function's ARN, lower case, without a qualifier.
    pub const FUNCTION_ARN: &str = "function_arn";
    /// The function's name, lower case.
    pub const FUNCTION_NAME: &str = "functionname";
    /// The function's qualifier, `$LATEST` when the ARN has none.
    pub const FUNCTION_VERSION: &str = "function_version";
    /// The request's method.
    pub const HTTP_METHOD: &str = "http.method";
    /// The request's referer, without its query.
    pub const HTTP_REFERER: &str = "http.referer";
    /// The pattern that the request's path matched.
    pub const HTTP_ROUTE: &str = "http.route";
    /// The request's URL, without a query.
    pub const HTTP_URL: &str = "http.url";
    /// The request's user agent.
    pub const HTTP_USER_AGENT: &str = "http.useragent";
    /// How often this library failed since the last execute span; absent when it did not. Ours alone.
    pub const INTEGRATION_ERRORS: &str = "aws.durable.integration_errors";
    /// Where it failed, comma separated. Ours alone.
    pub const INTEGRATION_ERROR_LOCATIONS: &str = "aws.durable.integration_error_locations";
    /// `succeeded`, `failed` or `pending`.
    pub const INVOCATION_STATUS: &str = "aws.durable.invocation_status";
    /// The name or ARN of the function that an invoke calls; only where the invoke was started.
    pub const INVOKED_FUNCTION: &str = "aws.durable.invoke.function_name";
    /// The attempt of a step or of a condition's check, 0 for the first.
    pub const OPERATION_ATTEMPT: &str = "aws.durable.operation_attempt";
    /// The SDK's id of the operation.
    pub const OPERATION_ID: &str = "aws.durable.operation_id";
    /// The operation's name, when it has one.
    pub const OPERATION_NAME: &str = "aws.durable.operation_name";
    /// `true` when recorded work was returned instead of done.
    pub const REPLAYED: &str = "aws.durable.replayed";
    /// The invocation's Lambda request id.
    pub const REQUEST_ID: &str = "request_id";
    /// The function's name.
    pub const RESOURCE_NAMES: &str = "resource_names";
    /// Milliseconds from the moment at which what the execution slept on was ready to the start of the invocation. Ours alone.
    pub const RESUME_DELAY_MS: &str = "aws.durable.resume_delay_ms";
    /// Milliseconds that the execution slept: from the latest timestamp that the invocation before left in the log (the start of an
    /// operation, or the end of one that the function itself ended) to the start of this one, or to the moment at which what it slept on was ready
    /// where the service's clock is ahead of the function's. Ours alone.
    pub const SUSPENDED_MS: &str = "aws.durable.suspended_ms";
    /// Type and name of what the execution slept on, such as `wait until-tomorrow`: of several, the first that was ready. Ours alone.
    pub const SUSPENDED_ON: &str = "aws.durable.suspended_on";
    /// The kind of service that the event which started the execution came from, such as `sqs`.
    pub const TRIGGER_SOURCE: &str = "function_trigger.event_source";
    /// The queue, topic, stream or stage that it came from.
    pub const TRIGGER_SOURCE_ARN: &str = "function_trigger.event_source_arn";
}

/// Members at the top level of log lines, see `durable_trace::logging`. The names are Datadog's and the SDK's.
pub mod log_keys {
    /// `DD_ENV`.
    pub const ENV: &str = "dd.env";
    /// The execution's ARN.
    pub const EXECUTION_ARN: &str = "executionArn";
    /// The invocation's Lambda request id.
    pub const REQUEST_ID: &str = "requestId";
    /// The service that spans belong to.
    pub const SERVICE: &str = "dd.service";
    /// The active span, a decimal.
    pub const SPAN_ID: &str = "dd.span_id";
    /// The trace: 32 lower-case hex digits, or a decimal where it has no more than 64 bits.
    pub const TRACE_ID: &str = "dd.trace_id";
    /// `DD_VERSION`.
    pub const VERSION: &str = "dd.version";
}

/// Values of some keys.
pub mod values {
    /// Of `component`: this integration.
    pub const COMPONENT: &str = "aws_durable_execution_sdk_rust";
    /// Of `_dd.origin`, where the caller's trace names no other.
    pub const ORIGIN: &str = "lambda";
    /// Of `span.type`: Datadog's word for functions.
    pub const SPAN_TYPE: &str = "serverless";
}

/// Environment variables that this library reads itself; the tracer reads further `DD_*` ones.
pub mod variables {
    /// Whether a context that an API Gateway authorizer added is read (`true`).
    pub const DECODE_AUTHORIZER: &str = "DD_DECODE_AUTHORIZER_CONTEXT";
    /// Comma list of the header styles that the caller's context is read in, in order (`datadog,tracecontext`).
    pub const EXTRACT_STYLES: &str = "DD_TRACE_PROPAGATION_STYLE_EXTRACT";
    /// Whether X-Ray's header may be the parent (`false`).
    pub const MERGE_XRAY: &str = "DD_MERGE_XRAY_TRACES";
    /// The same as `DD_TRACE_PROPAGATION_STYLE_EXTRACT`, where that is not set.
    pub const STYLES: &str = "DD_TRACE_PROPAGATION_STYLE";
    /// Whether the trace goes on over invocations (`true`, the default, or `false`). A checkpoint that is there is read all the same.
    pub const CROSS_INVOCATION_TRACING: &str = "DD_DURABLE_CROSS_INVOCATION_TRACING_ENABLED";
    /// `parent` (default): resumed invocations go on in the trace; `link`: each is a trace of its own, linked to the first.
    pub const CONTINUITY: &str = "DURABLE_TRACE_CONTINUITY";
    /// Time for a checkpoint call of our own, in milliseconds (250).
    pub const CHECKPOINT_BUDGET_MS: &str = "DURABLE_TRACE_CHECKPOINT_BUDGET_MS";
    /// `ride` (default), `call` or `none`.
    pub const CHECKPOINT_MODE: &str = "DURABLE_TRACE_CHECKPOINT_MODE";
    /// `datadog` (default), `datadog,tracecontext` or `datadog,tracecontext,baggage`.
    pub const CHECKPOINT_STYLE: &str = "DURABLE_TRACE_CHECKPOINT_STYLE";
    /// `false`: messages of errors stay out of spans; their types stay on them (`true`).
    pub const ERROR_MESSAGES: &str = "DURABLE_TRACE_ERROR_MESSAGES";
    /// Time that the end of an invocation waits for the exporter, in milliseconds (500).
    pub const FLUSH_BUDGET_MS: &str = "DURABLE_TRACE_FLUSH_BUDGET_MS";
    /// Comma list of names or ARNs of functions that `ctx.invoke` hands the trace to; `*` for all. None by default.
    pub const INVOKE_TARGETS: &str = "DURABLE_TRACE_INVOKE_TARGETS";
    /// Whether log lines get `dd.trace_id` and the other members of Datadog's (`true`).
    pub const LOGS_INJECTION: &str = "DD_LOGS_INJECTION";
    /// Age of an execution past which resumed invocations link instead of going on: seconds, or with `s`, `m`, `h` or `d`. Off by default.
    pub const MAX_AGE: &str = "DURABLE_TRACE_MAX_AGE";
    /// `emit` (default): log lines of replayed work are written again; `omit`: they are left out.
    pub const REPLAYED_LOGS: &str = "DURABLE_TRACE_REPLAYED_LOGS";
    /// `omit` (default): an operation is one span; `emit`: replays are spans too.
    pub const REPLAYED_SPANS: &str = "DURABLE_TRACE_REPLAYED_SPANS";
    /// `true`: one `aws.durable.suspended` span per resume (`false`).
    pub const SUSPENDED_SPANS: &str = "DURABLE_TRACE_SUSPENDED_SPANS";
    /// Length limit of `x-datadog-tags`, in characters (512).
    pub const TAGS_MAX_LENGTH: &str = "DD_TRACE_X_DATADOG_TAGS_MAX_LENGTH";
    /// `false`: no spans, no writes, the SDK's plain behaviour.
    pub const TRACE_ENABLED: &str = "DD_TRACE_ENABLED";
    /// `datadog` (default), or one of AWS's views, `execution` or `invocation`, which need a tracer that takes their ids.
    pub const VIEW: &str = "DURABLE_TRACE_VIEW";
    /// Whether what the user can act on is logged at WARN, once per process (`true`).
    pub const WARNINGS: &str = "DURABLE_TRACE_WARNINGS";
}
