//! Messages of this program's own parts, on stderr.

use std::io;

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::terminal;

/// Shows warnings, or what `RUST_LOG` asks for. Not for functions: those install what the library gives them.
pub(crate) fn show_on_stderr() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(terminal::wants_colour(&io::stderr()))
        .with_writer(io::stderr)
        .init();
}
