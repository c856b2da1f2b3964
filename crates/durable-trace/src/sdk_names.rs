//! The SDK's names that this library goes by: its spans, its events, their fields, its words for operations.
//!
//! One list: the layer and the plan read it, and `tests/it/sdk_names.rs` holds it against what the SDK says in a real execution. What
//! comes of a name that changes is in `docs/upgrading.md`.

pub(crate) use aws_durable_execution_sdk::observability::{
    TARGET as EVENT_TARGET, event_names, field_names, span_names,
};

/// The crate whose modules are the targets of the SDK's spans.
pub(crate) const SPAN_TARGET: &str = "aws_durable_execution_sdk";

/// Words of `operationType` in events.
pub(crate) mod types {
    pub(crate) const CONTEXT: &str = "Context";
    pub(crate) const STEP: &str = "Step";
}

/// Words of `operationSubType` in events and of `SubType` on the wire.
pub(crate) mod sub_types {
    pub(crate) const MAP: &str = "Map";
    pub(crate) const MAP_ITERATION: &str = "MapIteration";
    pub(crate) const PARALLEL: &str = "Parallel";
    pub(crate) const PARALLEL_BRANCH: &str = "ParallelBranch";
    pub(crate) const RUN_IN_CHILD_CONTEXT: &str = "RunInChildContext";
    pub(crate) const STEP: &str = "Step";
    pub(crate) const WAIT_FOR_CALLBACK: &str = "WaitForCallback";
    pub(crate) const WAIT_FOR_CONDITION: &str = "WaitForCondition";
}
