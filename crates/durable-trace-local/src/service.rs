//! A running service, as a program holds it.

use std::collections::HashMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;

use crate::callback::{self, CallbackStarted};
use crate::config::Config;
use crate::engine::Engine;
use crate::function::Function;
use crate::name::FunctionRef;
use crate::records::{CallRecord, ExecutionRecord, InvocationRecord, OperationRecord};
use crate::refusal::{ErrorRecord, Refusal};
use crate::routes;
use crate::state::{CallbackOutcome, RunHeaders, StartRequest};
use crate::time::UnixMillis;
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

/// Ends the service when dropped, if it is the program's.
struct Handle {
    engine: Arc<Engine>,
    is_owner: bool,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.is_owner {
            self.engine.abort();
        }
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
        let engine = Engine::start(config, listener, address);
        Ok(Self {
            handle: Arc::new(Handle {
                engine,
                is_owner: true,
            }),
        })
    }

    /// A handle for the service's own use, which does not keep it from ending.
    pub(crate) fn within(engine: Arc<Engine>) -> Self {
        Self {
            handle: Arc::new(Handle {
                engine,
                is_owner: false,
            }),
        }
    }

    /// The URL for `AWS_ENDPOINT_URL_LAMBDA`.
    pub fn endpoint(&self) -> String {
        self.engine().endpoint()
    }

    /// The region in the service's ARNs.
    pub fn region(&self) -> &str {
        &self.engine().config().region
    }

    /// The time by the service's clock.
    pub fn now(&self) -> UnixMillis {
        self.engine().now()
    }

    /// Makes a function known by a name, or replaces the one of that name and ends its processes.
    pub fn register(&self, name: &str, function: Function) {
        self.engine().register(name, function);
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
        self.engine().start_execution(request)
    }

    /// Waits until an execution has ended; for ever if there is none of this ARN.
    pub async fn ended(&self, arn: &str) -> ExecutionRecord {
        self.engine().ended(arn).await
    }

    /// One execution.
    pub fn execution(&self, arn: &str) -> Option<ExecutionRecord> {
        self.engine().read(|state| {
            state
                .execution(state.find(arn).ok()?)
                .ok()
                .map(ExecutionRecord::from)
        })
    }

    /// All executions by start.
    pub fn executions(&self) -> Vec<ExecutionRecord> {
        self.engine().read(|state| {
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
        self.engine().read(|state| {
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
        self.engine().read(|state| {
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
        self.engine().calls().all().to_vec()
    }

    /// The history of an execution as `GetDurableExecutionHistory` tells it, oldest first; empty if
    /// there is none of this ARN.
    pub fn history(&self, arn: &str) -> Vec<Value> {
        self.engine().read(|state| {
            let execution = state.find(arn).and_then(|index| state.execution(index));
            execution.map_or_else(|_| Vec::new(), |execution| execution.events().to_vec())
        })
    }

    /// The callbacks of an execution that wait for an answer, in log order.
    pub fn callbacks(&self, arn: &str) -> Vec<CallbackStarted> {
        self.engine().read(|state| {
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
        self.engine()
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
        self.engine()
            .answer_callback(callback_id, CallbackOutcome::Failure(error))
    }

    /// Ends the service: no more requests are taken, runs are given up, processes are killed.
    pub async fn shutdown(self) {
        self.engine().shut_down().await;
    }

    fn engine(&self) -> &Arc<Engine> {
        &self.handle.engine
    }
}
