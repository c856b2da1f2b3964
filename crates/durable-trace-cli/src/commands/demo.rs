//! `demo`: runs a workflow on the local service, each invocation a process of its own, and shows its trace.

mod record;

use std::{fmt::Write as _, io, time::Duration};

use anyhow::{Context as _, bail, ensure};
use durable_trace_history::Timeline;
use durable_trace_local::{
    CallbackAction, CallbackStarted, Clock, Config, ErrorRecord, Function, FunctionError, Service,
};

use crate::{
    args::{DemoArgs, DemoFormat, ViewName},
    forward,
    intake::Intake,
    logs,
    outcome::{self, Outcome},
    page,
    progress::Progress,
    report::Report,
    terminal, view,
    workflows::{self, Workflow, otel},
};

/// How long a workflow may take here. Waits are skipped, so that this is time spent in processes.
const TIME_LIMIT: Duration = Duration::from_mins(2);

/// How often the number of invocations is looked up for the progress line.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// What completes every callback, as JSON, and how long after its start by the service's clock.
const CALLBACK_RESULT: &str = "\"approved\"";
const CALLBACK_AFTER: Duration = Duration::from_secs(1);

/// What has to be known of the times on the page.
const CLOCK_NOTE: &str = "The local service skips the time asleep, and its clock stands still while a function runs: both are put together here.";

/// What the functions get unless the environment says otherwise: quiet logs, spans for every trace, nothing that
/// an agent of one demo cannot answer, and time for a slow machine to send its spans.
const DEFAULTS: &[(&str, &str)] = &[
    ("AWS_LAMBDA_LOG_LEVEL", "WARN"),
    ("DD_INSTRUMENTATION_TELEMETRY_ENABLED", "false"),
    ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
    ("DD_TRACE_STATS_COMPUTATION_ENABLED", "false"),
    ("DURABLE_TRACE_FLUSH_BUDGET_MS", "5000"),
];

/// Runs the workflow that was asked for, or lists them.
pub(crate) fn run(args: &DemoArgs) -> anyhow::Result<Outcome> {
    if args.list {
        outcome::print(&list())?;
        return Ok(Outcome::Done);
    }
    logs::show_on_stderr();
    let workflow = workflows::named(&args.workflow).context("no such workflow")?;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(perform(workflow, args))
}

/// Completes every callback, but those that are there to be rejected.
fn answer_of(
    workflow: &Workflow,
) -> impl Fn(&CallbackStarted) -> [CallbackAction; 1] + Send + Sync + use<> {
    let rejects = workflow.name == otel::REJECTED;
    move |_| {
        if !rejects {
            return [CallbackAction::complete(CALLBACK_AFTER, CALLBACK_RESULT)];
        }
        let error = ErrorRecord {
            error_type: Some("RejectedError".to_owned()),
            error_message: Some("rejected".to_owned()),
            ..ErrorRecord::default()
        };
        [CallbackAction::fail(CALLBACK_AFTER, error)]
    }
}

fn list() -> String {
    let widest = workflows::listed()
        .map(|workflow| workflow.name.len())
        .max();
    let width = widest.unwrap_or_default();
    let mut lines = String::new();
    for Workflow { name, about, .. } in workflows::listed() {
        let _ = writeln!(lines, "{name:width$}  {about}");
    }
    lines
}

async fn perform(workflow: &'static Workflow, args: &DemoArgs) -> anyhow::Result<Outcome> {
    let intake = Intake::start().await.context("starting the intake")?;
    let mut config = Config::default()
        .clock(Clock::Skip)
        .on_callback(answer_of(workflow));
    if workflow.name == otel::INTERRUPTED {
        config = config.execution_timeout(otel::INTERRUPTED_AFTER);
    }
    let service = Service::start(config).await?;
    let view = args.view.unwrap_or_else(view_of_environment);
    let report = run_workflow(workflow, &service, &intake, view).await;
    // Without an agent nothing of it is there.
    let site = args
        .agent
        .as_ref()
        .and_then(|_| std::env::var("DD_SITE").ok());
    let histories: Vec<Timeline> = service
        .executions()
        .iter()
        .filter_map(|execution| page::timeline_of(&service, &execution.arn, site.as_deref()))
        .collect();
    service.shutdown().await;
    let report = report?;

    let forwarded = match &args.agent {
        Some(agent) => forward::send_payloads(agent, intake.payloads()).await,
        None => Ok(()),
    };
    outcome::print(&render(&report, args.format, view)?)?;
    if let Some(file) = &args.html {
        page::write(file, &render_page(&report, &histories)?)?;
    }
    forwarded?;
    ensure!(
        !report.spans.is_empty(),
        "no spans came (is tracing turned off by DD_TRACE_ENABLED?)"
    );
    Ok(Outcome::Done)
}

