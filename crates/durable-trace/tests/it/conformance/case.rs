//! A requirement's handler, written with the official SDK.

use std::pin::Pin;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use serde_json::Value;

/// What a handler comes to.
pub(super) type Outcome = Result<Value, BoxError>;

/// A handler at work.
pub(super) type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The handler for a requirement.
#[derive(Clone, Copy)]
pub(super) struct Case {
    /// The requirement's suite and number.
    pub(super) id: &'static str,
    pub(super) run: fn(Value, DurableContext) -> Running,
}

/// A table of cases: requirement, handler.
macro_rules! cases {
    ($($id:literal => $handler:expr),* $(,)?) => {
        pub(in crate::conformance) const CASES: &[$crate::conformance::case::Case] = &[$(
            $crate::conformance::case::Case {
                id: $id,
                run: |event, ctx| Box::pin($handler(event, ctx)),
            }
        ),*];
    };
}
pub(super) use cases;
