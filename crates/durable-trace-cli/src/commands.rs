//! One file a command: each performs, the deciding is done elsewhere.

pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod extract;
pub(crate) mod function;
pub(crate) mod inject;
pub(crate) mod inspect;
pub(crate) mod serve;
