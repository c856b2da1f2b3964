//! The core and the reading of requests, without sockets, tasks or a clock: for `fuzz/` and its corpus. Not part of
//! the API, whatever its visibility.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::name::Place;
use crate::refusal::Refusal;
use crate::routes::Arrived;
use crate::routes::ask::{Ask, CoreAsk, InvocationType};
use crate::routes::path::{Query, Route};
use crate::state::{CHAINED_INVOKE_DELAY, Effect, FunctionKind, Outcome, Purpose, Run};
use crate::state::{LastPage, Settings, State};
use crate::time::UnixMillis;

/// A core with a durable function `f`, a plain one `plain`, and one execution under way.
pub struct World {
    state: State,
    now: UnixMillis,
    runs: VecDeque<Run>,
    /// What stands for `{arn}`, `{token}` and `{callback}` in a request: the newest of each.
    arn: String,
    token: String,
    callback: String,
}

/// A request that could be read.
#[derive(Clone)]
pub struct Asked(Ask);

impl Asked {
    /// Whether it is a checkpoint, and if so whether a client token makes it one and the same when it is sent again.
    pub fn is_repeatable(&self) -> Option<bool> {
        match &self.0 {
            Ask::Core(CoreAsk::Checkpoint { request, .. }) => Some(request.client_token.is_some()),
            _ => None,
        }
    }
}

/// What a request is answered with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("World").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Default for World {
    fn default() -> Self {
        let settings = Settings {
            place: Place {
                region: "us-east-1".to_owned(),
                account: "123456789012".to_owned(),
            },
            execution_timeout: Duration::from_hours(24),
            page_size: 3,
            last_page: LastPage::default(),
            chained_invoke_delay: CHAINED_INVOKE_DELAY,
        };
        let mut ids = 0;
        let mut state = State::new(settings, move || {
            ids += 1;
            format!("id-{ids}")
        });
        state.register("f", FunctionKind::Durable);
        state.register("plain", FunctionKind::Plain);
        let mut world = Self {
            state,
            now: UnixMillis::new(1_000_000),
            runs: VecDeque::new(),
            arn: String::new(),
            token: String::new(),
            callback: String::new(),
        };
        _ = world.request("POST /2015-03-31/functions/f/invocations\n\n{}");
        world
    }
}

impl World {
    /// Reads a request and puts it to the core: a line of method and target, lines of headers, an empty line, a body.
    pub fn request(&mut self, text: &str) -> Answer {
        match self.read(text) {
            Ok(asked) => self.put(asked),
            Err(refused) => refused,
        }
    }

    /// Reads a request as the service does.
    ///
    /// # Errors
    ///
    /// The refusal, as it would be answered.
    pub fn read(&self, text: &str) -> Result<Asked, Answer> {
        let arrived = self.arrive(text).ok_or_else(|| {
            Answer::from(Refusal::new(
                404,
                "UnknownOperationException",
                "No operation.",
            ))
        })?;
        Ask::parse(&arrived).map(Asked).map_err(Answer::from)
    }

    /// Puts a request to the core.
    pub fn put(&mut self, asked: Asked) -> Answer {
        let given = match asked.0 {
            Ask::Core(ask) => ask.put(&mut self.state, self.now),
            Ask::Invoke(invoke) => {
                let name = &invoke.start.function.name;
                match (self.state.function_kind(name), invoke.kind) {
                    (Some(_), InvocationType::DryRun) => Ok(Value::Null),
                    (Some(FunctionKind::Plain), _) => {
                        let payload = invoke.start.payload.unwrap_or_default();
                        let headers = invoke.start.headers;
                        let function = invoke.start.function;
                        let state = &mut self.state;
                        let run = state.begin_direct_run(function, payload, headers, self.now);
                        self.runs.push_back(run);
                        Ok(Value::Null)
                    }
                    _ => self.state.start(invoke.start, self.now).map(Value::from),
                }
            }
        };
        self.gather();
        match given {
            Ok(value) => {
                if let Some(token) = value.get("CheckpointToken").and_then(Value::as_str) {
                    token.clone_into(&mut self.token);
                }
                Answer {
                    status: 200,
                    body: value.to_string(),
                }
            }
            Err(refusal) => refusal.into(),
        }
    }

    /// Lets the oldest run end with this answer; says whether there was one.
    pub fn end(&mut self, answer: &str) -> bool {
        let Some(run) = self.runs.pop_front() else {
            return false;
        };
        let outcome = Outcome::Answered(answer.to_owned());
        match run.purpose {
            Purpose::Direct => self.state.end_direct_run(),
            Purpose::Invocation(invocation) => {
                self.state.end_invocation(invocation, outcome, self.now);
            }
            Purpose::Target {
                execution,
                operation_id,
            } => self
                .state
                .end_plain_target(execution, &operation_id, outcome, self.now),
        }
        self.gather();
        true
    }

    /// Lets time jump to what is due next, and that happen; says whether anything was.
    pub fn pass(&mut self) -> bool {
        let Some(due) = self.state.next_due(false) else {
            return false;
        };
        self.now = self.now.max(due);
        self.state.fire(self.now);
        self.gather();
        true
    }

    /// Returns all that the core would tell of its executions.
    pub fn view(&self) -> String {
        let mut view = String::new();
        for execution in self.state.executions() {
            _ = writeln!(view, "{execution:?}");
        }
        for invocation in self.state.invocations() {
            _ = writeln!(view, "{invocation:?}");
        }
        view
    }

    fn arrive(&self, text: &str) -> Option<Arrived> {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let (method, target) = lines.next()?.split_once(' ')?;
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let uri: Uri = self.fill(target, encode).parse().ok()?;
        let headers: HeaderMap = lines
            .filter_map(|line| {
                let (name, value) = line.split_once(':')?;
                let name: HeaderName = name.parse().ok()?;
                Some((name, HeaderValue::from_str(value.trim()).ok()?))
            })
            .collect();
        Some(Arrived {
            route: Route::parse(&Method::from_bytes(method.as_bytes()).ok()?, uri.path())?,
            query: Query::parse(uri.query()),
            headers,
            body: Bytes::from(self.fill(body, str::to_owned)),
        })
    }

    fn fill(&self, text: &str, encode: impl Fn(&str) -> String) -> String {
        let places = [
            ("{arn}", &self.arn),
            ("{token}", &self.token),
            ("{callback}", &self.callback),
        ];
        let fill = |text: String, (place, value): (&str, &String)| {
            // Once: a text of nothing but places must not grow beyond measure.
            text.replacen(place, &encode(value), 1)
        };
        places.into_iter().fold(text.to_owned(), fill)
    }

    fn gather(&mut self) {
        for effect in self.state.take_effects() {
            match effect {
                Effect::AnnounceCallback(started) => self.callback = started.callback_id,
                Effect::AnnounceEnd(_) => {}
                Effect::Run(run) => {
                    let event: Value = serde_json::from_str(&run.payload).unwrap_or_default();
                    let text = |name: &str| event.get(name)?.as_str().map(str::to_owned);
                    if let (Some(arn), Some(token), Purpose::Invocation(_)) = (
                        text("DurableExecutionArn"),
                        text("CheckpointToken"),
                        &run.purpose,
                    ) {
                        (self.arn, self.token) = (arn, token);
                    }
                    self.runs.push_back(run);
                }
            }
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self {
            status: refusal.status,
            body: refusal.to_answer_json().to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
