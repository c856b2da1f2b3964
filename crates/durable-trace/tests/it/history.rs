//! An execution's history, as it is without us.

use serde_json::{Value, json};

use crate::checkpoints::is_ours;

/// The history without what we add to it: our checkpoints, and the event ids that follow them.
pub(crate) fn own(history: &[Value]) -> Vec<Value> {
    let own = history.iter().filter(|event| !is_ours(event));
    own.zip(1..)
        .map(|(event, id)| {
            let mut event = event.clone();
            if let Some(event) = event.as_object_mut() {
                event.insert("EventId".to_owned(), json!(id));
            }
            event
        })
        .collect()
}

/// The own history without what no two runs share, nor members of these names.
pub(crate) fn comparable(history: &[Value], forgotten: &[&str]) -> Vec<Value> {
    let mut history = own(history);
    let forgotten = [&ANEW, forgotten].concat();
    for event in &mut history {
        forget(event, &forgotten);
    }
    history
}

/// What is made up anew in each run, or measured.
const ANEW: [&str; 8] = [
    "CallbackId",
    "DurableExecutionArn",
    "EndTimestamp",
    "EventTimestamp",
    "RequestId",
    "ScheduledEndTimestamp",
    // Names the code around the handler, ours too; taken only where RUST_BACKTRACE asks for it.
    "StackTrace",
    "StartTimestamp",
];

/// Takes members of these names out of an event.
fn forget(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(members) => {
            // The execution's own events go by its name, which is made up too.
            let kind = members
                .get("EventType")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if kind.starts_with("Execution") {
                members.retain(|key, _| key != "Id" && key != "Name");
            }
            members.retain(|key, _| !names.contains(&key.as_str()));
            members.values_mut().for_each(|value| forget(value, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| forget(item, names)),
        _ => {}
    }
}