async fn run_workflow(
    workflow: &'static Workflow,
    service: &Service,
    intake: &Intake,
    view: ViewName,
) -> anyhow::Result<Report> {
    let function = |of| function(of, workflow, intake, view);
    service.register(workflow.name, function(workflow)?);
    service.register(workflows::INVOKE_TARGET, echo());
    for partner in workflows::partners() {
        service.register(partner.name, function(partner)?);
    }
    let arn = service
        .start_execution(workflow.name, Some(workflow.input.to_owned()), None)
        .await
        .with_context(|| format!("starting {}", workflow.name))?;

    let progress = Progress::on_stderr();
    let end = tokio::time::timeout(TIME_LIMIT, service.ended(&arn));
    tokio::pin!(end);
    loop {
        tokio::select! {
            ended = &mut end => match ended {
                Ok(_) => break,
                Err(_) => bail!("{} did not end within {TIME_LIMIT:?}", workflow.name),
            },
            () = tokio::time::sleep(PROGRESS_EVERY) => {
                let count = service.invocations().len();
                progress.show(&format!("{}: invocation {count} …", workflow.name));
            }
        }
    }
    drop(progress);
    let spans = intake.spans().context("reading the spans that came")?;
    record::report(workflow.name, service, spans, intake.requests())
        .context("the service knows of no execution")
}

/// This program itself, as a function: a fresh process for each invocation, so that nothing but the log is shared.
/// In AWS's views all are one service.
fn function(
    workflow: &Workflow,
    whole: &Workflow,
    intake: &Intake,
    view: ViewName,
) -> anyhow::Result<Function> {
    let program = std::env::current_exe().context("finding this program")?;
    let mut function = Function::process(program, ["function", workflow.name])
        .fresh()
        .env("DD_TRACE_AGENT_URL", intake.url())
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", intake.url())
        .env(VIEW, word(view))
        // AWS's views take their trace from it; here there is none to take.
        .without_xray();
    if !terminal::wants_colour(&io::stderr()) {
        // Its log lines end up on our stderr, which it cannot see.
        function = function.env("NO_COLOR", "1");
    }
    let service = ("OTEL_SERVICE_NAME", whole.name);
    for (name, value) in DEFAULTS.iter().chain([&service]) {
        if std::env::var_os(name).is_none() {
            function = function.env(*name, *value);
        }
    }
    Ok(function)
}

/// A function that is not durable and answers with what it is given.
fn echo() -> Function {
    Function::in_process(|invocation| async move {
        serde_json::from_str(invocation.payload.get())
            .map_err(|error| FunctionError::new("InvalidPayload", error.to_string()))
    })
    .plain()
}

fn render(report: &Report, format: DemoFormat, view: ViewName) -> anyhow::Result<String> {
    let is_datadogs = view == ViewName::Datadog;
    Ok(match format {
        DemoFormat::Json => view::render_json(report)?,
        DemoFormat::OtlpJson if is_datadogs => view::render_otlp_json(report),
        DemoFormat::OtlpJson => view::render_requests(report),
        DemoFormat::Text if is_datadogs => {
            view::render_tree(report, terminal::palette(&io::stdout()))
        }
        DemoFormat::Text => view::render_aws_tree(report, terminal::palette(&io::stdout())),
    })
}

/// The variable that says which spans an execution makes.
const VIEW: &str = "DURABLE_TRACE_VIEW";

/// What does not parse counts as not set, as in the library.
fn view_of_environment() -> ViewName {
    let text = std::env::var(VIEW).unwrap_or_default();
    let views = [ViewName::Datadog, ViewName::Execution, ViewName::Invocation];
    let named = views.into_iter().find(|view| word(*view) == text);
    named.unwrap_or(ViewName::Datadog)
}

fn word(view: ViewName) -> &'static str {
    match view {
        ViewName::Datadog => "datadog",
        ViewName::Execution => "execution",
        ViewName::Invocation => "invocation",
    }
}

/// The spans that came, and behind them the log of each execution.
fn render_page(report: &Report, histories: &[Timeline]) -> serde_json::Result<String> {
    let timelines = view::timelines(report, histories);
    let views: Vec<page::View<'_>> = timelines
        .iter()
        .map(|(label, timeline)| page::View::new(label, timeline).with_note(CLOCK_NOTE))
        .collect();
    page::render(&report.workflow, &views)
}
