//! Failures of calls that a wrong set-up explains, told from those that pass by themselves.

use std::error::Error as StdError;
use std::io::ErrorKind;

use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::checkpoint_durable_execution::CheckpointDurableExecutionError;
use aws_sdk_lambda::operation::get_durable_execution_state::GetDurableExecutionStateError;
use aws_smithy_runtime_api::client::interceptors::context::Error;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::result::ConnectorError;

use crate::health::warn_once;
use crate::warning::Warning;

/// What AWS calls the error of a caller without the permission
/// (<https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html>).
const DENIED: &str = "AccessDeniedException";

/// Says why a call of the SDK's failed for good, if the set-up is to blame. It needs the permission `action`.
pub(super) fn warn_of(error: &OrchestratorError<Error>, action: &'static str, arn: &str) {
    let code = error.as_operation_error().and_then(|error| {
        error
            .downcast_ref::<CheckpointDurableExecutionError>()
            .and_then(ProvideErrorMetadata::code)
            .or_else(|| {
                error
                    .downcast_ref::<GetDurableExecutionStateError>()
                    .and_then(ProvideErrorMetadata::code)
            })
    });
    warn(code, error.as_connector_error(), action, arn);
}

/// The same for a call of our own.
pub(crate) fn warn_of_own(
    error: &SdkError<CheckpointDurableExecutionError, HttpResponse>,
    arn: &str,
) {
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    let connector = match error {
        SdkError::DispatchFailure(failure) => failure.as_connector_error(),
        _ => None,
    };
    warn(code, connector, super::CHECKPOINT, arn);
}

fn warn(
    code: Option<&str>,
    connector: Option<&ConnectorError>,
    action: &'static str,
    execution_arn: &str,
) {
    if code == Some(DENIED) {
        let resource = every_version(execution_arn);
        warn_once(&Warning::NoPermission { action, resource });
    } else if connector.is_some_and(is_unreachable) {
        warn_once(&Warning::ApiUnreachable { endpoint: None });
    }
}

/// The resource of a policy that covers the function of an execution: an execution belongs to a version, and a policy on the
/// function without a qualifier does not cover it.
fn every_version(execution_arn: &str) -> String {
    let function: Vec<&str> = execution_arn.split(':').take(7).collect();
    format!("{}:*", function.join(":"))
}

/// Whether the connection did not come about at all: one that was cut later is no matter of set-up.
fn is_unreachable(error: &ConnectorError) -> bool {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|error| {
            matches!(
                error.kind(),
                ErrorKind::ConnectionRefused
                    | ErrorKind::HostUnreachable
                    | ErrorKind::NetworkUnreachable
            )
        }) {
            return true;
        }
        // The client's and its resolver's words; neither has a public type.
        let text = error.to_string();
        if text.starts_with("HTTP connect timeout") || text.starts_with("dns error") {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_of_a_permission_is_qualified() {
        let arn = "arn:aws:lambda:eu-west-1:1:function:f:$LATEST/durable-execution/n/i";
        assert_eq!(
            every_version(arn),
            "arn:aws:lambda:eu-west-1:1:function:f:*"
        );
    }

    #[test]
    fn only_a_connection_that_never_was_is_a_matter_of_set_up() {
        let io = |kind: ErrorKind| ConnectorError::io(std::io::Error::from(kind).into());
        for (error, want, why) in [
            (
                ConnectorError::timeout("HTTP connect timeout occurred after 3.1s".into()),
                true,
                "nobody answers",
            ),
            (
                ConnectorError::io("dns error: failed to lookup address information".into()),
                true,
                "no name",
            ),
            (io(ErrorKind::ConnectionRefused), true, "nobody listens"),
            (io(ErrorKind::NetworkUnreachable), true, "no route"),
            (
                ConnectorError::timeout("HTTP read timeout occurred after 5s".into()),
                false,
                "it was connected",
            ),
            (io(ErrorKind::ConnectionReset), false, "it was connected"),
        ] {
            assert_eq!(is_unreachable(&error), want, "{why}");
        }
    }
}
