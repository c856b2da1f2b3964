//! How long an execution slept before an invocation, and on what. Never guessed: no timestamp, no figure.

use std::collections::HashSet;

use durable_trace_wire::{Operation, OperationStatus, OperationType, UnixMillis};

use super::operation::Facts;

/// The sleep before a resumed invocation. All times are the service's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Asleep {
    /// The latest that the invocation before is known to have done: the latest start of an operation, or end of one that the
    /// function itself ended.
    pub(crate) since: Option<UnixMillis>,
    /// When the first of what it slept on was ready: ended, or due to be tried again.
    pub(crate) ready_at: Option<UnixMillis>,
    /// What that was.
    pub(crate) on: Option<Facts>,
    /// Ids of what ended while it slept.
    pub(crate) ended: Vec<String>,
}

/// The sleep that this log tells of; `None` where the log is empty: an execution's first invocation.
pub(super) fn find(operations: &[Operation<'_>], updated: &[String]) -> Option<Asleep> {
    let all = || {
        let all = operations.iter();
        all.filter(|operation| operation.kind != OperationType::Execution)
    };
    all().next()?;
    // What only the service can have ended. Without word from the event, it is new if the function did nothing afterwards.
    let by_service = |operation: &Operation<'_>| {
        let waits = matches!(
            operation.kind,
            OperationType::Callback | OperationType::ChainedInvoke | OperationType::Wait
        );
        (waits && operation.status.is_ended()) || is_due(operation.status)
    };
    let last_deed = |operation: &Operation<'_>| {
        let own_end = operation.ended_at.filter(|_| !by_service(operation));
        operation.started_at.max(own_end)
    };
    let since = all().filter_map(last_deed).max();
    // The function has seen what ended before it last did something: the answer told it. That of a call of our own did not.
    let others = all().filter(|operation| !operation.is_in_name_space());
    let seen = others.filter_map(last_deed).max();
    let listed: HashSet<&str> = updated.iter().map(String::as_str).collect();
    let is_new = |operation: &Operation<'_>| {
        let ready = ready_at(operation);
        if listed.is_empty() {
            // One that is still due has not been tried since. What ended in the very millisecond of the function's last deed is one
            // that it has seen, or else it would be listed where there are lists.
            return is_due(operation.status) || (ready.is_some() && ready > since);
        }
        // What is listed may have been seen all the same: AWS's local runner lists what has changed since the invocation
        // before began, not since its last answer.
        listed.contains(operation.id.as_ref()) && (ready.is_none() || ready >= seen)
    };
    let fresh: Vec<&Operation<'_>> = all()
        .filter(|operation| by_service(operation) && is_new(operation))
        .collect();
    // Those of known times first.
    let first = fresh
        .iter()
        .min_by_key(|operation| (ready_at(operation).is_none(), ready_at(operation)));
    Some(Asleep {
        since,
        ready_at: first.and_then(|operation| ready_at(operation)),
        on: first.map(|operation| Facts::from(*operation)),
        ended: fresh
            .iter()
            .filter(|o| o.status.is_ended())
            .map(|o| o.id.to_string())
            .collect(),
    })
}

/// When the operation was ready for the function: ended, or due to be tried again.
fn ready_at(operation: &Operation<'_>) -> Option<UnixMillis> {
    if is_due(operation.status) {
        operation.next_attempt_at
    } else {
        operation.ended_at
    }
}

