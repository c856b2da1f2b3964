//! The three views of one execution, side by side in the guide.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::{document, program};

/// A span and what hangs on it, as lines without times and ids.
fn tree(view: &str) -> Vec<String> {
    let ran = program::run(&["demo", "order", "--view", view, "--format", "json"], "");
    let report = ran.json();
    let mut spans: Vec<&Value> = report["spans"].as_array().unwrap().iter().collect();
    spans.sort_by_key(|span| span["start"].as_i64().unwrap());
    let mut children: HashMap<&str, Vec<&Value>> = HashMap::new();
    for span in &spans {
        children
            .entry(span["parent_id"].as_str().unwrap())
            .or_default()
            .push(span);
    }
    let mut lines = Vec::new();
    place("0", "", &children, &mut lines);
    lines
}

fn place(
    parent: &str,
    below: &str,
    children: &HashMap<&str, Vec<&Value>>,
    lines: &mut Vec<String>,
) {
    let own = children.get(parent).map_or(&[][..], Vec::as_slice);
    for (index, span) in own.iter().enumerate() {
        let is_last = index + 1 == own.len();
        let (branch, next) = match (parent, is_last) {
            ("0", _) => ("", ""),
            (_, true) => ("└─ ", "   "),
            (_, false) => ("├─ ", "│  "),
        };
        let text = |key: &str| span[key].as_str().unwrap();
        let mut label = text("name").trim_start_matches("aws.durable.").to_owned();
        if label != text("resource") && label != "aws.lambda" && label != "execute" {
            // Spans of the user's own have a name of the tracer's making.
            let resource = text("resource");
            label = if label == "internal" {
                resource.to_owned()
            } else {
                format!("{label} {resource}")
            };
        }
        if span["error"] == 1 {
            label.push_str(" (error)");
        }
        lines.push(format!("{below}{branch}{label}"));
        place(text("span_id"), &format!("{below}{next}"), children, lines);
    }
}

#[test]
fn the_guide_shows_the_three_trees_of_an_order_as_they_come() {
    let views = ["datadog", "execution", "invocation"];
    let trees = views.map(tree);
    let width = |lines: &[String], head: &str| {
        let widest = lines.iter().map(|line| line.chars().count()).max();
        widest.unwrap_or_default().max(head.len()) + 4
    };
    let mut text = "\n```text\n".to_owned();
    let rows = trees.iter().map(Vec::len).max().unwrap();
    for row in 0..=rows + 1 {
        let mut line = String::new();
        for (view, lines) in views.iter().zip(&trees) {
            let cell = match row {
                0 => view,
                1 => "",
                _ => lines.get(row - 2).map_or("", String::as_str),
            };
            let blanks = width(lines, view).saturating_sub(cell.chars().count());
            let _ = write!(line, "{cell}{}", " ".repeat(blanks));
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push_str("```\n\n");
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../durable-trace/guide/views.md");
    document::hold_at(&guide, "trees", &text, "UPDATE_VIEWS");
}

#[test]
fn the_environments_view_is_the_demos() {
    for (variable, flag, want) in [
        ("execution", None, "Workflow"),
        ("execution", Some("datadog"), "aws.lambda"),
        ("nonsense", None, "aws.lambda"),
    ] {
        let mut args = vec!["demo", "no-suspend", "--format", "json"];
        args.extend(flag.iter().flat_map(|flag| ["--view", flag]));
        let mut command = program::command(&args);
        command.env("DURABLE_TRACE_VIEW", variable);
        let report = program::finish(command, b"").json();
        let names: Vec<&str> = report["spans"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|span| span["parent_id"] == "0")
            .map(|span| span["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, [want], "{variable}, {flag:?}");
    }
}

#[test]
fn the_tree_of_a_view_says_what_links_where() {
    let ran = program::run(&["demo", "otel-success", "--view", "execution"], "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let linked = ran
        .stdout
        .lines()
        .filter(|line| line.ends_with("→ invocation 0"))
        .count();
    assert_eq!(linked, 2, "{}", ran.stdout);
}
