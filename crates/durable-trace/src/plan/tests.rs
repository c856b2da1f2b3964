//! The plan as tables: what was seen, and what it means.

mod rest;
mod transitions;

use durable_trace_wire::{ErrorObject, OperationStatus};

use super::*;

const WAIT_FOR_CALLBACK: &str = "WaitForCallback";

fn facts(id: &str, kind: OperationType, parent_id: Option<&str>) -> Facts {
    Facts {
        id: id.to_owned(),
        kind,
        sub_type: None,
        name: Some(format!("{id}-name")),
        parent_id: parent_id.map(str::to_owned),
        invoked: None,
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

fn loaded<'a>(operations: &'a [Operation<'a>]) -> Input<'a> {
    Input::Loaded {
        operations,
        updated: &[],
    }
}

fn over() -> Input<'static> {
    Input::Over {
        layer: Layer::Present,
        outcome: Outcome::Suspended,
    }
}

fn emitting() -> Plan {
    Plan::new(ReplayedSpans::Emit)
}

fn close(id: &str, ending: Ending) -> Action {
    Action::Close {
        id: id.to_owned(),
        closing: Closing::new(ending, Moment::Now),
    }
}

fn failure(message: &str) -> Failure {
    Failure {
        error_type: None,
        message: Some(message.to_owned()),
    }
}

#[test]
fn a_step_is_open_from_its_start_until_its_end_is_recorded() {
    let mut plan = Plan::default();
    let start = step("a", Transition::Start);
    let actions = plan.apply(Input::Requested {
        sequence: 1,
        updates: std::slice::from_ref(&start),
    });
    let opening = Opening {
        facts: start.facts,
        attempt: 0,
        parent: None,
        start: Moment::Now,
        begun: None,
    };
    assert_eq!(actions, [Action::Open(opening)]);
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
    let actions = plan.apply(Input::RequestAnswered {
        sequence: 2,
        changed: &[],
    });
    assert_eq!(actions, [close("a", Ending::Succeeded)]);
    assert_eq!(plan.apply(over()), [], "closed once");
}

#[test]
fn how_a_step_ended_is_known_even_if_it_was_not_recorded() {
    let boom = || failure("boom");
    for (transition, fails, want) in [
        (Transition::Fail(boom()), false, Ending::Failed(boom())),
        (
            Transition::Retry(Some(boom())),
            false,
            Ending::Retried(Some(boom())),
        ),
        (Transition::Retry(None), false, Ending::Retried(None)),
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
            plan.apply(over())
        } else {
            plan.apply(Input::RequestAnswered {
                sequence: 2,
                changed: &[],
            })
        };
        assert_eq!(actions, [close("a", want)], "fails: {fails}");
    }
}

#[test]
fn what_is_open_when_the_invocation_is_over_ends_unfinished_innermost_first() {
    let mut plan = emitting();
    let updates = [
        context("k", "RunInChildContext", Transition::Start),
        inside("k", wait("w")),
    ];
    plan.apply(Input::Requested {
        sequence: 1,
        updates: &updates,
    });
    assert_eq!(
        plan.apply(over()),
        [
            close("w", Ending::Unfinished),
            close("k", Ending::Unfinished)
        ]
    );
}

#[test]
fn what_only_waits_is_told_of_once_when_it_ends_or_at_every_sight() {
    let recorded = |ended_at| Operation {
        started_at: Some(UnixMillis(1)),
        ended_at,
        ..logged("w", OperationType::Wait, OperationStatus::Succeeded)
    };
    for (replays, opens, want) in [
        (
            ReplayedSpans::Emit,
            true,
            vec![close("w", Ending::Succeeded)],
        ),
        (
            ReplayedSpans::Omit,
            false,
            vec![whole("w", Some((1, 9)), Ending::Succeeded)],
        ),
    ] {
        let mut plan = Plan::new(replays);
        let actions = plan.apply(Input::Requested {
            sequence: 1,
            updates: &[wait("w")],
        });
        assert_eq!(
            actions
                .iter()
                .any(|action| matches!(action, Action::Open(_))),
            opens,
            "{replays:?}"
        );
        let started = Operation {
            ended_at: None,
            status: OperationStatus::Started,
            ..recorded(None)
        };
        plan.apply(Input::RequestAnswered {
            sequence: 1,
            changed: &[started],
        });
        let ended = Operation {
            name: Some("w-name".into()),
            ..recorded(Some(UnixMillis(9)))
        };
        let actions = plan.apply(Input::RequestAnswered {
            sequence: 2,
            changed: &[ended],
        });
        assert_eq!(actions, want, "{replays:?}");
        assert_eq!(plan.apply(over()), [], "{replays:?}: told of once");
    }
}

/// An operation of the log told of from its start to its end, in milliseconds.
fn whole(id: &str, times: Option<(i64, i64)>, ending: Ending) -> Action {
    let (start, end) = times.map_or((Moment::Invocation, Moment::Now), |(start, end)| {
        (
            Moment::Recorded(UnixMillis(start)),
            Moment::Recorded(UnixMillis(end)),
        )
    });
    let facts = facts(id, OperationType::Wait, None);
    Action::Whole {
        opening: Opening {
            facts,
            attempt: 0,
            parent: None,
            start,
            begun: times.map(|(start, _)| UnixMillis(start)),
        },
        replayed: false,
        closing: Closing::new(ending, end),
    }
}

#[test]
fn what_ended_while_the_function_slept_is_told_of_when_it_wakes() {
    let ended = |from, to| Operation {
        name: Some("w-name".into()),
        started_at: Some(UnixMillis(from)),
        ended_at: Some(UnixMillis(to)),
        ..logged("w", OperationType::Wait, OperationStatus::Succeeded)
    };
    let mut plan = Plan::default();
    assert_eq!(
        plan.apply(loaded(&[ended(5, 70)])),
        [whole("w", Some((5, 70)), Ending::Succeeded)]
    );
    assert_eq!(plan.apply(Input::Replayed { id: "w" }), [], "once");
    // A step that began after its end: an earlier invocation knew of it.
    let later = Operation {
        started_at: Some(UnixMillis(80)),
        ..logged("s", OperationType::Step, OperationStatus::Succeeded)
    };
    assert_eq!(Plan::default().apply(loaded(&[ended(5, 70), later])), []);
}

/// Opened operations with the shape of their parents.
fn opened(actions: &[Action]) -> Vec<(&str, Option<(&str, Shape)>)> {
    let openings = actions.iter().filter_map(|action| match action {
        Action::Open(opening) | Action::Whole { opening, .. } => Some(opening),
        Action::Close { .. } | Action::Ride => None,
    });
    openings
        .map(|opening| {
            let parent = opening
                .parent
                .as_ref()
                .map(|parent| (parent.id.as_str(), parent.shape));
            (opening.facts.id.as_str(), parent)
        })
        .collect()
}

fn logged_context(
    id: &'static str,
    sub_type: &'static str,
    parent: Option<&'static str>,
) -> Operation<'static> {
    Operation {
        sub_type: Some(sub_type.into()),
        parent_id: parent.map(Into::into),
        ..logged(id, OperationType::Context, OperationStatus::Started)
    }
}

