//! One invocation, watched from its event to its response.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, SystemTime};

use aws_durable_execution_sdk::InvocationResponse;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::CheckpointUpdatedExecutionState;
use durable_trace_wire as wire;
use lambda_runtime::Error;
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;

use crate::caller;
use crate::client;
use crate::config::environment;
use crate::contract::span_names;
use crate::event::Event;
use crate::flush::Flusher;
use crate::health::{self, About, ErrorType, Location, Outcome, shielded};
use crate::options::Settings;
use crate::plan::Failure;
use crate::sdk_names::EVENT_TARGET;
use crate::service::InvocationFuture;
use crate::session::Session;
use crate::setup::Setup;
use crate::spans::{self, InvocationFacts, Tracing};
use crate::warning::Warning;

/// Lambda answers need time to leave; nothing of ours runs into the last of an invocation's time.
const DEADLINE_MARGIN: Duration = Duration::from_millis(100);

/// So long before its deadline an invocation that still runs is told of as it is: what is killed tells nothing.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What a service needs to trace.
pub(crate) struct Traced {
    settings: Arc<Settings>,
    tracing: Arc<Tracing>,
    flusher: Flusher,
    /// The service refused a checkpoint in a call of our own: there is no other in this process.
    refused: AtomicBool,
    /// The handler's name.
    resource: Option<&'static str>,
}

impl Traced {
    /// `resource` is the handler's name.
    pub(crate) fn new(settings: Settings, setup: Setup, resource: Option<&'static str>) -> Self {
        let concurrent = environment().concurrency > 1;
        Self {
            settings: Arc::new(settings),
            flusher: Flusher::new(&setup, concurrent),
            tracing: setup.tracing,
            refused: AtomicBool::new(false),
            resource,
        }
    }

    /// A session, if the event is a durable invocation.
    pub(crate) fn begin(
        &self,
        event: &Event,
        context: &lambda_runtime::Context,
        started: SystemTime,
    ) -> Option<Arc<Session>> {
        let invocation = wire::Invocation::read(event.as_str())?;
        let facts = self.facts(&invocation, context);
        let (settings, tracing) = (Arc::clone(&self.settings), Arc::clone(&self.tracing));
        let active = active_lambda_span();
        let find_caller = || caller::find(&invocation, context, &self.settings, &self.tracing);
        Some(Session::begin(
            settings,
            tracing,
            &invocation,
            facts,
            active,
            started,
            find_caller,
        ))
    }

    fn facts(
        &self,
        invocation: &wire::Invocation<'_>,
        context: &lambda_runtime::Context,
    ) -> InvocationFacts {
        static WARM: AtomicBool = AtomicBool::new(false);
        let function_name = context.env_config.function_name.clone();
        let resource = self
            .settings
            .resource
            .clone()
            .or_else(|| self.resource.map(str::to_owned));
        let mut parts: Vec<&str> = context.invoked_function_arn.split(':').collect();
        let function_version = parts.get(7).copied().unwrap_or("$LATEST").to_owned();
        parts.truncate(7);
        InvocationFacts {
            arn: invocation.arn.to_string(),
            cold_start: !WARM.swap(true, Ordering::Relaxed),
            execution: wire::ExecutionArn::parse(&invocation.arn).map(|arn| {
                (
                    arn.execution_name().to_owned(),
                    arn.execution_id().to_owned(),
                )
            }),
            first: invocation.operation_count == 1 && invocation.next_marker.is_none(),
            function_arn: parts.join(":").to_lowercase(),
            resource: resource.unwrap_or_else(|| function_name.clone()),
            function_name,
            function_version,
            request_id: context.request_id.clone(),
            xray: context
                .xray_trace_id
                .as_deref()
                .and_then(wire::XRayHeader::parse),
            trigger: invocation
                .input()
                .and_then(|event| wire::trigger_of(&event, &context.invoked_function_arn)),
            replays: invocation.operation_count > 1 || invocation.next_marker.is_some(),
        }
    }

