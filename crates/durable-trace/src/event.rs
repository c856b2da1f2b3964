//! The event that a durable function is invoked with, untouched.

use aws_durable_execution_sdk::InvocationPayload;
use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::body;

/// The JSON text that Lambda sent: what [`wrap`](crate::wrap)'s service takes.
///
/// The SDK's own payload type is opaque; this one keeps the text, so that the checkpoints in it can be read before the SDK
/// is handed the very same event.
///
/// # Examples
///
/// ```
/// let event: durable_trace::Event = serde_json::from_str(r#"{"any": "JSON"}"#)?;
/// assert_eq!(event.as_str(), r#"{"any": "JSON"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug)]
pub struct Event {
    text: Text,
    /// What the SDK is handed, where it was needed already to know that the text is JSON.
    payload: Option<InvocationPayload>,
}

#[derive(Clone, Debug)]
enum Text {
    /// The whole body of Lambda's request: UTF-8, and JSON.
    Body(Bytes),
    /// A copy of what a deserializer found to be JSON.
    Copy(Box<RawValue>),
}

impl Event {
    /// The JSON text.
    pub fn as_str(&self) -> &str {
        match &self.text {
            Text::Body(body) => std::str::from_utf8(body).unwrap_or_default(), // checked when it was read
            Text::Copy(raw) => raw.get(),
        }
    }

    /// The event as the SDK takes it.
    pub(crate) fn payload(&mut self) -> serde_json::Result<InvocationPayload> {
        match self.payload.take() {
            Some(payload) => Ok(payload),
            None => serde_json::from_str(self.as_str()),
        }
    }

    /// An event that is the whole body; `None` if the body is not one JSON value.
    fn from_body(body: Bytes) -> Option<Self> {
        // Known to be UTF-8, a text is parsed without a look at its bytes' encoding.
        let payload = serde_json::from_str(std::str::from_utf8(&body).ok()?).ok()?;
        Some(Self {
            text: Text::Body(body),
            payload: Some(payload),
        })
    }
}

/// Within a [`BodyLayer`](crate::BodyLayer) the body is taken as it is, and the deserializer is not asked; what is no JSON is for
/// the deserializer to refuse, in its words.
impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match body::take().and_then(Self::from_body) {
            Some(event) => Ok(event),
            None => Box::<RawValue>::deserialize(deserializer).map(Self::from),
        }
    }
}

impl Clone for Event {
    fn clone(&self) -> Self {
        Self {
            text: self.text.clone(),
            payload: None, // cannot be cloned; made again when it is needed
        }
    }
}

impl From<Box<RawValue>> for Event {
    fn from(raw: Box<RawValue>) -> Self {
        Self {
            text: Text::Copy(raw),
            payload: None,
        }
    }
}
