//! A requirement for a trace, as AWS's file has it.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// What a file asks for in one view.
#[derive(Clone, Debug)]
pub(super) struct Requirement {
    /// The file's name.
    pub(super) id: String,
    pub(super) view: &'static str,
    pub(super) description: String,
    pub(super) input: Input,
    pub(super) history: Vec<Value>,
    pub(super) asserted: Value,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Input {
    pub(super) scenario: String,
}

#[derive(Debug, Deserialize)]
struct File {
    description: String,
    #[serde(rename = "Input")]
    input: Input,
    #[serde(rename = "ExpectedExecutionHistory")]
    history: Vec<Value>,
    #[serde(rename = "TelemetryAssertions")]
    asserted: Value,
    /// Those on long executions ask for both views.
    #[serde(default, rename = "ExecutionTelemetryAssertions")]
    of_execution: Option<Value>,
}

/// Where AWS's files are, if they are at hand: `conformance/otel` in `DURABLE_TRACE_SHARED`.
pub(super) fn folder() -> Option<PathBuf> {
    let shared = std::env::var_os("DURABLE_TRACE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    Some(shared.join("conformance/otel")).filter(|folder| folder.is_dir())
}

/// All that the files ask for, by suite and number.
pub(super) fn all(folder: &Path) -> Vec<Requirement> {
    let mut all = Vec::new();
    for (suite, view) in [
        ("otel-execution", "execution"),
        ("otel-invocation", "invocation"),
        ("otel-long-running", "invocation"),
    ] {
        let files = std::fs::read_dir(folder.join(suite)).unwrap();
        let mut numbered: Vec<(u32, PathBuf)> = files
            .map(|file| {
                let path = file.unwrap().path();
                let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
                let (_, number) = stem.rsplit_once('-').unwrap();
                (number.parse().unwrap(), path)
            })
            .collect();
        numbered.sort();
        all.extend(numbered.iter().flat_map(|(_, path)| read(path, view)));
    }
    all
}

fn read(path: &Path, view: &'static str) -> Vec<Requirement> {
    let text = std::fs::read_to_string(path).unwrap();
    // AWS's files are YAML 1.2: `y` is a text.
    let options = serde_saphyr::options! { strict_booleans: true };
    let file: File = serde_saphyr::from_str_with_options(&text, options)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let id = path.file_stem().unwrap().to_string_lossy().into_owned();
    let of = |view, asserted| Requirement {
        id: id.clone(),
        view,
        description: file.description.clone(),
        input: file.input.clone(),
        history: file.history.clone(),
        asserted,
    };
    let other = file.of_execution.clone();
    let mut both = vec![of(view, file.asserted.clone())];
    both.extend(other.map(|asserted| of("execution", asserted)));
    both
}