    /// Runs the SDK's future, and ends what the session opened. The result is the SDK's, whatever happens here.
    pub(crate) async fn watch(
        &self,
        session: Arc<Session>,
        invocation: InvocationFuture,
        client: &Client,
        deadline: SystemTime,
    ) -> Result<InvocationResponse, Error> {
        let abandoned = EndOnDrop(Some(Arc::clone(&session)));
        let mut inside = Inside {
            invocation,
            session: Arc::clone(&session),
        };
        let Some(outcome) = in_time(&mut inside, deadline).await else {
            abandoned.end(&spans::Result::OutOfTime);
            return self.go_on_untold(inside, session.arn(), deadline).await;
        };
        let result = match &outcome {
            Ok(answer) => shielded(Location::Unknown, session.arn(), || result_of(answer)),
            Err(panic) => Some(spans::Result::Faulted(Failure {
                error_type: Some("panic".to_owned()),
                message: Some(panic_message(panic.as_ref())),
            })),
        };
        let unreadable = || spans::Result::Faulted(Failure::default());
        let result = result.unwrap_or_else(unreadable);
        if matches!(
            result,
            spans::Result::Answered {
                status: wire::ResponseStatus::Pending,
                ..
            }
        ) {
            self.write_owed(&session, client, deadline).await;
        }
        abandoned.end(&result);
        self.flusher
            .flush(
                session.arn(),
                remaining(self.settings.flush_budget, deadline),
            )
            .await;
        Self::warn_of_missing_layer(&session, &outcome);
        match outcome {
            Ok(answer) => answer,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Sends what has been told, beside an invocation of which nothing more is told.
    async fn go_on_untold(
        &self,
        mut inside: Inside,
        arn: &str,
        deadline: SystemTime,
    ) -> Result<InvocationResponse, Error> {
        let budget = remaining(self.settings.flush_budget, deadline);
        let mut flush = std::pin::pin!(self.flusher.flush(arn, budget));
        let mut flushed = false;
        let outcome = std::future::poll_fn(|cx| {
            flushed = flushed || flush.as_mut().poll(cx).is_ready();
            Pin::new(&mut inside).poll(cx)
        });
        match outcome.await {
            Ok(answer) => answer,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Writes the checkpoint that no request carried, with a call of our own.
    async fn write_owed(&self, session: &Session, client: &Client, deadline: SystemTime) {
        if self.refused.load(Ordering::Relaxed) {
            return;
        }
        let owed = shielded(Location::CreateCheckpoint, session.arn(), || {
            session.owed(SystemTime::now())
        })
        .flatten();
        let Some((checkpoint, token)) = owed else {
            return;
        };
        let about = |cause| About {
            arn: Some(session.arn()),
            cause: Some(cause),
            checkpoint: Some(&checkpoint.name),
            operation_id: Some(&checkpoint.id),
            ..About::default()
        };
        let budget = remaining(session.settings().checkpoint_budget, deadline);
        let call = client
            .checkpoint_durable_execution()
            .durable_execution_arn(session.arn())
            .checkpoint_token(token)
            .set_updates(client::checkpoint_update(&checkpoint).map(|update| vec![update]))
            .send();
        match tokio::time::timeout(budget, call).await {
            Err(_) => {
                health::count(
                    Location::CreateCheckpoint,
                    ErrorType::Timeout,
                    &about("the budget ran out"),
                );
            }
            Ok(Err(error)) => {
                let cause = aws_sdk_lambda::error::DisplayErrorContext(&error).to_string();
                client::warn_of_own(&error, session.arn());
                let error_type = client::classify(&error);
                if error_type == ErrorType::Refused {
                    self.refused.store(true, Ordering::Relaxed);
                }
                health::count(Location::CreateCheckpoint, error_type, &about(&cause));
            }
            Ok(Ok(answer)) => {
                session.written();
                let state = answer.new_execution_state();
                let operations = state
                    .map(CheckpointUpdatedExecutionState::operations)
                    .unwrap_or_default();
                let mut others = operations
                    .iter()
                    .filter(|operation| operation.id() != checkpoint.id);
                if others.any(|operation| client::owned_operation(operation).status.is_ended()) {
                    health::note(Outcome::Raced);
                }
            }
        }
    }

    /// A layer that is in the subscriber but never hears of the SDK's spans is of no use; nor is one that is not there.
    fn warn_of_missing_layer(session: &Session, outcome: &Ended) {
        if !matches!(outcome, Ok(Ok(_))) {
            return;
        }
        if !session.is_layer_here() {
            health::warn_once(&Warning::LayerAbsent);
        } else if !tracing::event_enabled!(target: EVENT_TARGET, tracing::Level::DEBUG) {
            // Its spans are at INFO, its events at DEBUG: a filter may let the ones through and not the others.
            health::warn_once(&Warning::EventsHidden);
        } else if let Some(what) = session.heard().missing() {
            health::warn_once(&Warning::SdkUnheard { what });
        }
    }
}

/// What the invocation came to; `None` once its time is nearly over.
async fn in_time(inside: &mut Inside, deadline: SystemTime) -> Option<Ended> {
    let left = deadline.duration_since(SystemTime::now()).ok();
    match left.and_then(|left| left.checked_sub(LAST_WORDS)) {
        Some(left) => tokio::time::timeout(left, inside).await.ok(),
        // No deadline, or one that is too near to be told of.
        None => Some(inside.await),
    }
}

/// What is left of `budget` before `deadline`.
fn remaining(budget: Duration, deadline: SystemTime) -> Duration {
    let left = deadline
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    budget.min(left.saturating_sub(DEADLINE_MARGIN))
}

/// An `aws.lambda` span of this invocation that another library has open.
fn active_lambda_span() -> Option<Context> {
    let context = Context::current();
    let is_local = context.has_active_span() && !context.span().span_context().is_remote();
    let metadata = tracing::Span::current().metadata();
    let by_tracing = metadata.is_some_and(|metadata| metadata.name() == span_names::LAMBDA);
    #[cfg(feature = "datadog")]
    let by_tracing = by_tracing || crate::lambda_spans::is_lambda_span(&context);
    (is_local && by_tracing).then_some(context)
}

fn result_of(answer: &Result<InvocationResponse, Error>) -> spans::Result {
    match answer {
        Ok(response) => match wire::response_status(response) {
            Some(answered) => spans::Result::Answered {
                failure: (answered.status == wire::ResponseStatus::Failed).then_some(Failure {
                    error_type: answered.error_type,
                    message: answered.error_message,
                }),
                status: answered.status,
            },
            None => spans::Result::Faulted(Failure::default()),
        },
        Err(error) => spans::Result::Faulted(Failure {
            error_type: None,
            message: Some(error.to_string()),
        }),
    }
}

type Panic = Box<dyn Any + Send>;

/// The SDK's answer, or the panic of the user's code.
type Ended = Result<Result<InvocationResponse, Error>, Panic>;

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

/// The SDK's future, polled under the execution's span once that is open, its panics caught on the way.
struct Inside {
    invocation: InvocationFuture,
    session: Arc<Session>,
}

impl Future for Inside {
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let _attached = self.session.context().map(Context::attach);
        let invocation = self.invocation.as_mut();
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| invocation.poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(answer)) => Poll::Ready(Ok(answer)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

/// Ends a session whose future is dropped before its end, as a runtime does with an invocation that it gives up on.
struct EndOnDrop(Option<Arc<Session>>);

impl EndOnDrop {
    fn end(mut self, result: &spans::Result) {
        if let Some(session) = self.0.take() {
            shielded(Location::Span, session.arn(), || session.end(result));
        }
    }
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if let Some(session) = self.0.take() {
            let failure = Failure {
                error_type: None,
                message: Some("the invocation was abandoned".to_owned()),
            };
            shielded(Location::Span, session.arn(), || {
                session.end(&spans::Result::Faulted(failure));
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_budget_reaches_into_the_last_of_the_invocations_time() {
        let budget = Duration::from_millis(250);
        assert_eq!(
            remaining(budget, SystemTime::now() + Duration::from_mins(1)),
            budget
        );
        assert_eq!(
            remaining(budget, SystemTime::now() + Duration::from_millis(99)),
            Duration::ZERO
        );
        assert_eq!(
            remaining(budget, SystemTime::UNIX_EPOCH),
            Duration::ZERO,
            "a deadline that has passed"
        );
    }
}
