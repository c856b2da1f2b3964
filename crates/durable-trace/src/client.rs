//! Watches the SDK's calls to the service, and lets a checkpoint ride on one of them.
//!
//! An interceptor is the one place that sees every call, whoever makes it; see
//! <https://docs.rs/aws-smithy-runtime-api/latest/aws_smithy_runtime_api/client/interceptors/trait.Intercept.html>.

mod attempt;
mod body;
mod convert;
mod trouble;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use aws_sdk_lambda::config::interceptors::{
    BeforeSerializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
    FinalizerInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_sdk_lambda::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_lambda::error::BoxError;
use aws_sdk_lambda::operation::checkpoint_durable_execution::{
    CheckpointDurableExecutionError, CheckpointDurableExecutionInput,
    CheckpointDurableExecutionOutput,
};
use aws_sdk_lambda::operation::get_durable_execution_state::{
    GetDurableExecutionStateInput, GetDurableExecutionStateOutput,
};
use aws_sdk_lambda::types::CheckpointUpdatedExecutionState;
use aws_smithy_runtime_api::client::interceptors::context::Error;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use aws_smithy_types::retry::RetryConfig;

use crate::diagnosis::{of_attempts, of_clocks, parse_date};
use crate::health::{self, About, ErrorType, Location, shielded};
use crate::plan::Transition;
use crate::registry::registry;
use crate::session::Session;

use attempt::{AttemptFailure, Carry, next_attempt};
pub(crate) use convert::{checkpoint_update, classify, owned_operation};
pub(crate) use trouble::warn_of_own;

/// A request stays this far below what the SDK itself puts into one (250 updates, 750 KiB), so that ours cannot tip it over a limit.
const RIDE_MAX_UPDATES: usize = 200;
const RIDE_MAX_BYTES: usize = 512 * 1024;

/// The service's words for a token that was used already; that refusal is the SDK's to see.
const STALE_TOKEN: &str = "Invalid Checkpoint Token";

/// The permissions that the calls need which are watched.
const CHECKPOINT: &str = "lambda:CheckpointDurableExecution";
const GET_STATE: &str = "lambda:GetDurableExecutionState";

/// `client`, watched.
pub(crate) fn watched(client: &aws_sdk_lambda::Client) -> aws_sdk_lambda::Client {
    let config = client
        .config()
        .to_builder()
        .interceptor(Watch::default())
        .build();
    aws_sdk_lambda::Client::from_conf(config)
}

#[derive(Debug, Default)]
struct Watch {
    /// A ride was refused in this process; there is none after that.
    refused: AtomicBool,
    /// The clocks have been compared.
    timed: AtomicBool,
}

/// A checkpoint call of the SDK's, from its first hook to its last.
#[derive(Clone, Debug)]
struct Call {
    session: Arc<Session>,
    sequence: u64,
    ride: Ride,
    /// When the SDK asked for it.
    asked: SystemTime,
}

impl Storable for Call {
    type Storer = StoreReplace<Self>;
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Ride {
    /// A checkpoint was in an attempt that failed; later attempts go without it. Whether the service refused it.
    Dropped {
        id: String,
        refused: bool,
    },
    None,
    /// A checkpoint of this id rides.
    Riding {
        id: String,
        name: String,
    },
}

/// A call for pages of the log.
#[derive(Clone, Debug)]
struct Paging {
    session: Arc<Session>,
}

impl Storable for Paging {
    type Storer = StoreReplace<Self>;
}

impl Watch {
    fn checkpoint_requested(
        &self,
        input: &mut CheckpointDurableExecutionInput,
        cfg: &mut ConfigBag,
    ) {
        let (Some(arn), Some(token)) = (input.durable_execution_arn(), input.checkpoint_token())
        else {
            return;
        };
        let Some(session) = registry().by_token(arn, token) else {
            return;
        };
        let targets = &session.settings().invoke_targets;
        let updates: Vec<_> = input
            .updates()
            .iter()
            .map(|update| convert::update_of(update, targets))
            .collect();
        let rideable = || {
            let attempts = cfg.load::<RetryConfig>().map(RetryConfig::max_attempts);
            let warning = attempts.and_then(of_attempts);
            if session.settings().cross_invocation
                && let Some(warning) = &warning
            {
                health::warn_once(warning);
            }
            !self.refused.load(Ordering::Relaxed)
                && attempts.is_some()
                && warning.is_none()
                && input.updates().len() <= RIDE_MAX_UPDATES
                && input.updates().iter().map(convert::size_of).sum::<usize>() <= RIDE_MAX_BYTES
        };
        let seen = session.requested(&updates, rideable);
        for (update, seen) in input.updates.iter_mut().flatten().zip(&updates) {
            let is_target = seen
                .facts
                .invoked
                .as_ref()
                .is_some_and(|invoked| invoked.is_target);
            if is_target && seen.transition == Transition::Start {
                let handed = update
                    .payload
                    .as_deref()
                    .and_then(|payload| session.hand_over(&seen.facts.id, payload));
                update.payload = handed.or(update.payload.take());
            }
        }
        let ride = seen.ride.and_then(|checkpoint| {
            let update = checkpoint_update(&checkpoint)?;
            input.updates.get_or_insert_default().push(update);
            Some(Ride::Riding {
                id: checkpoint.id,
                name: checkpoint.name,
            })
        });
        let call = Call {
            session,
            sequence: seen.sequence,
            ride: ride.unwrap_or(Ride::None),
            asked: SystemTime::now(),
        };
        cfg.interceptor_state().store_put(call);
    }

