//! A running service: the pure core, the clock, the functions and the HTTP edge, tied together.

use std::collections::HashMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinSet;

use crate::callback::{self, CallbackStarted};
use crate::calls::CallLog;
use crate::config::Config;
use crate::function::Function;
use crate::name::FunctionRef;
use crate::records::{CallRecord, ExecutionRecord, InvocationRecord, OperationRecord};
use crate::refusal::{ErrorRecord, Refusal};
use crate::routes;
use crate::runner::{Registered, Surroundings, exited};
use crate::state::{
    CallbackOutcome, Effect, Outcome, Purpose, Run, RunHeaders, StartRequest, State,
};
use crate::time::UnixMillis;
use crate::timers::VirtualClock;
use crate::vocabulary::OperationType;

/// Why a service could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another program has the port.
    #[error("port {port} on 127.0.0.1 is in use")]
    PortInUse {
        /// The port that was asked for.
        port: u16,
    },
    /// The port cannot be listened on for another reason.
    #[error("cannot listen on 127.0.0.1 port {port}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// A running local service. Clones are handles of the same one; the last to go ends it.
#[derive(Clone)]
pub struct Service {
    handle: Arc<Handle>,
}

/// Ends the service when dropped.
struct Handle {
    inner: Arc<Inner>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        lock(&self.inner.tasks).abort_all();
        lock(&self.inner.functions).clear();
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Service")
            .field("endpoint", &self.endpoint())
            .finish_non_exhaustive()
    }
}

/// What the tasks of a service share.
pub(crate) struct Inner {
    core: Mutex<Core>,
    functions: Mutex<HashMap<String, Arc<Registered>>>,
    calls: Mutex<CallLog>,
    config: Config,
    address: SocketAddr,
    /// Tells those who wait for a change that there was one.
    changed: watch::Sender<()>,
    /// Wakes the task that drives the clock.
    clock_wake: Notify,
    tasks: Mutex<JoinSet<()>>,
}

struct Core {
    state: State,
    clock: VirtualClock,
}

impl Service {
    /// Starts a service on 127.0.0.1, inside the current tokio runtime.
    ///
    /// # Errors
    ///
    /// [`StartError`] if its port cannot be listened on.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let port = config.port;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.map_err(|source| match source.kind() {
            std::io::ErrorKind::AddrInUse => StartError::PortInUse { port },
            _ => StartError::Listen { port, source },
        })?;
        let address = listener
            .local_addr()
            .map_err(|source| StartError::Listen { port, source })?;
        let state = State::new(config.settings(), || uuid::Uuid::new_v4().to_string());
        let clock = VirtualClock::new(
            config.clock,
            UnixMillis::read_machine_clock(),
            Instant::now(),
        );
        let inner = Arc::new(Inner {
            core: Mutex::new(Core { state, clock }),
            functions: Mutex::default(),
            calls: Mutex::default(),
            config,
            address,
            changed: watch::Sender::default(),
            clock_wake: Notify::new(),
            tasks: Mutex::default(),
        });
        inner.spawn(routes::serve(Arc::clone(&inner), listener));
        inner.spawn(drive_clock(Arc::clone(&inner)));
        Ok(Self {
            handle: Arc::new(Handle { inner }),
        })
    }

    /// The URL for `AWS_ENDPOINT_URL_LAMBDA`.
    pub fn endpoint(&self) -> String {
        self.inner().endpoint()
    }

    /// The region in the service's ARNs.
    pub fn region(&self) -> &str {
        &self.inner().config.region
    }

    /// The time by the service's clock.
    pub fn now(&self) -> UnixMillis {
        self.inner().now()
    }

    /// Makes a function known by a name, or replaces the one of that name and ends its processes.
    pub fn register(&self, name: &str, function: Function) {
        let inner = self.inner();
        let kind = function.kind;
        let registered = Arc::new(Registered::new(
            function,
            inner.config.max_processes_per_function,
        ));
        lock(&inner.functions).insert(name.to_owned(), registered);
        inner.change(|state, _| state.register(name, kind));
    }

    /// Starts an execution and gives its ARN, without waiting for its end; or finds the execution
    /// of the same name and payload.
    ///
    /// # Errors
    ///
    /// [`Refusal`] as Invoke answers it: an unknown function, a bad name or payload, a name that
    /// was used with another payload.
    #[expect(clippy::unused_async, reason = "starting may come to wait for room")]
    pub async fn start_execution(
        &self,
        function: &str,
        payload: Option<String>,
        name: Option<&str>,
    ) -> Result<String, Refusal> {
        if let Some(payload) = &payload {
            routes::check_json(payload)?;
        }
        let request = StartRequest {
            function: FunctionRef::parse(function, None)?,
            payload,
            name: name.map(str::to_owned),
            headers: RunHeaders::default(),
        };
        self.inner().start(request)
    }

    /// Waits until an execution has ended; for ever if there is none of this ARN.
    pub async fn ended(&self, arn: &str) -> ExecutionRecord {
        self.inner().ended(arn).await
    }

    /// One execution.
    pub fn execution(&self, arn: &str) -> Option<ExecutionRecord> {
        self.inner().read(|state| {
            state
                .execution(state.find(arn).ok()?)
                .ok()
                .map(ExecutionRecord::from)
        })
    }

    /// All executions by start.
    pub fn executions(&self) -> Vec<ExecutionRecord> {
        self.inner().read(|state| {
            state
                .executions()
                .iter()
                .map(ExecutionRecord::from)
                .collect()
        })
    }

    /// The invocations of all durable executions by start, each with its calls.
    pub fn invocations(&self) -> Vec<InvocationRecord> {
        let mut calls: HashMap<usize, Vec<CallRecord>> = HashMap::new();
        for call in self.calls() {
            if let Some(invocation) = call.invocation {
                calls.entry(invocation).or_default().push(call);
            }
        }
        self.inner().read(|state| {
            let entries = state.invocations().iter().enumerate();
            let record = entries.map(|(index, entry)| {
                let arn = state
                    .execution(entry.execution)
                    .map_or("", |execution| &execution.arn);
                InvocationRecord::new(index, arn, entry, calls.remove(&index).unwrap_or_default())
            });
            record.collect()
        })
    }

    /// The operations of an execution in log order, without the execution itself; empty if there
    /// is none of this ARN.
    pub fn operations(&self, arn: &str) -> Vec<OperationRecord> {
        self.inner().read(|state| {
            let Ok(execution) = state.find(arn).and_then(|index| state.execution(index)) else {
                return Vec::new();
            };
            let made = execution
                .operations()
                .iter()
                .filter(|operation| operation.kind() != OperationType::Execution);
            made.map(OperationRecord::from).collect()
        })
    }

    /// Every request that reached the service, in order of arrival.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.inner().calls().all().to_vec()
    }

    /// The history of an execution as `GetDurableExecutionHistory` tells it, oldest first; empty if
    /// there is none of this ARN.
    pub fn history(&self, arn: &str) -> Vec<Value> {
        self.inner().read(|state| {
            let execution = state.find(arn).and_then(|index| state.execution(index));
            execution.map_or_else(|_| Vec::new(), |execution| execution.events().to_vec())
        })
    }

    /// The callbacks of an execution that wait for an answer, in log order.
    pub fn callbacks(&self, arn: &str) -> Vec<CallbackStarted> {
        self.inner().read(|state| {
            let execution = state.find(arn).and_then(|index| state.execution(index));
            execution.map_or_else(|_| Vec::new(), callback::pending)
        })
    }

    /// Completes a callback with a result, which the function reads as JSON unless it chose otherwise.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if there is no such callback or it has ended.
    #[expect(clippy::unused_async, reason = "answering may come to wait for room")]
    pub async fn complete_callback(
        &self,
        callback_id: &str,
        result: impl Into<String>,
    ) -> Result<(), Refusal> {
        self.inner()
            .answer_callback(callback_id, CallbackOutcome::Success(Some(result.into())))
    }

    /// Fails a callback.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if there is no such callback or it has ended.
    #[expect(clippy::unused_async, reason = "answering may come to wait for room")]
    pub async fn fail_callback(
        &self,
        callback_id: &str,
        error: ErrorRecord,
    ) -> Result<(), Refusal> {
        self.inner()
            .answer_callback(callback_id, CallbackOutcome::Failure(error))
    }

    /// Ends the service: no more requests are taken, runs are given up, processes are killed.
    pub async fn shutdown(self) {
        let inner = Arc::clone(self.inner());
        let mut tasks = std::mem::take(&mut *lock(&inner.tasks));
        tasks.shutdown().await;
        lock(&inner.functions).clear();
    }

    fn inner(&self) -> &Arc<Inner> {
        &self.handle.inner
    }
}

