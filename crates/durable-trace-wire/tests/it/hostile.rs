//! The corpus of `fuzz/`, through the properties that it is fuzzed with. What they cost in memory is measured there alone.

use std::path::Path;

#[path = "../../../../fuzz/src/wire/mod.rs"]
mod wire;

/// Every file of the corpus is replayed by its target's property.
#[test]
fn every_property_holds_on_the_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, property) in wire::PARSERS {
        let entries = std::fs::read_dir(corpus.join(name)).unwrap();
        let mut replayed = 0;
        for path in entries.map(|entry| entry.unwrap().path()) {
            let input = std::fs::read(&path).unwrap();
            // A test that fails shows the last path.
            eprintln!("{}", path.display());
            if let Ok(text) = std::str::from_utf8(&input) {
                property(text);
                replayed += 1;
            }
        }
        assert!(replayed > 0, "{name} has no corpus");
    }
}

fn measured<R>(_: &str, parse: impl FnOnce() -> R) -> R {
    parse()
}
