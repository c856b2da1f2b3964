//! The crate from outside: recorded runs of other libraries, and properties of every codec.

// `cfg(test)` tells clippy that helpers, too, are tests: they may unwrap and index.
#[cfg(test)]
mod carriers;
#[cfg(test)]
mod compatibility;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
