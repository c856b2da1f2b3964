//! The tie between the pure core, the clock, the functions and the HTTP edge.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

use crate::callback::CallbackStarted;
use crate::calls::CallLog;
use crate::config::Config;
use crate::function::Function;
use crate::name::FunctionRef;
use crate::records::ExecutionRecord;
use crate::refusal::Refusal;
use crate::routes;
use crate::runner::{Durable, Registered, Surroundings, exited};
use crate::state::{
    CallbackOutcome, Effect, FunctionKind, Outcome, Purpose, Run, RunHeaders, StartRequest, State,
};
use crate::time::UnixMillis;
use crate::timers::VirtualClock;

/// What the tasks of a service share.
pub(crate) struct Engine {
    core: Mutex<Core>,
    functions: Mutex<HashMap<String, Arc<Registered>>>,
    calls: Mutex<CallLog>,
    config: Config,
    address: SocketAddr,
    /// Those who wait for the end of an execution, by its ARN.
    waiting: Mutex<HashMap<String, Vec<oneshot::Sender<()>>>>,
    /// Wakes the task that drives the clock.
    clock_wake: Notify,
    tasks: Mutex<JoinSet<()>>,
}

struct Core {
    state: State,
    clock: VirtualClock,
}

impl Engine {
    /// Starts the listener's and the clock's tasks.
    pub(crate) fn start(config: Config, listener: TcpListener, address: SocketAddr) -> Arc<Self> {
        let state = State::new(config.settings(), || uuid::Uuid::new_v4().to_string());
        let clock = VirtualClock::new(
            config.clock,
            UnixMillis::read_machine_clock(),
            Instant::now(),
        );
        let engine = Arc::new(Self {
            core: Mutex::new(Core { state, clock }),
            functions: Mutex::default(),
            calls: Mutex::default(),
            config,
            address,
            waiting: Mutex::default(),
            clock_wake: Notify::new(),
            tasks: Mutex::default(),
        });
        engine.spawn(routes::serve(Arc::clone(&engine), listener));
        engine.spawn(drive_clock(Arc::clone(&engine)));
        engine
    }

    /// Makes a function known, or replaces it and ends its processes.
    pub(crate) fn register(self: &Arc<Self>, name: &str, function: Function) {
        let kind = match self.config.durable_endpoint {
            Some(_) => FunctionKind::Plain,
            None => function.kind,
        };
        let registered = Arc::new(Registered::new(
            function,
            self.config.max_processes_per_function,
        ));
        lock(&self.functions).insert(name.to_owned(), registered);
        self.change(|state, _| state.register(name, kind));
    }

    /// Gives everything up at once.
    pub(crate) fn abort(&self) {
        lock(&self.tasks).abort_all();
        lock(&self.functions).clear();
    }

    /// Gives everything up and waits until it is.
    pub(crate) async fn shut_down(&self) {
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        tasks.shutdown().await;
        lock(&self.functions).clear();
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn calls(&self) -> MutexGuard<'_, CallLog> {
        lock(&self.calls)
    }

    pub(crate) fn now(&self) -> UnixMillis {
        lock(&self.core).clock.now(Instant::now())
    }

    /// Asks the core something.
    pub(crate) fn read<R>(&self, ask: impl FnOnce(&State) -> R) -> R {
        ask(&lock(&self.core).state)
    }

    /// Changes the core, then does what follows from it.
    pub(crate) fn change<R>(self: &Arc<Self>, act: impl FnOnce(&mut State, UnixMillis) -> R) -> R {
        let (given, effects, now) = {
            let mut core = lock(&self.core);
            let now = core.clock.now(Instant::now());
            let given = act(&mut core.state, now);
            (given, core.state.take_effects(), now)
        };
        self.perform(effects, now);
        given
    }

    /// Starts an execution; gives its ARN.
    pub(crate) fn start_execution(
        self: &Arc<Self>,
        request: StartRequest,
    ) -> Result<String, Refusal> {
        self.catch_up();
        self.change(|state, now| {
            let index = state.start(request, now)?;
            state
                .execution(index)
                .map(|execution| execution.arn.clone())
        })
    }

    /// Brings a clock that jumps to the machine's time while no execution is under way, so that
    /// it does not fall behind by all the time that functions took.
    fn catch_up(&self) {
        let mut core = lock(&self.core);
        if core.state.is_quiet() {
            core.clock.jump_to(UnixMillis::read_machine_clock());
        }
    }

    pub(crate) fn answer_callback(
        self: &Arc<Self>,
        callback_id: &str,
        outcome: CallbackOutcome,
    ) -> Result<(), Refusal> {
        self.change(|state, now| state.answer_callback(callback_id, outcome, now))
    }

