//! Functions as processes: starting, reusing and ending them.

use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::engine::lock;
use crate::function::{Lifetime, ProcessSpec, XRay};
use crate::refusal::ErrorRecord;
use crate::runner::{Durable, Surroundings, exited, timed_out};
use crate::runtime_api::RuntimeApi;
use crate::state::{Outcome, Run};

/// The least time that a process has to ask for its first invocation: Lambda's limit for the
/// initialization of a function.
const MIN_INIT_TIME: Duration = Duration::from_secs(10);

/// How long a process that is no longer needed may take to ask for its next invocation, which
/// tells that it is done with the last one.
const WIND_DOWN_TIME: Duration = Duration::from_secs(1);

/// One invocation, on its way to a process.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) run: Run,
    pub(crate) function_arn: String,
    pub(crate) timeout: Duration,
    pub(crate) xray: XRay,
    /// Told when the process has taken the job.
    pub(crate) taken: Option<oneshot::Sender<()>>,
    /// Told how it ended.
    pub(crate) ended: Option<oneshot::Sender<Outcome>>,
}

impl Job {
    pub(crate) fn new(run: Run, function_arn: String, timeout: Duration) -> Self {
        Self {
            run,
            function_arn,
            timeout,
            xray: XRay::Unsampled,
            taken: None,
            ended: None,
        }
    }
}

/// The processes of one function.
#[derive(Debug)]
pub(crate) struct ProcessPool {
    idle: Mutex<Vec<Process>>,
    permits: Arc<Semaphore>,
    /// Processes on their way out; they go at once when the pool goes.
    leaving: Mutex<JoinSet<()>>,
}

