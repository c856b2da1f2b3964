//! What `docs/span-differences.md` allows to differ.

use std::{collections::BTreeSet, fs, path::Path};

use super::tree::Node;

/// The function and the Python module of the recorded runs.
const RECORDED_FUNCTION: &str = "golden-fn";
const RECORDED_MODULE: &str = "workflows";

/// A difference by name, the field in which it shows, and the name of the span.
type Entry = (String, String, String);

/// What differed, by the names that the document gives.
#[derive(Debug, Default)]
pub(super) struct Differences {
    seen: BTreeSet<Entry>,
    unexplained: Vec<String>,
}

impl Differences {
    /// Adds what no name is known for.
    pub(super) fn unexplained(&mut self, what: String) {
        self.unexplained.push(what);
    }

    /// Notes each field in which a span and its twin differ.
    pub(super) fn note(&mut self, workflow: &str, recorded: &Node, ours: &Node) {
        let fields: BTreeSet<_> = recorded.fields.keys().chain(ours.fields.keys()).collect();
        for field in fields {
            let there = recorded.fields.get(field).map(String::as_str);
            let here = ours.fields.get(field).map(String::as_str);
            if there == here {
                continue;
            }
            match name(workflow, field, there, here) {
                Some(difference) => {
                    let entry = [difference, field, &recorded.name].map(str::to_owned);
                    self.seen.insert(entry.into());
                }
                None => self.unexplained.push(format!(
                    "{workflow}: {}: {field} is {there:?} there, {here:?} here",
                    recorded.place
                )),
            }
        }
    }

    /// Fails unless the document lists just what was noted.
    pub(super) fn check(self) {
        assert!(
            self.unexplained.is_empty(),
            "differences without a reason:\n{}",
            self.unexplained.join("\n")
        );
        assert_eq!(self.seen, listed(), "seen, and listed in the document");
    }
}

/// The name of a difference, if it is one of those that the document explains.
fn name(
    workflow: &str,
    field: &str,
    there: Option<&str>,
    here: Option<&str>,
) -> Option<&'static str> {
    let (there, here) = (there?, here?);
    match field {
        "resource" if there == RECORDED_FUNCTION && here == workflow => Some("function-name"),
        "resource" if there == format!("{RECORDED_MODULE}.{}", workflow.replace('-', "_")) => {
            (here == workflow).then_some("handler-name")
        }
        "error type" if there == format!("{RECORDED_MODULE}.{here}") => Some("error-module"),
        "error message" if here.ends_with(&format!(": {there}")) => Some("error-prefix"),
        _ => None,
    }
}

fn listed() -> BTreeSet<Entry> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/span-differences.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, table) = text.split_once("<!-- span differences: begin -->").unwrap();
    let (table, _) = table.split_once("<!-- span differences: end -->").unwrap();
    let mut listed = BTreeSet::new();
    for line in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, difference, field, spans, reason, _] = cells[..] else {
            panic!("four columns expected: {line}");
        };
        assert!(reason.len() > 20, "a difference needs its reason: {line}");
        for span in spans.split(", ") {
            let entry = [difference, field, span].map(|cell| cell.trim_matches('`').to_owned());
            listed.insert(entry.into());
        }
    }
    listed
}
