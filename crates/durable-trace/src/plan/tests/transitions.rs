//! What is told where each transition counts.

use super::*;

fn transitions() -> Plan {
    Plan::new(Telling::Transitions)
}

fn requested(plan: &mut Plan, update: Update) -> Vec<Action> {
    plan.apply(Input::Requested {
        sequence: 1,
        updates: &[update],
    })
}

#[test]
fn items_of_a_batch_are_told_of_and_enclose_what_they_do() {
    for sub_type in ["MapIteration", "ParallelBranch"] {
        let mut plan = transitions();
        requested(&mut plan, context("batch", "Map", Transition::Start));
        let item = inside("batch", context("item", sub_type, Transition::Start));
        let begun = requested(&mut plan, item);
        assert_eq!(
            opened(&begun),
            [("item", Some(("batch", Shape::Map)))],
            "{sub_type}"
        );
        let work = inside("item", step("a", Transition::Start));
        let begun = requested(&mut plan, work);
        assert_eq!(
            opened(&begun),
            [("a", Some(("item", Shape::Item)))],
            "{sub_type}"
        );
    }
}

#[test]
fn what_only_waits_is_open_until_the_invocation_ends() {
    let mut plan = transitions();
    let mut wait = step("w", Transition::Start);
    wait.facts.kind = OperationType::Wait;
    wait.facts.sub_type = Some("Wait".to_owned());
    let begun = requested(&mut plan, wait);
    assert_eq!(opened(&begun), [("w", None)]);
    assert_eq!(plan.apply(over()), [close("w", Ending::Unfinished)]);
}

#[test]
fn what_is_replayed_is_not_told_of_and_what_ended_asleep_is() {
    let mut plan = transitions();
    let told = plan.apply(loaded(&[
        Operation {
            started_at: Some(UnixMillis(1)),
            ended_at: Some(UnixMillis(2)),
            ..logged("a", OperationType::Step, OperationStatus::Succeeded)
        },
        Operation {
            name: Some("w-name".into()),
            started_at: Some(UnixMillis(3)),
            ended_at: Some(UnixMillis(9)),
            ..logged("w", OperationType::Wait, OperationStatus::Succeeded)
        },
    ]));
    assert_eq!(told, [whole("w", Some((3, 9)), Ending::Succeeded)]);
    assert_eq!(plan.apply(Input::Replayed { id: "a" }), []);
    assert_eq!(plan.apply(over()), []);
}

#[test]
fn a_later_attempt_knows_when_the_operation_began() {
    let mut plan = transitions();
    plan.apply(loaded(&[Operation {
        attempt: Some(1),
        started_at: Some(UnixMillis(4)),
        ..logged("a", OperationType::Step, OperationStatus::Ready)
    }]));
    let begun = requested(&mut plan, step("a", Transition::Start));
    let [Action::Open(opening)] = &begun[..] else {
        panic!("{begun:?}");
    };
    assert_eq!((opening.attempt, opening.begun), (1, Some(UnixMillis(4))));
    let begun = requested(&mut transitions(), step("b", Transition::Start));
    assert!(
        matches!(&begun[..], [Action::Open(Opening { begun: None, .. })]),
        "the first time: {begun:?}"
    );
}
