//! The program from outside: what it prints, and how it ends.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what fails here fails the test"
)]

mod demo;
mod doctor;
#[expect(clippy::expect_used, reason = "what fails here fails the test")]
#[path = "../../../durable-trace/tests/it/document.rs"]
mod document;
mod export;
mod fetch;
mod histories;
mod inspect;
mod killed;
mod lines;
mod otel;
mod peer;
mod program;
mod recordings;
mod serve;
mod trees;
mod usage;
mod vectors;
mod views;
