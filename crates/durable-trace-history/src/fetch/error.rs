//! Why nothing could be read, and what can be done.

use aws_sdk_lambda::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::get_durable_execution::GetDurableExecutionError;
use aws_sdk_lambda::operation::get_durable_execution_history::GetDurableExecutionHistoryError;
use aws_sdk_lambda::operation::list_durable_executions_by_function::ListDurableExecutionsByFunctionError;
use thiserror::Error;

/// Why an execution could not be read; its message says what was asked for, what came, and what can be done.
#[derive(Debug, Error)]
#[error("{action} of {subject}: {reason}")]
pub struct FetchError {
    action: &'static str,
    subject: String,
    reason: String,
    kind: FetchErrorKind,
}

/// What sort of failure it was: what a program goes by, as a person does by the message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// A permission is missing.
    AccessDenied,
    /// There are no credentials, or they are not or no longer valid.
    Credentials,
    /// There is no such execution or function.
    NotFound,
    /// Another one.
    Other,
    /// Too many requests, however often the client tried again.
    Throttled,
    /// No answer came.
    Unreachable,
}

impl FetchError {
    /// Returns what sort of failure it was.
    pub const fn kind(&self) -> FetchErrorKind {
        self.kind
    }
}

pub(super) fn execution(arn: &str, error: &SdkError<GetDurableExecutionError>) -> FetchError {
    refused("GetDurableExecution", arn, error)
}

pub(super) fn history(arn: &str, error: &SdkError<GetDurableExecutionHistoryError>) -> FetchError {
    refused("GetDurableExecutionHistory", arn, error)
}

pub(super) fn executions(
    function: &str,
    error: &SdkError<ListDurableExecutionsByFunctionError>,
) -> FetchError {
    refused("ListDurableExecutionsByFunction", function, error)
}

/// An event without its time.
pub(super) fn undated(arn: &str, number: i32) -> FetchError {
    FetchError {
        action: "GetDurableExecutionHistory",
        subject: arn.to_owned(),
        reason: format!("event {number} has no EventTimestamp"),
        kind: FetchErrorKind::Other,
    }
}

fn refused<E>(action: &'static str, subject: &str, error: &SdkError<E>) -> FetchError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let (kind, reason) = match error {
        SdkError::ServiceError(refusal) => {
            let code = refusal.err().code().unwrap_or_default();
            let message = refusal.err().message().unwrap_or_default();
            let kind = kind(code, refusal.raw().status().as_u16());
            (kind, advise(action, subject, kind, code, message))
        }
        SdkError::TimeoutError(_) => (FetchErrorKind::Unreachable, unreachable(error)),
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
            (FetchErrorKind::Unreachable, unreachable(error))
        }
        _ => {
            let chain = DisplayErrorContext(error).to_string();
            // Credentials are looked for before anything is sent; the client has no type for their absence.
            if chain.contains("redentials") {
                let reason = "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
                (FetchErrorKind::Credentials, reason.to_owned())
            } else {
                (FetchErrorKind::Other, chain)
            }
        }
    };
    FetchError {
        action,
        subject: subject.to_owned(),
        reason,
        kind,
    }
}

fn unreachable(error: &(dyn std::error::Error + 'static)) -> String {
    // The last cause says it: connection refused, no such host.
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    format!("no answer ({cause}); look at region, endpoint and network")
}

/// <https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html>
fn kind(code: &str, status: u16) -> FetchErrorKind {
    match code {
        "AccessDeniedException" | "AccessDenied" | "KMSAccessDeniedException" => {
            FetchErrorKind::AccessDenied
        }
        "ExpiredTokenException"
        | "ExpiredToken"
        | "IncompleteSignature"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "UnrecognizedClientException" => FetchErrorKind::Credentials,
        "ResourceNotFoundException" => FetchErrorKind::NotFound,
        "TooManyRequestsException" | "ThrottlingException" => FetchErrorKind::Throttled,
        _ => match status {
            403 => FetchErrorKind::AccessDenied,
            404 => FetchErrorKind::NotFound,
            429 => FetchErrorKind::Throttled,
            _ => FetchErrorKind::Other,
        },
    }
}

fn advise(action: &str, subject: &str, kind: FetchErrorKind, code: &str, message: &str) -> String {
    match kind {
        FetchErrorKind::AccessDenied if code == "KMSAccessDeniedException" => {
            format!("{message}; the key that encrypts the execution must let you decrypt")
        }
        FetchErrorKind::AccessDenied => {
            // An action on an execution is compared with its ARN, which begins with that of a version.
            let resource = match durable_trace_wire::ExecutionArn::parse(subject) {
                Some(arn) => arn.function_arn().rsplit_once(':').map_or_else(
                    || arn.function_arn().to_owned(),
                    |(function, _)| format!("{function}:*"),
                ),
                None => subject.to_owned(),
            };
            format!("access denied ({message}); it needs lambda:{action} on {resource}")
        }
        FetchErrorKind::Credentials => format!("{code}: {message}; renew the AWS credentials"),
        FetchErrorKind::NotFound if action == "ListDurableExecutionsByFunction" => {
            format!("no such function ({message}); look at name, region and account")
        }
        FetchErrorKind::NotFound => format!(
            "no such execution ({message}); look at ARN, region and account: what has ended is kept for the function's RetentionPeriodInDays only"
        ),
        FetchErrorKind::Throttled => {
            format!(
                "{code}: {message}; too many requests still after the client's retries: ask for less at a time, or later"
            )
        }
        FetchErrorKind::Other | FetchErrorKind::Unreachable => format!("{code}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str =
        "arn:aws:lambda:eu-west-1:123456789012:function:order:7/durable-execution/n/i";

    #[test]
    fn a_refusal_says_what_is_missing_and_where() {
        let advice = |action, subject, code: &str, status| {
            let kind = kind(code, status);
            (kind, advise(action, subject, kind, code, "why"))
        };
        let (kind, text) = advice(
            "GetDurableExecutionHistory",
            ARN,
            "AccessDeniedException",
            403,
        );
        assert_eq!(kind, FetchErrorKind::AccessDenied);
        assert_eq!(
            text,
            "access denied (why); it needs lambda:GetDurableExecutionHistory on arn:aws:lambda:eu-west-1:123456789012:function:order:*"
        );
        let (_, text) = advice(
            "ListDurableExecutionsByFunction",
            "order",
            "AccessDeniedException",
            403,
        );
        assert!(
            text.ends_with("lambda:ListDurableExecutionsByFunction on order"),
            "{text}"
        );
        let (kind, text) = advice("GetDurableExecution", ARN, "ResourceNotFoundException", 404);
        assert_eq!(kind, FetchErrorKind::NotFound);
        assert!(text.contains("RetentionPeriodInDays"), "{text}");
    }

    #[test]
    fn refusals_are_told_apart_by_code_and_else_by_status() {
        use FetchErrorKind as K;
        for (code, status, want) in [
            ("UnrecognizedClientException", 403, K::Credentials),
            ("ExpiredTokenException", 403, K::Credentials),
            ("KMSAccessDeniedException", 502, K::AccessDenied),
            ("TooManyRequestsException", 429, K::Throttled),
            ("", 403, K::AccessDenied),
            ("", 429, K::Throttled),
            ("ServiceException", 500, K::Other),
            ("InvalidParameterValueException", 400, K::Other),
        ] {
            assert_eq!(kind(code, status), want, "{code} {status}");
        }
    }
}