impl ProcessPool {
    pub(crate) fn new(max_processes: usize) -> Self {
        Self {
            idle: Mutex::default(),
            leaving: Mutex::default(),
            permits: Arc::new(Semaphore::new(max_processes.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Runs a job on a warm process, or on a new one, as soon as there may be one.
    pub(crate) async fn run(
        &self,
        spec: &ProcessSpec,
        name: &str,
        mut job: Job,
        surroundings: &Surroundings,
    ) -> Outcome {
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
            return Outcome::Faulted(exited(&job.run.request_id, "the service has ended"));
        };
        let process = match self.take_warm() {
            Some(process) => Ok(process),
            None => Process::start(spec, name, surroundings).await,
        };
        let mut process = match process {
            Ok(process) => process,
            Err(error) => return Outcome::Faulted(error),
        };
        job.xray = spec.xray;
        let (outcome, fate) = process.run(job).await;
        match (fate, spec.lifetime) {
            (Fate::Gone, _) => {}
            (Fate::Usable, Lifetime::Warm) => lock(&self.idle).push(process),
            (Fate::Usable, Lifetime::Fresh) => {
                // Not waited for: the answer has been given. The permit is held until the process is gone.
                let mut leaving = lock(&self.leaving);
                while leaving.try_join_next().is_some() {}
                leaving.spawn(async move {
                    process.wind_down().await;
                    drop(permit);
                });
            }
        }
        outcome
    }

    fn take_warm(&self) -> Option<Process> {
        let mut idle = lock(&self.idle);
        while let Some(mut process) = idle.pop() {
            if process.is_alive() {
                return Some(process);
            }
        }
        None
    }
}

/// Whether a process can serve again.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Gone,
    Usable,
}

/// A running process with the Runtime API that it talks to. Dropping it kills it.
#[derive(Debug)]
struct Process {
    child: Child,
    api: RuntimeApi,
    /// Serves the Runtime API; dropping it ends that.
    _server: JoinSet<()>,
}

impl Process {
    async fn start(
        spec: &ProcessSpec,
        name: &str,
        surroundings: &Surroundings,
    ) -> Result<Self, ErrorRecord> {
        let cannot_start = |what: &str, cause: std::io::Error| {
            ErrorRecord::new(
                "Runtime.InvalidEntrypoint",
                format!("{what} {}: {cause}", spec.program.display()),
            )
        };
        let (api, listener) = RuntimeApi::bind()
            .await
            .map_err(|cause| cannot_start("no port for the Runtime API of", cause))?;
        let mut server = JoinSet::new();
        server.spawn(api.clone().serve(listener));
        let child = command(spec, name, &api.address(), surroundings)
            .spawn()
            .map_err(|cause| cannot_start("cannot start", cause))?;
        Ok(Self {
            child,
            api,
            _server: server,
        })
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Hands the job over and waits for its end, the process's or the time limit's.
    async fn run(&mut self, mut job: Job) -> (Outcome, Fate) {
        let request_id = job.run.request_id.clone();
        let limit = job.timeout;
        let (taken_sender, mut taken) = oneshot::channel();
        let (ended_sender, mut ended) = oneshot::channel();
        job.taken = Some(taken_sender);
        job.ended = Some(ended_sender);
        self.api.offer(job);

        // The time limit counts from when the process takes the job: its start is not the function's.
        let init = tokio::select! {
            biased;
            Ok(()) = &mut taken => Ok(()),
            error = self.api.init_error() => Err(error),
            status = self.child.wait() => Err(exited(&request_id, &describe_exit(status))),
            () = sleep(limit.max(MIN_INIT_TIME)) => Err(timed_out(&request_id, limit.max(MIN_INIT_TIME))),
        };
        if let Err(error) = init {
            self.end().await;
            return (Outcome::Faulted(error), Fate::Gone);
        }
        let outcome = tokio::select! {
            biased;
            Ok(outcome) = &mut ended => return (outcome, Fate::Usable),
            status = self.child.wait() => exited(&request_id, &describe_exit(status)),
            () = sleep(limit) => timed_out(&request_id, limit),
        };
        self.end().await;
        // An answer may have come together with the exit.
        let outcome = ended.try_recv().unwrap_or(Outcome::Faulted(outcome));
        (outcome, Fate::Gone)
    }

    /// Lets the process finish what it does after its answer, then ends it.
    async fn wind_down(&mut self) {
        let is_done = async {
            tokio::select! {
                () = self.api.asked_again() => {}
                _ = self.child.wait() => {}
            }
        };
        let _ = timeout(WIND_DOWN_TIME, is_done).await;
        self.end().await;
    }

    async fn end(&mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::debug!(%error, "a function's process could not be killed");
        }
    }
}

/// What is not to go through a proxy: whatever was said before, and this machine.
fn without_proxy() -> OsString {
    let mut list = std::env::var_os("NO_PROXY").unwrap_or_default();
    if !list.is_empty() {
        list.push(",");
    }
    list.push("127.0.0.1,localhost");
    list
}

fn describe_exit(status: std::io::Result<ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}

fn command(
    spec: &ProcessSpec,
    name: &str,
    runtime_api: &str,
    surroundings: &Surroundings,
) -> Command {
    let mut command = Command::new(&spec.program);
    command
        .args(&spec.args)
        .stdin(Stdio::null())
        // Standard output is the program's own result; functions must not write into it.
        .stdout(Stdio::from(std::io::stderr()))
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .env("NO_PROXY", without_proxy())
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", crate::name::LATEST)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}"))
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "local");
    match &surroundings.durable {
        Durable::Elsewhere(endpoint) => command.env("AWS_ENDPOINT_URL_LAMBDA", endpoint),
        Durable::Here { endpoint, region } => command
            // Real credentials must not leave the machine's owner, and a profile would bring them back.
            .env_remove("AWS_PROFILE")
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_SESSION_TOKEN", "local")
            .env("AWS_REGION", region)
            .env("AWS_DEFAULT_REGION", region)
            .env("AWS_ENDPOINT_URL_LAMBDA", endpoint),
    };
    command.envs(spec.env.iter().map(|(key, value)| (key, value)));
    command
}
