//! `CheckpointDurableExecution` and `GetDurableExecutionState`.

use serde_json::{Map, Value, json};

use super::execution::{Execution, RememberedAnswer};
use super::log::Operation;
use super::render::{Place, render_operation};
use super::token::Token;
use super::update::{CheckpointRequest, check_updates};
use super::{LastPage, State};
use crate::refusal::Refusal;
use crate::time::UnixMillis;

impl State {
    /// Takes the updates of one request, all or none, and tells what changed since the last
    /// answer.
    pub(crate) fn checkpoint(
        &mut self,
        arn: &str,
        request: CheckpointRequest,
        now: UnixMillis,
    ) -> Result<Value, Refusal> {
        let index = self.find_for_token(arn)?;
        if let Some(answer) = self.remembered(index, &request) {
            return Ok(answer);
        }
        let invocation = self.check_token(index, &request.checkpoint_token)?;
        let updates = request.updates.unwrap_or_default();
        let execution = self.execution(index)?;
        check_updates(&updates, &execution.log)?;
        for update in updates {
            self.change(index, update, now);
        }

        let (page_size, last_page) = (self.settings.page_size, self.settings.last_page);
        let request_id = self
            .invocations
            .get(invocation)
            .map(|entry| entry.request_id.clone());
        let execution = self.execution_mut(index)?;
        let changed: Vec<(usize, Value)> = execution
            .log
            .unanswered()
            .map(|(place, operation)| (place, render_operation(operation, Place::Answer)))
            .collect();
        execution.log.answer();
        let mut state = Map::new();
        let next = changed.get(page_size).map(|(place, _)| *place);
        let empty = (last_page == LastPage::MayBeEmpty && changed.len() == page_size)
            .then(|| execution.operations().len());
        if let Some(place) = next.or(empty) {
            state.insert("NextMarker".to_owned(), json!(place.to_string()));
        }
        let first_page: Vec<Value> = changed
            .into_iter()
            .take(page_size)
            .map(|(_, operation)| operation)
            .collect();
        state.insert("Operations".to_owned(), Value::Array(first_page));
        let token = execution.turn_token(request_id.as_deref().unwrap_or_default());
        let answer = json!({"CheckpointToken": token, "NewExecutionState": state});
        execution.last_answer = request.client_token.map(|client_token| RememberedAnswer {
            client_token,
            checkpoint_token: request.checkpoint_token,
            answer: answer.clone(),
        });
        Ok(answer)
    }

    /// Gives a page of the log from `marker` on, or from the first operation.
    pub(crate) fn state_page(
        &self,
        arn: &str,
        checkpoint_token: &str,
        marker: Option<&str>,
        max_items: Option<usize>,
    ) -> Result<Value, Refusal> {
        let index = self.find_for_token(arn)?;
        let token = Token::decode(checkpoint_token).ok_or_else(Refusal::stale_token)?;
        let execution = self.execution(index)?;
        if self.live_invocation(execution) != Some(token.invocation.as_str()) {
            return Err(Refusal::stale_token());
        }
        let from = parse_marker(marker)?;
        let size = max_items
            .unwrap_or(usize::MAX)
            .clamp(1, self.settings.page_size);
        let (operations, next) = page(
            execution.operations(),
            from,
            size,
            self.settings.last_page,
            Place::Answer,
        );
        let mut answer = json!({ "Operations": operations });
        if let (Some(next), Some(answer)) = (next, answer.as_object_mut()) {
            answer.insert("NextMarker".to_owned(), json!(next));
        }
        Ok(answer)
    }

    /// The index of the execution that a token is presented for. The API's model knows no "not
    /// found" for these two operations: no token is valid for an execution that is none.
    fn find_for_token(&self, arn: &str) -> Result<usize, Refusal> {
        self.find(arn).map_err(|_| Refusal::stale_token())
    }

    /// The answer that a repetition of the same request gets again.
    fn remembered(&self, index: usize, request: &CheckpointRequest) -> Option<Value> {
        let last = self.executions.get(index)?.last_answer.as_ref()?;
        let same = request.client_token.as_ref() == Some(&last.client_token)
            && request.checkpoint_token == last.checkpoint_token;
        same.then(|| last.answer.clone())
    }

    /// Checks that the token is the newest of the invocation in flight; gives that invocation.
    fn check_token(&self, index: usize, text: &str) -> Result<usize, Refusal> {
        let execution = self.execution(index)?;
        let token = Token::decode(text).ok_or_else(Refusal::stale_token)?;
        // Request ids never repeat, so the invocation names the execution too.
        let is_newest = token.sequence == execution.tokens;
        if !is_newest || self.live_invocation(execution) != Some(token.invocation.as_str()) {
            return Err(Refusal::stale_token());
        }
        execution.live.ok_or_else(Refusal::stale_token)
    }

    fn live_invocation(&self, execution: &Execution) -> Option<&str> {
        Some(self.invocations.get(execution.live?)?.request_id.as_str())
    }
}

/// Renders one page; the marker of the next is the place of its first operation, or of the one that would be.
pub(super) fn page(
    operations: &[Operation],
    from: usize,
    size: usize,
    last_page: LastPage,
    place: Place,
) -> (Vec<Value>, Option<String>) {
    let rendered = operations
        .iter()
        .skip(from)
        .take(size)
        .map(|operation| render_operation(operation, place))
        .collect();
    let next = from.saturating_add(size);
    let is_named = match last_page {
        LastPage::HoldsSomething => next < operations.len(),
        LastPage::MayBeEmpty => next <= operations.len(),
    };
    (rendered, is_named.then(|| next.to_string()))
}

/// Reads a marker that this service gave; absent and empty mean the beginning.
pub(super) fn parse_marker(marker: Option<&str>) -> Result<usize, Refusal> {
    match marker {
        None | Some("") => Ok(0),
        Some(text) => text
            .parse()
            .map_err(|_| Refusal::invalid("Invalid Marker.")),
    }
}
