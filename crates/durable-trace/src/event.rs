//! The event that a durable function is invoked with, untouched.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The JSON text that Lambda sent: what [`wrap`](crate::wrap)'s service takes.
///
/// The SDK's own payload type is opaque; this one keeps the bytes, so that the checkpoints in them can be read before the SDK
/// is handed the very same event.
///
/// # Examples
///
/// ```
/// let event: durable_trace::Event = serde_json::from_str(r#"{"any": "JSON"}"#)?;
/// assert_eq!(event.as_str(), r#"{"any": "JSON"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Event(Box<RawValue>);

impl Event {
    /// The JSON text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The text as what is known to be JSON.
    pub(crate) fn as_raw(&self) -> &RawValue {
        &self.0
    }
}

impl From<Box<RawValue>> for Event {
    fn from(raw: Box<RawValue>) -> Self {
        Self(raw)
    }
}
