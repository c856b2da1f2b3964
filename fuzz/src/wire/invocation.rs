//! The event of a durable invocation: read in one pass, the same is seen as in a whole tree.

use durable_trace_wire::{
    ExecutionArn, Invocation, Operation, OperationStatus, OperationType, read,
};
use serde_json::Value;

use super::context::goes_on;
use super::measured;

pub(super) fn holds(text: &str) {
    let parsed = measured(text, || Invocation::parse(text));
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    assert_eq!(parsed.is_ok(), is_json, "an error just if it is not JSON");
    let Ok(Some(invocation)) = parsed else {
        return;
    };
    assert!(invocation.operations.len() <= invocation.operation_count);
    assert_ne!(invocation.next_marker.as_deref(), Some(""));
    measured(text, || invocation.input());
    let reading = measured(text, || read(&invocation.arn, &invocation.operations));
    if let Some(found) = &reading.found {
        goes_on(&found.context);
        assert!(reading.highest >= Some(found.number.get()));
    }
    assert!(reading.skipped.len() <= invocation.operations.len());
    for operation in &invocation.operations {
        let completer = measured(text, || operation.completer());
        completer.iter().for_each(goes_on);
    }
    let owned = invocation
        .operations
        .iter()
        .cloned()
        .map(Operation::into_owned);
    assert_eq!(read(&invocation.arn, &owned.collect::<Vec<_>>()), reading);
    if let Some(arn) = ExecutionArn::parse(&invocation.arn) {
        assert!(
            [arn.execution_name(), arn.execution_id()]
                .iter()
                .all(|it| !it.contains('/'))
        );
    }
    // A tree cannot hold everything that is JSON: a number beyond `f64`, a lone surrogate.
    if let Ok(tree) = serde_json::from_str::<Value>(text) {
        is_what_the_tree_says(&invocation, &tree);
    }
}

fn is_what_the_tree_says(invocation: &Invocation<'_>, tree: &Value) {
    let text =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    assert_eq!(
        text(tree, "DurableExecutionArn").as_deref(),
        Some(invocation.arn.as_ref())
    );
    assert_eq!(
        text(tree, "CheckpointToken").as_deref(),
        invocation.checkpoint_token.as_deref()
    );
    let state = &tree["InitialExecutionState"];
    let marker = text(state, "NextMarker").filter(|it| !it.is_empty());
    assert_eq!(marker.as_deref(), invocation.next_marker.as_deref());
    // An object that names a member twice is smaller as a tree.
    let Some(items) = state["Operations"].as_array() else {
        return;
    };
    assert_eq!(items.len(), invocation.operation_count);
    let objects: Vec<_> = items.iter().filter(|item| item.is_object()).collect();
    assert_eq!(objects.len(), invocation.operations.len());
    for (operation, item) in invocation.operations.iter().zip(objects) {
        assert_eq!(operation.id, text(item, "Id").unwrap_or_default());
        assert_eq!(operation.name.as_deref(), text(item, "Name").as_deref());
        assert_eq!(
            operation.parent_id.as_deref(),
            text(item, "ParentId").as_deref()
        );
        let kind = text(item, "Type").map(|it| OperationType::parse(&it));
        assert_eq!(operation.kind, kind.unwrap_or_default());
        let status = text(item, "Status").map(|it| OperationStatus::parse(&it));
        assert_eq!(operation.status, status.unwrap_or_default());
    }
}
