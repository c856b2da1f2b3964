//! Where the recordings of the real libraries are, if they are.

use std::path::PathBuf;

/// Recordings of the real libraries; they are not part of this project.
pub(crate) fn recordings() -> Option<PathBuf> {
    let shared = std::env::var_os("DURABLE_TRACE_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let oracle = shared.join("oracle");
    if oracle.is_dir() {
        return Some(oracle);
    }
    eprintln!("skipped: no recordings at {}", oracle.display());
    None
}
