//! The closed word lists of the durable-execution API.
//!
//! Spellings are those of the public API model as `aws-sdk-lambda` carries it:
//! <https://docs.rs/aws-sdk-lambda/latest/aws_sdk_lambda/types/index.html>.

/// Defines an enum whose variants are words on the wire.
macro_rules! words {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, serde::Deserialize, serde::Serialize)]
        #[non_exhaustive]
        $vis enum $name { $($(#[$word_doc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// Returns the word as it stands on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, word: &str) -> bool {
                self.as_str() == word
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, word: &&str) -> bool {
                self.as_str() == *word
            }
        }
    };
}

words! {
    /// What kind of operation it is.
    pub enum OperationType {
        /// Waits for somebody outside to answer.
        Callback = "CALLBACK",
        /// Another function, started by the service.
        ChainedInvoke = "CHAINED_INVOKE",
        /// A group: child context, map, parallel or one of their branches.
        Context = "CONTEXT",
        /// The execution itself; the first operation of every log.
        Execution = "EXECUTION",
        /// The user's code, run by the function.
        Step = "STEP",
        /// A timer.
        Wait = "WAIT",
    }
}

words! {
    /// How far an operation has come.
    pub enum OperationStatus {
        /// Given up by the function.
        Cancelled = "CANCELLED",
        /// Ended with an error.
        Failed = "FAILED",
        /// A step that sleeps until its next attempt.
        Pending = "PENDING",
        /// A step whose next attempt is due.
        Ready = "READY",
        /// Begun and not ended.
        Started = "STARTED",
        /// Stopped from outside.
        Stopped = "STOPPED",
        /// Ended with a result.
        Succeeded = "SUCCEEDED",
        /// Ended by its own time limit.
        TimedOut = "TIMED_OUT",
    }
}

words! {
    /// What an update asks for.
    pub enum OperationAction {
        /// Give up.
        Cancel = "CANCEL",
        /// End with an error.
        Fail = "FAIL",
        /// Try again after a delay.
        Retry = "RETRY",
        /// Begin.
        Start = "START",
        /// End with a result.
        Succeed = "SUCCEED",
    }
}

words! {
    /// How far an execution has come.
    pub enum ExecutionStatus {
        /// Ended with an error.
        Failed = "FAILED",
        /// Not ended; it may well be asleep.
        Running = "RUNNING",
        /// Stopped from outside.
        Stopped = "STOPPED",
        /// Ended with a result.
        Succeeded = "SUCCEEDED",
        /// Ended by the execution time-out.
        TimedOut = "TIMED_OUT",
    }
}

words! {
    /// How one invocation of a durable function ended.
    pub enum InvocationStatus {
        /// The invocation itself failed (crash, time-out, unreadable answer); the service tries again.
        Error = "ERROR",
        /// It answered that the execution has failed.
        Failed = "FAILED",
        /// It answered that the execution sleeps.
        Pending = "PENDING",
        /// It has not answered yet.
        Running = "RUNNING",
        /// It answered that the execution has succeeded.
        Succeeded = "SUCCEEDED",
    }
}

impl OperationStatus {
    /// Whether nothing more can happen to the operation.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Ready | Self::Started)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_and_read_as_they_stand_on_the_wire() {
        assert_eq!(OperationType::ChainedInvoke, "CHAINED_INVOKE");
        assert_eq!(
            serde_json::to_string(&OperationStatus::TimedOut).unwrap(),
            "\"TIMED_OUT\""
        );
        assert!(serde_json::from_str::<OperationAction>("\"start\"").is_err());
    }
}
