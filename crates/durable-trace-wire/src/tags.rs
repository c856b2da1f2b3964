//! The trace-wide tags that travel with a context.

use std::collections::HashMap;

/// What every propagated tag's name begins with.
pub(crate) const PREFIX: &str = "_dd.p.";
/// The upper half of the trace id: on the wire a tag, here part of the id.
pub(crate) const TRACE_ID_HIGH: &str = "_dd.p.tid";
/// Who made the sampling decision.
pub(crate) const DECISION_MAKER: &str = "_dd.p.dm";

/// The `_dd.p.*` tags of a trace but `_dd.p.tid`, in the order in which they came.
///
/// Two are equal if they hold the same pairs in any order.
#[derive(Clone, Debug, Default)]
pub struct Tags(Vec<(String, String)>);

impl Tags {
    /// Returns the pairs of name and value; a repeated name keeps its first place and its last
    /// value, a name without the prefix `_dd.p.` and `_dd.p.tid` are left out.
    pub fn from_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        let mut places = HashMap::new();
        let mut tags: Vec<(String, String)> = Vec::new();
        for (name, value) in pairs {
            let (name, value) = (name.into(), value.into());
            if !is_tag(&name) {
                continue;
            }
            let place = *places.entry(name.clone()).or_insert(tags.len());
            match tags.get_mut(place) {
                Some(tag) => tag.1 = value,
                None => tags.push((name, value)),
            }
        }
        Self(tags)
    }

    /// Sets a tag, in its place if it is there, else at the end. Returns whether it was taken: a
    /// name without the prefix `_dd.p.` is not, nor `_dd.p.tid`.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<String>) -> bool {
        let (name, value) = (name.into(), value.into());
        if !is_tag(&name) {
            return false;
        }
        match self.0.iter_mut().find(|tag| tag.0 == name) {
            Some(tag) => tag.1 = value,
            None => self.0.push((name, value)),
        }
        true
    }

    /// Returns the value of the tag with this full name, `_dd.p.` included.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|tag| tag.0 == name).map(|tag| tag.1)
    }

    /// Returns the pairs of full name and value.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is no tag.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of tags.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    fn sorted(&self) -> Vec<&(String, String)> {
        let mut tags: Vec<_> = self.0.iter().collect();
        tags.sort_unstable();
        tags
    }
}

impl PartialEq for Tags {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || (self.len() == other.len() && self.sorted() == other.sorted())
    }
}

impl Eq for Tags {}

fn is_tag(name: &str) -> bool {
    name.starts_with(PREFIX) && name != TRACE_ID_HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn only_propagated_tags_are_taken_and_never_the_trace_id() {
        for name in ["foo", "_DD.P.a", "_dd.p", "_dd.p.tid"] {
            assert!(!Tags::default().insert(name, "1"), "{name}");
            assert!(Tags::from_pairs([(name, "1")]).is_empty(), "{name}");
        }
    }
}
