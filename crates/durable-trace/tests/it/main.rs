//! The library on the real SDK, the real AWS client and the real wire, against the local service.

mod faults;
mod overlap;
mod spans;
mod trace;
mod world;
