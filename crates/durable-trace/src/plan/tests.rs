//! The plan as tables: what was seen, and what it means.

use durable_trace_wire::{OperationStatus, OperationType, UnixMillis};

use super::*;

const WAIT_FOR_CALLBACK: &str = "WaitForCallback";

fn facts(id: &str, kind: OperationType, parent_id: Option<&str>) -> Facts {
    Facts {
        id: id.to_owned(),
        kind,
        sub_type: None,
        name: Some(format!("{id}-name")),
        parent_id: parent_id.map(str::to_owned),
    }
}

fn update(id: &str, kind: OperationType, transition: Transition) -> Update {
    Update {
        facts: facts(id, kind, None),
        transition,
    }
}

fn inside(parent: &str, mut update: Update) -> Update {
    update.facts.parent_id = Some(parent.to_owned());
    update
}

fn step(id: &str, transition: Transition) -> Update {
    update(id, OperationType::Step, transition)
}

fn wait(id: &str) -> Update {
    update(id, OperationType::Wait, Transition::Start)
}

fn context(id: &str, sub_type: &str, transition: Transition) -> Update {
    let mut update = update(id, OperationType::Context, transition);
    update.facts.sub_type = Some(sub_type.to_owned());
    update
}

fn logged(id: &'static str, kind: OperationType, status: OperationStatus) -> Operation<'static> {
    Operation {
        id: id.into(),
        kind,
        status,
        ..Operation::default()
    }
}

fn failure(message: &str) -> Failure {
    Failure {
        error_type: None,
        message: Some(message.to_owned()),
    }
}

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
            vec![begun("a"), vec![step("a", Retry(failure("boom")))]],
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
            "the loser of a race is nobody's to wait for",
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
        plan.apply(Input::Loaded(&[logged("old", kind, status)]));
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

#[test]
fn a_step_is_open_from_its_start_until_its_end_is_recorded() {
    let mut plan = Plan::default();
    let start = step("a", Transition::Start);
    let actions = plan.apply(Input::Requested {
        sequence: 1,
        updates: std::slice::from_ref(&start),
    });
    let open = Action::Open {
        facts: start.facts,
        attempt: 0,
        parent: None,
        start: Start::Now,
    };
    assert_eq!(actions, [open]);
    assert_eq!(
        plan.apply(Input::RequestAnswered {
            sequence: 1,
            changed: &[]
        }),
        []
    );
    let end = plan.apply(Input::Requested {
        sequence: 2,
        updates: &[step("a", Transition::Succeed)],
    });
    assert_eq!(end, [], "on the way is not recorded");
    let close = Action::Close {
        id: "a".to_owned(),
        ending: Ending::Succeeded,
    };
    assert_eq!(
        plan.apply(Input::RequestAnswered {
            sequence: 2,
            changed: &[]
        }),
        [close]
    );
    assert_eq!(
        plan.apply(Input::Over {
            layer: Layer::Present
        }),
        [],
        "closed once"
    );
}

#[test]
fn how_a_step_ended_is_known_even_if_it_was_not_recorded() {
    let boom = || failure("boom");
    for (transition, fails, want) in [
        (Transition::Fail(boom()), false, Ending::Failed(boom())),
        (Transition::Retry(boom()), false, Ending::Retried(boom())),
        (Transition::Fail(boom()), true, Ending::Failed(boom())),
        (Transition::Succeed, true, Ending::Succeeded),
    ] {
        let mut plan = Plan::default();
        plan.apply(Input::Requested {
            sequence: 1,
            updates: &[step("a", Transition::Start)],
        });
        plan.apply(Input::RequestAnswered {
            sequence: 1,
            changed: &[],
        });
        plan.apply(Input::Requested {
            sequence: 2,
            updates: &[step("a", transition)],
        });
        let actions = if fails {
            plan.apply(Input::RequestFailed { sequence: 2 });
            plan.apply(Input::Over {
                layer: Layer::Present,
            })
        } else {
            plan.apply(Input::RequestAnswered {
                sequence: 2,
                changed: &[],
            })
        };
        let close = Action::Close {
            id: "a".to_owned(),
            ending: want,
        };
        assert_eq!(actions, [close], "fails: {fails}");
    }
}

#[test]
fn what_is_open_when_the_invocation_is_over_ends_unfinished_innermost_first() {
    let mut plan = Plan::default();
    plan.apply(Input::Requested {
        sequence: 1,
        updates: &[
            context("k", "RunInChildContext", Transition::Start),
            inside("k", wait("w")),
        ],
    });
    let closed: Vec<_> = plan.apply(Input::Over {
        layer: Layer::Present,
    });
    let close = |id: &str| Action::Close {
        id: id.to_owned(),
        ending: Ending::Unfinished,
    };
    assert_eq!(closed, [close("w"), close("k")]);
}

#[test]
fn a_wait_that_the_service_ends_while_the_function_runs_is_closed_then() {
    let mut plan = Plan::default();
    plan.apply(Input::Requested {
        sequence: 1,
        updates: &[wait("w")],
    });
    plan.apply(Input::RequestAnswered {
        sequence: 1,
        changed: &[logged("w", OperationType::Wait, OperationStatus::Started)],
    });
    let ended = logged("w", OperationType::Wait, OperationStatus::Succeeded);
    let actions = plan.apply(Input::RequestAnswered {
        sequence: 2,
        changed: &[ended],
    });
    assert_eq!(
        actions,
        [Action::Close {
            id: "w".to_owned(),
            ending: Ending::Succeeded
        }]
    );
}

#[test]
fn an_operation_hangs_on_the_nearest_enclosing_one_that_is_open() {
    let mut plan = Plan::default();
    plan.apply(Input::Loaded(&[Operation {
        parent_id: Some("outer".into()),
        ..logged("inner", OperationType::Context, OperationStatus::Started)
    }]));
    plan.apply(Input::Requested {
        sequence: 1,
        updates: &[context("outer", "RunInChildContext", Transition::Start)],
    });
    let actions = plan.apply(Input::Requested {
        sequence: 2,
        updates: &[inside("inner", step("a", Transition::Start))],
    });
    let parents: Vec<_> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Open { parent, .. } => Some(parent.as_deref()),
            _ => None,
        })
        .collect();
    assert_eq!(
        parents,
        [Some("outer")],
        "the inner context was opened by an earlier invocation"
    );
}

