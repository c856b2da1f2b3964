//! `docs/contract.md` says what `contract.rs` says.

use std::fmt::Write as _;

const SOURCE: &str = include_str!("../../src/contract.rs");
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/contract.md");
const BEGIN: &str = "<!-- names: from crates/durable-trace/src/contract.rs -->\n";
const END: &str = "<!-- end of names -->\n";

/// One table for each module of constants, from their texts and comments.
fn tables() -> String {
    let mut tables = String::new();
    let mut about = String::new();
    for line in SOURCE.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("/// ") {
            about.push_str(if about.is_empty() { "" } else { " " });
            about.push_str(comment);
        } else if line.starts_with("pub mod ") {
            let _ = writeln!(tables, "\n{about}\n\n| name | what |\n|---|---|");
            about.clear();
        } else if let Some((_, text)) = line
            .strip_prefix("pub const ")
            .and_then(|line| line.split_once("= \""))
        {
            let _ = writeln!(
                tables,
                "| `{}` | {} |",
                text.trim_end_matches("\";"),
                about.replace('|', "\\|")
            );
            about.clear();
        }
    }
    tables
}

#[test]
fn the_document_lists_every_name_with_what_it_says_of_itself() {
    let document = std::fs::read_to_string(DOCUMENT).expect("docs/contract.md is there");
    let (head, rest) = document
        .split_once(BEGIN)
        .expect("the mark of the beginning");
    let (names, tail) = rest.split_once(END).expect("the mark of the end");
    let current = format!("{}\n", tables());
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        std::fs::write(DOCUMENT, [head, BEGIN, &current, END, tail].concat())
            .expect("docs/contract.md can be written");
    } else {
        assert!(
            names == current,
            "docs/contract.md is behind; UPDATE_CONTRACT=1 cargo test -p durable-trace contract"
        );
    }
}
