//! One invocation of one execution: it hands what is seen to the plan and does what the plan says.

mod checkpoint;
mod listening;
mod log;
mod opening;
mod virtual_context;

use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use durable_trace_wire as wire;
use opentelemetry::Context;
use wire::ResponseStatus;

use self::log::{Log, Read};
use crate::caller::{is_fleeting, keep_what_is_saved};
use crate::config::CheckpointMode;
use crate::handover;
use crate::health::{self, About, Outcome};
use crate::heard::Heard;
use crate::options::Settings;
use crate::plan::{self, Action, Input, Layer, Plan, ReplayedSpans, Update};
use crate::registry::registry;
use crate::spans::{self, InvocationFacts, Saves, SpanView, Tracing};

/// An invocation that is being served.
#[derive(Debug)]
pub(crate) struct Session {
    arn: String,
    request_id: String,
    settings: Arc<Settings>,
    tracing: Arc<Tracing>,
    spans: Box<dyn SpanView>,
    /// An `aws.lambda` span that another library has open.
    active_lambda: Option<Context>,
    /// The caller's context, for an execution without a checkpoint.
    caller: Option<wire::Carried>,
    started: SystemTime,
    /// Ids of what changed since the invocation before, as the event tells.
    updated: Vec<String>,
    heard: Heard,
    layer_seen: AtomicBool,
    /// How many contexts there were that are in the trace alone.
    virtual_contexts: AtomicU32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    plan: Plan,
    /// Known once every page of the log has been read.
    log: Log,
    facts: InvocationFacts,
    /// The newest checkpoint token.
    token: Option<String>,
    /// Requests seen so far.
    sequence: u64,
    /// A checkpoint call failed: nothing is ridden after that.
    failed: bool,
    saved: Saved,
    /// What of the caller's headers is to be passed on.
    pass_through: wire::PassThrough,
    /// What a checkpoint names as the parent, if that is not this invocation's own span.
    anchor: Option<wire::SpanId>,
    handler_task: Option<tokio::task::Id>,
}

/// What became of this invocation's checkpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Saved {
    /// Nothing is to be written.
    Needless,
    /// Not decided yet.
    Open,
    /// On its way.
    Sent,
    /// In the log.
    Written,
}

/// A request of the SDK's that carries a checkpoint of ours, or not.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) sequence: u64,
    pub(crate) ride: Option<wire::Checkpoint>,
}

impl Session {
    /// Takes up an invocation whose event has been read, opens its spans, and makes it known to the registry.
    pub(crate) fn begin(
        settings: Arc<Settings>,
        tracing: Arc<Tracing>,
        invocation: &wire::Invocation<'_>,
        facts: InvocationFacts,
        active_lambda: Option<Context>,
        started: SystemTime,
        find_caller: impl FnOnce() -> Option<wire::Carried>,
    ) -> Arc<Self> {
        let paged = invocation.next_marker.is_some();
        let log = if paged {
            let operations = invocation.operations.iter().filter(|operation| {
                operation.kind == wire::OperationType::Execution || operation.is_in_name_space()
            });
            Log::Loading {
                told: operations
                    .cloned()
                    .map(wire::Operation::into_owned)
                    .collect(),
                pages: Vec::new(),
            }
        } else {
            Log::Read(Box::new(Read::new(&invocation.arn, &invocation.operations)))
        };
        // Looked for only where the log may hold no checkpoint: it costs a look at the customer's event.
        let mut caller = if matches!(&log, Log::Read(read) if read.found.is_some()) {
            None
        } else {
            find_caller()
        };
        let spans = spans::of_view(
            settings.view,
            Arc::clone(&tracing),
            started,
            settings.error_messages,
        );
        // What stands in the event is there in each invocation.
        let is_fleeting = caller.as_ref().is_some_and(is_fleeting);
        if let Some(caller) = &mut caller
            && (is_fleeting || spans.saves() == Saves::Trace)
        {
            caller.pass_through =
                keep_what_is_saved(std::mem::take(&mut caller.pass_through), &settings);
        }
        let saved = match spans.saves() {
            Saves::Caller if is_fleeting && settings.saves_tracecontext() => Saved::Open,
            Saves::Caller => Saved::Needless,
            Saves::Trace => Saved::Open,
        };
        let session = Arc::new(Self {
            caller,
            arn: facts.arn.clone(),
            request_id: facts.request_id.clone(),
            started,
            updated: invocation
                .updated_operation_ids
                .iter()
                .map(ToString::to_string)
                .collect(),
            tracing,
            active_lambda,
            heard: Heard::default(),
            layer_seen: AtomicBool::new(false),
            virtual_contexts: AtomicU32::new(0),
            state: Mutex::new(State {
                plan: Plan::new(spans.telling(settings.replayed_spans)),
                log,
                facts,
                token: invocation.checkpoint_token.as_deref().map(str::to_owned),
                sequence: 0,
                failed: false,
                saved,
                pass_through: wire::PassThrough::default(),
                anchor: None,
                handler_task: None,
            }),
            settings,
            spans,
        });
        registry().insert(Arc::clone(&session), invocation.checkpoint_token.as_deref());
        if !paged {
            session.open(&invocation.operations);
        }
        session
    }