/// Whether the status is one that only the service sets, by a timer.
fn is_due(status: OperationStatus) -> bool {
    status == OperationStatus::Ready
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(
        id: &'static str,
        kind: OperationType,
        status: OperationStatus,
        from: i64,
        to: Option<i64>,
    ) -> Operation<'static> {
        Operation {
            id: id.into(),
            kind,
            status,
            started_at: Some(UnixMillis(from)),
            ended_at: to.map(UnixMillis),
            ..Operation::default()
        }
    }

    #[test]
    fn a_first_invocation_has_not_slept() {
        let execution = operation(
            "e",
            OperationType::Execution,
            OperationStatus::Started,
            1,
            None,
        );
        assert_eq!(find(&[execution], &[]), None);
    }

    #[test]
    fn sleep_lasts_from_the_functions_last_deed_and_is_on_what_was_ready_first() {
        use OperationStatus::{Started, Succeeded};
        let log = [
            operation("s", OperationType::Step, Succeeded, 10, Some(20)),
            operation("long", OperationType::Wait, Succeeded, 21, Some(90)),
            operation("short", OperationType::Wait, Succeeded, 22, Some(50)),
            operation("endless", OperationType::Callback, Started, 23, None),
        ];
        for updated in [&["long".to_owned(), "short".to_owned()][..], &[]] {
            let asleep = find(&log, updated).unwrap();
            assert_eq!(
                (asleep.since, asleep.ready_at),
                (Some(UnixMillis(23)), Some(UnixMillis(50))),
                "{updated:?}"
            );
            assert_eq!(asleep.on.unwrap().id, "short");
            assert_eq!(asleep.ended, ["long", "short"]);
        }
    }

    #[test]
    fn what_an_earlier_invocation_knew_of_is_not_new() {
        use OperationStatus::Succeeded;
        let log = [
            operation("old", OperationType::Wait, Succeeded, 10, Some(20)),
            operation("s", OperationType::Step, Succeeded, 21, Some(22)),
            operation("new", OperationType::Wait, Succeeded, 23, Some(30)),
        ];
        for updated in [&["new".to_owned()][..], &[]] {
            assert_eq!(find(&log, updated).unwrap().ended, ["new"], "{updated:?}");
        }
    }

    #[test]
    fn what_the_function_saw_end_is_not_new_though_it_is_listed() {
        use OperationStatus::Succeeded;
        let mut saved = operation("c", OperationType::Step, Succeeded, 40, Some(40));
        saved.name = Some("_datadog_0".into());
        let log = [
            operation("seen", OperationType::Wait, Succeeded, 10, Some(20)),
            operation("s", OperationType::Step, Succeeded, 21, Some(22)),
            operation("new", OperationType::Wait, Succeeded, 23, Some(30)),
            saved,
        ];
        let listed = ["seen".to_owned(), "new".to_owned()];
        // Our own call at 40 told the function of nothing.
        assert_eq!(find(&log, &listed).unwrap().ended, ["new"]);
    }

    #[test]
    fn what_ended_as_the_function_did_its_last_is_new_if_it_is_listed() {
        use OperationStatus::Succeeded;
        let log = [
            operation("w", OperationType::Wait, Succeeded, 10, Some(20)),
            operation("s", OperationType::Step, Succeeded, 15, Some(20)),
        ];
        assert_eq!(find(&log, &["w".to_owned()]).unwrap().ended, ["w"]);
        assert!(find(&log, &[]).unwrap().ended.is_empty());
    }

    #[test]
    fn a_retry_that_is_due_is_what_it_slept_on() {
        let due = Operation {
            next_attempt_at: Some(UnixMillis(70)),
            ..operation("s", OperationType::Step, OperationStatus::Ready, 10, None)
        };
        let asleep = find(&[due], &[]).unwrap();
        assert_eq!(
            (asleep.ready_at, asleep.on.unwrap().id),
            (Some(UnixMillis(70)), "s".to_owned())
        );
        assert!(
            asleep.ended.is_empty(),
            "its next attempt is told of when it runs"
        );
    }

    #[test]
    fn a_retry_whose_time_is_not_told_is_known_by_being_due() {
        let due = operation("s", OperationType::Step, OperationStatus::Ready, 10, None);
        let asleep = find(&[due], &[]).unwrap();
        assert_eq!(
            (asleep.ready_at, asleep.on.unwrap().id),
            (None, "s".to_owned())
        );
    }

    #[test]
    fn without_timestamps_there_are_no_figures() {
        let bare = Operation {
            id: "w".into(),
            kind: OperationType::Wait,
            status: OperationStatus::Succeeded,
            ..Operation::default()
        };
        let asleep = find(&[bare], &["w".to_owned()]).unwrap();
        assert_eq!((asleep.since, asleep.ready_at), (None, None));
        assert_eq!(
            asleep.on.unwrap().id,
            "w",
            "what it was is known all the same"
        );
        assert_eq!(asleep.ended, ["w"], "that it ended is known all the same");
    }
}
