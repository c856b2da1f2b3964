//! `export`: which executions, what of them, where to.

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum;
use durable_trace_history::Destination;

use super::{ViewName, examples, values};
use crate::source::{self, AwsArgs, Source};

/// Build an execution's trace from its history alone, traced or not, in any language, and send or write it
///
/// The service keeps every start and end: the whole execution as one span, operations and attempts at their true lengths,
/// invocations, times asleep. Ids follow from the execution's ARN: exporting twice gives the same spans. Where a checkpoint
/// (`_datadog_N`) shows that the execution was traced, its trace goes on, and only what live tracing cannot send goes
/// out: the whole execution, the times asleep, waits that nobody saw end. Every span has `durable_trace.source` `history`.
/// Inputs and results stay out unless asked for. Exit code 1 if an execution could not be exported.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::EXPORT)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct ExportArgs {
    /// An execution's ARN, or a file of what the AWS CLI prints for `get-durable-execution-history`; `-` is stdin
    #[arg(value_name = "SOURCE")]
    pub(crate) source: Option<Source>,
    /// Where to: `agent` (`DD_TRACE_AGENT_URL`, or a URL behind it), `otlp URL`, or `file PATH`, `-` for stdout
    #[arg(long, num_args = 1..=2, required = true, value_names = ["agent|otlp|file", "URL|PATH"])]
    pub(crate) to: Vec<String>,
    /// What a file holds
    #[arg(long, value_enum, default_value_t = FileFormat::OtlpJson)]
    pub(crate) format: FileFormat,
    /// Which spans stand for an execution; AWS's views are whole always, in the trace of live spans; of a file alone, only where X-Ray names none
    #[arg(long, value_enum, value_name = "VIEW", default_value_t = ViewName::Datadog)]
    pub(crate) view: ViewName,
    /// Every span, though live tracing has sent some: they are there twice then, for ids of live spans are random
    #[arg(long)]
    pub(crate) all: bool,
    /// The function is traced, though an execution has no checkpoint: one that never slept has none
    #[arg(long, conflicts_with = "all")]
    pub(crate) traced: bool,
    /// No times asleep: live tracing sends them, with `DURABLE_TRACE_SUSPENDED_SPANS`
    #[arg(long, conflicts_with = "all")]
    pub(crate) without_suspended: bool,
    /// Inputs and results too, as `durable_trace.input` and `durable_trace.result`, each cut after 4096 bytes
    #[arg(long)]
    pub(crate) include_data: bool,
    /// No messages of errors, their types alone
    #[arg(long)]
    pub(crate) no_error_messages: bool,
    /// Executions that still run too, as far as they have come
    #[arg(long)]
    pub(crate) running: bool,
    /// The service of the spans; by default the function's name
    #[arg(long, value_name = "NAME", env = "DD_SERVICE", hide_env_values = true)]
    pub(crate) service: Option<String>,
    /// The environment of the spans
    #[arg(long, value_name = "NAME", env = "DD_ENV", hide_env_values = true)]
    pub(crate) env: Option<String>,
    /// Executions of this function, by name or ARN, instead of SOURCE
    #[arg(long, value_name = "NAME", conflicts_with = "source")]
    pub(crate) function: Option<String>,
    /// Those that started no longer ago, such as `24h`
    #[arg(long, value_name = "TIME", requires = "function", conflicts_with = "source", value_parser = values::parse_duration)]
    pub(crate) since: Option<Duration>,
    /// How many requests a second Lambda is asked at most, where many executions are read
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) rate: u16,
    /// Send and write nothing, say what would be
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The execution's ARN, which a file may not tell
    #[arg(long, value_name = "ARN", value_parser = source::parse_arn)]
    pub(crate) arn: Option<String>,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// What a file of traces holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum FileFormat {
    /// Chrome's trace format, which <https://ui.perfetto.dev> opens
    Chrome,
    /// A list of traces, as an agent's `/v0.4/traces` takes it
    DatadogJson,
    /// One OTLP/JSON `ExportTraceServiceRequest`
    OtlpJson,
}

/// Where traces go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum To {
    File(PathBuf),
    Network(Destination),
    Stdout,
}

/// What `--to` says, and the SOURCE that may have stood behind it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Parsed {
    pub(crate) to: To,
    pub(crate) source: Option<Source>,
}

/// Reads the one or two words of `--to`. Behind `agent` stands a URL, or what was meant as SOURCE.
pub(crate) fn parse_to(words: &[String], agent: impl FnOnce() -> String) -> Result<Parsed, String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let to = |to| Ok(Parsed { to, source: None });
    let network =
        |destination: Result<Destination, durable_trace_history::ParseDestinationError>| {
            destination
                .map(To::Network)
                .map_err(|error| error.to_string())
        };
    match words.as_slice() {
        ["agent"] => to(network(Destination::agent(&agent()))?),
        ["agent", url] if url.contains("://") => to(network(Destination::agent(url))?),
        ["agent", source] => Ok(Parsed {
            to: network(Destination::agent(&agent()))?,
            source: Some(source.parse()?),
        }),
        ["otlp", url] => to(network(Destination::otlp(url))?),
        ["otlp"] => Err("expected a URL behind otlp, such as http://localhost:4318".to_owned()),
        ["file", "-"] => to(To::Stdout),
        ["file", path] => to(To::File(path.into())),
        ["file"] => Err("expected a path behind file, or - for stdout".to_owned()),
        _ => Err(format!(
            "expected agent, otlp URL or file PATH, not {:?}",
            words.join(" ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_word_and_what_belongs_to_it() {
        let agent = || "http://localhost:8126".to_owned();
        let parse = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            parse_to(&words, agent)
        };
        let to = |to: To| Some(Parsed { to, source: None });
        let local = || To::Network(Destination::agent("http://localhost:8126").unwrap());
        let other = To::Network(Destination::agent("http://a:1").unwrap());
        let collector = To::Network(Destination::otlp("http://c:4318").unwrap());
        let behind = Some(Parsed {
            to: local(),
            source: Some(Source::File("h.json".into())),
        });
        for (words, want, why) in [
            (&["agent"][..], to(local()), "the environment's"),
            (&["agent", "http://a:1"], to(other), "a URL"),
            (&["agent", "h.json"], behind, "no URL: the source"),
            (&["otlp", "http://c:4318"], to(collector), "a collector"),
            (&["otlp"], None, "which collector"),
            (&["otlp", "c:4318"], None, "no URL"),
            (&["file", "-"], to(To::Stdout), "stdout"),
            (&["file", "t.json"], to(To::File("t.json".into())), "a file"),
            (&["file"], None, "which file"),
            (&["datadog"], None, "no such word"),
        ] {
            assert_eq!(parse(words).ok(), want, "{why}");
        }
    }
}
