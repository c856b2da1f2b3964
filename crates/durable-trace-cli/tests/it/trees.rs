//! The spans of the demo's workflows against those that Python's libraries were recorded to send.

mod differences;
mod tree;

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use self::{differences::Differences, tree::Node};
use crate::{
    program::{command, finish},
    recordings::recordings,
};

/// Our workflows, and the files with the runs of their twins.
const RECORDED: [(&str, &str); 8] = [
    ("step-wait-step", "a_step_wait_step"),
    ("three-waits", "b_three_waits"),
    ("step-retry", "c_step_retry"),
    ("parallel-waits", "e_parallel_waits"),
    ("map-items", "f_map_items"),
    ("child-wait", "g_child_wait"),
    ("suspend-then-fail", "h_suspend_then_fail"),
    ("no-suspend", "j_no_suspend"),
];

#[test]
fn trees_are_those_of_the_recorded_runs_but_for_the_listed_differences() {
    let Some(oracle) = recordings() else { return };
    let mut differences = Differences::default();
    for (workflow, file) in RECORDED {
        let path = oracle.join("runs").join(file).with_extension("json");
        let recorded: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let ours = demo(workflow);
        compare(workflow, &recorded, &ours, &mut differences);
        for (key, status) in [("Status", "status"), ("Result", "result")] {
            assert_eq!(recorded["final"][key], ours[status], "{workflow}: {key}");
        }
    }
    differences.check();
}

fn demo(workflow: &str) -> Value {
    let mut command = command(&["demo", workflow, "--format", "json"]);
    command.env("DURABLE_TRACE_REPLAYED_SPANS", "emit");
    let ran = finish(command, b"");
    assert_eq!(ran.code, Some(0), "{workflow}: {}", ran.stderr);
    ran.json()
}

fn compare(workflow: &str, recorded: &Value, ours: &Value, differences: &mut Differences) {
    let recorded = by_place(tree::recorded(recorded));
    let mut ours = by_place(tree::demonstrated(ours));
    for (place, nodes) in recorded {
        let twins = ours.remove(&place).unwrap_or_default();
        if nodes.len() != twins.len() {
            let counts = format!("{} there, {} here", nodes.len(), twins.len());
            differences.unexplained(format!("{workflow}: {place}: {counts}"));
        }
        for (node, twin) in nodes.iter().zip(&twins) {
            differences.note(workflow, node, twin);
        }
    }
    for (place, twins) in ours {
        differences.unexplained(format!(
            "{workflow}: {place}: none there, {} here",
            twins.len()
        ));
    }
}

/// The spans of each place in the tree; those of one place in an order of their content.
fn by_place(nodes: Vec<Node>) -> BTreeMap<String, Vec<Node>> {
    let mut places: BTreeMap<String, Vec<Node>> = BTreeMap::new();
    for node in nodes {
        places.entry(node.place.clone()).or_default().push(node);
    }
    for nodes in places.values_mut() {
        nodes.sort();
    }
    places
}
