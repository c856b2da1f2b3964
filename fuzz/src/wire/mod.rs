//! The parsers of `durable-trace-wire`.
//!
//! Also compiled into that crate's own tests, where `measured` measures nothing.

mod carrier;
mod checkpoint;
mod client_context;
mod context;
mod event;
mod headers;
mod invocation;
mod response;
mod tags;
mod traceparent;
mod tracestate;
mod trigger;
mod xray;

use super::measured;

/// A property of one parser: panics where it does not hold.
pub(super) type Property = fn(&str);

/// Each parser's property, by the name of its target and of its folder in the corpus.
pub(super) const PARSERS: [(&str, Property); 12] = [
    ("carrier", carrier::holds),
    ("checkpoint", checkpoint::holds),
    ("client_context", client_context::holds),
    ("event", event::holds),
    ("headers", headers::holds),
    ("invocation", invocation::holds),
    ("response", response::holds),
    ("tags", tags::holds),
    ("traceparent", traceparent::holds),
    ("tracestate", tracestate::holds),
    ("trigger", trigger::holds),
    ("xray", xray::holds),
];
