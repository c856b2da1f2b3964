//! The crate from outside: recorded runs of other libraries, properties of every codec, and hostile input.

// `cfg(test)` tells clippy that helpers, too, are tests: they may unwrap and index.
#[cfg(test)]
mod carriers;
#[cfg(test)]
mod compatibility;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
