//! The crate from outside: recorded runs of other libraries, and properties of every codec.

mod compatibility;
mod oracle;
mod properties;
