//! How a resumed invocation goes on: in the trace or linked to it, and what is told of its sleep. Pure.

use std::time::{Duration, SystemTime};

use durable_trace_wire::{self as wire, Operation, OperationType, UnixMillis};

use crate::config::{CheckpointMode, Continuity};
use crate::options::Settings;
use crate::plan::Asleep;
use crate::spans::{Sleep, system_time};

/// Whether an invocation that found a checkpoint hangs on it or links to it.
///
/// The age of an execution is counted from its start, which its first operation tells; without that it is not past any age.
pub(crate) fn decide_continuity(
    settings: &Settings,
    operations: &[Operation<'_>],
    now: SystemTime,
) -> Continuity {
    let age = execution_start(operations).and_then(|start| since(start, now));
    let is_past = settings
        .max_age
        .zip(age)
        .is_some_and(|(max, age)| age > max);
    if is_past {
        Continuity::Link
    } else {
        settings.continuity
    }
}

/// What an invocation's spans hang on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Going {
    /// Nothing: they begin a trace.
    Anew,
    /// The caller's span.
    ByCaller,
    /// The checkpoint that was found.
    ByCheckpoint,
    /// The context that follows from the execution alone.
    ByExecution,
}

/// Decides it from what there is. A checkpoint always wins; the first invocation has a trace id of its own, where others will be told.
pub(crate) fn decide_going(
    settings: &Settings,
    continuity: Continuity,
    has_checkpoint: bool,
    has_caller: bool,
    is_first: bool,
) -> Going {
    let derives = settings.cross_invocation
        && continuity == Continuity::Parent
        && (!is_first || settings.checkpoint_mode == CheckpointMode::None);
    if has_checkpoint {
        Going::ByCheckpoint
    } else if has_caller && (is_first || settings.cross_invocation) {
        Going::ByCaller
    } else if derives {
        Going::ByExecution
    } else {
        Going::Anew
    }
}

