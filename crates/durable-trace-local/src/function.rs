//! Functions: what a service invokes.

use std::ffi::OsString;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::state::FunctionKind;
use crate::time::UnixMillis;

/// A function that a service can invoke: durable unless said otherwise.
///
/// ```
/// use durable_trace_local::Function;
///
/// let echo = Function::in_process(|invocation| async move {
///     Ok(serde_json::from_str(invocation.payload.get()).unwrap_or_default())
/// })
/// .plain();
/// let worker = Function::process("./bootstrap", [] as [&str; 0]).env("RUST_LOG", "debug");
/// # let _ = (echo, worker);
/// ```
#[derive(Clone, Debug)]
pub struct Function {
    pub(crate) body: Body,
    pub(crate) kind: FunctionKind,
    pub(crate) timeout: Option<Duration>,
}

/// How a function is run.
#[derive(Clone)]
pub(crate) enum Body {
    InProcess(Handler),
    Process(ProcessSpec),
}

/// A program that speaks the Lambda Runtime API.
#[derive(Clone, Debug)]
pub(crate) struct ProcessSpec {
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) lifetime: Lifetime,
    pub(crate) xray: XRay,
}

/// Whether invocations come with X-Ray's header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum XRay {
    Absent,
    /// One that says: not sampled.
    Unsampled,
}

/// How long a process lives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lifetime {
    /// One invocation.
    Fresh,
    /// As many invocations as come.
    Warm,
}

pub(crate) type HandlerFuture = Pin<Box<dyn Future<Output = Result<Value, FunctionError>> + Send>>;
pub(crate) type Handler = Arc<dyn Fn(Invocation) -> HandlerFuture + Send + Sync>;

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InProcess(_) => formatter.write_str("InProcess"),
            Self::Process(spec) => spec.fmt(formatter),
        }
    }
}

/// One invocation, as a function gets it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Invocation {
    /// The durable envelope; for a plain function the bare payload.
    pub payload: Box<RawValue>,
    /// What the service knows the invocation by.
    pub request_id: String,
    /// The ARN that was invoked, version included.
    pub function_arn: String,
    /// When the invocation is cut off, by the machine's clock.
    pub deadline: UnixMillis,
    /// What the client of the Invoke sent as client context, base64 decoded: JSON.
    pub client_context: Option<String>,
    /// The tenant that a chained invoke or a client named.
    pub tenant_id: Option<String>,
}

/// An error of the function itself: the invocation fails.
///
/// A durable function that fails its execution answers so instead.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{error_type}: {message}")]
pub struct FunctionError {
    /// The error's class.
    pub error_type: String,
    /// What happened, for people.
    pub message: String,
}

impl FunctionError {
    /// Makes an error of a class and a message.
    pub fn new(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            error_type: error_type.into(),
            message: message.into(),
        }
    }
}

impl Function {
    /// A function inside this process, run as a task of its own.
    ///
    /// A panic counts as a crash of the process would; a time-out drops the future.
    pub fn in_process<F, Fut>(handler: F) -> Self
    where
        F: Fn(Invocation) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value, FunctionError>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |invocation| Box::pin(handler(invocation)));
        Self::new(Body::InProcess(handler))
    }

    /// A program of its own, spoken to through the Lambda Runtime API: a `bootstrap`, or a handler
    /// under `awslambdaric`.
    ///
    /// It starts at the first invocation, serves one at a time and stays warm. Its standard output
    /// goes to this process's standard error.
    pub fn process(
        program: impl Into<OsString>,
        args: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        Self::new(Body::Process(ProcessSpec {
            program: program.into(),
            args: args.into_iter().map(Into::into).collect(),
            env: Vec::new(),
            lifetime: Lifetime::Warm,
            xray: XRay::Unsampled,
        }))
    }

    fn new(body: Body) -> Self {
        Self {
            body,
            kind: FunctionKind::Durable,
            timeout: None,
        }
    }

    /// Adds a variable to the environment of a process; the last of a name wins, over the
    /// service's own too. Without effect in process.
    #[must_use]
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        if let Body::Process(spec) = &mut self.body {
            spec.env.push((key.into(), value.into()));
        }
        self
    }

    /// Starts a new process for each invocation. Without effect in process.
    #[must_use]
    pub fn fresh(mut self) -> Self {
        if let Body::Process(spec) = &mut self.body {
            spec.lifetime = Lifetime::Fresh;
        }
        self
    }

    /// Invokes it without X-Ray's header. Without effect in process, where there is none.
    ///
    /// Otherwise each has one that says that it is not sampled, with one `Root` for all invocations of an execution.
    #[must_use]
    pub fn without_xray(mut self) -> Self {
        if let Body::Process(spec) = &mut self.body {
            spec.xray = XRay::Absent;
        }
        self
    }

    /// Makes it a plain function: it gets the bare payload and its answer is the result.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.kind = FunctionKind::Plain;
        self
    }

    /// How long one invocation may take by the machine's clock, instead of the service's default.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}
