//! What durable-trace costs, beside what others cost: the inputs, the pieces of work, and a function to invoke.

pub mod event;
pub mod function;
pub mod work;
