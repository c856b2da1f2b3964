//! Replays what the real Python libraries were recorded to do, where the recordings are at hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

mod codec;
mod reader;
mod status;
mod triggers;
mod writer;

/// A row: its fields as values, and as they stand, for an object's order matters.
struct Row {
    fields: Value,
    raw: BTreeMap<String, Box<RawValue>>,
}

/// The rows of a recording, or `None`, said on standard error, if the recordings are not there.
fn rows(name: &str) -> Option<Vec<Row>> {
    let shared = std::env::var_os("DURABLE_TRACE_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = shared.join("oracle").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {name} is not there");
        return None;
    };
    let row = |line| Row {
        fields: serde_json::from_str(line).unwrap(),
        raw: serde_json::from_str(line).unwrap(),
    };
    Some(text.lines().map(row).collect())
}

/// The members of an object in their order, which [`Value`] does not keep.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}

/// The propagated tags among the members of `object[name]`, in their order.
fn tags_of(object: &RawValue, name: &str) -> Vec<(String, String)> {
    let object: BTreeMap<String, &RawValue> = serde_json::from_str(object.get()).unwrap();
    let Pairs(pairs) = serde_json::from_str(object[name].get()).unwrap();
    let tags = pairs
        .into_iter()
        .filter(|(name, _)| name.starts_with("_dd.p."));
    tags.map(|(name, value)| (name, value.as_str().unwrap().to_owned()))
        .collect()
}
