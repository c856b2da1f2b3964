//! Which request a checkpoint rides on.

use super::*;

/// Sends the requests one after the other, each answered before the next; gives the numbers of those to ride on.
fn rides(plan: &mut Plan, requests: &[Vec<Update>]) -> Vec<u64> {
    let mut rides = Vec::new();
    for (sequence, updates) in (1..).zip(requests) {
        let actions = plan.apply(Input::Requested { sequence, updates });
        if actions.contains(&Action::Ride) {
            rides.push(sequence);
        }
        plan.apply(Input::RequestAnswered {
            sequence,
            changed: &[],
        });
    }
    rides
}

#[test]
fn rides_on_the_request_after_which_nothing_runs_and_something_is_pending() {
    use Transition::{Fail, Retry, Start, Succeed};
    let begun = |id: &str| vec![step(id, Start)];
    let done = |id: &str| vec![step(id, Succeed)];
    for (requests, want, why) in [
        (vec![begun("a"), done("a")], vec![], "steps alone"),
        (
            vec![begun("a"), done("a"), vec![wait("w")]],
            vec![3],
            "the start of a wait",
        ),
        (
            vec![vec![update("i", OperationType::ChainedInvoke, Start)]],
            vec![1],
            "the start of an invoke",
        ),
        (
            vec![vec![update("c", OperationType::Callback, Start)]],
            vec![1],
            "the start of a callback that nobody submits",
        ),
        (
            vec![begun("a"), vec![step("a", Retry(Some(failure("boom"))))]],
            vec![2],
            "a retry",
        ),
        (
            vec![begun("a"), vec![step("a", Fail(failure("boom")))]],
            vec![],
            "a failure for good: the handler goes on",
        ),
        (
            vec![begun("a"), vec![wait("w")], done("a")],
            vec![3],
            "a wait beside a running step: when the step is done",
        ),
        (
            vec![
                vec![step("a", Start), wait("w")],
                vec![step("a", Succeed), wait("v")],
            ],
            vec![2],
            "updates that share a request",
        ),
        (
            vec![
                vec![context("f", WAIT_FOR_CALLBACK, Start)],
                vec![inside("f", update("c", OperationType::Callback, Start))],
                vec![inside("f", step("s", Start))],
                vec![inside("f", step("s", Succeed))],
            ],
            vec![4],
            "a callback with a submitter: when the submitter is done",
        ),
        (
            vec![
                vec![context("r", "RunInChildContext", Start)],
                vec![
                    inside("r", wait("loser")),
                    inside("r", step("winner", Start)),
                ],
                vec![
                    inside("r", step("winner", Succeed)),
                    context("r", "RunInChildContext", Succeed),
                ],
                begun("after"),
                done("after"),
            ],
            vec![],
            "what a finished context left behind is nobody's to wait for",
        ),
        (
            vec![
                vec![wait("w")],
                vec![context("k", "RunInChildContext", Start)],
            ],
            vec![1],
            "a context that begins runs code of its own",
        ),
    ] {
        assert_eq!(rides(&mut Plan::default(), &requests), want, "{why}");
    }
}

#[test]
fn a_step_whose_end_is_on_the_way_in_another_request_still_runs() {
    let mut plan = Plan::default();
    plan.apply(Input::Requested {
        sequence: 1,
        updates: &[step("a", Transition::Start)],
    });
    plan.apply(Input::Requested {
        sequence: 2,
        updates: &[step("a", Transition::Succeed)],
    });
    let actions = plan.apply(Input::Requested {
        sequence: 3,
        updates: &[wait("w")],
    });
    assert!(
        !actions.contains(&Action::Ride),
        "what follows the step has not been seen yet"
    );
}

#[test]
fn what_the_log_left_pending_counts_and_what_it_left_running_does_not() {
    for (kind, status, want, why) in [
        (
            OperationType::Wait,
            OperationStatus::Started,
            true,
            "a wait that has not ended",
        ),
        (
            OperationType::Step,
            OperationStatus::Pending,
            true,
            "a retry that is not due",
        ),
        (
            OperationType::Wait,
            OperationStatus::Succeeded,
            false,
            "a wait that has ended",
        ),
        (
            OperationType::Step,
            OperationStatus::Ready,
            false,
            "a retry that is due",
        ),
    ] {
        let mut plan = Plan::default();
        plan.apply(loaded(&[logged("old", kind, status)]));
        let got = rides(
            &mut plan,
            &[
                vec![step("a", Transition::Start)],
                vec![step("a", Transition::Succeed)],
            ],
        );
        assert_eq!(!got.is_empty(), want, "{why}");
    }
}

#[test]
fn nothing_rides_once_the_handler_has_returned() {
    let mut plan = Plan::default();
    plan.apply(Input::HandlerReturned);
    assert_eq!(rides(&mut plan, &[vec![wait("w")]]), Vec::<u64>::new());
}

#[test]
fn nothing_rides_twice() {
    let mut plan = Plan::default();
    assert_eq!(rides(&mut plan, &[vec![wait("w")]]), [1]);
    plan.settle_ride();
    assert_eq!(rides(&mut plan, &[vec![wait("v")]]), Vec::<u64>::new());
}
