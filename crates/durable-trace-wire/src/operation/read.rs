//! Reading an operation from an event.

use std::borrow::Cow;

use super::{ErrorObject, Operation, OperationStatus, OperationType, Payload};
use crate::json::Cursor;
use crate::timestamp::UnixMillis;

/// The value is no object.
#[derive(Debug)]
pub(crate) struct NotAnObject;

impl<'a> Operation<'a> {
    /// Reads one operation into `self`, a new one. Returns the input of an EXECUTION as JSON, if there is any, or an error if
    /// the value is no object.
    pub(crate) fn read(&mut self, value: &mut Cursor<'a>) -> Result<Option<&'a str>, NotAnObject> {
        let operation = self;
        let mut step_result = None;
        let mut payload = None;
        let mut input = None;
        let is_object = value.members(|name, value| match name {
            b"Id" => operation.id = value.text().unwrap_or_default(),
            b"Type" => {
                operation.kind = value
                    .text()
                    .map_or(OperationType::Other, |text| OperationType::parse(&text));
            }
            b"Status" => {
                operation.status = value
                    .text()
                    .map(|text| OperationStatus::parse(&text))
                    .unwrap_or_default();
            }
            b"SubType" => operation.sub_type = value.text(),
            b"Name" => operation.name = value.text(),
            b"ParentId" => operation.parent_id = value.text(),
            b"StartTimestamp" => operation.started_at = moment(value),
            b"EndTimestamp" => operation.ended_at = moment(value),
            b"Payload" => payload = value.raw(),
            b"StepDetails" => step_result = operation.read_step(value),
            b"WaitDetails" => {
                operation.scheduled_end_at = None;
                value.members(|name, value| {
                    if name == b"ScheduledEndTimestamp" {
                        operation.scheduled_end_at = moment(value);
                    }
                });
            }
            b"ExecutionDetails" => {
                input = None;
                value.members(|name, value| {
                    if name == b"InputPayload" {
                        input = value.raw();
                    }
                });
            }
            b"CallbackDetails" => operation.read_details(value),
            b"ChainedInvokeDetails" | b"ContextDetails" => {
                operation.read_details(value);
                // Only who completes a callback may be traced.
                operation.callback_result = None;
            }
            _ => {}
        });
        if operation.is_in_name_space() {
            let raw = step_result.or(payload);
            operation.result = raw.map(|raw| Payload::Json(Cow::Borrowed(raw)));
        }
        is_object.then_some(input).ok_or(NotAnObject)
    }

    /// Reads `StepDetails`; gives the result as JSON.
    fn read_step(&mut self, value: &mut Cursor<'a>) -> Option<&'a str> {
        self.attempt = None;
        self.next_attempt_at = None;
        let mut result = None;
        let mut failure = None;
        value.members(|name, value| match name {
            b"Attempt" => self.attempt = value.raw().and_then(|raw| raw.parse().ok()),
            b"NextAttemptTimestamp" => self.next_attempt_at = moment(value),
            b"Result" => result = value.raw(),
            b"Error" => failure = error(value),
            _ => {}
        });
        self.error = failure.or(self.error.take());
        result
    }

    /// Reads the details of a callback, a chained invoke or a context.
    fn read_details(&mut self, value: &mut Cursor<'a>) {
        let mut callback_id = None;
        let mut result = None;
        let mut failure = None;
        value.members(|name, value| match name {
            b"CallbackId" => callback_id = value.text(),
            b"Result" => result = value.raw(),
            b"Error" => failure = error(value),
            _ => {}
        });
        self.error = failure.or(self.error.take());
        self.callback_id = callback_id.or(self.callback_id.take());
        let result = result.map(|raw| Payload::Json(Cow::Borrowed(raw)));
        self.callback_result = result.or(self.callback_result.take());
    }
}

fn error<'a>(value: &mut Cursor<'a>) -> Option<ErrorObject<'a>> {
    let mut error = ErrorObject::default();
    let is_object = value.members(|name, value| match name {
        b"ErrorType" => error.error_type = value.text(),
        b"ErrorMessage" => error.message = value.text(),
        _ => {}
    });
    is_object.then_some(error)
}

fn moment(value: &mut Cursor<'_>) -> Option<UnixMillis> {
    if let Some(number) = value.whole_number() {
        return UnixMillis::from_whole_number(number);
    }
    value.raw().and_then(UnixMillis::from_json)
}