#[test]
fn parents_that_form_a_ring_end_the_search() {
    let mut plan = Plan::default();
    let ring = |id, parent: &'static str| Operation {
        parent_id: Some(parent.into()),
        ..logged(id, OperationType::Context, OperationStatus::Started)
    };
    plan.apply(Input::Loaded(&[ring("a", "b"), ring("b", "a")]));
    let actions = plan.apply(Input::Requested {
        sequence: 1,
        updates: &[inside("a", step("s", Transition::Start))],
    });
    assert!(matches!(&actions[..], [Action::Open { parent: None, .. }]));
}

#[test]
fn a_later_attempt_counts_on_from_the_log() {
    let mut plan = Plan::default();
    plan.apply(Input::Loaded(&[Operation {
        attempt: Some(2),
        ..logged("a", OperationType::Step, OperationStatus::Ready)
    }]));
    let actions = plan.apply(Input::Requested {
        sequence: 1,
        updates: &[step("a", Transition::Start)],
    });
    assert!(
        matches!(&actions[..], [Action::Open { attempt: 2, .. }]),
        "{actions:?}"
    );
}

#[test]
fn a_step_that_was_left_running_is_opened_when_its_body_is_entered() {
    let mut plan = Plan::default();
    plan.apply(Input::Loaded(&[logged(
        "a",
        OperationType::Step,
        OperationStatus::Started,
    )]));
    let actions = plan.apply(Input::BodyEntered {
        id: "a",
        attempt: 1,
    });
    assert!(
        matches!(
            &actions[..],
            [Action::Open {
                attempt: 1,
                start: Start::Now,
                ..
            }]
        ),
        "{actions:?}"
    );
    assert_eq!(
        plan.apply(Input::BodyEntered {
            id: "a",
            attempt: 1
        }),
        [],
        "once"
    );
}

