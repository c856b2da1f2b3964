//! What the AWS CLI prints of an execution, or says it does.

use std::collections::HashSet;

use durable_trace_history::{History, Timeline, UnixMicros, Viewpoint};

/// A timeline is a tree over an axis, whatever the history says.
pub(crate) fn holds(input: &str) {
    let history = match History::parse(input) {
        Ok(history) => history,
        Err(error) => {
            let message = error.to_string();
            assert!(!message.is_empty());
            return;
        }
    };
    let viewpoint = Viewpoint::default().at(UnixMicros(1_795_851_560_880_000));
    let timeline = Timeline::of(&history, &viewpoint);
    let mut ids = HashSet::new();
    for (index, row) in timeline.rows.iter().enumerate() {
        let parent = row.parent.map(|parent| {
            assert!(parent < index, "a parent comes before its children");
            &timeline.rows[parent]
        });
        assert_eq!(row.depth, parent.map_or(0, |parent| parent.depth + 1));
        assert_eq!(parent.is_none(), index == 0, "one row is above all");
        // The first row's id could be an operation's in a history that nobody wrote.
        assert!(ids.insert(&row.id) || row.id == "execution", "{}", row.id);
    }
    assert_eq!(timeline.rows.len(), history.operation_count() + 1);
    let mut last = None;
    for gap in &timeline.gaps {
        assert!(gap.start_us < gap.end_us && gap.end_us <= timeline.until_us);
        assert!(
            last.is_none_or(|last| last <= gap.start_us),
            "gaps come one after another"
        );
        last = Some(gap.end_us);
    }
    assert!(timeline.asleep_us >= 0 && timeline.running_us >= 0);
    let json = serde_json::to_value(&timeline).expect("JSON");
    assert_eq!(json["schema"], 1);
}
