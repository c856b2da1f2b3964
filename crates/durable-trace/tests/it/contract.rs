//! `docs/contract.md` says what `contract.rs` says.

use std::fmt::Write as _;

use crate::document;

const SOURCE: &str = include_str!("../../src/contract.rs");

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
    let current = format!("{}\n", tables());
    document::hold("contract.md", "names", &current, "UPDATE_CONTRACT");
}