    /// Waits for the end of an execution.
    pub(crate) async fn ended(&self, arn: &str) -> ExecutionRecord {
        loop {
            // Asked for before looking: an end in between is not missed.
            let (sender, end) = oneshot::channel();
            lock(&self.waiting)
                .entry(arn.to_owned())
                .or_default()
                .push(sender);
            let ended = self.read(|state| {
                let execution = state.execution(state.find(arn).ok()?).ok()?;
                (!execution.is_running()).then(|| ExecutionRecord::from(execution))
            });
            if let Some(ended) = ended {
                // Others who wait look again and find the same.
                lock(&self.waiting).remove(arn);
                return ended;
            }
            let _ = end.await;
        }
    }

    /// Runs a plain function for a client that may wait for the end.
    pub(crate) fn run_direct(
        self: &Arc<Self>,
        function: FunctionRef,
        payload: String,
        headers: RunHeaders,
    ) -> oneshot::Receiver<Outcome> {
        let run = self.change(|state, now| state.begin_direct_run(function, payload, headers, now));
        let (sender, receiver) = oneshot::channel();
        let engine = Arc::clone(self);
        self.spawn(async move {
            let outcome = engine.run(run).await;
            engine.change(|state, _| state.end_direct_run());
            let _ = sender.send(outcome);
        });
        receiver
    }

    /// Runs something until it ends or the service does.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    fn perform(self: &Arc<Self>, effects: Vec<Effect>, now: UnixMillis) {
        for effect in effects {
            match effect {
                Effect::AnnounceCallback(started) => self.announce(&started, now),
                Effect::AnnounceEnd(arn) => {
                    let waiting = lock(&self.waiting).remove(&arn).unwrap_or_default();
                    for waiting in waiting {
                        let _ = waiting.send(());
                    }
                }
                Effect::Run(run) => {
                    let engine = Arc::clone(self);
                    self.spawn(async move {
                        let purpose = run.purpose.clone();
                        let outcome = engine.run(run).await;
                        engine.end(purpose, outcome);
                    });
                }
            }
        }
        self.clock_wake.notify_one();
    }

    fn announce(&self, started: &CallbackStarted, now: UnixMillis) {
        // Outside the lock: the rule is the user's and may ask the service something.
        let actions = self
            .config
            .on_callback
            .as_ref()
            .map(|rule| rule(started))
            .unwrap_or_default();
        let mut core = lock(&self.core);
        for action in actions {
            let at = now.after(action.after);
            core.state
                .schedule_callback_answer(&started.callback_id, action.outcome, at);
        }
    }

    async fn run(&self, run: Run) -> Outcome {
        let registered = lock(&self.functions).get(&run.function.name).cloned();
        let Some(registered) = registered else {
            return Outcome::Faulted(exited(&run.request_id, "the function is gone"));
        };
        let function_arn = self.read(|state| state.place().function_arn(&run.function.name));
        let function_arn = format!("{function_arn}:{}", run.function.version);
        let surroundings = Surroundings {
            durable: match &self.config.durable_endpoint {
                Some(endpoint) => Durable::Elsewhere(endpoint.clone()),
                None => Durable::Here {
                    endpoint: self.endpoint(),
                    region: self.config.region.clone(),
                },
            },
            default_timeout: self.config.function_timeout,
        };
        registered.run(run, function_arn, &surroundings).await
    }

    fn end(self: &Arc<Self>, purpose: Purpose, outcome: Outcome) {
        self.change(|state, now| match purpose {
            Purpose::Direct => state.end_direct_run(),
            Purpose::Invocation(invocation) => state.end_invocation(invocation, outcome, now),
            Purpose::Target {
                execution,
                operation_id,
            } => state.end_plain_target(execution, &operation_id, outcome, now),
        });
    }

    /// Does what is due and lets time go on; gives how long nothing will be due, or `None` until
    /// something else happens.
    fn turn_clock(self: &Arc<Self>) -> Turn {
        let (turn, effects, now) = {
            let mut core = lock(&self.core);
            let Core { state, clock } = &mut *core;
            let instant = Instant::now();
            let now = clock.now(instant);
            state.fire(now);
            let effects = state.take_effects();
            let jumps = clock.jumps();
            let turn = match state.next_due(jumps) {
                Some(due) if due <= now => Turn::Again,
                Some(due) if jumps && state.is_idle() => {
                    clock.jump_to(due);
                    Turn::Again
                }
                Some(due) => Turn::Sleep(clock.sleep_until(due, instant)),
                None => Turn::Sleep(None),
            };
            (turn, effects, now)
        };
        if !effects.is_empty() {
            self.perform(effects, now);
        }
        turn
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Turn {
    Again,
    Sleep(Option<Duration>),
}

async fn drive_clock(engine: Arc<Engine>) {
    loop {
        let sleep = match engine.turn_clock() {
            Turn::Again => continue,
            Turn::Sleep(sleep) => sleep,
        };
        let woken = engine.clock_wake.notified();
        match sleep {
            None => woken.await,
            Some(sleep) => {
                let _ = tokio::time::timeout(sleep.max(Duration::from_millis(1)), woken).await;
            }
        }
    }
}

/// Locks; what a panicking thread left is taken as it is.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