#[test]
fn new_work_opens_the_contexts_around_it_that_an_earlier_invocation_began() {
    let mut plan = Plan::default();
    let log = [
        logged_context("map", "Map", None),
        logged_context("item", "MapIteration", Some("map")),
        logged_context("kid", "RunInChildContext", Some("item")),
        logged_context("idle", "RunInChildContext", None),
    ];
    assert_eq!(plan.apply(loaded(&log)), [], "nothing new");
    let actions = plan.apply(Input::Requested {
        sequence: 1,
        updates: &[inside("kid", step("a", Transition::Start))],
    });
    let want = [
        ("map", None),
        ("kid", Some(("map", Shape::Map))), // iterations are looked through
        ("a", Some(("kid", Shape::ChildContext))),
    ];
    assert_eq!(opened(&actions), want);
}

#[test]
fn a_context_that_an_earlier_invocation_began_is_as_old_as_it_is() {
    let log = [Operation {
        started_at: Some(UnixMillis(7)),
        ..logged_context("kid", "RunInChildContext", None)
    }];
    for (replays, want) in [
        (ReplayedSpans::Omit, Moment::Recorded(UnixMillis(7))),
        (ReplayedSpans::Emit, Moment::Now),
    ] {
        let mut plan = Plan::new(replays);
        plan.apply(loaded(&log));
        let updates = [context("kid", "RunInChildContext", Transition::Succeed)];
        let actions = plan.apply(Input::Requested {
            sequence: 1,
            updates: &updates,
        });
        assert!(
            matches!(&actions[..], [Action::Open(opening)] if opening.start == want),
            "{replays:?}: {actions:?}"
        );
        let actions = plan.apply(Input::RequestAnswered {
            sequence: 1,
            changed: &[],
        });
        assert_eq!(actions, [close("kid", Ending::Succeeded)]);
    }
}

