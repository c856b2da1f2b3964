//! The values of the eight headers, borrowed or within one text.

use std::ops::Range;

use super::Header;

/// A header's value: small, for headers are moved about.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Borrowed(&'a str),
    /// Stands in the headers' own text.
    Within {
        start: u32,
        end: u32,
    },
}

impl<'a> Value<'a> {
    /// Stands nowhere.
    pub(crate) const ABSENT: Self = Self::Within { start: 1, end: 0 };

    /// Absent beyond 4 GiB, which no header has.
    pub(crate) fn within(place: Range<usize>) -> Self {
        match u32::try_from(place.end) {
            Ok(_) => Self::within_short(place),
            Err(_) => Self::ABSENT,
        }
    }

    /// The same for a text that [`Headers::new`](super::Headers::new) takes: there is none of that length.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "no place begins behind its end, and a text that is too long is not kept"
    )]
    pub(crate) fn within_short(place: Range<usize>) -> Self {
        debug_assert!(place.start <= place.end);
        Self::Within {
            start: place.start as u32,
            end: place.end as u32,
        }
    }

    /// The same, but absent if nothing stands there.
    pub(crate) fn within_some(place: Range<usize>) -> Self {
        if place.is_empty() {
            return Self::ABSENT;
        }
        Self::within_short(place)
    }

    #[inline]
    pub(super) fn text<'t>(self, own: &'t str) -> Option<&'t str>
    where
        'a: 't,
    {
        match self {
            Self::Borrowed(text) => Some(text),
            Self::Within { start, end } => own.get(start as usize..end as usize),
        }
    }
}

impl Default for Value<'_> {
    fn default() -> Self {
        Self::ABSENT
    }
}

/// Returns an empty text with room for so many bytes, and for what most contexts take in either style: a block of one
/// size is what an allocator has at hand soonest.
pub(crate) fn text_for(length: usize) -> String {
    const MOST: usize = 112;
    if length > MOST {
        return String::with_capacity(length);
    }
    String::with_capacity(MOST)
}

/// One for each [`Header`], in their order.
#[derive(Clone, Default)]
pub(super) struct Values<'a>(pub(super) [Value<'a>; Header::NAMES.len()]);

impl<'a> Values<'a> {
    pub(super) fn get(&self, header: Header) -> Value<'a> {
        self.0.get(header as usize).copied().unwrap_or_default()
    }

    pub(super) fn set(&mut self, header: Header, value: Value<'a>) {
        if let Some(slot) = self.0.get_mut(header as usize) {
            *slot = value;
        }
    }
}
