//! What came of every requirement, for `docs/conformance.md`.

use std::fmt::Write as _;

use crate::fate::Fate;

/// A requirement's row.
pub(super) struct Row {
    pub(super) suite: &'static str,
    pub(super) id: String,
    pub(super) about: String,
    pub(super) untraced: Result<(), String>,
    pub(super) traced: Result<(), String>,
    pub(super) checkpoint: Fate,
}

/// The tables of all requirements.
pub(super) fn tables(rows: &[Row]) -> String {
    let mut text = String::new();
    text.push_str(
        "\n### By suite\n\n| suite | requirements | untraced | traced |\n|---|---|---|---|\n",
    );
    let mut suites: Vec<&str> = rows.iter().map(|row| row.suite).collect();
    suites.dedup();
    for suite in suites {
        let own: Vec<&Row> = rows.iter().filter(|row| row.suite == suite).collect();
        line(&mut text, suite, &own);
    }
    line(&mut text, "**all**", &rows.iter().collect::<Vec<_>>());
    text.push_str("\n### Checkpoints\n\n| checkpoint | executions |\n|---|---|\n");
    for fate in Fate::ALL {
        let count = rows.iter().filter(|row| row.checkpoint == fate).count();
        let _ = writeln!(text, "| {} | {count} |", fate.as_str());
    }
    text.push_str("\n### Every requirement\n\n| requirement | | untraced | traced | checkpoint |\n|---|---|---|---|---|\n");
    for row in rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            row.id,
            row.about.replace('|', "\\|"),
            verdict(&row.untraced),
            verdict(&row.traced),
            row.checkpoint.as_str()
        );
    }
    text.push('\n');
    text
}

fn line(text: &mut String, name: &str, rows: &[&Row]) {
    let passed = |of: fn(&Row) -> bool| rows.iter().filter(|row| of(row)).count();
    let _ = writeln!(
        text,
        "| {name} | {} | {} | {} |",
        rows.len(),
        passed(|row| row.untraced.is_ok()),
        passed(|row| row.traced.is_ok())
    );
}

fn verdict(verdict: &Result<(), String>) -> String {
    match verdict {
        Ok(()) => "pass".to_owned(),
        Err(why) => format!("**fail**: {}", why.replace('|', "\\|")),
    }
}
