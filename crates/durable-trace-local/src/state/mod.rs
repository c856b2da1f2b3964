//! The service's decisions: pure, without clock, I/O or tasks.
//!
//! Every method that changes something takes the request and `now`, gives the response, and leaves
//! what is to be done outside as [`Effect`]s. Time passes by [`State::fire`].

mod callback;
mod chained;
mod change;
mod checkpoint;
mod execution;
mod invocation;
mod log;
mod read;
mod render;
mod start;
mod token;
mod update;
mod wake;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use crate::callback::CallbackStarted;
use crate::name::{FunctionRef, Place};
use crate::refusal::ErrorRecord;
use crate::time::UnixMillis;
use crate::timers::Timers;

pub(crate) use self::callback::CallbackOutcome;
pub(crate) use self::chained::CHAINED_INVOKE_DELAY;
pub(crate) use self::execution::{Ending, Execution};
pub(crate) use self::invocation::{InvocationEntry, Outcome};
pub(crate) use self::log::{Details, Operation};
pub(crate) use self::read::{HistoryQuery, ListQuery};
pub(crate) use self::render::put;
pub(crate) use self::start::StartRequest;
pub(crate) use self::token::Token;
pub(crate) use self::update::CheckpointRequest;

/// How long the service waits before it invokes again after a failed invocation or a refused PENDING.
pub(crate) const RETRY_DELAY: Duration = Duration::from_secs(5);

/// How often a failed invocation is tried again before the execution fails.
pub(crate) const MAX_RETRIES: u32 = 5;

/// How many refused PENDINGs in a row fail the execution.
pub(crate) const MAX_REFUSED_PENDINGS: u32 = 3;

/// What stays the same while the service runs.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) place: Place,
    pub(crate) execution_timeout: Duration,
    /// Operations in one page of an event or an answer.
    pub(crate) page_size: usize,
    pub(crate) last_page: LastPage,
    /// From the START of a chained invoke to the first invocation of its target.
    pub(crate) chained_invoke_delay: Duration,
}

/// Whether a full page names a next one where there is nothing left.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum LastPage {
    #[default]
    HoldsSomething,
    MayBeEmpty,
}

/// What a registered function is given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FunctionKind {
    /// The durable envelope; it may sleep and be invoked again.
    Durable,
    /// The bare payload, once.
    Plain,
}

/// Something to be done outside the pure core.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Tell whoever answers callbacks.
    AnnounceCallback(CallbackStarted),
    /// Tell whoever waits for the end of this execution, by its ARN.
    AnnounceEnd(String),
    /// Run a function and report its end.
    Run(Run),
}

/// One run of a function.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) purpose: Purpose,
    pub(crate) function: FunctionRef,
    pub(crate) request_id: String,
    /// JSON.
    pub(crate) payload: String,
    pub(crate) client_context: Option<String>,
    pub(crate) tenant_id: Option<String>,
    /// `Root` of X-Ray's header: one for all invocations of an execution.
    pub(crate) xray_root: String,
}

/// A `Root` of its own for what began at `at` under a unique `id`.
/// <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids>
pub(crate) fn xray_root(at: UnixMillis, id: &str) -> String {
    format!("1-{:08x}-{}", at.as_millis() / 1000, hex_digits::<24>(id))
}

/// The first `N` hex digits of an id, filled up with zeros.
pub(crate) fn hex_digits<const N: usize>(id: &str) -> String {
    let digits = id.chars().filter(char::is_ascii_hexdigit);
    digits.chain(std::iter::repeat('0')).take(N).collect()
}

/// What a run is for, so that its end finds its place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// A client waits for the answer of a plain function.
    Direct,
    /// An invocation of a durable function, by its index.
    Invocation(usize),
    /// The plain target of a chained invoke.
    Target {
        execution: usize,
        operation_id: String,
    },
}

/// Something that becomes due.
#[derive(Clone, Debug)]
enum Timer {
    AnswerCallback {
        execution: usize,
        operation_id: String,
        outcome: CallbackOutcome,
    },
    CallbackTimeout {
        execution: usize,
        operation_id: String,
    },
    Heartbeat {
        execution: usize,
        operation_id: String,
        beats: u64,
    },
    Invoke {
        execution: usize,
    },
    StartTarget {
        execution: usize,
        operation_id: String,
    },
    StepDue {
        execution: usize,
        operation_id: String,
    },
    WaitOver {
        execution: usize,
        operation_id: String,
    },
}

/// Everything the service knows.
pub(crate) struct State {
    settings: Settings,
    functions: HashMap<String, FunctionKind>,
    executions: Vec<Execution>,
    by_arn: HashMap<String, usize>,
    callbacks: HashMap<String, (usize, String)>,
    invocations: Vec<InvocationEntry>,
    by_request_id: HashMap<String, usize>,
    timers: Timers<Timer>,
    /// Execution time-outs, apart: a clock that jumps does not jump to them alone.
    deadlines: Timers<usize>,
    in_flight: usize,
    /// Executions that have not ended.
    running: usize,
    effects: Vec<Effect>,
    new_id: Box<dyn FnMut() -> String + Send>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("State")
            .field("executions", &self.executions.len())
            .field("invocations", &self.invocations.len())
            .field("in_flight", &self.in_flight)
            .finish_non_exhaustive()
    }
}

impl State {
    /// Begins empty. `new_id` gives ids that never repeat.
    pub(crate) fn new(settings: Settings, new_id: impl FnMut() -> String + Send + 'static) -> Self {
        Self {
            settings,
            functions: HashMap::new(),
            executions: Vec::new(),
            by_arn: HashMap::new(),
            callbacks: HashMap::new(),
            invocations: Vec::new(),
            by_request_id: HashMap::new(),
            timers: Timers::default(),
            deadlines: Timers::default(),
            in_flight: 0,
            running: 0,
            effects: Vec::new(),
            new_id: Box::new(new_id),
        }
    }

    /// Makes a function known, or replaces it.
    pub(crate) fn register(&mut self, name: &str, kind: FunctionKind) {
        self.functions.insert(name.to_owned(), kind);
    }

    /// What kind of function goes by this name.
    pub(crate) fn function_kind(&self, name: &str) -> Option<FunctionKind> {
        self.functions.get(name).copied()
    }

    /// Where the service pretends to be.
    pub(crate) fn place(&self) -> &Place {
        &self.settings.place
    }

    /// Takes what is to be done outside.
    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Counts the beginning of a run that a client waits for.
    pub(crate) fn begin_direct_run(
        &mut self,
        function: FunctionRef,
        payload: String,
        headers: RunHeaders,
        now: UnixMillis,
    ) -> Run {
        self.in_flight += 1;
        let request_id = (self.new_id)();
        Run {
            purpose: Purpose::Direct,
            function,
            xray_root: xray_root(now, &request_id),
            request_id,
            payload,
            client_context: headers.client_context,
            tenant_id: headers.tenant_id,
        }
    }

    /// Counts the end of a run that a client waits for.
    pub(crate) fn end_direct_run(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Whether no function runs.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight == 0
    }

    /// Whether no execution is under way, asleep ones included.
    pub(crate) fn is_quiet(&self) -> bool {
        self.running == 0
    }

    /// Fails an execution with an error of the service's own.
    fn fail_execution(&mut self, execution: usize, error: ErrorRecord, now: UnixMillis) {
        self.end_execution(execution, &Ending::failed(Some(error)), now);
    }
}

/// What a client sends beside the payload of an Invoke.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunHeaders {
    pub(crate) client_context: Option<String>,
    pub(crate) tenant_id: Option<String>,
}
