//! The command line: what can be asked for, with an example for each.

mod examples;
mod export;
mod values;

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};
use durable_trace_history::Destination;
use durable_trace_history::TraceView;
use durable_trace_wire::SpanId;

pub(crate) use self::export::{ExportArgs, FileFormat, To, parse_to};
pub(crate) use self::values::{ClockChoice, FunctionCommand, JsonText};
use crate::{source::SourceArgs, workflows};

/// See one Datadog trace across suspend and resume, and find out why a trace broke.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = examples::PROGRAM
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(DemoArgs),
    Doctor(DoctorArgs),
    Explain(ExplainArgs),
    Export(ExportArgs),
    Extract(ExtractArgs),
    Function(FunctionArgs),
    Inject(InjectArgs),
    Inspect(InspectArgs),
    Serve(ServeArgs),
}

/// Run a durable workflow here, each invocation a process of its own, and show its one trace
///
/// The workflow is written with the official SDK and runs on a local service that skips the time of waits. Every
/// invocation is a fresh process, so that nothing but the execution's own log can carry the trace from one to the next.
/// The spans are what a loopback Datadog intake received. Settings of the tracer and of the library (`DD_*`,
/// `DURABLE_TRACE_*`) are taken from the environment.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::DEMO)]
pub(crate) struct DemoArgs {
    /// The workflow to run; `--list` says what each shows
    #[arg(value_parser = workflows::names(), default_value = workflows::DEFAULT, hide_possible_values = true)]
    pub(crate) workflow: String,
    /// List the workflows, a line each, and run none
    #[arg(long)]
    pub(crate) list: bool,
    /// What to print
    #[arg(long, value_enum, default_value_t = DemoFormat::Text)]
    pub(crate) format: DemoFormat,
    /// Write a page that draws the spans and the log in time as well: one file, for any browser
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Which spans an execution makes; without it what `DURABLE_TRACE_VIEW` says, else Datadog's
    #[arg(long, value_enum)]
    pub(crate) view: Option<ViewName>,
    /// Send the spans to a real Datadog agent as well, such as `http://localhost:8126`
    #[arg(long, value_name = "URL", value_parser = Destination::agent)]
    pub(crate) agent: Option<Destination>,
}

/// Which spans stand for an execution.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ViewName {
    /// Datadog's: each invocation, and in it each operation or attempt
    Datadog,
    /// AWS's execution view: the whole execution, and in it each operation over its whole life
    Execution,
    /// AWS's invocation view: each invocation, and in it a segment of each operation
    Invocation,
}

impl From<ViewName> for TraceView {
    fn from(name: ViewName) -> Self {
        match name {
            ViewName::Datadog => Self::Datadog,
            ViewName::Execution => Self::Execution,
            ViewName::Invocation => Self::Invocation,
        }
    }
}

/// How `demo` prints what happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum DemoFormat {
    /// One JSON object: execution, invocations, operations and spans
    Json,
    /// One OTLP/JSON `ExportTraceServiceRequest`
    OtlpJson,
    /// The tree of spans, then the checkpoints
    Text,
}

/// Look for what is wrong with a set-up, a line for each thing looked at, with its remedy
///
/// Looks at the environment that it runs in: the variables that tracer and library read (`DD_*`, `OTEL_*`,
/// `DURABLE_TRACE_*`), who listens at the agent's URL, whether a connection to the Lambda API comes about, how often the
/// client tries (`AWS_MAX_ATTEMPTS`), the SDK's version in the nearest `Cargo.lock`, and this machine's clock. It sends no
/// request to AWS, only connects, and shows no value of a variable but the agent's address. Exit code 1 if something is
/// wrong. The function itself logs the same messages at WARN.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::DOCTOR)]
pub(crate) struct DoctorArgs {
    /// What to print
    #[arg(long, value_enum, default_value_t = DoctorFormat::Text)]
    pub(crate) format: DoctorFormat,
    /// Connect to nobody
    #[arg(long)]
    pub(crate) offline: bool,
}

/// How `doctor` prints what it found.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum DoctorFormat {
    /// One JSON object: `sound`, and `checks` of `check`, `result`, `kind` and `message`
    Json,
    /// A line for each check: its result, its name, what is to be said
    Text,
}

/// Why did my trace break? Show what an invocation event's checkpoints say, and what would be saved next
///
/// Reads one durable invocation event (JSON, may span lines) from stdin and prints one object: `read` is the context the
/// invocation continues, a checkpoint's or else the caller's, and `source` what it came in, `skipped` names every checkpoint that was passed over and the reason, `decision` and `write` say
/// what a suspension would save. `DD_TRACE_ENABLED`, `DD_DURABLE_CROSS_INVOCATION_TRACING_ENABLED`,
/// `DD_TRACE_X_DATADOG_TAGS_MAX_LENGTH` and `DURABLE_TRACE_CHECKPOINT_STYLE` count as they do in the function.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::EXPLAIN)]
pub(crate) struct ExplainArgs {
    /// What injection gave at the suspension: a JSON object of headers
    #[arg(long, value_name = "JSON")]
    pub(crate) headers: Option<JsonText>,
    /// The execute span's id, the anchor when nothing was read; without it the headers' own parent id serves
    #[arg(long, value_name = "ID")]
    pub(crate) span_id: Option<SpanId>,
}

