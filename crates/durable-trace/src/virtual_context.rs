//! A child context that is in the trace alone.

use std::sync::Arc;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use opentelemetry::trace::FutureExt as _;

use crate::health::{Location, shielded};
use crate::plan::Failure;
use crate::registry::registry;
use crate::session::Session;

/// Runs `body` in a context that has a span and no operation in the log: it costs no request and none of the execution's operations.
///
/// In the trace it looks like a child context of that name. Since nothing of it is recorded it runs, and is told of, in each invocation
/// that comes by it. What happens to `body` is what happens to the whole: its result is given as it is.
///
/// # Errors
///
/// Those of `body`.
///
/// # Examples
///
/// ```no_run
/// # use aws_durable_execution_sdk::{BoxError, DurableContext};
/// # fn price(order: &str) -> u32 { 42 }
/// async fn handler(order: String, ctx: DurableContext) -> Result<u32, BoxError> {
///     let amount = async { Ok(price(&order)) };
///     durable_trace::virtual_context(&ctx, "pricing", amount).await
/// }
/// ```
pub async fn virtual_context<T>(
    ctx: &DurableContext,
    name: &str,
    body: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, BoxError> {
    let (arn, request_id) = (ctx.execution_arn(), &ctx.lambda_context().request_id);
    let Some(session) = registry().by_request(arn, request_id) else {
        return body.await; // not traced
    };
    let told = Told::begin(session, name);
    let result = match told.context() {
        Some(context) => body.with_context(context).await,
        None => body.await,
    };
    told.end(result.as_ref().err().map(|error| Failure {
        error_type: None,
        message: Some(error.to_string()),
    }));
    result
}

/// A context that has been told to begin. Dropped, as a suspended handler is, it stays open: the invocation's end ends it.
struct Told {
    session: Arc<Session>,
    id: Option<String>,
}

impl Told {
    fn begin(session: Arc<Session>, name: &str) -> Self {
        let id = shielded(Location::Span, session.arn(), || {
            session.virtual_begun(name)
        });
        Self { session, id }
    }

    fn context(&self) -> Option<opentelemetry::Context> {
        let id = self.id.as_ref()?;
        shielded(Location::Span, self.session.arn(), || {
            self.session.virtual_place(id)
        })
        .flatten()
    }

    fn end(self, failure: Option<Failure>) {
        if let Some(id) = self.id {
            shielded(Location::Span, self.session.arn(), || {
                self.session.virtual_ended(id, failure);
            });
        }
    }
}
