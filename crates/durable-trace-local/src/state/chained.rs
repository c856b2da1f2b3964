//! Chained invokes: functions that the service starts for others.

use std::time::Duration;

use super::execution::Ending;
use super::log::{Details, Operation};
use super::start::StartRequest;
use super::wake::OperationEnd;
use super::{Effect, FunctionKind, Outcome, Purpose, Run, RunHeaders, State, Timer, xray_root};
use crate::history::Target;
use crate::name::FunctionRef;
use crate::refusal::ErrorRecord;
use crate::time::UnixMillis;
use crate::vocabulary::{ExecutionStatus, OperationStatus};

/// How long after its start a chained invoke's target begins by default: long enough for the
/// caller's request to be answered first.
pub(crate) const CHAINED_INVOKE_DELAY: Duration = Duration::from_millis(1);

impl State {
    /// Adds a chained invoke and makes its target ready, to begin a moment later.
    pub(super) fn start_chained_invoke(
        &mut self,
        index: usize,
        operation: Operation,
        now: UnixMillis,
    ) {
        let Details::ChainedInvoke {
            function_name,
            tenant_id,
            payload,
        } = &operation.details
        else {
            return;
        };
        let at = now.after(self.settings.chained_invoke_delay);
        let target = FunctionRef::parse(function_name, None).ok();
        let kind = target
            .as_ref()
            .and_then(|target| self.function_kind(&target.name));
        let version = target.as_ref().map(|target| target.version.clone());
        let arn = if let (Some(function), Some(FunctionKind::Durable)) = (target, kind) {
            let request = StartRequest {
                function,
                payload: payload.clone(),
                name: None,
                headers: RunHeaders {
                    client_context: None,
                    tenant_id: tenant_id.clone(),
                },
            };
            let child = self.create_execution(request, Some((index, operation.id.clone())), now);
            self.schedule_invocation(child, at);
            self.executions.get(child).map(|child| child.arn.clone())
        } else {
            let timer = Timer::StartTarget {
                execution: index,
                operation_id: operation.id.clone(),
            };
            self.timers.set(at, timer);
            None
        };
        let target = Target {
            arn: arn.as_deref(),
            version: version.as_deref(),
        };
        self.add_started(index, operation, target, now);
    }

    /// Takes the end of a plain target.
    pub(crate) fn end_plain_target(
        &mut self,
        index: usize,
        operation_id: &str,
        outcome: Outcome,
        now: UnixMillis,
    ) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let ending = match outcome {
            Outcome::Answered(result) => Ending::succeeded(Some(result)),
            Outcome::Faulted(error) => Ending::failed(Some(error)),
        };
        self.end_target(index, operation_id, &ending, now);
    }

    /// Ends a chained invoke as its target ended, and wakes the caller.
    pub(super) fn end_target(
        &mut self,
        index: usize,
        operation_id: &str,
        ending: &Ending,
        now: UnixMillis,
    ) {
        let status = match ending.status {
            ExecutionStatus::Running => return,
            ExecutionStatus::Failed => OperationStatus::Failed,
            ExecutionStatus::Stopped => OperationStatus::Stopped,
            ExecutionStatus::Succeeded => OperationStatus::Succeeded,
            ExecutionStatus::TimedOut => OperationStatus::TimedOut,
        };
        let end = OperationEnd {
            status,
            result: ending.result.clone(),
            error: ending.error.clone(),
        };
        if self.end_operation(index, operation_id, end, now) {
            self.wake(index, now);
        }
    }

    /// Runs the plain target of a chained invoke, or ends the invoke if there is no such function.
    pub(super) fn start_plain_target(
        &mut self,
        index: usize,
        operation_id: String,
        now: UnixMillis,
    ) -> Option<usize> {
        let operation = self.executions.get(index)?.log.find(&operation_id)?;
        let Details::ChainedInvoke {
            function_name,
            tenant_id,
            payload,
        } = operation.details.clone()
        else {
            return None;
        };
        let target = FunctionRef::parse(&function_name, None);
        let function = match target {
            Ok(function) if self.function_kind(&function.name) == Some(FunctionKind::Plain) => {
                function
            }
            other => {
                let refusal = other.map_or_else(
                    |refusal| refusal,
                    |function| self.unknown_function(&function),
                );
                let end = OperationEnd {
                    status: OperationStatus::Failed,
                    result: None,
                    error: Some(ErrorRecord::new(refusal.error_type, refusal.message)),
                };
                return self
                    .end_operation(index, &operation_id, end, now)
                    .then_some(index);
            }
        };
        let request_id = (self.new_id)();
        let run = Run {
            purpose: Purpose::Target {
                execution: index,
                operation_id,
            },
            function,
            xray_root: xray_root(now, &request_id),
            request_id,
            payload: payload.unwrap_or_else(|| "null".to_owned()),
            client_context: None,
            tenant_id,
        };
        self.in_flight += 1;
        self.effects.push(Effect::Run(run));
        None
    }
}