/// Why did my trace break? Show the context that each line of stdin continues
///
/// Each line is a JSON value and gives one line: the context, or `null` if there is none. A line that is not JSON gives
/// `null`, a message on stderr, and exit code 1 at the end. `source` says where the context came from: a checkpoint
/// (`_datadog_0`), or what the caller's event carries it in (`headers`, `sqs`, `eventbridge`, `step-functions`, …).
/// `DD_TRACE_PROPAGATION_STYLE_EXTRACT` and `DD_DECODE_AUTHORIZER_CONTEXT` count as they do in the function.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::EXTRACT)]
pub(crate) struct ExtractArgs {
    /// What each line is
    #[arg(long, value_enum, default_value_t = ExtractFrom::Event)]
    pub(crate) from: ExtractFrom,
}

/// What a line of `extract` is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ExtractFrom {
    /// An invocation event: its checkpoints are read, else the caller's event within; or the caller's event by itself
    Event,
    /// A map of headers: Datadog's, else W3C trace context
    Headers,
}

/// Serve one of the demo's workflows through the Lambda Runtime API; `demo` starts this itself.
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub(crate) struct FunctionArgs {
    #[arg(value_parser = workflows::function_names())]
    pub(crate) workflow: String,
}

/// Why did my trace break? Show the headers that a context becomes when it is propagated
///
/// Each line is an object with `trace_id` (32 hex digits, or decimal), `span_id` (decimal), and optionally
/// `sampling_priority`, `origin` and `tags`; it gives one line, a map of Datadog headers.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::INJECT)]
pub(crate) struct InjectArgs {}

/// What happened, when, and where is its trace? Show an execution, traced or not, in any language
///
/// Reads what the service keeps of an execution and shows it in time: operations with their attempts and errors, invocations, the time
/// asleep, the checkpoints of tracing libraries, and what is wrong with them. Inputs and results are not shown.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::INSPECT)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// What to print
    #[arg(long, value_enum, default_value_t = InspectFormat::Text)]
    pub(crate) format: InspectFormat,
    /// Rows are the spans that stand for the execution in this view, made from its history, instead of its operations
    #[arg(long, value_enum, value_name = "VIEW")]
    pub(crate) view: Option<ViewName>,
    /// Go on until the execution has ended: a line for each change, and the whole at the end
    ///
    /// As JSON, the whole again with each change, on a line of its own. A file is read again as it grows.
    #[arg(long)]
    pub(crate) follow: bool,
    /// Write a page that draws the execution in time as well: one file, for any browser
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// The Datadog site that the trace is on, for a link to it
    #[arg(long, value_name = "SITE", env = "DD_SITE", hide_env_values = true)]
    pub(crate) site: Option<String>,
}

/// How `inspect` prints an execution.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum InspectFormat {
    /// One JSON object, a timeline: docs/timeline.md
    Json,
    /// A head, the operations with their bars, the checkpoints, the warnings
    Text,
}

/// Run a local durable execution service for your own functions
///
/// Speaks AWS's REST-JSON on 127.0.0.1 and runs functions as processes through the Lambda Runtime API: an unmodified
/// `bootstrap` works. At its root is a page for a browser: executions as they run, and buttons to answer callbacks and to
/// stop an execution. Ctrl-C ends the functions and the service.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::SERVE)]
pub(crate) struct ServeArgs {
    /// A durable function and the command that starts it, split like a shell would but run without one
    #[arg(long = "function", value_name = "NAME=COMMAND")]
    pub(crate) functions: Vec<FunctionCommand>,
    /// A plain function, which gets the bare payload: a target for chained invokes
    #[arg(long = "plain-function", value_name = "NAME=COMMAND")]
    pub(crate) plain_functions: Vec<FunctionCommand>,
    /// Only invoke: functions get each payload as it is, and checkpoint at the service that `AWS_ENDPOINT_URL_LAMBDA` names
    ///
    /// For another durable service that drives these functions, such as AWS's local runner. Set `AWS_ENDPOINT_URL_LAMBDA`,
    /// region and credentials for that service before: functions inherit them. `--plain-function` is the same as
    /// `--function` here. Printed is `export DURABLE_TRACE_INVOKE_ENDPOINT=URL`, the Lambda endpoint to give to that service.
    #[arg(long, conflicts_with_all = ["clock", "execution_timeout"])]
    pub(crate) invoke_only: bool,
    /// Invoke functions without X-Ray's header: AWS's views take their trace from it, and here it says that nothing is sampled
    #[arg(long)]
    pub(crate) no_xray: bool,
    /// The port on 127.0.0.1; 0 picks a free one
    #[arg(long, default_value_t = 9001)]
    pub(crate) port: u16,
    /// How time passes: `real`, `skip` (jump to the next timer), or a factor such as 60 (a minute in a second)
    #[arg(long, default_value = "real", value_name = "real|skip|FACTOR")]
    pub(crate) clock: ClockChoice,
    /// How long one invocation may take, such as `30`, `30s` or `5m`
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = values::parse_duration)]
    pub(crate) timeout: Duration,
    /// How long one execution may take
    #[arg(long, value_name = "TIME", value_parser = values::parse_duration)]
    pub(crate) execution_timeout: Option<Duration>,
}
