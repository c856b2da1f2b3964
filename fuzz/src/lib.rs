//! What holds for every input, whoever wrote it: properties of the parsers, one file a parser.
//!
//! The properties know nothing of a fuzzer. libFuzzer runs them on inputs that it makes up, the tests here and those of the
//! crates run them on the corpus.

mod history;
#[cfg(test)]
mod large;
mod local;
mod wire;

use std::path::Path;

/// A property of one parser: panics where it does not hold.
pub type Property = fn(&str);

/// Every parser, by the name of its target and of its folder in the corpus.
pub fn parsers() -> Vec<(&'static str, Property)> {
    let others: [(&str, Property); 2] = [("history", history::holds), ("request", local::holds)];
    wire::PARSERS.iter().copied().chain(others).collect()
}

/// Runs one property on what a fuzzer made up; all the parsers take text.
pub fn run(name: &str, input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let (_, property) = parsers()
        .into_iter()
        .find(|(it, _)| *it == name)
        .expect("a parser of this name");
    property(text);
}

/// The inputs of a folder, with their paths, by name.
pub fn inputs(folder: &Path) -> Vec<(String, String)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut inputs: Vec<_> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter_map(|path| {
            Some((
                path.display().to_string(),
                std::fs::read_to_string(path).ok()?,
            ))
        })
        .collect();
    inputs.sort();
    inputs
}

/// Parses, and checks that it took memory in proportion to the input: at once, in all, and in how many pieces.
///
/// Time is bounded by the same: what is read more than once is read a fixed number of times, and each reading that keeps
/// something allocates. No clock is asked.
fn measured<R>(input: &str, parse: impl FnOnce() -> R) -> R {
    let mut parsed = None;
    let cost = allocation_counter::measure(|| parsed = Some(parse()));
    let length = input.len() as u64;
    let bounds = [
        ("bytes at once", cost.bytes_max, PEAK),
        ("bytes in all", cost.bytes_total, TOTAL),
        ("allocations", cost.count_total, COUNT),
    ];
    for (what, spent, (fixed, per_byte)) in bounds {
        let bound = fixed + per_byte * length;
        assert!(
            spent <= bound,
            "{spent} {what} for {length} bytes of input: more than {bound}"
        );
    }
    parsed.expect("the closure was run")
}

/// Whatever the input, and for each byte of it.
type Bound = (u64, u64);
const PEAK: Bound = (16_384, 512);
const TOTAL: Bound = (65_536, 1_024);
const COUNT: Bound = (512, 8);