    /// A riding request failed: what its next attempt carries is decided here. A refusal that may be ours becomes one that is
    /// tried again.
    fn attempt_failed(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        cfg: &mut ConfigBag,
    ) {
        let Some(call) = cfg.load::<Call>().cloned() else {
            return;
        };
        let Ride::Riding { id, name } = call.ride else {
            return;
        };
        let Some(Err(error)) = context.output_or_error_mut() else {
            return;
        };
        let failure = if is_refusal(error) {
            AttemptFailure::Refused
        } else if error.as_connector_error().is_some() || error.is_timeout_error() {
            AttemptFailure::Unanswered
        } else {
            AttemptFailure::Answered
        };
        let attempt = cfg
            .load::<RequestAttempts>()
            .map_or(1, RequestAttempts::attempts);
        let max_attempts = cfg
            .load::<RetryConfig>()
            .map_or(1, RetryConfig::max_attempts);
        if next_attempt(failure, attempt, max_attempts) == Carry::Keep {
            return;
        }
        call.session.ride_dropped();
        let refused = failure == AttemptFailure::Refused;
        if refused {
            self.refused.store(true, Ordering::Relaxed);
            let cause = format!("{error:?}");
            let about = About {
                arn: Some(call.session.arn()),
                cause: Some(&cause),
                checkpoint: Some(&name),
                operation_id: Some(&id),
                ..About::default()
            };
            health::count(Location::Ride, ErrorType::Refused, &about);
            *error = OrchestratorError::connector(ConnectorError::io("a rider was refused".into()));
        }
        cfg.interceptor_state().store_put(Call {
            ride: Ride::Dropped { id, refused },
            ..call
        });
    }

    fn finished(&self, context: &FinalizerInterceptorContextRef<'_>, cfg: &ConfigBag) {
        if let Some(call) = cfg.load::<Call>() {
            self.compare_clocks(context, call.asked);
            match context.output_or_error() {
                Some(Ok(output)) => {
                    let Some(output) = output.downcast_ref::<CheckpointDurableExecutionOutput>()
                    else {
                        return;
                    };
                    let state = output.new_execution_state();
                    let changed: Vec<_> = state
                        .map(CheckpointUpdatedExecutionState::operations)
                        .unwrap_or_default()
                        .iter()
                        .map(owned_operation)
                        .collect();
                    let ridden = matches!(call.ride, Ride::Riding { .. });
                    call.session.answered(
                        call.sequence,
                        ridden,
                        output.checkpoint_token(),
                        &changed,
                    );
                }
                Some(Err(error)) => {
                    trouble::warn_of(error, CHECKPOINT, call.session.arn());
                    // Refused without us too: the fault was not ours.
                    if matches!(call.ride, Ride::Dropped { refused: true, .. }) && is_refusal(error)
                    {
                        self.refused.store(false, Ordering::Relaxed);
                    }
                    call.session.request_failed(call.sequence);
                }
                None => call.session.request_failed(call.sequence),
            }
        } else if let Some(Paging { session }) = cfg.load::<Paging>() {
            match context.output_or_error() {
                Some(Ok(output)) => {
                    if let Some(output) = output.downcast_ref::<GetDurableExecutionStateOutput>() {
                        let operations = output.operations().iter().map(owned_operation).collect();
                        session.paged(operations, output.next_marker().is_none_or(str::is_empty));
                    }
                }
                Some(Err(error)) => trouble::warn_of(error, GET_STATE, session.arn()),
                None => {}
            }
        }
    }

    /// Holds the time in the first answer of this process against the function's clock.
    fn compare_clocks(&self, context: &FinalizerInterceptorContextRef<'_>, asked: SystemTime) {
        if self.timed.load(Ordering::Relaxed) {
            return;
        }
        let Some(answer) = context.response() else {
            return;
        };
        self.timed.store(true, Ordering::Relaxed);
        let date = answer.headers().get("date").and_then(parse_date);
        let warning = date.and_then(|date| of_clocks(date, asked, SystemTime::now()));
        if let Some(warning) = warning {
            health::warn_once(&warning);
        }
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "durable-trace"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(input) = context
            .input_mut()
            .downcast_mut::<CheckpointDurableExecutionInput>()
        {
            shielded(Location::Ride, "", || self.checkpoint_requested(input, cfg));
        } else if let Some(input) = context
            .input()
            .downcast_ref::<GetDurableExecutionStateInput>()
            && let (Some(arn), Some(token)) =
                (input.durable_execution_arn(), input.checkpoint_token())
            && let Some(session) = registry().by_token(arn, token)
        {
            cfg.interceptor_state().store_put(Paging { session });
        }
        Ok(())
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(Call {
            ride: Ride::Dropped { id, .. },
            ..
        }) = cfg.load::<Call>()
        {
            shielded(Location::Ride, "", || {
                body::remove_update(context.request_mut(), id);
            });
        }
        Ok(())
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        shielded(Location::Ride, "", || self.attempt_failed(context, cfg));
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        shielded(Location::Unknown, "", || self.finished(context, cfg));
        Ok(())
    }
}

/// Whether the service said no to what the request holds, other than to its token.
fn is_refusal(error: &OrchestratorError<Error>) -> bool {
    let error = error
        .as_operation_error()
        .and_then(|e| e.downcast_ref::<CheckpointDurableExecutionError>());
    matches!(error, Some(CheckpointDurableExecutionError::InvalidParameterValueException(refusal))
        if !refusal.message().unwrap_or_default().starts_with(STALE_TOKEN))
}
