//! Reading an operation from an event.

use std::borrow::Cow;

use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::{ErrorObject, Operation, OperationStatus, OperationType, Payload};
use crate::json::{self, Members, Object, Pace};
use crate::timestamp::UnixMillis;

/// Reads one operation, and the input of an EXECUTION.
#[derive(Debug, Default)]
pub(crate) struct OperationMembers<'a> {
    operation: Operation<'a>,
    step: StepDetails<'a>,
    payload: Option<&'a str>,
    /// `ExecutionDetails.InputPayload`, raw.
    pub(crate) input: Option<&'a RawValue>,
}

impl<'a> OperationMembers<'a> {
    pub(crate) fn into_operation(self) -> Operation<'a> {
        let mut operation = self.operation;
        if operation.is_in_name_space() {
            let raw = self.step.result.or(self.payload);
            operation.result = raw.map(|raw| Payload::Json(Cow::Borrowed(raw)));
        }
        operation.attempt = self.step.attempt;
        operation.next_attempt_at = self.step.next_attempt_at;
        operation
    }

    fn take_error<A: MapAccess<'a>>(&mut self, pace: Pace, map: &mut A) -> Result<(), A::Error> {
        let mut details = ErrorDetails::default();
        map.next_value_seed(Object {
            members: &mut details,
            pace,
        })?;
        self.operation.error = details.error.or(self.operation.error.take());
        self.operation.callback_id = details.callback_id.or(self.operation.callback_id.take());
        let result = details.result.map(|raw| Payload::Json(Cow::Borrowed(raw)));
        self.operation.callback_result = result.or(self.operation.callback_result.take());
        Ok(())
    }
}

impl<'a> Members<'a> for OperationMembers<'a> {
    fn take<A: MapAccess<'a>>(
        &mut self,
        name: &[u8],
        pace: Pace,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        let operation = &mut self.operation;
        match name {
            b"Id" => operation.id = take_text(map)?.unwrap_or_default(),
            b"Type" => {
                operation.kind = take_text(map)?
                    .map_or(OperationType::Other, |text| OperationType::parse(&text));
            }
            b"Status" => {
                operation.status = take_text(map)?
                    .map(|text| OperationStatus::parse(&text))
                    .unwrap_or_default();
            }
            b"SubType" => operation.sub_type = take_text(map)?,
            b"Name" => operation.name = take_text(map)?,
            b"ParentId" => operation.parent_id = take_text(map)?,
            b"StartTimestamp" => operation.started_at = take_moment(map)?,
            b"EndTimestamp" => operation.ended_at = take_moment(map)?,
            b"Payload" => self.payload = json::raw(map)?,
            b"StepDetails" => {
                self.step = StepDetails::default();
                map.next_value_seed(Object {
                    members: &mut self.step,
                    pace,
                })?;
                operation.error = self.step.error.take().or(operation.error.take());
            }
            b"WaitDetails" => {
                let mut details = WaitDetails(None);
                map.next_value_seed(Object {
                    members: &mut details,
                    pace,
                })?;
                operation.scheduled_end_at = details.0;
            }
            b"ExecutionDetails" => {
                let mut details = ExecutionDetails(None);
                map.next_value_seed(Object {
                    members: &mut details,
                    pace,
                })?;
                self.input = details.0;
            }
            b"CallbackDetails" => self.take_error(pace, map)?,
            b"ChainedInvokeDetails" | b"ContextDetails" => {
                self.take_error(pace, map)?;
                // Only who completes a callback may be traced.
                self.operation.callback_result = None;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

#[derive(Debug, Default)]
struct StepDetails<'a> {
    attempt: Option<u32>,
    next_attempt_at: Option<UnixMillis>,
    result: Option<&'a str>,
    error: Option<ErrorObject<'a>>,
}

impl<'a> Members<'a> for StepDetails<'a> {
    fn take<A: MapAccess<'a>>(
        &mut self,
        name: &[u8],
        pace: Pace,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        match name {
            b"Attempt" => self.attempt = json::raw(map)?.and_then(|raw| raw.parse().ok()),
            b"NextAttemptTimestamp" => self.next_attempt_at = take_moment(map)?,
            b"Result" => self.result = json::raw(map)?,
            b"Error" => self.error = take_error(pace, map)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// What we need of the details of a callback, a chained invoke or a context.
#[derive(Debug, Default)]
struct ErrorDetails<'a> {
    callback_id: Option<Cow<'a, str>>,
    result: Option<&'a str>,
    error: Option<ErrorObject<'a>>,
}

impl<'a> Members<'a> for ErrorDetails<'a> {
    fn take<A: MapAccess<'a>>(
        &mut self,
        name: &[u8],
        pace: Pace,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        match name {
            b"CallbackId" => self.callback_id = take_text(map)?,
            b"Result" => self.result = json::raw(map)?,
            b"Error" => self.error = take_error(pace, map)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

#[derive(Debug)]
struct WaitDetails(Option<UnixMillis>);

impl<'a> Members<'a> for WaitDetails {
    fn take<A: MapAccess<'a>>(
        &mut self,
        name: &[u8],
        _: Pace,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        if name != b"ScheduledEndTimestamp" {
            return Ok(false);
        }
        self.0 = take_moment(map)?;
        Ok(true)
    }
}

#[derive(Debug)]
struct ExecutionDetails<'a>(Option<&'a RawValue>);

impl<'a> Members<'a> for ExecutionDetails<'a> {
    fn take<A: MapAccess<'a>>(
        &mut self,
        name: &[u8],
        _: Pace,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        if name != b"InputPayload" {
            return Ok(false);
        }
        self.0 = Some(map.next_value()?).filter(|raw: &&RawValue| raw.get() != "null");
        Ok(true)
    }
}

impl<'a> Members<'a> for ErrorObject<'a> {
    fn take<A: MapAccess<'a>>(
        &mut self,
        name: &[u8],
        _: Pace,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        match name {
            b"ErrorType" => self.error_type = take_text(map)?,
            b"ErrorMessage" => self.message = take_text(map)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn take_error<'a, A: MapAccess<'a>>(
    pace: Pace,
    map: &mut A,
) -> Result<Option<ErrorObject<'a>>, A::Error> {
    let mut error = ErrorObject::default();
    let is_object = map.next_value_seed(Object {
        members: &mut error,
        pace,
    })?;
    Ok(is_object.then_some(error))
}

pub(crate) fn take_text<'a, A: MapAccess<'a>>(
    map: &mut A,
) -> Result<Option<Cow<'a, str>>, A::Error> {
    Ok(json::raw(map)?.and_then(json::text))
}

fn take_moment<'a, A: MapAccess<'a>>(map: &mut A) -> Result<Option<UnixMillis>, A::Error> {
    Ok(json::raw(map)?.and_then(UnixMillis::from_json))
}
