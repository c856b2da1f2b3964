//! Events of so many operations, as Lambda sends them: the same bytes for whoever reads them.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The execution that is resumed.
pub const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:order:1/durable-execution/order-1001/5f0c2a52-7f25-4d6b-9f3e-1f1f8e0f3c2a";

/// What the execution was started with, as JSON within JSON.
const INPUT: &str = r#"{\"order\":\"A-1001\",\"customer\":{\"id\":4711,\"name\":\"Ada\"},\"items\":[{\"sku\":\"blue-shoes\",\"count\":1},{\"sku\":\"hat\",\"count\":2}]}"#;

/// The checkpoint that is found, as JSON within JSON.
const CHECKPOINT: &str = r#"{\"x-datadog-trace-id\":\"9242350178254627602\",\"x-datadog-parent-id\":\"14855727823604523273\",\"x-datadog-sampling-priority\":\"1\",\"x-datadog-tags\":\"_dd.p.dm=-0,_dd.p.tid=6b0402da00000000\"}"#;

/// How many operations of an event of so many are the function's own; the others are the execution and the checkpoint.
pub fn own(operations: usize) -> usize {
    operations.saturating_sub(2)
}

/// Whether the function's operation with this number, from 1, is a wait; the others are steps.
pub fn is_wait(number: usize) -> bool {
    number.is_multiple_of(2)
}

/// A resumed invocation's event: the execution itself, steps and waits by turns, and in the middle of them the checkpoint.
///
/// Steps and waits have the Ids that the SDK gives them at the root of a workflow, so that it replays them.
pub fn event(operations: usize) -> String {
    let mut event = format!(
        r#"{{"DurableExecutionArn":"{ARN}","CheckpointToken":"eyJhcm4iOiJvcmRlci0xMDAxIiwic2VxIjoxN30=","InitialExecutionState":{{"Operations":[{{"Id":"5f0c2a52-7f25-4d6b-9f3e-1f1f8e0f3c2a","Type":"EXECUTION","Name":"order-1001","StartTimestamp":1763800000000,"Status":"STARTED","ExecutionDetails":{{"InputPayload":"{INPUT}"}}}}"#
    );
    let own = own(operations);
    for number in 1..=own {
        if number == own / 2 + 1 {
            add_checkpoint(&mut event);
        }
        add(&mut event, number);
    }
    event.push_str("]}}");
    event
}

fn add(event: &mut String, number: usize) {
    let id = Sha256::digest(number.to_string());
    let started = 1_763_800_000_000 + number * 1_000;
    let ended = started + 240;
    let written = if is_wait(number) {
        write!(
            event,
            r#",{{"Id":"{id:x}","Type":"WAIT","SubType":"Wait","Name":"packing-{number}","StartTimestamp":{started},"EndTimestamp":{ended},"Status":"SUCCEEDED","WaitDetails":{{"ScheduledEndTimestamp":{ended}}}}}"#
        )
    } else {
        write!(
            event,
            r#",{{"Id":"{id:x}","Type":"STEP","SubType":"Step","Name":"payment-{number}","StartTimestamp":{started},"EndTimestamp":{ended},"Status":"SUCCEEDED","StepDetails":{{"Attempt":1,"Result":"{{\"paid\":true,\"receipt\":\"R-{number}\",\"amount\":{{\"value\":42.5,\"currency\":\"EUR\"}}}}"}}}}"#
        )
    };
    written.expect("a text takes whatever is written to it");
}

fn add_checkpoint(event: &mut String) {
    let id = durable_trace_wire::checkpoint_id("_datadog_0", ARN);
    let written = write!(
        event,
        r#",{{"Id":"{id}","Type":"STEP","SubType":"Step","Name":"_datadog_0","StartTimestamp":1763800000300,"EndTimestamp":1763800000300,"Status":"SUCCEEDED","StepDetails":{{"Attempt":1,"Result":"{CHECKPOINT}"}}}}"#
    );
    written.expect("a text takes whatever is written to it");
}
