//! The library on the real SDK, the real AWS client and the real wire, against the local service.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on is a test that fails"
)]

mod alone;
mod caller;
mod chaos;
mod checkpoints;
mod conformance;
mod contract;
mod deadline;
mod document;
mod fate;
mod faults;
mod guide;
mod history;
mod kinds;
mod logging;
mod moments;
mod overlap;
mod pass_through;
mod privacy;
mod race;
mod refused;
mod rollout;
mod sdk_names;
mod setup;
mod spans;
mod stress;
mod trace;
mod unsaved;
mod views;
mod world;
