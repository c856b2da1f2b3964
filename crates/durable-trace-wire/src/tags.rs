//! The trace-wide tags that travel with a context.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use crate::ascii::is_plain;
use crate::datadog::is_read;

/// What every propagated tag's name begins with.
pub(crate) const PREFIX: &str = "_dd.p.";
/// The upper half of the trace id: on the wire a tag, here part of the id.
pub(crate) const TRACE_ID_HIGH: &str = "_dd.p.tid";
/// The same behind the prefix.
const TRACE_ID_KEY: &str = "tid";
/// Who made the sampling decision.
pub(crate) const DECISION_MAKER: &str = "_dd.p.dm";

/// The `_dd.p.*` tags of a trace but `_dd.p.tid`, in the order in which they came.
///
/// Two are equal if they hold the same pairs in any order.
#[derive(Clone, Default)]
pub struct Tags {
    /// Pairs of `name=value` with commas between: these tags and nothing else.
    text: String,
    places: Places,
    are_plain: bool,
}

impl Tags {
    /// Returns the pairs of name and value; a repeated name keeps its first place and its last
    /// value, a name without the prefix `_dd.p.` and `_dd.p.tid` are left out.
    pub fn from_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let mut tags = Gathered::default();
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.as_ref());
            if let Some(key) = name.strip_prefix(PREFIX) {
                tags.push(key, value, 0);
            }
        }
        tags.into_tags()
    }

    /// Sets a tag, in its place if it is there, else at the end. Returns whether it was taken: a
    /// name without the prefix `_dd.p.` is not, nor `_dd.p.tid`.
    pub fn insert(&mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> bool {
        let pair = (name.as_ref(), value.as_ref());
        let is_tag = pair.0.starts_with(PREFIX) && pair.0 != TRACE_ID_HIGH;
        if is_tag {
            *self = Self::from_pairs(self.iter().chain([pair]));
        }
        is_tag
    }

    /// Returns the value of the tag with this full name, `_dd.p.` included.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|tag| tag.0 == name).map(|tag| tag.1)
    }

    /// Returns the pairs of full name and value.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        (0..self.len()).map(|number| self.places.nth(number).pair(&self.text))
    }

    /// Whether there is no tag.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of tags.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns all pairs of `name=value` with commas between.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether each stands in the headers of either style as it is, and is read there.
    pub(crate) const fn are_plain(&self) -> bool {
        self.are_plain
    }

    fn sorted(&self) -> Vec<(&str, &str)> {
        let mut tags: Vec<_> = self.iter().collect();
        tags.sort_unstable();
        tags
    }
}

impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl PartialEq for Tags {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
            || (self.len() == other.len() && self.sorted() == other.sorted())
    }
}

impl Eq for Tags {}

/// Tags on the way: names may still be repeated where there are many of them.
#[derive(Default)]
pub(crate) struct Gathered<'a> {
    text: Cow<'a, str>,
    places: Places,
    /// Whether there is, or was, one that is not plain.
    is_any_special: bool,
}

