//! The core by itself: requests and times in, answers, events and effects out.

mod callbacks;
mod chained;
mod checkpoints;
mod invocations;
mod recorded;

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::refusal::Refusal;

/// A core with a durable function `f`, a plain one `plain`, and a clock that the test sets.
struct World {
    state: State,
    now: UnixMillis,
    runs: Vec<Run>,
    announced: Vec<CallbackStarted>,
    ended: Vec<String>,
}

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(adjust: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            place: Place {
                region: "us-east-1".to_owned(),
                account: "123456789012".to_owned(),
            },
            execution_timeout: Duration::from_hours(24),
            page_size: usize::MAX,
            last_page: LastPage::default(),
            chained_invoke_delay: Duration::from_millis(1),
        };
        adjust(&mut settings);
        let mut ids = 0;
        let mut state = State::new(settings, move || {
            ids += 1;
            format!("id-{ids}")
        });
        state.register("f", FunctionKind::Durable);
        state.register("plain", FunctionKind::Plain);
        Self {
            state,
            now: UnixMillis::new(1_000_000),
            runs: Vec::new(),
            announced: Vec::new(),
            ended: Vec::new(),
        }
    }

    fn start(&mut self, payload: &str) -> usize {
        self.start_named(payload, None).unwrap()
    }

    fn start_named(&mut self, payload: &str, name: Option<&str>) -> Result<usize, Refusal> {
        let request = StartRequest {
            function: FunctionRef::parse("f", None).unwrap(),
            payload: Some(payload.to_owned()),
            name: name.map(str::to_owned),
            headers: RunHeaders::default(),
        };
        let started = self.state.start(request, self.now);
        self.gather();
        started
    }

    /// Takes what the core wants done.
    fn gather(&mut self) {
        for effect in self.state.take_effects() {
            match effect {
                Effect::Run(run) => self.runs.push(run),
                Effect::AnnounceCallback(started) => self.announced.push(started),
                Effect::AnnounceEnd(arn) => self.ended.push(arn),
            }
        }
    }

    fn arn(&self, execution: usize) -> String {
        self.state.executions()[execution].arn.clone()
    }

    /// The event of the newest run.
    fn event(&self) -> Value {
        serde_json::from_str(&self.runs.last().unwrap().payload).unwrap()
    }

    /// The token that the newest run's event carries.
    fn event_token(&self) -> String {
        self.event()["CheckpointToken"].as_str().unwrap().to_owned()
    }

    /// Sends updates with a token; gives the answer.
    fn checkpoint(&mut self, token: &str, updates: impl Into<Value>) -> Result<Value, Refusal> {
        self.checkpoint_body(json!({"CheckpointToken": token, "Updates": updates.into()}))
    }

    fn checkpoint_body(&mut self, body: Value) -> Result<Value, Refusal> {
        let arn = self.event()["DurableExecutionArn"]
            .as_str()
            .unwrap()
            .to_owned();
        let answer = self
            .state
            .checkpoint(&arn, serde_json::from_value(body).unwrap(), self.now);
        self.gather();
        answer
    }

    /// Answers the newest run.
    fn answer(&mut self, answer: &Value) {
        self.end(Outcome::Answered(answer.to_string()));
    }

    fn fault(&mut self) {
        self.end(Outcome::Faulted(ErrorRecord::new("Boom", "oh")));
    }

    fn end(&mut self, outcome: Outcome) {
        let purpose = self.runs.last().unwrap().purpose.clone();
        self.end_purpose(purpose, outcome);
    }

    fn end_purpose(&mut self, purpose: Purpose, outcome: Outcome) {
        match purpose {
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
    }

    /// Lets time pass.
    fn pass(&mut self, duration: Duration) {
        self.now = self.now.after(duration);
        self.state.fire(self.now);
        self.gather();
    }

    fn status(&self, execution: usize) -> &'static str {
        self.state.executions()[execution].ending.status.as_str()
    }

    /// The types of an execution's events without those of its own beginning.
    fn events(&self, execution: usize) -> Vec<String> {
        let events = self.state.executions()[execution].events().iter().skip(1);
        events
            .map(|event| event["EventType"].as_str().unwrap().to_owned())
            .collect()
    }

    fn last_event(&self, execution: usize) -> Value {
        self.state.executions()[execution]
            .events()
            .last()
            .unwrap()
            .clone()
    }
}

fn pending() -> Value {
    json!({"Status": "PENDING"})
}

fn succeeded(result: &str) -> Value {
    json!({"Status": "SUCCEEDED", "Result": result})
}

fn wait(id: &str, seconds: u32) -> Value {
    json!({"Id": id, "Type": "WAIT", "SubType": "Wait", "Action": "START", "WaitOptions": {"WaitSeconds": seconds}})
}

fn token_of(answer: &Value) -> &str {
    answer["CheckpointToken"].as_str().unwrap()
}

const SECOND: Duration = Duration::from_secs(1);
