//! What goes wrong, and when: made up by a machine too.
//!
//! Requests are known by what the SDK wrote in them, so that the same faults meet the same requests with us and without.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Mutex;
use std::time::Duration;

use durable_trace::CheckpointMode;
use durable_trace_local::{Call, Fault};
use proptest::prelude::*;

use crate::checkpoints::{is_ours, updates};
use crate::faults::{has_checkpoint, refusal};
use crate::world::{Agent, Sending, kill};

/// What an overburdened agent answers.
const TOO_LARGE: &str = "HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n";
const TOO_MANY: &str = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n";

/// Requests fall into so many classes, by their updates.
const CLASSES: u64 = 12;

/// What happens to the requests of a class, the function's own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trouble {
    /// The connection is cut before the request is read.
    Cut,
    /// The process is killed before the request is read.
    KilledBefore,
    /// The process is killed when the request is recorded and before it is answered.
    KilledAfter,
    /// The answer is lost.
    LostReply,
    /// The answer is no JSON.
    Malformed,
    /// Slower than every budget of ours.
    Slow,
    StaleToken,
    Throttled,
    /// Throttled for as long as the client tries.
    ThrottledForGood,
    Unavailable,
}

/// What happens to the first requests that carry a checkpoint.
#[derive(Clone, Copy, Debug)]
pub(super) enum Against {
    Nothing,
    /// Refused, each time.
    Refused,
    /// Throttled, once.
    Throttled,
    /// Its connection cut, once.
    Cut,
    /// Its reply lost, once.
    LostReply,
    /// Slower than every budget, each time.
    Slow,
}

/// A set-up, and what befalls it.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) agent: Agent,
    pub(super) against: Against,
    pub(super) at_once: bool,
    pub(super) has_caller: bool,
    pub(super) mode: CheckpointMode,
    pub(super) sending: Sending,
    /// Class of requests, and what happens to each of them once.
    pub(super) troubles: Vec<(u64, Trouble)>,
}

/// Troubles after which the very same invocation goes on.
fn absorbed() -> impl Strategy<Value = Trouble> {
    prop::sample::select(vec![
        Trouble::Cut,
        Trouble::LostReply,
        Trouble::Slow,
        Trouble::Throttled,
        Trouble::Unavailable,
    ])
}

/// Troubles after which the invocation is run again. What runs at once then would do so in another order.
fn fatal() -> impl Strategy<Value = Trouble> {
    prop::sample::select(vec![
        Trouble::KilledAfter,
        Trouble::KilledBefore,
        Trouble::Malformed,
        Trouble::StaleToken,
        Trouble::ThrottledForGood,
    ])
}

pub(super) fn schedules() -> impl Strategy<Value = Schedule> {
    let agent = prop_oneof![
        12 => Just(Agent::SOUND),
        2 => Just(Agent::Absent),
        2 => Just(Agent::Resets),
        1 => Just(Agent::Answers(TOO_LARGE)),
        1 => Just(Agent::Answers(TOO_MANY)),
        1 => Just(Agent::Hangs),
    ];
    let against = prop_oneof![
        4 => Just(Against::Nothing),
        3 => Just(Against::Refused),
        1 => Just(Against::Throttled),
        1 => Just(Against::Cut),
        1 => Just(Against::LostReply),
        1 => Just(Against::Slow),
    ];
    let mode = prop_oneof![
        6 => Just(CheckpointMode::Ride),
        2 => Just(CheckpointMode::Call),
        1 => Just(CheckpointMode::None),
    ];
    let coalescing = prop_oneof![3 => Just(0), 1 => Just(2_u64)];
    let sending = (any::<bool>(), coalescing).prop_map(|(batching, coalescing)| Sending {
        batching,
        coalescing,
    });
    (
        any::<bool>(),
        agent,
        against,
        mode,
        sending,
        prop::bool::weighted(0.3),
    )
        .prop_flat_map(|(at_once, agent, against, mode, sending, has_caller)| {
            let trouble = if at_once {
                absorbed().boxed()
            } else {
                prop_oneof![absorbed(), fatal()].boxed()
            };
            let troubles = prop::collection::vec((0..CLASSES, trouble), 0..4);
            troubles.prop_map(move |troubles| Schedule {
                agent,
                against,
                at_once,
                has_caller,
                mode,
                sending,
                troubles,
            })
        })
}

