//! The service end to end: AWS's client, AWS's SDK, the wire between.

mod support;
mod workflows;
