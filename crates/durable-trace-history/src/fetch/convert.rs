//! The client's types, made ours.

use aws_sdk_lambda::operation::get_durable_execution::GetDurableExecutionOutput;
use aws_sdk_lambda::primitives::DateTime;
use aws_sdk_lambda::types;

use super::ExecutionSummary;
use crate::document::{Facts, TraceHeader};
use crate::event::{Data, Details, ErrorObject, Event, EventKind, Retry};
use crate::time::UnixMicros;

/// Returns the event; none where it does not tell its time.
pub(super) fn event(mut event: types::Event) -> Option<Event> {
    let kind = event.event_type.as_ref();
    Some(Event {
        kind: kind.map_or(EventKind::Other, |kind| EventKind::parse(kind.as_str())),
        number: event.event_id.into(),
        at: micros(event.event_timestamp?),
        id: event.id.take(),
        name: event.name.take(),
        sub_type: event.sub_type.take(),
        parent_id: event.parent_id.take(),
        details: details(event),
    })
}

pub(super) fn facts(answer: GetDurableExecutionOutput) -> Facts {
    Facts {
        durable_execution_arn: Some(answer.durable_execution_arn),
        durable_execution_name: Some(answer.durable_execution_name),
        end_timestamp: answer.end_timestamp.map(micros),
        error: answer.error.map(error),
        function_arn: Some(answer.function_arn),
        start_timestamp: Some(micros(answer.start_timestamp)),
        status: Some(answer.status.as_str().to_owned()),
        trace_header: answer.trace_header.map(|header| TraceHeader {
            x_amzn_trace_id: header.x_amzn_trace_id,
        }),
    }
}

pub(super) fn summary(execution: types::Execution) -> ExecutionSummary {
    ExecutionSummary {
        arn: execution.durable_execution_arn,
        status: execution.status.as_str().to_owned(),
        start: micros(execution.start_timestamp),
        end: execution.end_timestamp.map(micros),
    }
}

/// Each kind of event has details of a type of its own, and one of them is there.
fn details(event: types::Event) -> Details {
    let mut details = Details::default();
    let mut errors = Vec::new();
    let mut results = Vec::new();
    let mut retry = None;
    if let Some(started) = event.execution_started_details {
        details.execution_timeout = seconds(Some(started.execution_timeout));
        details.input = started.input.map(input);
    }
    if let Some(succeeded) = event.execution_succeeded_details {
        results.push(succeeded.result);
    }
    errors.extend([
        event.execution_failed_details.and_then(|it| it.error),
        event.execution_stopped_details.and_then(|it| it.error),
        event.execution_timed_out_details.and_then(|it| it.error),
        event.context_failed_details.and_then(|it| it.error),
        event.wait_cancelled_details.and_then(|it| it.error),
        event.chained_invoke_failed_details.and_then(|it| it.error),
        event.chained_invoke_stopped_details.and_then(|it| it.error),
        event
            .chained_invoke_timed_out_details
            .and_then(|it| it.error),
        event.callback_failed_details.and_then(|it| it.error),
        event.callback_timed_out_details.and_then(|it| it.error),
    ]);
    results.extend([
        event.context_succeeded_details.and_then(|it| it.result),
        event
            .chained_invoke_succeeded_details
            .and_then(|it| it.result),
        event.callback_succeeded_details.and_then(|it| it.result),
    ]);
    if let Some(started) = event.wait_started_details {
        details.duration = seconds(Some(started.duration));
        details.scheduled_end_timestamp = Some(micros(started.scheduled_end_timestamp));
    }
    if let Some(succeeded) = event.wait_succeeded_details {
        details.duration = seconds(succeeded.duration);
    }
    if let Some(succeeded) = event.step_succeeded_details {
        results.push(succeeded.result);
        retry = succeeded.retry_details;
    }
    if let Some(failed) = event.step_failed_details {
        errors.push(failed.error);
        retry = failed.retry_details;
    }
    if let Some(started) = event.chained_invoke_started_details {
        details.function_name = Some(started.function_name);
        details.input = started.input.map(input);
        details.executed_version = started.executed_version;
        details.durable_execution_arn = started.durable_execution_arn;
    }
    if let Some(started) = event.callback_started_details {
        details.callback_id = Some(started.callback_id);
        details.heartbeat_timeout = seconds(started.heartbeat_timeout);
        details.timeout = seconds(started.timeout);
    }
    if let Some(completed) = event.invocation_completed_details {
        details.request_id = Some(completed.request_id);
        details.start_timestamp = Some(micros(completed.start_timestamp));
        details.end_timestamp = Some(micros(completed.end_timestamp));
        errors.push(completed.error);
    }
    details.error = errors.into_iter().flatten().next().map(|it| Data {
        payload: it.payload.map(error),
    });
    details.result = results.into_iter().flatten().next().map(|it| Data {
        payload: it.payload,
    });
    details.retry = retry.map(|retry| Retry {
        current_attempt: seconds(Some(retry.current_attempt)).unwrap_or_default(),
        next_attempt_delay_seconds: seconds(retry.next_attempt_delay_seconds),
    });
    details
}

fn input(input: types::EventInput) -> Data<String> {
    Data {
        payload: input.payload,
    }
}

fn error(error: types::ErrorObject) -> ErrorObject {
    ErrorObject {
        error_message: error.error_message,
        error_type: error.error_type,
    }
}

/// A count that AWS's types let be negative, which it is not.
fn seconds(number: Option<i32>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}

/// Rounds, as [`UnixMicros`] does with the same number in JSON: the client cuts off what a float misses of a millisecond.
fn micros(at: DateTime) -> UnixMicros {
    let micros = (at.as_nanos() + 500).div_euclid(1_000);
    UnixMicros(i64::try_from(micros).unwrap_or_default().max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x_rays_header_of_an_execution_is_taken() {
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";
        let answer = GetDurableExecutionOutput::builder()
            .durable_execution_arn("arn")
            .durable_execution_name("n")
            .function_arn("f")
            .status(types::ExecutionStatus::Running)
            .start_timestamp(DateTime::from_secs(1))
            .trace_header(
                types::TraceHeader::builder()
                    .x_amzn_trace_id(header)
                    .build(),
            )
            .build()
            .unwrap();
        let taken = facts(answer).trace_header.unwrap();
        assert_eq!(taken.x_amzn_trace_id.as_deref(), Some(header));
    }
}