/// The context that follows from the execution `arn` alone.
pub(crate) fn derive(arn: &str, operations: &[Operation<'_>]) -> wire::Context {
    wire::derive_context(arn, execution_start(operations))
}

/// When the execution was started, if the log tells.
pub(crate) fn execution_start(operations: &[Operation<'_>]) -> Option<UnixMillis> {
    operations
        .iter()
        .find(|operation| operation.kind == OperationType::Execution)?
        .started_at
}

/// What is told of a sleep before an invocation that began at `now` by its own clock, and when it ended.
///
/// The log's times are the service's. Where its clock is ahead, so that the function seems to have begun before what it slept on
/// was ready, the sleep ends when that was. A figure that would be negative even so is none.
pub(crate) fn measure_sleep(asleep: &Asleep, now: SystemTime) -> (Sleep, SystemTime) {
    let ready = asleep.ready_at.and_then(system_time);
    let end = ready.map_or(now, |ready| ready.max(now));
    let millis = |from: Option<UnixMillis>, to| {
        let slept = from.and_then(|from| since(from, to))?;
        i64::try_from(slept.as_millis()).ok()
    };
    let sleep = Sleep {
        suspended_ms: millis(asleep.since, end),
        resume_delay_ms: millis(asleep.ready_at, now),
        on: asleep.on.clone(),
    };
    (sleep, end)
}

fn since(at: UnixMillis, now: SystemTime) -> Option<Duration> {
    now.duration_since(system_time(at)?).ok()
}

#[cfg(test)]
mod tests {
    use durable_trace_wire::OperationStatus;

    use super::*;
    use crate::Options;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn an_execution_past_its_age_links() {
        let execution = |started_at| Operation {
            kind: OperationType::Execution,
            status: OperationStatus::Started,
            started_at,
            ..Operation::default()
        };
        let hour = Duration::from_hours(1);
        let begun = Some(UnixMillis(1_000_000));
        for (continuity, max_age, started_at, now, want, why) in [
            (
                Continuity::Parent,
                None,
                begun,
                at(9_000_000),
                Continuity::Parent,
                "no age is set",
            ),
            (
                Continuity::Parent,
                Some(hour),
                begun,
                at(4_600),
                Continuity::Parent,
                "just as old",
            ),
            (
                Continuity::Parent,
                Some(hour),
                begun,
                at(4_601),
                Continuity::Link,
                "older",
            ),
            (
                Continuity::Parent,
                Some(hour),
                None,
                at(9_000_000),
                Continuity::Parent,
                "of unknown age",
            ),
            (
                Continuity::Parent,
                Some(hour),
                begun,
                at(1),
                Continuity::Parent,
                "from the future",
            ),
            (
                Continuity::Link,
                Some(hour),
                begun,
                at(1_001),
                Continuity::Link,
                "asked for",
            ),
        ] {
            let settings = Settings {
                continuity,
                max_age,
                ..Options::default().settings
            };
            assert_eq!(
                decide_continuity(&settings, &[execution(started_at)], now),
                want,
                "{why}"
            );
        }
    }

    #[test]
    fn a_checkpoint_wins_then_the_caller_then_what_follows_from_the_execution() {
        use Going::{Anew, ByCaller, ByCheckpoint, ByExecution};
        for (given, want, why) in [
            ("checkpoint caller", ByCheckpoint, "it is there"),
            ("none checkpoint", ByCheckpoint, "whoever wrote it"),
            (
                "opted-out checkpoint",
                ByCheckpoint,
                "it is read all the same",
            ),
            ("first caller", ByCaller, "as ever"),
            ("caller", ByCaller, "as the first did"),
            ("none caller", ByCaller, "it is known in each invocation"),
            (
                "opted-out first caller",
                ByCaller,
                "the first still has a caller",
            ),
            ("opted-out caller", Anew, "one trace an invocation"),
            ("first", Anew, "the next are told of it"),
            ("", ByExecution, "nothing was saved"),
            ("none first", ByExecution, "nothing will be saved"),
            ("none", ByExecution, "nothing was saved"),
            ("opted-out none first", Anew, "one trace an invocation"),
            ("link", Anew, "there is nothing to link to"),
        ] {
            let given: Vec<&str> = given.split(' ').collect();
            let is = |word| given.contains(&word);
            let settings = Settings {
                checkpoint_mode: if is("none") {
                    CheckpointMode::None
                } else {
                    CheckpointMode::Ride
                },
                cross_invocation: !is("opted-out"),
                ..Options::default().settings
            };
            let continuity = if is("link") {
                Continuity::Link
            } else {
                Continuity::Parent
            };
            let (checkpoint, caller, first) = (is("checkpoint"), is("caller"), is("first"));
            let going = decide_going(&settings, continuity, checkpoint, caller, first);
            assert_eq!(going, want, "{given:?}: {why}");
        }
    }

    #[test]
    fn a_sleep_is_measured_by_both_clocks_or_not_at_all() {
        let asleep = |since, ready_at| Asleep {
            since,
            ready_at,
            on: None,
            ended: Vec::new(),
        };
        for (since, ready_at, want, why) in [
            (
                Some(1_000),
                Some(8_500),
                (Some(9_000), Some(1_500), 10_000),
                "both known",
            ),
            (
                None,
                Some(8_500),
                (None, Some(1_500), 10_000),
                "no timestamp, no figure",
            ),
            (
                Some(1_000),
                None,
                (Some(9_000), None, 10_000),
                "no timestamp, no figure",
            ),
            (
                Some(10_500),
                Some(70_500),
                (Some(60_000), None, 70_500),
                "the service's clock is ahead",
            ),
            (
                Some(11_000),
                None,
                (None, None, 10_000),
                "it is ahead and tells no more",
            ),
        ] {
            let asleep = asleep(since.map(UnixMillis), ready_at.map(UnixMillis));
            let (sleep, end) = measure_sleep(&asleep, at(10));
            let end = end
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap()
                .as_millis();
            assert_eq!(
                (sleep.suspended_ms, sleep.resume_delay_ms, end),
                want,
                "{why}"
            );
        }
    }
}
