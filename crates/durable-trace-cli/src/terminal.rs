//! What may be shown to whom.

use std::io::IsTerminal;

/// Whether text on `stream` may be coloured: on a terminal whose user did not forbid it.
pub(crate) fn wants_colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && !forbids_colour()
}

/// <https://no-color.org>: set to anything but the empty string.
fn forbids_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
