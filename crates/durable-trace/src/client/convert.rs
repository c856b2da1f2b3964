//! Between the AWS client's types and ours.

use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::operation::checkpoint_durable_execution::CheckpointDurableExecutionError;
use aws_sdk_lambda::primitives::DateTime;
use aws_sdk_lambda::types::{
    ErrorObject, Operation, OperationAction, OperationType, OperationUpdate,
};
use durable_trace_wire as wire;
use wire::UnixMillis;

use crate::handover::InvokeTargets;
use crate::health::ErrorType;
use crate::plan::{Facts, Failure, Invoked, Transition, Update};

/// Members of an update that are neither its texts nor its ids: names, quotes, options. In bytes, a generous guess.
const UPDATE_OVERHEAD: usize = 256;

pub(super) fn update_of(update: &OperationUpdate, targets: &InvokeTargets) -> Update {
    let failure = || {
        let error = update.error();
        Failure {
            error_type: error.and_then(ErrorObject::error_type).map(str::to_owned),
            message: error
                .and_then(ErrorObject::error_message)
                .map(str::to_owned),
        }
    };
    let transition = match update.action() {
        OperationAction::Fail => Transition::Fail(failure()),
        // A condition that is not met yet is checked again without an error.
        OperationAction::Retry => Transition::Retry(update.error().map(|_| failure())),
        OperationAction::Start => Transition::Start,
        OperationAction::Succeed => Transition::Succeed,
        _ => Transition::Other,
    };
    let facts = Facts {
        id: update.id().to_owned(),
        kind: wire::OperationType::parse(update.r#type().as_str()),
        sub_type: update.sub_type().map(str::to_owned),
        name: update.name().map(str::to_owned),
        parent_id: update.parent_id().map(str::to_owned),
        invoked: update.chained_invoke_options().map(|options| Invoked {
            function: options.function_name().to_owned(),
            is_target: targets.contains(options.function_name()),
        }),
    };
    Update { facts, transition }
}

/// About how many bytes the update takes in a request; texts may double when they are escaped.
pub(super) fn size_of(update: &OperationUpdate) -> usize {
    let error = update.error().map_or(0, |error| {
        error.error_message().map_or(0, str::len)
            + error.error_data().map_or(0, str::len)
            + error.stack_trace().iter().map(String::len).sum::<usize>()
    });
    UPDATE_OVERHEAD
        + update.name().map_or(0, str::len)
        + 2 * (update.payload().map_or(0, str::len) + error)
}

/// The update that writes a checkpoint: one finished step, without a start and without a parent.
// WIRE: as Datadog's Python library writes it.
pub(crate) fn checkpoint_update(checkpoint: &wire::Checkpoint) -> Option<OperationUpdate> {
    OperationUpdate::builder()
        .id(&checkpoint.id)
        .r#type(OperationType::Step)
        .action(OperationAction::Succeed)
        .sub_type("Step")
        .name(&checkpoint.name)
        .payload(&checkpoint.payload)
        .build()
        .ok()
}

fn millis(time: &DateTime) -> Option<UnixMillis> {
    time.to_millis().ok().map(UnixMillis)
}

/// What an answer says of an operation.
pub(crate) fn owned_operation(operation: &Operation) -> wire::Operation<'static> {
    let step = operation.step_details();
    let error = step
        .and_then(|details| details.error())
        .or_else(|| {
            operation
                .context_details()
                .and_then(|details| details.error())
        })
        .or_else(|| {
            operation
                .callback_details()
                .and_then(|details| details.error())
        })
        .or_else(|| {
            operation
                .chained_invoke_details()
                .and_then(|details| details.error())
        });
    let name = operation.name();
    let is_ours = name.is_some_and(|name| name.starts_with(wire::NAME_PREFIX));
    let result = step
        .and_then(|details| details.result())
        .filter(|_| is_ours);
    wire::Operation {
        id: operation.id().to_owned().into(),
        kind: wire::OperationType::parse(operation.r#type().as_str()),
        status: wire::OperationStatus::parse(operation.status().as_str()),
        sub_type: operation.sub_type().map(|text| text.to_owned().into()),
        name: name.map(|text| text.to_owned().into()),
        parent_id: operation.parent_id().map(|text| text.to_owned().into()),
        started_at: millis(operation.start_timestamp()),
        ended_at: operation.end_timestamp().and_then(millis),
        attempt: step.and_then(|details| u32::try_from(details.attempt()).ok()),
        next_attempt_at: step
            .and_then(|details| details.next_attempt_timestamp())
            .and_then(millis),
        scheduled_end_at: operation
            .wait_details()
            .and_then(|details| details.scheduled_end_timestamp())
            .and_then(millis),
        result: result.map(|text| wire::Payload::Text(text.to_owned().into())),
        callback_result: operation
            .callback_details()
            .and_then(|details| details.result())
            .map(|text| wire::Payload::Text(text.to_owned().into())),
        error: error.map(|error| wire::ErrorObject {
            error_type: error.error_type().map(|text| text.to_owned().into()),
            message: error.error_message().map(|text| text.to_owned().into()),
        }),
        ..wire::Operation::default()
    }
}

/// What kind of failure a call of our own met.
pub(crate) fn classify(
    error: &SdkError<CheckpointDurableExecutionError, HttpResponse>,
) -> ErrorType {
    use CheckpointDurableExecutionError as E;
    match error {
        SdkError::DispatchFailure(failure) if failure.is_timeout() => ErrorType::Timeout,
        SdkError::DispatchFailure(_) => ErrorType::Io,
        SdkError::ResponseError(_) => ErrorType::Malformed,
        SdkError::TimeoutError(_) => ErrorType::Timeout,
        SdkError::ServiceError(error) => match error.err() {
            E::InvalidParameterValueException(refusal)
                if refusal
                    .message()
                    .unwrap_or_default()
                    .starts_with(super::STALE_TOKEN) =>
            {
                ErrorType::StaleToken
            }
            E::ServiceException(_) => ErrorType::Io,
            E::TooManyRequestsException(_) => ErrorType::Throttled,
            // An answer that says it is well and cannot be read.
            _ if error.raw().status().is_success() => ErrorType::Malformed,
            _ => ErrorType::Refused,
        },
        _ => ErrorType::Other,
    }
}
