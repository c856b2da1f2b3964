use std::{
    fs,
    path::{Path, PathBuf},
};

use durable_trace_history::{History, Timeline, UnixMicros, Viewpoint};
use serde_json::{Value, json};

use super::*;

/// Recorded from the demo's functions, by `tests/it/histories.rs`.
fn demo() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../durable-trace-history/tests/data/demo"
    ))
}

/// What the Python libraries did, if that is at hand.
fn recordings() -> Option<PathBuf> {
    let shared = std::env::var_os("DURABLE_TRACE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let runs = shared.join("oracle/runs");
    runs.is_dir().then_some(runs)
}

fn names(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn timeline(history: &History) -> Timeline {
    // An hour after the recordings, so that what still runs has a length.
    let now = UnixMicros(1_795_851_560_880_000);
    Timeline::of(
        history,
        &Viewpoint::default().at(now).on_site("datadoghq.eu"),
    )
}

fn show(text: &str) -> String {
    render_timeline(
        &timeline(&History::parse(text).unwrap()),
        120,
        Palette::Plain,
    )
}

#[test]
fn each_history_of_the_demo_is_shown_as_it_was_recorded() {
    let names = names(&demo());
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        let text = fs::read_to_string(demo().join(format!("{name}.json"))).unwrap();
        insta::assert_snapshot!(format!("demo_{}", name.replace('-', "_")), show(&text));
    }
}

#[test]
fn each_history_that_python_left_is_shown_as_it_was_recorded() {
    let Some(folder) = recordings() else {
        eprintln!("skipped: no recordings of other libraries are here");
        return;
    };
    for name in names(&folder) {
        let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let run: Value = serde_json::from_str(&text).unwrap();
        insta::assert_snapshot!(format!("python_{name}"), show(&run["history"].to_string()));
    }
}

/// A history of events at seconds.
fn events(events: &[(f64, &str, &str, Value)]) -> String {
    let events: Vec<Value> = events
        .iter()
        .zip(1..)
        .map(|((seconds, kind, name, details), number)| {
            json!({
                "EventType": kind, "EventId": number, "EventTimestamp": 1_795_337_713.0 + seconds, "Id": name, "Name": name,
                format!("{kind}Details"): details,
            })
        })
        .collect();
    json!({ "Events": events }).to_string()
}

#[test]
fn what_would_steer_a_terminal_is_shown_and_not_done() {
    let shown = show(&events(&[
        (0.0, "ExecutionStarted", "e", json!({})),
        (1.0, "StepStarted", "\u{1b}[2J<script>\n", json!({})),
        (
            2.0,
            "StepFailed",
            "\u{1b}[2J<script>\n",
            json!({"Error": {"Payload": {"ErrorMessage": "a\u{7}b"}}}),
        ),
    ]));
    assert!(shown.contains("step \\u{1b}[2J<script>\\n"), "{shown}");
    assert!(shown.contains("a\\u{7}b"), "{shown}");
    assert!(!shown.contains(['\u{1b}', '\u{7}']), "{shown}");
}

#[test]
fn a_line_is_as_wide_as_the_terminal_and_a_bar_never_vanishes() {
    let text = fs::read_to_string(demo().join("parallel-waits.json")).unwrap();
    let timeline = timeline(&History::parse(&text).unwrap());
    for (width, want) in [(200, 200), (120, 120), (90, 90), (10, 52 + LEAST_BAR)] {
        let shown = render_timeline(&timeline, width, Palette::Plain);
        let bars = shown.lines().filter(|line| line.ends_with('▕'));
        let widths: Vec<usize> = bars.map(UnicodeWidthStr::width).collect();
        assert_eq!(
            widths.len(),
            timeline.rows.len() + 1,
            "the band, and a bar for each row"
        );
        assert!(widths.iter().all(|bar| *bar == widths[0]), "{widths:?}");
        assert!(widths[0].abs_diff(want) <= 4, "{width}: {widths:?}");
    }
}

#[test]
fn a_label_that_is_too_long_loses_its_end() {
    assert_eq!(fit("a name", 6), "a name");
    assert_eq!(fit("a longer name", 6), "a lon…");
    assert_eq!(
        fit("日本語の名前", 6),
        "日本…",
        "wide characters take two columns"
    );
}

#[test]
fn colour_says_nothing_that_the_text_does_not() {
    let text = fs::read_to_string(demo().join("order.json")).unwrap();
    let timeline = timeline(&History::parse(&text).unwrap());
    let coloured = render_timeline(&timeline, 120, Palette::Colour);
    assert!(coloured.contains("\u{1b}["));
    let mut plain = String::new();
    for (index, part) in coloured.split('\u{1b}').enumerate() {
        let shown = if index == 0 {
            part
        } else {
            part.split_once('m').unwrap().1
        };
        plain.push_str(shown);
    }
    assert_eq!(plain, render_timeline(&timeline, 120, Palette::Plain));
}