impl<'a> Gathered<'a> {
    /// Begins with a text in which tags stand as they are kept.
    pub(crate) fn within(text: &'a str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            ..Self::default()
        }
    }

    /// Adds the tag that stands in the text from `start` to `end`, or replaces it: a name that begins with `_dd.p.` and is
    /// not `_dd.p.tid`, a sign, and a value.
    pub(crate) fn add(&mut self, start: usize, equals: usize, end: usize) {
        let Some(place) = Place::new(start, equals, end) else {
            return;
        };
        let (name, value) = place.pair(&self.text);
        let plain = !value.is_empty() && is_plain(name) && is_plain(value);
        self.is_any_special |= !(plain && is_read(name, value));
        if let Places::Few(count, few) = &mut self.places {
            let held = few.iter_mut().take(usize::from(*count));
            let same = |held: &&mut Narrow| Place::from(**held).pair(&self.text).0 == name;
            if let Some(narrow) = place.narrow() {
                if let Some(same) = held.into_iter().find(same) {
                    *same = narrow;
                    return;
                }
                if let Some(free) = few.get_mut(usize::from(*count)) {
                    *free = narrow;
                    *count += 1;
                    return;
                }
            }
            let held = few.iter().take(usize::from(*count));
            self.places = Places::Many(held.map(|held| Place::from(*held)).collect());
        }
        if let Places::Many(many) = &mut self.places {
            many.push(place);
        }
    }

    /// Adds the tag `_dd.p.` and `key`, or replaces it; not `_dd.p.tid`. The first makes room for itself and for
    /// `more` bytes.
    pub(crate) fn push(&mut self, key: &str, value: &str, more: usize) {
        if key == TRACE_ID_KEY {
            return;
        }
        let text = self.text.to_mut();
        if text.is_empty() {
            *text = String::with_capacity(PREFIX.len() + key.len() + 1 + value.len() + more);
        } else {
            text.push(',');
        }
        let start = text.len();
        let equals = start + PREFIX.len() + key.len();
        let end = equals + 1 + value.len();
        for part in [PREFIX, key, "=", value] {
            text.push_str(part);
        }
        self.add(start, equals, end);
    }

    pub(crate) fn into_tags(self) -> Tags {
        let Self {
            text,
            mut places,
            is_any_special,
        } = self;
        if let Places::Many(many) = &mut places {
            *many = without_repeated(many, &text);
        }
        if let Some(length) = places.whole() {
            let text = match text {
                Cow::Borrowed(text) => text.get(..length).unwrap_or_default().to_owned(),
                Cow::Owned(mut text) => {
                    text.truncate(length);
                    text
                }
            };
            return Tags {
                text,
                places,
                are_plain: !is_any_special,
            };
        }
        let mut joined = Self::default();
        for number in 0..places.len() {
            let (name, value) = places.nth(number).pair(&text);
            let key = name.strip_prefix(PREFIX).unwrap_or(name);
            joined.push(key, value, text.len());
        }
        joined.into_tags()
    }
}

/// By a map: somebody's ten thousand tags must not be compared with each other.
fn without_repeated(many: &[Place], text: &str) -> Vec<Place> {
    let mut kept: Vec<Place> = Vec::with_capacity(many.len());
    let mut places = HashMap::with_capacity(many.len());
    for place in many {
        let (name, _) = place.pair(text);
        let number = *places.entry(name).or_insert(kept.len());
        match kept.get_mut(number) {
            Some(earlier) => *earlier = *place,
            None => kept.push(*place),
        }
    }
    kept
}

/// Where the pairs stand that count: no more than a context has as a rule, which are moved about with it, or any number
/// of them.
#[derive(Clone)]
enum Places {
    Few(u8, [Narrow; 4]),
    Many(Vec<Place>),
}

/// A place in a text of less than 64 KiB.
type Narrow = [u16; 3];

impl Places {
    fn len(&self) -> usize {
        match self {
            Self::Few(count, _) => usize::from(*count),
            Self::Many(many) => many.len(),
        }
    }

    /// Returns how much of a text holds these pairs from its start and, but for one sign between two, nothing else.
    fn whole(&self) -> Option<usize> {
        let mut end = 0;
        for number in 0..self.len() {
            let place = self.nth(number);
            if place.start as usize != end + usize::from(number > 0) {
                return None;
            }
            end = place.end as usize;
        }
        Some(end)
    }

    fn nth(&self, number: usize) -> Place {
        let place = match self {
            Self::Few(_, few) => few.get(number).copied().map(Place::from),
            Self::Many(many) => many.get(number).copied(),
        };
        place.unwrap_or_default()
    }
}

impl Default for Places {
    fn default() -> Self {
        Self::Few(0, Default::default())
    }
}

#[derive(Clone, Copy, Default)]
struct Place {
    start: u32,
    equals: u32,
    end: u32,
}

impl Place {
    /// Returns `None` beyond 4 GiB, which no header has.
    fn new(start: usize, equals: usize, end: usize) -> Option<Self> {
        Some(Self {
            start: start.try_into().ok()?,
            equals: equals.try_into().ok()?,
            end: end.try_into().ok()?,
        })
    }

    fn narrow(self) -> Option<Narrow> {
        let [start, equals, end] = [self.start, self.equals, self.end].map(u16::try_from);
        Some([start.ok()?, equals.ok()?, end.ok()?])
    }

