//! A local durable-execution service that speaks AWS's REST-JSON on 127.0.0.1.
//!
//! It invokes functions, keeps their log, ends their waits, retries their steps, and takes the
//! answers to their callbacks, as AWS Lambda does for durable functions; `aws-sdk-lambda`, boto3
//! or the JavaScript client talk to it with nothing but `AWS_ENDPOINT_URL_LAMBDA`. Time may stand
//! still and jump ([`Clock::Skip`]), so that a workflow that waits for days takes milliseconds.
//!
//! It does what tests, a demo and a laptop need. It keeps nothing on disk, checks no signature and
//! knows no permissions, versions or layers.
//!
//! ```
//! use durable_trace_local::{Config, Function, Service};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = Service::start(Config::default()).await?;
//! // What a durable function answers; the SDK does this for real ones.
//! let answer = serde_json::json!({"Status": "SUCCEEDED", "Result": "\"hello\""});
//! service.register("greet", Function::in_process(move |_| {
//!     let answer = answer.clone();
//!     async move { Ok(answer) }
//! }));
//! let arn = service.start_execution("greet", None, None).await?;
//! assert_eq!(service.ended(&arn).await.result.as_deref(), Some("\"hello\""));
//! # Ok(())
//! # }
//! ```

// The properties of `fuzz/`, which are tests here too, name the crate from outside.
#[cfg(test)]
extern crate self as durable_trace_local;

mod callback;
mod calls;
mod config;
mod engine;
mod faults;
mod function;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod history;
mod host;
mod name;
mod pages;
mod process;
mod records;
mod refusal;
mod routes;
mod runner;
mod runtime_api;
mod service;
mod state;
mod time;
mod timers;
mod vocabulary;

pub use self::callback::{CallbackAction, CallbackStarted};
pub use self::config::Config;
pub use self::faults::{Call, Fault};
pub use self::function::{Function, FunctionError, Invocation};
pub use self::pages::{Page, PageRequest};
pub use self::records::{CallRecord, ExecutionRecord, InvocationRecord, OperationRecord};
pub use self::refusal::{ErrorRecord, Refusal};
pub use self::service::{Service, StartError};
pub use self::time::UnixMillis;
pub use self::timers::Clock;
pub use self::vocabulary::{
    ExecutionStatus, InvocationStatus, OperationAction, OperationStatus, OperationType,
};