    pub(crate) fn arn(&self) -> &str {
        &self.arn
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Whether recorded work makes no spans.
    pub(crate) fn omits_replays(&self) -> bool {
        self.settings.replayed_spans == ReplayedSpans::Omit
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn about<'a>(&'a self, cause: Option<&'a str>) -> About<'a> {
        About {
            arn: Some(&self.arn),
            cause,
            ..About::default()
        }
    }

    /// Takes a page of the log that the SDK fetched: the last one of an event's opens the spans, one of an answer's tells what
    /// the answer had no room for.
    pub(crate) fn paged(&self, operations: Vec<wire::Operation<'static>>, last: bool) {
        let all = {
            let mut state = self.lock();
            let Log::Loading { pages, .. } = &mut state.log else {
                state.log.saw(&operations);
                drop(state);
                self.apply(Input::Paged {
                    operations: &operations,
                });
                return;
            };
            pages.extend(operations);
            if !last {
                return;
            }
            let all = std::mem::take(pages);
            let read = Read::new(&self.arn, &all);
            state.facts.first = all.len() <= 1;
            state.facts.replays = all.len() > 1;
            state.log = Log::Read(Box::new(read));
            all
        };
        self.open(&all);
    }

    /// The payload of the invoke `id`, with the headers of its span added; `None` where it is to stay as it is.
    pub(crate) fn hand_over(&self, id: &str, payload: &str) -> Option<String> {
        let context = self.spans.operation_context(id)?;
        let (injected, _) = spans::inject(&self.tracing, &context)?;
        let injected = self.passing_on(injected);
        let (styles, limit) = (
            self.settings.checkpoint_styles,
            self.settings.tags_max_length,
        );
        handover::hand_over(payload, &injected, styles, limit)
    }

    /// The tracer's headers with what of the caller's is to be passed on, where the styles have a place for it.
    fn passing_on(&self, injected: wire::Headers<'static>) -> wire::Headers<'static> {
        if self.settings.checkpoint_styles.has_tracecontext() {
            injected.with_pass_through(&self.lock().pass_through)
        } else {
            injected
        }
    }

    /// Hands an input to the plan and does what follows. Returns whether the request at hand is the one to ride on.
    fn apply(&self, input: Input<'_>) -> bool {
        let actions = self.lock().plan.apply(input);
        self.perform(actions)
    }

    fn perform(&self, actions: Vec<Action>) -> bool {
        let now = SystemTime::now();
        let mut ride = false;
        for action in actions {
            ride |= action == Action::Ride;
            self.spans.perform(action, now);
        }
        ride
    }

    /// The SDK is about to send a checkpoint request. `rideable` says whether the request may carry an update more.
    pub(crate) fn requested(&self, updates: &[Update], rideable: impl FnOnce() -> bool) -> Seen {
        let (sequence, actions, failed) = {
            let mut state = self.lock();
            state.sequence += 1;
            let sequence = state.sequence;
            let actions = state.plan.apply(Input::Requested { sequence, updates });
            (sequence, actions, state.failed)
        };
        let rest = self.perform(actions);
        let wanted =
            rest && !failed && self.settings.checkpoint_mode == CheckpointMode::Ride && rideable();
        Seen {
            sequence,
            ride: wanted.then(|| self.checkpoint()).flatten(),
        }
    }

    /// The service answered request `sequence`. `ridden` says whether a checkpoint of ours was part of it.
    pub(crate) fn answered(
        &self,
        sequence: u64,
        ridden: bool,
        token: Option<&str>,
        changed: &[wire::Operation<'static>],
    ) {
        if let Some(token) = token {
            registry().add_token(self, token);
        }
        let actions = {
            let mut state = self.lock();
            if let Some(token) = token {
                state.token = Some(token.to_owned());
            }
            if ridden {
                state.saved = Saved::Written;
            }
            state.log.saw(changed);
            state
                .plan
                .apply(Input::RequestAnswered { sequence, changed })
        };
        self.perform(actions);
    }

    /// Request `sequence` failed for good.
    pub(crate) fn request_failed(&self, sequence: u64) {
        self.lock().failed = true;
        self.apply(Input::RequestFailed { sequence });
    }

    /// Ends everything that is open, as `result` says, and forgets the invocation.
    pub(crate) fn end(&self, result: &spans::Result) {
        let layer = if self.is_layer_here() {
            Layer::Present
        } else {
            Layer::Absent
        };
        let unread = {
            let mut state = self.lock();
            match &mut state.log {
                Log::Loading { told, pages } => {
                    let mut known = std::mem::take(told);
                    known.append(pages);
                    Some((known, state.facts.clone()))
                }
                Log::Read(_) => None,
            }
        };
        if let Some((known, facts)) = unread {
            let found = Read::new(&self.arn, &known).found;
            let resume = self.resume(&known, found.as_ref().map(|it| self.going_on(it)).as_ref());
            self.spans.open_lambda_only(&resume, &facts);
        }
        if *result == spans::Result::OutOfTime {
            self.spans.mark_out_of_time();
        }
        let suspended = matches!(
            result,
            spans::Result::Answered {
                status: ResponseStatus::Pending,
                ..
            }
        );
        let outcome = if suspended {
            plan::Outcome::Suspended
        } else {
            plan::Outcome::Ended
        };
        self.apply(Input::Over { layer, outcome });
        if self.lock().saved == Saved::Written && !suspended {
            health::note(Outcome::Unused);
        }
        self.spans.close_invocation(result, SystemTime::now());
        registry().remove(self);
    }
}