    fn pair(self, text: &str) -> (&str, &str) {
        let [start, equals, end] = [self.start, self.equals, self.end].map(|at| at as usize);
        let part = |part| text.get(part).unwrap_or_default();
        (part(start..equals), part(equals + 1..end))
    }
}

impl From<Narrow> for Place {
    fn from(narrow: Narrow) -> Self {
        let [start, equals, end] = narrow.map(u32::from);
        Self { start, equals, end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn equality_ignores_order_and_nothing_else() {
        let tags = |pairs: &[(&str, &str)]| Tags::from_pairs(pairs.iter().copied());
        let both = tags(&[("_dd.p.a", "1"), ("_dd.p.b", "2")]);
        assert_eq!(both, tags(&[("_dd.p.b", "2"), ("_dd.p.a", "1")]));
        for (other, why) in [
            (tags(&[("_dd.p.a", "1")]), "one less"),
            (
                tags(&[("_dd.p.a", "2"), ("_dd.p.b", "1")]),
                "values exchanged",
            ),
            (tags(&[("_dd.p.a", "1"), ("_dd.p.c", "2")]), "another name"),
        ] {
            assert_ne!(both, other, "{why}");
        }
    }

    #[test]
    fn a_repeated_name_keeps_its_place_and_takes_the_last_value() {
        let pairs = [("_dd.p.a", "1"), ("_dd.p.b", "2"), ("_dd.p.a", "3")];
        let mut inserted = Tags::default();
        for (name, value) in pairs {
            assert!(inserted.insert(name, value));
        }
        for tags in [Tags::from_pairs(pairs), inserted] {
            let held: Vec<_> = tags.iter().collect();
            assert_eq!(held, [("_dd.p.a", "3"), ("_dd.p.b", "2")]);
            assert_eq!(
                (tags.len(), tags.is_empty(), tags.get("_dd.p.a")),
                (2, false, Some("3"))
            );
        }
    }

    #[test]
    fn plain_tags_stand_in_either_style_as_they_are() {
        for (name, value, want) in [
            ("_dd.p.dm", "-4", true),
            ("_dd.p.usr.id", "a@b.c/_", true),
            ("_dd.p.dm", "4", false),
            ("_dd.p.upstream_services", "a", false),
            ("_dd.p.a", "", false),
            ("_dd.p.a", " b", false),
            ("_dd.p.a", "b=", false),
            ("_dd.p.a:", "b", false),
        ] {
            let tags = Tags::from_pairs([(name, value)]);
            assert_eq!(tags.are_plain(), want, "{name}={value}");
        }
    }

    #[test]
    fn only_propagated_tags_are_taken_and_never_the_trace_id() {
        for name in ["foo", "_DD.P.a", "_dd.p", "_dd.p.tid"] {
            assert!(!Tags::default().insert(name, "1"), "{name}");
            assert!(Tags::from_pairs([(name, "1")]).is_empty(), "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn few_and_many_and_long_tags_are_kept_alike(
            pairs in vec(("(_dd\\.p\\.)?([a-d]|tid|é=,|[a-z]{2})", prop_oneof!["[ -~é]{0,4}", Just("x".repeat(40_000))]), 0..12),
        ) {
            let mut want: Vec<(&str, &str)> = Vec::new();
            let mut inserted = Tags::default();
            for (name, value) in &pairs {
                let is_tag = name.starts_with(PREFIX) && name != TRACE_ID_HIGH;
                prop_assert_eq!(inserted.insert(name, value), is_tag);
                match want.iter_mut().find(|pair| pair.0 == name) {
                    Some(pair) => pair.1 = value,
                    None if is_tag => want.push((name, value)),
                    None => {}
                }
            }
            for tags in [&Tags::from_pairs(pairs.iter().map(|(name, value)| (name, value))), &inserted] {
                prop_assert!(tags.iter().eq(want.iter().copied()), "{:?}", tags.len());
                prop_assert_eq!(tags.len(), want.len());
                let joined: Vec<_> = want.iter().map(|(name, value)| format!("{name}={value}")).collect();
                prop_assert_eq!(tags.as_str(), joined.join(","));
            }
        }
    }
}