#[test]
fn without_our_layer_it_is_opened_at_its_end_as_old_as_the_invocation() {
    let mut plan = Plan::default();
    plan.apply(Input::Loaded(&[logged(
        "a",
        OperationType::Step,
        OperationStatus::Started,
    )]));
    let actions = plan.apply(Input::Requested {
        sequence: 1,
        updates: &[step("a", Transition::Succeed)],
    });
    assert!(
        matches!(
            &actions[..],
            [Action::Open {
                start: Start::Invocation,
                ..
            }]
        ),
        "{actions:?}"
    );
    let actions = plan.apply(Input::RequestAnswered {
        sequence: 1,
        changed: &[],
    });
    assert_eq!(
        actions,
        [Action::Close {
            id: "a".to_owned(),
            ending: Ending::Succeeded
        }]
    );
}

#[test]
fn recorded_work_is_replayed_once_with_its_last_attempt_and_error() {
    let error = ErrorObject {
        error_type: Some("Boom".into()),
        message: Some("no".into()),
    };
    let mut plan = Plan::default();
    plan.apply(Input::Loaded(&[Operation {
        attempt: Some(3),
        error: Some(error),
        ..logged("a", OperationType::Step, OperationStatus::Failed)
    }]));
    let actions = plan.apply(Input::Replayed { id: "a" });
    let [
        Action::Replay {
            attempt: 2,
            failure: Some(failure),
            start: Start::Now,
            ..
        },
    ] = &actions[..]
    else {
        panic!("{actions:?}");
    };
    assert_eq!(failure.error_type.as_deref(), Some("Boom"));
    assert_eq!(plan.apply(Input::Replayed { id: "a" }), [], "once");
}

#[test]
fn without_our_layer_replays_are_inferred_from_the_log_but_for_our_own_steps() {
    let log = [
        logged("a", OperationType::Step, OperationStatus::Succeeded),
        logged("w", OperationType::Wait, OperationStatus::Started),
        Operation {
            name: Some("_datadog_0".into()),
            ..logged("d", OperationType::Step, OperationStatus::Succeeded)
        },
    ];
    for (layer, want) in [(Layer::Absent, vec!["a"]), (Layer::Present, vec![])] {
        let mut plan = Plan::default();
        plan.apply(Input::Loaded(&log));
        let replayed: Vec<_> = plan
            .apply(Input::Over { layer })
            .into_iter()
            .map(|action| match action {
                Action::Replay {
                    facts,
                    start: Start::Invocation,
                    ..
                } => facts.id,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(replayed, want, "{layer:?}");
    }
}

#[test]
fn a_late_message_of_a_finished_invocation_means_nothing() {
    let mut plan = Plan::default();
    plan.apply(Input::Over {
        layer: Layer::Present,
    });
    assert_eq!(
        plan.apply(Input::Requested {
            sequence: 1,
            updates: &[wait("w")]
        }),
        []
    );
    assert_eq!(plan.apply(Input::Replayed { id: "w" }), []);
}

#[test]
fn only_timers_that_somebody_waits_for_keep_an_execution_pending() {
    let timer = |id, kind, status, at| Operation {
        scheduled_end_at: Some(UnixMillis(at)),
        ..logged(id, kind, status)
    };
    let mut plan = Plan::default();
    plan.apply(Input::Loaded(&[
        timer(
            "ended",
            OperationType::Wait,
            OperationStatus::Succeeded,
            900,
        ),
        timer("short", OperationType::Wait, OperationStatus::Started, 100),
        timer("long", OperationType::Wait, OperationStatus::Started, 200),
    ]));
    assert_eq!(plan.latest_timer(), Some(UnixMillis(200)));
}

#[test]
fn an_operation_counts_once_however_often_it_is_seen() {
    let mut plan = Plan::default();
    plan.apply(Input::Loaded(&[
        logged("x", OperationType::Execution, OperationStatus::Started),
        logged("a", OperationType::Step, OperationStatus::Succeeded),
    ]));
    for (sequence, transition) in [(1, Transition::Start), (2, Transition::Succeed)] {
        plan.apply(Input::Requested {
            sequence,
            updates: &[step("b", transition)],
        });
        let changed = [logged("b", OperationType::Step, OperationStatus::Started)];
        plan.apply(Input::RequestAnswered {
            sequence,
            changed: &changed,
        });
    }
    assert_eq!(plan.operation_count(), 3, "the execution, a and b");
}
