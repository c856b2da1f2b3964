//! What `docs/compatibility.md` allows to differ from `ddtrace`.

use std::collections::BTreeSet;
use std::path::Path;

/// The differences that the document's tables list: (vectors, group, difference).
pub(crate) fn listed() -> BTreeSet<(String, String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compatibility.md");
    let text = std::fs::read_to_string(path).unwrap();
    let tables = text.split("<!-- differences: begin -->").skip(1);
    let rows = tables.flat_map(|table| {
        let (table, _) = table.split_once("<!-- differences: end -->").unwrap();
        table.lines().filter(|line| line.starts_with("| `"))
    });
    let mut listed = BTreeSet::new();
    for line in rows {
        let cells: Vec<_> = line
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let [_, difference, vectors, groups, reason, _] = cells[..] else {
            panic!("five columns expected: {line}");
        };
        assert!(reason.len() > 20, "a difference needs its reason: {line}");
        for group in groups.split(", ") {
            let group = group.trim_matches('`');
            listed.insert((vectors.to_owned(), group.to_owned(), difference.to_owned()));
        }
    }
    listed
}

/// Collects the rows that differ, and fails unless the document lists just these.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    seen: BTreeSet<(String, String, String)>,
    unexplained: Vec<String>,
}

impl Differences {
    /// Notes a row of `group` that differs, in the way named, or in no known way.
    pub(crate) fn add(&mut self, vectors: &str, group: &str, difference: Option<&str>, row: &str) {
        let Some(name) = difference else {
            self.unexplained.push(format!("{vectors}/{group}: {row}"));
            return;
        };
        let entry = [vectors, group, name].map(str::to_owned);
        self.seen.insert(entry.into());
    }

    /// Checks all that was noted for the vectors named.
    pub(crate) fn check(self, vectors: &str) {
        assert!(
            self.unexplained.is_empty(),
            "rows that differ without a reason:\n{}",
            self.unexplained.join("\n")
        );
        let listed = listed()
            .into_iter()
            .filter(|entry| entry.0 == vectors)
            .collect::<BTreeSet<_>>();
        let unlisted: Vec<_> = self.seen.difference(&listed).collect();
        assert!(
            unlisted.is_empty(),
            "docs/compatibility.md does not list {unlisted:?}"
        );
    }
}
