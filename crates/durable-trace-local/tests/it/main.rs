//! The service end to end: AWS's client, AWS's SDK, the wire between.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod support;
mod workflows;
