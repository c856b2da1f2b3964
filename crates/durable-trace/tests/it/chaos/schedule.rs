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
use serde_json::Value;

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
    /// The request reaches the service twice; the first answer is lost.
    DeliveredTwice,
    /// The process is killed before the request is read.
    KilledBefore,
    /// The process is killed when the request is recorded and before it is answered.
    KilledAfter,
    /// The answer is lost.
    LostReply,
    /// The answer is no JSON.
    Malformed,
    /// The answer comes twice.
    RepeatedReply,
    /// Slower than every budget of ours.
    Slow,
    StaleToken,
    Throttled,
    /// Throttled for as long as the client tries.
    ThrottledForGood,
    Unavailable,
}

impl Trouble {
    /// Whether the invocation is run again after it.
    fn is_fatal(self) -> bool {
        matches!(
            self,
            Self::KilledAfter
                | Self::KilledBefore
                | Self::Malformed
                | Self::StaleToken
                | Self::ThrottledForGood
        )
    }
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
    /// Delivered twice, once.
    DeliveredTwice,
    /// Its reply lost, once.
    LostReply,
    /// Its reply sent twice, each time.
    RepeatedReply,
    /// Slower than every budget, each time.
    Slow,
}

/// How the log comes to the function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pages {
    /// Operations on a page.
    pub(super) size: usize,
    /// A full page promises a further one even where there is nothing left, so that one may come out of nowhere.
    pub(super) promised: bool,
}

/// A set-up, and what befalls it.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) agent: Agent,
    pub(super) against: Against,
    pub(super) at_once: bool,
    pub(super) has_caller: bool,
    pub(super) mode: CheckpointMode,
    /// All at once, if there are none.
    pub(super) pages: Option<Pages>,
    /// Which request for a page, counted from 0, and what happens to it. There may be more of them with us than without: an
    /// operation of ours takes its place on a page.
    pub(super) page_troubles: Vec<(usize, Trouble)>,
    pub(super) sending: Sending,
    /// Class of requests, and what happens to each of them once.
    pub(super) troubles: Vec<(u64, Trouble)>,
}

/// Troubles after which the very same invocation goes on.
fn absorbed() -> impl Strategy<Value = Trouble> {
    prop::sample::select(vec![
        Trouble::Cut,
        Trouble::DeliveredTwice,
        Trouble::LostReply,
        Trouble::RepeatedReply,
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
        1 => Just(Against::DeliveredTwice),
        1 => Just(Against::LostReply),
        1 => Just(Against::RepeatedReply),
        1 => Just(Against::Slow),
    ];
    let pages = prop_oneof![
        4 => Just(None),
        1 => (1..4_usize, any::<bool>()).prop_map(|(size, promised)| Some(Pages { size, promised })),
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
        pages,
        sending,
        prop::bool::weighted(0.3),
    )
        .prop_flat_map(
            |(at_once, agent, against, mode, pages, sending, has_caller)| {
                let (trouble, page_trouble) = if at_once {
                    (absorbed().boxed(), absorbed().boxed())
                } else {
                    (
                        prop_oneof![absorbed(), fatal()].boxed(),
                        prop_oneof![4 => absorbed(), 1 => Just(Trouble::ThrottledForGood)].boxed(),
                    )
                };
                let most = if pages.is_some() { 3 } else { 0 };
                let troubles = prop::collection::vec((0..CLASSES, trouble), 0..4);
                let page_troubles = prop::collection::vec((0..8_usize, page_trouble), 0..=most);
                (troubles, page_troubles).prop_map(move |(troubles, page_troubles)| {
                    Schedule {
                        agent,
                        against,
                        at_once,
                        has_caller,
                        mode,
                        pages,
                        page_troubles,
                        sending,
                        troubles,
                    }
                    .without_too_many()
                })
            },
        )
}

impl Schedule {
    /// The service gives up on an execution whose invocations fail too often in a row, and with us a page that never comes may
    /// fail another one: it is the only thing then that has an invocation run again.
    fn without_too_many(mut self) -> Self {
        let mut is_missing = false;
        self.page_troubles.retain(|(_, trouble)| {
            !trouble.is_fatal() || !std::mem::replace(&mut is_missing, true)
        });
        self.troubles
            .retain(|(_, trouble)| !(is_missing && trouble.is_fatal()));
        self
    }

    /// Whether an invocation may have to be run again.
    pub(super) fn is_fatal(&self) -> bool {
        let of_requests = self.troubles.iter().map(|(_, trouble)| trouble);
        let of_pages = self.page_troubles.iter().map(|(_, trouble)| trouble);
        of_requests
            .chain(of_pages)
            .any(|trouble| trouble.is_fatal())
    }

    /// The most operations in an event.
    pub(super) fn page_size(&self) -> usize {
        self.pages.map_or(usize::MAX, |pages| pages.size)
    }

    /// The rule by which the service lets things go wrong.
    pub(super) fn rule(&self) -> impl Fn(&Call<'_>) -> Option<Fault> + Send + Sync + 'static {
        let Self {
            against,
            page_troubles,
            troubles,
            ..
        } = self.clone();
        // What befell a request once does not befall it again.
        let befallen: Mutex<HashMap<(u64, usize), Value>> = Mutex::default();
        let once_against = Mutex::new(false);
        let paging = Mutex::new(Paging::default());
        move |call| {
            let mut paging = paging.lock().unwrap();
            if call.operation == "GetDurableExecutionState" {
                return paging.befall(call, &page_troubles);
            }
            if call.operation != "CheckpointDurableExecution" {
                return None;
            }
            paging.at_work = call.invocation;
            let own = own_updates(call);
            if !own.is_empty() {
                let first = call.attempt.unwrap_or(1) == 1;
                let request = fingerprint(&own);
                for (place, (class, trouble)) in troubles.iter().enumerate() {
                    if request % CLASSES != *class {
                        continue;
                    }
                    let mut befallen = befallen.lock().unwrap();
                    // A refused ride makes a second attempt of a first one: its token tells whether it is the request that was hit.
                    let token = &call.body["CheckpointToken"];
                    let befell = befallen.get(&(request, place));
                    let goes_on = matches!(trouble, Trouble::ThrottledForGood)
                        && !first
                        && befell == Some(token);
                    if (first && befell.is_none()) || goes_on {
                        befallen.insert((request, place), token.clone());
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

/// Requests for pages so far.
#[derive(Default)]
struct Paging {
    count: usize,
    /// The newest invocation that wrote something.
    at_work: Option<usize>,
    throttles: bool,
}

impl Paging {
    fn befall(&mut self, call: &Call<'_>, troubles: &[(usize, Trouble)]) -> Option<Fault> {
        if call.attempt.unwrap_or(1) > 1 {
            return self.throttles.then_some(Fault::Throttle);
        }
        let place = self.count;
        self.count += 1;
        self.throttles = false;
        let (_, trouble) = troubles.iter().find(|(nth, _)| *nth == place)?;
        if matches!(trouble, Trouble::ThrottledForGood) {
            // With us it may be another invocation that is run again. That is the same to the function only before it has done
            // anything.
            if self.at_work == call.invocation {
                return None;
            }
            self.throttles = true;
        }
        Some(befall(*trouble, call.arn))
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
        Trouble::DeliveredTwice => Fault::DeliverTwice,
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
        Trouble::RepeatedReply => Fault::RepeatReply,
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
        Against::DeliveredTwice => first().then_some(Fault::DeliverTwice),
        Against::RepeatedReply => Some(Fault::RepeatReply),
        Against::LostReply => first().then_some(Fault::LoseReply),
    }
}
