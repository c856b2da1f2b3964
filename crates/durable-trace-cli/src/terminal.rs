//! What may be shown to whom.

use std::io::IsTerminal;

use terminal_size::{Width, terminal_size};

use crate::view::Palette;

/// How wide text is where nobody's terminal says so: a file or a pipe.
const DEFAULT_WIDTH: usize = 120;

/// How many characters fit on a line of stdout.
pub(crate) fn width() -> usize {
    terminal_size().map_or(DEFAULT_WIDTH, |(Width(columns), _)| usize::from(columns))
}

/// The colours of text on `stream`.
pub(crate) fn palette(stream: &impl IsTerminal) -> Palette {
    if wants_colour(stream) {
        Palette::Colour
    } else {
        Palette::Plain
    }
}

/// Whether text on `stream` may be coloured: on a terminal whose user did not forbid it.
pub(crate) fn wants_colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && !forbids_colour()
}

/// <https://no-color.org>: set to anything but the empty string.
fn forbids_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
