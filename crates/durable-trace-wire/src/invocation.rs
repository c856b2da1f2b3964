//! The event of a durable invocation, read in one pass.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::json::{self, Cursor};
use crate::operation::{Operation, OperationType};

/// What the service tells a function when it invokes it.
///
/// Borrows from the event's text; a field of an unexpected type counts as absent.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Invocation<'a> {
    /// `DurableExecutionArn`.
    pub arn: Cow<'a, str>,
    /// `CheckpointToken`.
    pub checkpoint_token: Option<Cow<'a, str>>,
    /// The objects among `InitialExecutionState.Operations`, whether that is an array or an object.
    pub operations: Vec<Operation<'a>>,
    /// The number of items among them, of any type: one on an execution's first invocation.
    pub operation_count: usize,
    /// `InitialExecutionState.NextMarker`: where further pages begin; `None` if there are none.
    pub next_marker: Option<Cow<'a, str>>,
    /// `ExecutionDetails.InputPayload` of the first EXECUTION operation, as JSON: normally a JSON string
    /// that holds the caller's event as JSON.
    pub input_payload: Option<&'a str>,
    /// `UpdatedOperationIds`: what has changed since the execution's last invocation.
    pub updated_operation_ids: Vec<Cow<'a, str>>,
}

impl<'a> Invocation<'a> {
    /// Reads an event; `Ok(None)` if it is not a durable one, that is, if it has no text
    /// `DurableExecutionArn`.
    ///
    /// # Errors
    ///
    /// `serde_json`'s, if `raw` is not JSON.
    pub fn parse(raw: &'a str) -> serde_json::Result<Option<Self>> {
        serde_json::from_str::<&RawValue>(raw).map(|raw| Self::read(raw.get()))
    }

    /// Reads an event that is known to be JSON, in one pass; `None` if it is not a durable one.
    ///
    /// Of a text that is no JSON something or nothing is read, and nothing panics.
    pub fn read(json: &'a str) -> Option<Self> {
        let mut event = Self::default();
        let mut arn = None;
        Cursor::new(json).members(|name, value| match name {
            b"DurableExecutionArn" => arn = value.text(),
            b"CheckpointToken" => event.checkpoint_token = value.text(),
            b"InitialExecutionState" => event.read_state(value),
            b"UpdatedOperationIds" => {
                event.updated_operation_ids.clear();
                value.items(|id| event.updated_operation_ids.extend(id.text()));
            }
            _ => {}
        });
        event.arn = arn?;
        Some(event)
    }

    fn read_state(&mut self, state: &mut Cursor<'a>) {
        self.next_marker = None;
        self.clear_operations();
        state.members(|name, value| match name {
            b"NextMarker" => {
                self.next_marker = value.text().filter(|marker| !marker.is_empty());
            }
            b"Operations" => {
                self.clear_operations();
                let begin = value.rest();
                value.values(|operation| {
                    self.make_room(begin - operation.rest(), operation.rest());
                    self.read_operation(operation);
                });
            }
            _ => {}
        });
    }

    /// Where the room is used up, makes as much as `rest` bytes need if operations go on to be as long as in the bytes `read`.
    fn make_room(&mut self, read: usize, rest: usize) {
        let count = self.operations.len();
        if count == self.operations.capacity() {
            let length = read.checked_div(count).unwrap_or(rest).max(1);
            self.operations.reserve((rest / length).max(8));
        }
    }

    fn clear_operations(&mut self) {
        self.operations.clear();
        self.operation_count = 0;
        self.input_payload = None;
    }

    fn read_operation(&mut self, value: &mut Cursor<'a>) {
        self.operation_count += 1;
        // Read where it is to stay.
        self.operations.push(Operation::default());
        let Some(operation) = self.operations.last_mut() else {
            return;
        };
        match operation.read(value) {
            Ok(input) if operation.kind == OperationType::Execution => {
                self.input_payload = self.input_payload.or(input);
            }
            Ok(_) => {}
            Err(_) => _ = self.operations.pop(),
        }
    }

    /// Returns the caller's event as JSON text, if the input is a JSON string; whether it holds
    /// JSON is not checked. An input that is JSON itself is returned as it stands.
    pub fn input(&self) -> Option<Cow<'a, str>> {
        let raw = self.input_payload?;
        Some(json::text(raw).unwrap_or(Cow::Borrowed(raw)))
    }
}

#[cfg(test)]
mod tests;