impl Schedule {
    /// Whether an invocation may have to be run again.
    pub(super) fn is_fatal(&self) -> bool {
        self.troubles.iter().any(|(_, trouble)| {
            matches!(
                trouble,
                Trouble::KilledAfter
                    | Trouble::KilledBefore
                    | Trouble::Malformed
                    | Trouble::StaleToken
                    | Trouble::ThrottledForGood
            )
        })
    }

    /// The rule by which the service lets things go wrong.
    pub(super) fn rule(&self) -> impl Fn(&Call<'_>) -> Option<Fault> + Send + Sync + 'static {
        let Self {
            against, troubles, ..
        } = self.clone();
        // What befell a request once does not befall it again.
        let befallen: Mutex<HashMap<(u64, usize), u32>> = Mutex::default();
        let once_against = Mutex::new(false);
        move |call| {
            if call.operation != "CheckpointDurableExecution" {
                return None;
            }
            let own = own_updates(call);
            if !own.is_empty() {
                let first = call.attempt.unwrap_or(1) == 1;
                let request = fingerprint(&own);
                for (place, (class, trouble)) in troubles.iter().enumerate() {
                    if request % CLASSES != *class {
                        continue;
                    }
                    let mut befallen = befallen.lock().unwrap();
                    let times = befallen.entry((request, place)).or_default();
                    let goes_on =
                        matches!(trouble, Trouble::ThrottledForGood) && !first && *times == 1;
                    if (first && *times == 0) || goes_on {
                        *times = 1;
                        return Some(befall(*trouble, call.arn));
                    }
                }
            }
            has_checkpoint(call)
                .then(|| oppose(against, &once_against))
                .flatten()
        }
    }
}

/// The updates of the function's own, as texts without what differs between two runs.
fn own_updates(call: &Call<'_>) -> Vec<String> {
    let own = updates(call.body).iter().filter(|update| !is_ours(update));
    own.map(|update| format!("{}{}", update["Id"], update["Action"]))
        .collect()
}

fn fingerprint(own: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    own.hash(&mut hasher);
    hasher.finish()
}

fn befall(trouble: Trouble, arn: &str) -> Fault {
    match trouble {
        Trouble::Cut => Fault::CutConnection,
        Trouble::KilledBefore => {
            kill(arn);
            Fault::Hang
        }
        Trouble::KilledAfter => {
            kill(arn);
            Fault::LoseReply
        }
        Trouble::LostReply => Fault::LoseReply,
        Trouble::Malformed => Fault::MalformedReply,
        Trouble::Slow => Fault::Delay(Duration::from_millis(15)),
        Trouble::StaleToken => Fault::StaleToken,
        Trouble::Throttled | Trouble::ThrottledForGood => Fault::Throttle,
        Trouble::Unavailable => Fault::Refuse {
            status: 503,
            error_type: "ServiceException".to_owned(),
            message: "try again".to_owned(),
        },
    }
}

fn oppose(against: Against, once: &Mutex<bool>) -> Option<Fault> {
    let first = || !std::mem::replace(&mut *once.lock().unwrap(), true);
    match against {
        Against::Nothing => None,
        Against::Refused => Some(refusal()),
        Against::Slow => Some(Fault::Delay(Duration::from_millis(15))),
        Against::Throttled => first().then_some(Fault::Throttle),
        Against::Cut => first().then_some(Fault::CutConnection),
        Against::LostReply => first().then_some(Fault::LoseReply),
    }
}
