//! Which invocation a wire call, a span of the SDK's or a late message belongs to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use durable_trace_wire::{CheckpointNumber, Decision};

use crate::session::Session;

/// All invocations that this process is serving.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// By execution ARN.
    executions: HashMap<String, Execution>,
}

/// The invocations of one execution; more than one when the service gave up on an earlier one that still runs.
#[derive(Debug, Default)]
struct Execution {
    invocations: Vec<Registered>,
    /// The next checkpoint's number; shared, so that overlapping invocations do not take the same.
    next_number: u64,
}

#[derive(Debug)]
struct Registered {
    session: Arc<Session>,
    /// Checkpoint tokens that descend from the one it was invoked with.
    tokens: Vec<String>,
}

/// The registry of this process.
///
/// One for all services in it, since a tracing layer is told nothing but an ARN and a request id.
pub(crate) fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(Registry::default)
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, session: Arc<Session>, token: Option<&str>) {
        let mut inner = self.lock();
        let execution = inner
            .executions
            .entry(session.arn().to_owned())
            .or_default();
        execution.invocations.push(Registered {
            session,
            tokens: token.map(str::to_owned).into_iter().collect(),
        });
    }

    pub(crate) fn remove(&self, session: &Session) {
        let mut inner = self.lock();
        let Some(execution) = inner.executions.get_mut(session.arn()) else {
            return;
        };
        execution
            .invocations
            .retain(|registered| !std::ptr::eq(&raw const *registered.session, session));
        if execution.invocations.is_empty() {
            inner.executions.remove(session.arn());
        }
    }

    /// The invocation whose calls carry `token`.
    pub(crate) fn by_token(&self, arn: &str, token: &str) -> Option<Arc<Session>> {
        let inner = self.lock();
        let registered = inner.executions.get(arn)?.invocations.iter();
        registered
            .rev()
            .find(|r| r.tokens.iter().any(|t| t == token))
            .map(|r| Arc::clone(&r.session))
    }

    /// The invocation that Lambda knows by `request_id`.
    pub(crate) fn by_request(&self, arn: &str, request_id: &str) -> Option<Arc<Session>> {
        let inner = self.lock();
        let registered = inner.executions.get(arn)?.invocations.iter();
        registered
            .rev()
            .find(|r| r.session.request_id() == request_id)
            .map(|r| Arc::clone(&r.session))
    }

    /// Notes that the service answered `session` with a new token.
    pub(crate) fn add_token(&self, session: &Session, token: &str) {
        let mut inner = self.lock();
        let Some(execution) = inner.executions.get_mut(session.arn()) else {
            return;
        };
        let own = execution
            .invocations
            .iter_mut()
            .find(|r| std::ptr::eq(&raw const *r.session, session));
        if let Some(registered) = own {
            registered.tokens.push(token.to_owned());
        }
    }

    /// Lets `decide` choose with the next free number, given the `highest` seen, and takes that number if it is used.
    pub(crate) fn decide_numbered(
        &self,
        arn: &str,
        highest: Option<u64>,
        decide: impl FnOnce(Option<u64>) -> Decision,
    ) -> Decision {
        let after_seen = highest.map_or(Some(0), |n| n.checked_add(1));
        let mut inner = self.lock();
        let execution = inner.executions.entry(arn.to_owned()).or_default();
        let next = after_seen
            .map(|n| n.max(execution.next_number))
            .filter(|n| CheckpointNumber::new(*n).is_some());
        let decision = decide(next);
        if let (Decision::Write(_), Some(taken)) = (&decision, next) {
            execution.next_number = taken + 1;
        }
        decision
    }
}
