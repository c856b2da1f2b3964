//! The event of a durable invocation, read in one pass.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{self, Members, Name, Object, Pace};
use crate::operation::{Operation, OperationMembers, OperationType, take_text};

/// What the service tells a function when it invokes it.
///
/// Borrows from the event's text; a field of an unexpected type counts as absent.
#[derive(Clone, Debug, Default)]
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
    /// `ExecutionDetails.InputPayload` of the first EXECUTION operation: normally a JSON string that
    /// holds the caller's event as JSON.
    pub input_payload: Option<&'a RawValue>,
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
        match Self::parse_at(raw, Pace::Fast) {
            Err(_) => Self::parse_at(raw, Pace::Careful),
            read => read,
        }
    }

    fn parse_at(raw: &'a str, pace: Pace) -> serde_json::Result<Option<Self>> {
        let mut event = EventMembers::default();
        if !json::read_object(raw, pace, &mut event)? {
            return Ok(None);
        }
        let Some(arn) = event.arn else {
            return Ok(None);
        };
        let State {
            operations,
            next_marker,
        } = event.state;
        Ok(Some(Self {
            arn,
            checkpoint_token: event.checkpoint_token,
            operations: operations.parsed,
            operation_count: operations.count,
            next_marker: next_marker.filter(|marker| !marker.is_empty()),
            input_payload: operations.input,
            updated_operation_ids: event.updated_operation_ids,
        }))
    }

    /// Returns the caller's event as JSON text, if the input is a JSON string; whether it holds
    /// JSON is not checked. An input that is JSON itself is returned as it stands.
    pub fn input(&self) -> Option<Cow<'a, str>> {
        let raw = self.input_payload?.get();
        Some(json::text(raw).unwrap_or(Cow::Borrowed(raw)))
    }
}

#[derive(Debug, Default)]
struct EventMembers<'a> {
    arn: Option<Cow<'a, str>>,
    checkpoint_token: Option<Cow<'a, str>>,
    state: State<'a>,
    updated_operation_ids: Vec<Cow<'a, str>>,
}

impl<'a> Members<'a> for EventMembers<'a> {
    fn take<A: MapAccess<'a>>(
        &mut self,
        name: &[u8],
        pace: Pace,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        match name {
            b"DurableExecutionArn" => self.arn = take_text(map)?,
            b"CheckpointToken" => self.checkpoint_token = take_text(map)?,
            b"InitialExecutionState" => {
                self.state = State::default();
                map.next_value_seed(Object {
                    members: &mut self.state,
                    pace,
                })?;
            }
            b"UpdatedOperationIds" => {
                let raw = json::raw(map)?.unwrap_or_default();
                let ids: Vec<&RawValue> = serde_json::from_str(raw).unwrap_or_default();
                self.updated_operation_ids = ids
                    .into_iter()
                    .filter_map(|id| json::text(id.get()))
                    .collect();
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

#[derive(Debug, Default)]
struct State<'a> {
    operations: Operations<'a>,
    next_marker: Option<Cow<'a, str>>,
}

impl<'a> Members<'a> for State<'a> {
    fn take<A: MapAccess<'a>>(
        &mut self,
        name: &[u8],
        pace: Pace,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        match name {
            b"NextMarker" => self.next_marker = take_text(map)?,
            b"Operations" => {
                self.operations = Operations::default();
                map.next_value_seed(Items {
                    operations: &mut self.operations,
                    pace,
                })?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

#[derive(Debug, Default)]
struct Operations<'a> {
    parsed: Vec<Operation<'a>>,
    count: usize,
    input: Option<&'a RawValue>,
}

impl<'a> Operations<'a> {
    fn add(&mut self, item: OperationMembers<'a>, is_object: bool) {
        self.count += 1;
        if !is_object {
            return;
        }
        let input = item.input;
        let operation = item.into_operation();
        if operation.kind == OperationType::Execution {
            self.input = self.input.or(input);
        }
        self.parsed.push(operation);
    }
}

/// A seed that reads an array's items, or an object's values.
struct Items<'m, 'a> {
    operations: &'m mut Operations<'a>,
    pace: Pace,
}

impl<'a> DeserializeSeed<'a> for Items<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.pace == Pace::Fast {
            return deserializer.deserialize_any(self);
        }
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        if !raw.starts_with(['[', '{']) {
            return Ok(());
        }
        let mut inner = serde_json::Deserializer::from_str(raw);
        inner.deserialize_any(self).map_err(de::Error::custom)
    }
}

impl<'a> Visitor<'a> for Items<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key::<Name<'_>>()?.is_some() {
            let mut item = OperationMembers::default();
            let is_object = map.next_value_seed(Object {
                members: &mut item,
                pace: self.pace,
            })?;
            self.operations.add(item, is_object);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        loop {
            let mut item = OperationMembers::default();
            let Some(is_object) = seq.next_element_seed(Object {
                members: &mut item,
                pace: self.pace,
            })?
            else {
                return Ok(());
            };
            self.operations.add(item, is_object);
        }
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
