//! A requirement as AWS's file has it, with its random strings filled in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

/// What AWS's file says.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Requirement {
    /// Suite and number: `4-12`.
    #[serde(skip)]
    pub(super) id: String,
    /// What it is about, in a line.
    pub(super) description: String,
    #[serde(default, rename = "Variables")]
    variables: BTreeMap<String, String>,
    /// The event.
    #[serde(default, rename = "Input")]
    pub(super) input: Value,
    /// The end of the execution; nothing where only its beginning is asked for.
    #[serde(rename = "ExpectedResult")]
    pub(super) ending: Option<Ending>,
    /// The events that must be in the history.
    #[serde(rename = "ExpectedExecutionHistory")]
    pub(super) history: Vec<Value>,
    /// What somebody outside does about callbacks.
    #[serde(default, rename = "CallbackActions")]
    pub(super) callbacks: Vec<CallbackStep>,
    /// How often the function logs what.
    #[serde(default, rename = "ExpectedLogs")]
    pub(super) logs: Vec<LogCount>,
}

/// How the execution ends.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Ending {
    #[serde(rename = "ExecutionStatus")]
    pub(super) status: String,
    /// The result; `None` where it does not matter.
    #[serde(default, rename = "Result", deserialize_with = "present")]
    pub(super) result: Option<Value>,
}

/// An answer to a callback.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct CallbackStep {
    /// The callback's name; `*` is the next one, whatever its name.
    #[serde(rename = "CallbackName")]
    pub(super) name: String,
    #[serde(rename = "Operation")]
    pub(super) operation: String,
    #[serde(default, rename = "Payload", deserialize_with = "present")]
    pub(super) payload: Option<Value>,
    /// Seconds after the callback's start.
    #[serde(default, rename = "Delay")]
    pub(super) delay: u64,
}

/// How many log lines match.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct LogCount {
    #[serde(rename = "match")]
    pub(super) line: LogMatch,
    pub(super) count: usize,
}

/// Which log lines are meant.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct LogMatch {
    /// A regular expression between slashes.
    pub(super) message: String,
}

/// Tells `null` from nothing.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Where AWS's files are, if they are at hand: `conformance/core` in `DURABLE_TRACE_SHARED`.
pub(super) fn folder() -> Option<PathBuf> {
    let shared = std::env::var_os("DURABLE_TRACE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    Some(shared.join("conformance/core")).filter(|folder| folder.is_dir())
}

/// The requirements of a suite, in the order of their numbers.
pub(super) fn suite(folder: &Path, suite: &str) -> Vec<Requirement> {
    let files = std::fs::read_dir(folder.join(suite)).expect("a folder for each suite");
    let mut numbered: Vec<(u32, Requirement)> = files
        .map(|file| {
            let path = file.expect("a readable folder").path();
            let id = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let (_, number) = id.split_once('-').expect("suite-number.yaml");
            let text = std::fs::read_to_string(&path).expect("a readable file");
            // AWS's files are YAML 1.2: `y` is a text.
            let options = serde_saphyr::options! { strict_booleans: true };
            let mut requirement: Requirement = serde_saphyr::from_str_with_options(&text, options)
                .unwrap_or_else(|error| panic!("{id}: {error}"));
            let number = number.parse().expect("a number");
            requirement.id = id;
            (number, requirement.filled())
        })
        .collect();
    numbered.sort_by_key(|(number, _)| *number);
    numbered
        .into_iter()
        .map(|(_, requirement)| requirement)
        .collect()
}

impl Requirement {
    /// Whether branches end in an order that nobody knows; such a requirement lists only what is certain.
    pub(super) fn is_concurrent(&self) -> bool {
        ["8-11", "9-11"].contains(&self.id.as_str())
    }

    /// Whether its retries are delayed with jitter.
    pub(super) fn has_drawn_delays(&self) -> bool {
        self.id == "1-13"
    }

    /// The same with each `${NAME}` of its variables replaced.
    fn filled(mut self) -> Self {
        let texts: Vec<(String, String)> = self
            .variables
            .iter()
            .map(|(name, generator)| (format!("${{{name}}}"), self.generated(name, generator)))
            .collect();
        let fill = |text: &str| {
            texts.iter().fold(text.to_owned(), |text, (name, value)| {
                text.replace(name, value)
            })
        };
        for value in std::iter::once(&mut self.input).chain(&mut self.history) {
            replace(value, &fill);
        }
        if let Some(result) = self
            .ending
            .as_mut()
            .and_then(|ending| ending.result.as_mut())
        {
            replace(result, &fill);
        }
        for step in &mut self.callbacks {
            step.name = fill(&step.name);
            if let Some(payload) = &mut step.payload {
                replace(payload, &fill);
            }
        }
        for log in &mut self.logs {
            log.line.message = fill(&log.line.message);
        }
        self
    }

    /// `${GEN_STR:n}`: a string of n characters, the same in every run, another for every name and requirement.
    fn generated(&self, name: &str, generator: &str) -> String {
        let length = generator
            .strip_prefix("${GEN_STR:")
            .and_then(|rest| rest.strip_suffix('}'))
            .and_then(|length| length.parse().ok())
            .unwrap_or_else(|| panic!("{}: cannot generate {generator}", self.id));
        let text = format!("{}{name}", self.id);
        let letters = text.chars().filter(char::is_ascii_alphanumeric);
        letters.rev().cycle().take(length).collect()
    }
}

/// Replaces every text in a value.
fn replace(value: &mut Value, fill: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = fill(text),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, fill)),
        Value::Object(members) => {
            let filled: Map<String, Value> = std::mem::take(members)
                .into_iter()
                .map(|(key, mut value)| {
                    replace(&mut value, fill);
                    (key, value)
                })
                .collect();
            *members = filled;
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