impl Inner {
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
    pub(crate) fn start(self: &Arc<Self>, request: StartRequest) -> Result<String, Refusal> {
        self.change(|state, now| {
            let index = state.start(request, now)?;
            state
                .execution(index)
                .map(|execution| execution.arn.clone())
        })
    }

    pub(crate) fn answer_callback(
        self: &Arc<Self>,
        callback_id: &str,
        outcome: CallbackOutcome,
    ) -> Result<(), Refusal> {
        self.change(|state, now| state.answer_callback(callback_id, outcome, now))
    }

    pub(crate) async fn ended(&self, arn: &str) -> ExecutionRecord {
        let mut changed = self.changed.subscribe();
        loop {
            let ended = self.read(|state| {
                let execution = state.execution(state.find(arn).ok()?).ok()?;
                (!execution.is_running()).then(|| ExecutionRecord::from(execution))
            });
            if let Some(ended) = ended {
                return ended;
            }
            if changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Runs a plain function for a client that may wait for the end.
    pub(crate) fn run_direct(
        self: &Arc<Self>,
        function: FunctionRef,
        payload: String,
        headers: RunHeaders,
    ) -> oneshot::Receiver<Outcome> {
        let run = self.change(|state, _| state.begin_direct_run(function, payload, headers));
        let (sender, receiver) = oneshot::channel();
        let inner = Arc::clone(self);
        self.spawn(async move {
            let outcome = inner.run(run).await;
            inner.change(|state, _| state.end_direct_run());
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

    fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    fn perform(self: &Arc<Self>, effects: Vec<Effect>, now: UnixMillis) {
        for effect in effects {
            match effect {
                Effect::AnnounceCallback(started) => self.announce(&started, now),
                Effect::Run(run) => {
                    let inner = Arc::clone(self);
                    self.spawn(async move {
                        let purpose = run.purpose.clone();
                        let outcome = inner.run(run).await;
                        inner.end(purpose, outcome);
                    });
                }
            }
        }
        self.changed.send_replace(());
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
                .schedule_callback_answer(started.callback_id.clone(), action.outcome, at);
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
            endpoint: self.endpoint(),
            region: self.config.region.clone(),
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
        } else if turn == Turn::Again {
            self.changed.send_replace(());
        }
        turn
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Turn {
    Again,
    Sleep(Option<Duration>),
}

async fn drive_clock(inner: Arc<Inner>) {
    loop {
        let sleep = match inner.turn_clock() {
            Turn::Again => continue,
            Turn::Sleep(sleep) => sleep,
        };
        let woken = inner.clock_wake.notified();
        match sleep {
            None => woken.await,
            Some(sleep) => {
                let _ = tokio::time::timeout(sleep.max(Duration::from_millis(1)), woken).await;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
