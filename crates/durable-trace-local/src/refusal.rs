//! What goes wrong: error records in the log, and refusals of requests.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An error as the log keeps it: the API's `ErrorObject`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ErrorRecord {
    /// The error's class, as the function named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// What happened, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Data that the function attached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_data: Option<String>,
    /// One frame a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_trace: Option<Vec<String>>,
}

impl ErrorRecord {
    /// Makes a record of a class and a message.
    pub fn new(error_type: impl Into<String>, error_message: impl Into<String>) -> Self {
        Self {
            error_type: Some(error_type.into()),
            error_message: Some(error_message.into()),
            ..Self::default()
        }
    }
}

/// Why the service did not do what a request asked for: an error type of the
/// API with its HTTP status.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{error_type}: {message}")]
#[non_exhaustive]
pub struct Refusal {
    /// The HTTP status, 4xx or 5xx.
    pub status: u16,
    /// The API's name of the error, `InvalidParameterValueException` for one.
    pub error_type: String,
    /// What was wrong, for people.
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(
        status: u16,
        error_type: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            error_type: error_type.into(),
            message: message.into(),
        }
    }

    /// 400: the request contradicts the API or the state of the execution.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, INVALID_PARAMETER, message)
    }

    /// 404: there is no such function, execution or callback.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "ResourceNotFoundException", message)
    }

    /// The refusal of a token that was used before or belongs to another invocation.
    ///
    /// Clients know it by how its message begins.
    pub(crate) fn stale_token() -> Self {
        Self::invalid("Invalid Checkpoint Token: it was used before or its invocation has ended")
    }

    /// 429: the client is to try again later.
    pub(crate) fn throttled() -> Self {
        Self::new(429, "TooManyRequestsException", "Rate exceeded")
    }

    /// The body of the answer.
    pub(crate) fn to_answer_json(&self) -> Value {
        // WIRE: the API's model spells this member in two ways, and boto3 hands out only the one
        // that its type has.
        let message = match self.error_type.as_str() {
            "CallbackTimeoutException"
            | "DurableExecutionAlreadyStartedException"
            | "KMSAccessDeniedException"
            | "KMSDisabledException"
            | "KMSInvalidStateException"
            | "KMSNotFoundException"
            | "ResourceNotFoundException"
            | "ServiceException" => "Message",
            _ => "message",
        };
        json!({"Type": self.error_type, message: self.message})
    }
}

/// The API's error type for a request that cannot be right.
pub(crate) const INVALID_PARAMETER: &str = "InvalidParameterValueException";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_stands_where_the_type_of_the_error_has_it() {
        for (refusal, want) in [
            (
                Refusal::not_found("nobody"),
                json!({"Type": "ResourceNotFoundException", "Message": "nobody"}),
            ),
            (
                Refusal::invalid("odd"),
                json!({"Type": "InvalidParameterValueException", "message": "odd"}),
            ),
        ] {
            assert_eq!(refusal.to_answer_json(), want);
        }
    }
}
