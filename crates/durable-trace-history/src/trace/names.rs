//! Names of spans and attributes: those of live tracing, which `docs/contract.md` lists, and a few that history adds.

pub(super) const CHILD_CONTEXT: &str = "aws.durable.child_context";
pub(super) const CREATE_CALLBACK: &str = "aws.durable.create_callback";
pub(super) const EXECUTE: &str = "aws.durable.execute";
pub(super) const INVOKE: &str = "aws.durable.invoke";
pub(super) const LAMBDA: &str = "aws.lambda";
pub(super) const MAP: &str = "aws.durable.map";
pub(super) const PARALLEL: &str = "aws.durable.parallel";
pub(super) const STEP: &str = "aws.durable.step";
pub(super) const SUSPENDED: &str = "aws.durable.suspended";
pub(super) const WAIT: &str = "aws.durable.wait";
pub(super) const WAIT_FOR_CALLBACK: &str = "aws.durable.wait_for_callback";
pub(super) const WAIT_FOR_CONDITION: &str = "aws.durable.wait_for_condition";

pub(super) const COMPONENT: &str = "component";
pub(super) const ERROR_MESSAGE: &str = "error.message";
pub(super) const ERROR_TYPE: &str = "error.type";
pub(super) const EXECUTION_ARN: &str = "aws.durable.execution_arn";
pub(super) const EXECUTION_ID: &str = "aws.durable.execution_id";
pub(super) const EXECUTION_NAME: &str = "aws.durable.execution_name";
pub(super) const EXECUTION_STATUS: &str = "aws.durable.execution_status";
pub(super) const FIRST_INVOCATION: &str = "aws.durable.first_invocation";
pub(super) const FUNCTION_ARN: &str = "function_arn";
pub(super) const FUNCTION_NAME: &str = "functionname";
pub(super) const FUNCTION_VERSION: &str = "function_version";
pub(super) const INVOKED_FUNCTION: &str = "aws.durable.invoke.function_name";
pub(super) const OPERATION_ATTEMPT: &str = "aws.durable.operation_attempt";
pub(super) const OPERATION_ID: &str = "aws.durable.operation_id";
pub(super) const OPERATION_NAME: &str = "aws.durable.operation_name";
pub(super) const REPLAYED: &str = "aws.durable.replayed";
pub(super) const REQUEST_ID: &str = "request_id";
pub(super) const RESOURCE_NAMES: &str = "resource_names";
pub(super) const SUSPENDED_ON: &str = "aws.durable.suspended_on";

/// Of AWS's views.
pub(super) const AWS_ATTEMPT_NUMBER: &str = "durable.attempt.number";
pub(super) const AWS_ATTEMPT_OUTCOME: &str = "durable.attempt.outcome";
pub(super) const AWS_EXECUTION_ARN: &str = "durable.execution.arn";
pub(super) const AWS_EXECUTION_STATUS: &str = "durable.execution.status";
pub(super) const AWS_INVOCATION_FIRST: &str = "durable.invocation.first";
pub(super) const AWS_INVOCATION_ID: &str = "faas.invocation_id";
pub(super) const AWS_INVOCATION_STATUS: &str = "durable.invocation.status";
pub(super) const AWS_OPERATION_ID: &str = "durable.operation.id";
pub(super) const AWS_OPERATION_NAME: &str = "durable.operation.name";
pub(super) const AWS_OPERATION_STATUS: &str = "durable.operation.status";
pub(super) const AWS_OPERATION_SUBTYPE: &str = "durable.operation.subtype";
pub(super) const AWS_OPERATION_TYPE: &str = "durable.operation.type";

/// `true` where the history does not tell a time, so that it was concluded from what came before or next.
pub(super) const ESTIMATED: &str = "durable_trace.estimated";
/// An input, if asked for.
pub(super) const INPUT: &str = "durable_trace.input";
/// A result, if asked for.
pub(super) const RESULT: &str = "durable_trace.result";
/// `history` on every span.
pub(super) const SOURCE: &str = "durable_trace.source";
/// `true` on what had not ended when its execution did.
pub(super) const UNFINISHED: &str = "durable_trace.unfinished";

/// Of [`COMPONENT`].
pub(super) const HISTORY_COMPONENT: &str = "durable-trace";
/// Of [`SOURCE`].
pub(super) const HISTORY: &str = "history";
/// Where a trace began that nobody else began.
pub(super) const ORIGIN: &str = "lambda";
