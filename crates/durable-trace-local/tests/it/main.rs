//! The service end to end: AWS's client, AWS's SDK, the wire between.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod api;
mod callbacks;
mod chained;
mod pages;
mod processes;
mod strangers;
mod support;
mod trouble;
mod workflows;