#[test]
fn parents_that_form_a_ring_end_the_search() {
    let ring = |id, parent| logged_context(id, "RunInChildContext", Some(parent));
    for replays in [ReplayedSpans::Omit, ReplayedSpans::Emit] {
        let mut plan = Plan::new(replays);
        plan.apply(loaded(&[ring("a", "b"), ring("b", "a")]));
        let actions = plan.apply(Input::Requested {
            sequence: 1,
            updates: &[inside("a", step("s", Transition::Start))],
        });
        let last = opened(&actions).pop();
        assert_eq!(last, Some(("s", Some(("a", Shape::ChildContext)))));
    }
}

#[test]
fn a_later_attempt_counts_on_from_the_log() {
    let mut plan = Plan::default();
    let log = [Operation {
        attempt: Some(2),
        ..logged("a", OperationType::Step, OperationStatus::Ready)
    }];
    plan.apply(loaded(&log));
    let actions = plan.apply(Input::Requested {
        sequence: 1,
        updates: &[step("a", Transition::Start)],
    });
    assert!(
        matches!(&actions[..], [Action::Open(Opening { attempt: 2, .. })]),
        "{actions:?}"
    );
}

#[test]
fn a_step_that_was_left_running_is_opened_when_its_body_is_entered() {
    let mut plan = Plan::default();
    plan.apply(loaded(&[logged(
        "a",
        OperationType::Step,
        OperationStatus::Started,
    )]));
    let actions = plan.apply(Input::BodyEntered {
        id: "a",
        attempt: 1,
    });
    let Action::Open(Opening {
        attempt: 1,
        start: Moment::Now,
        ..
    }) = &actions[0]
    else {
        panic!("{actions:?}")
    };
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
    plan.apply(loaded(&[logged(
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
            [Action::Open(Opening {
                start: Moment::Invocation,
                ..
            })]
        ),
        "{actions:?}"
    );
    let actions = plan.apply(Input::RequestAnswered {
        sequence: 1,
        changed: &[],
    });
    assert_eq!(actions, [close("a", Ending::Succeeded)]);
}

#[test]
fn recorded_work_is_replayed_once_with_its_last_attempt_and_error_or_not_told_of_at_all() {
    let error = ErrorObject {
        error_type: Some("Boom".into()),
        message: Some("no".into()),
    };
    let log = [Operation {
        attempt: Some(3),
        error: Some(error),
        ..logged("a", OperationType::Step, OperationStatus::Failed)
    }];
    let mut plan = emitting();
    plan.apply(loaded(&log));
    let actions = plan.apply(Input::Replayed { id: "a" });
    let [
        Action::Whole {
            opening: Opening { attempt: 2, .. },
            replayed: true,
            closing,
            ..
        },
    ] = &actions[..]
    else {
        panic!("{actions:?}");
    };
    assert_eq!(
        closing
            .ending
            .failure()
            .and_then(|failure| failure.error_type.as_deref()),
        Some("Boom")
    );
    assert_eq!(plan.apply(Input::Replayed { id: "a" }), [], "once");
    let mut plan = Plan::default();
    plan.apply(loaded(&log));
    assert_eq!(plan.apply(Input::Replayed { id: "a" }), []);
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
        let mut plan = emitting();
        plan.apply(loaded(&log));
        let actions = plan.apply(Input::Over {
            layer,
            outcome: Outcome::Ended,
        });
        let told: Vec<_> = opened(&actions).into_iter().map(|(id, _)| id).collect();
        assert_eq!(told, want, "{layer:?}");
    }
}

#[test]
fn what_is_passed_through_again_without_an_end_is_told_of_by_those_who_tell_of_replays() {
    let log = [logged("w", OperationType::Wait, OperationStatus::Started)];
    for (replays, outcome, want) in [
        (ReplayedSpans::Emit, Outcome::Suspended, vec!["w"]),
        (ReplayedSpans::Emit, Outcome::Ended, vec![]),
        (ReplayedSpans::Omit, Outcome::Suspended, vec![]),
    ] {
        let mut plan = Plan::new(replays);
        plan.apply(loaded(&log));
        let actions = plan.apply(Input::Over {
            layer: Layer::Present,
            outcome,
        });
        let told: Vec<_> = opened(&actions).into_iter().map(|(id, _)| id).collect();
        assert_eq!(told, want, "{replays:?}, {outcome:?}");
    }
}

#[test]
fn a_late_message_of_a_finished_invocation_means_nothing() {
    let mut plan = emitting();
    plan.apply(over());
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
    let timer = |id, status, at| Operation {
        scheduled_end_at: Some(UnixMillis(at)),
        ..logged(id, OperationType::Wait, status)
    };
    let mut plan = Plan::default();
    plan.apply(loaded(&[
        timer("ended", OperationStatus::Succeeded, 900),
        timer("short", OperationStatus::Started, 100),
        timer("long", OperationStatus::Started, 200),
    ]));
    assert_eq!(plan.latest_timer(), Some(UnixMillis(200)));
}

#[test]
fn an_operation_counts_once_however_often_it_is_seen() {
    let mut plan = Plan::default();
    plan.apply(loaded(&[
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

#[test]
fn code_belongs_to_the_nearest_operation_that_is_open() {
    let mut plan = Plan::default();
    plan.apply(loaded(&[
        logged_context("item", "MapIteration", Some("map")),
        logged_context("map", "Map", None),
    ]));
    assert_eq!(plan.open_around("item"), None);
    plan.apply(Input::Requested {
        sequence: 1,
        updates: &[inside("item", step("a", Transition::Start))],
    });
    assert_eq!(plan.open_around("item").as_deref(), Some("map"));
    assert_eq!(plan.open_around("a").as_deref(), Some("a"));
    assert_eq!(plan.parent_of("a").as_deref(), Some("item"));
}

#[test]
fn who_completed_a_callback_is_told_of_with_its_end() {
    let result = r#"{"_datadog":{"x-datadog-trace-id":"7","x-datadog-parent-id":"8"}}"#;
    let done = Operation {
        callback_result: Some(durable_trace_wire::Payload::Text(result.into())),
        ..logged("c", OperationType::Callback, OperationStatus::Succeeded)
    };
    let completer = |actions: Vec<Action>| {
        actions.into_iter().find_map(|action| match action {
            Action::Close { closing, .. } | Action::Whole { closing, .. } => closing.completer,
            Action::Open(_) | Action::Ride => None,
        })
    };
    let start = update("c", OperationType::Callback, Transition::Start);
    for replays in [ReplayedSpans::Omit, ReplayedSpans::Emit] {
        let mut plan = Plan::new(replays);
        plan.apply(Input::Requested {
            sequence: 1,
            updates: std::slice::from_ref(&start),
        });
        let changed = [done.clone()];
        let actions = plan.apply(Input::RequestAnswered {
            sequence: 2,
            changed: &changed,
        });
        let found = completer(actions).map(|context| context.parent_id.get());
        assert_eq!(
            found,
            Some(8),
            "{replays:?}: while the function was running"
        );
    }
    let updated = ["c".to_owned()];
    let asleep = Input::Loaded {
        operations: std::slice::from_ref(&done),
        updated: &updated,
    };
    assert!(
        completer(Plan::default().apply(asleep)).is_some(),
        "while it slept"
    );
}
