//! The properties on the corpus, with what each input costs.

use std::path::Path;

#[test]
fn every_property_holds_on_the_corpus() {
    for (name, property) in durable_trace_fuzz::parsers() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(name);
        let inputs = durable_trace_fuzz::inputs(&folder);
        assert!(!inputs.is_empty(), "{name} has no corpus");
        for (path, input) in inputs {
            eprintln!("{path}");
            property(&input);
        }
    }
}

#[test]
fn every_target_has_its_property() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut targets: Vec<_> = entries
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_owned())
        .collect();
    targets.sort();
    let mut parsers: Vec<_> = durable_trace_fuzz::parsers()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    parsers.sort_unstable();
    assert_eq!(targets, parsers);
}
