use std::path::Path;

#[path = "../../../../fuzz/src/local.rs"]
mod local;

#[test]
fn every_property_holds_on_the_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/request");
    let mut replayed = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        // A test that fails shows the last path.
        eprintln!("{}", path.display());
        local::holds(&std::fs::read_to_string(path).unwrap());
        replayed += 1;
    }
    assert!(replayed > 0, "there is no corpus");
}

fn measured<R>(_: &str, parse: impl FnOnce() -> R) -> R {
    parse()
}
