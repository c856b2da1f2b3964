#![doc = include_str!("../guide/rustdoc-links.md")]
#![doc = include_str!("../guide/README.md")]
// Pages without code: there for `cargo doc` and the doc tests alone. A page names its links by labels and defines them at its end, for whoever
// reads it as Markdown; the definitions in `rustdoc-links.md` stand before those, and the first one counts.

#[doc = include_str!("../guide/rustdoc-links.md")]
#[doc = include_str!("../guide/quick-start.md")]
pub mod quick_start {}

#[doc = include_str!("../guide/rustdoc-links.md")]
#[doc = include_str!("../guide/how-it-works.md")]
pub mod how_it_works {}

#[doc = include_str!("../guide/rustdoc-links.md")]
#[doc = include_str!("../guide/configuration.md")]
pub mod configuration {}

#[doc = include_str!("../guide/rustdoc-links.md")]
#[doc = include_str!("../guide/reading-the-trace.md")]
pub mod reading_the_trace {}

#[doc = include_str!("../guide/rustdoc-links.md")]
#[doc = include_str!("../guide/views.md")]
pub mod views {}

#[doc = include_str!("../guide/rustdoc-links.md")]
#[doc = include_str!("../guide/troubleshooting.md")]
pub mod troubleshooting {}

#[doc = include_str!("../guide/rustdoc-links.md")]
#[doc = include_str!("../guide/cost.md")]
pub mod cost {}

#[doc = include_str!("../guide/rustdoc-links.md")]
#[doc = include_str!("../guide/privacy.md")]
pub mod privacy {}

#[doc = include_str!("../guide/rustdoc-links.md")]
#[doc = include_str!("../guide/migrating.md")]
pub mod migrating {}

#[doc = include_str!("../guide/rustdoc-links.md")]
#[doc = include_str!("../guide/permissions.md")]
pub mod permissions {}
