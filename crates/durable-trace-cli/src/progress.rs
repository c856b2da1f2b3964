//! What is going on, on stderr, and only where somebody watches a terminal.

use std::io::{self, IsTerminal, Write};

/// A line on the terminal that changes while we work and is gone afterwards.
#[derive(Debug)]
pub(crate) struct Progress {
    is_shown: bool,
}

impl Progress {
    /// Shows nothing unless stderr is a terminal.
    pub(crate) fn on_stderr() -> Self {
        Self {
            is_shown: io::stderr().is_terminal(),
        }
    }

    /// Shows `text` instead of what was shown before.
    pub(crate) fn show(&self, text: &str) {
        self.write(&format!("\r\u{1b}[2K{text}"));
    }

    /// Shows nothing any more, so that another line can be written.
    pub(crate) fn clear(&self) {
        self.write("\r\u{1b}[2K");
    }

    fn write(&self, text: &str) {
        if self.is_shown {
            let mut stderr = io::stderr().lock();
            // Nothing is lost when the terminal is.
            let _ = stderr
                .write_all(text.as_bytes())
                .and_then(|()| stderr.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
