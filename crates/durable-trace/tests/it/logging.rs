//! Log lines: whose they are, and which of them are written.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext, RetryDecision};
use durable_trace::logging::{Format, Lines, ReplayedLogs};
use opentelemetry::trace::TracerProvider as _;
use serde_json::{Value, json};
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry};

use crate::alone::alone;
use crate::trace::step_wait_step;
use crate::world::{Seen, Setting, World};

/// What was written, as a file would hold it.
#[derive(Clone, Debug, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).expect("lines are UTF-8")
    }

    /// Each line as JSON.
    fn json(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).expect("each line is JSON");
        self.text().lines().map(parse).collect()
    }
}

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Output {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A world whose user has composed a subscriber with `lines`.
async fn logged<F, Fut, W>(handler: F, lines: Lines<W>) -> (World, DefaultGuard)
where
    F: Fn(Value, DurableContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Value, BoxError>> + Send + 'static,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let world = World::new(Setting::default(), handler).await;
    let export = tracing_opentelemetry::layer()
        .with_tracer(world.tracer().0.tracer("tests"))
        .with_filter(durable_trace::user_spans());
    let subscriber = Registry::default()
        .with(durable_trace::layer())
        .with(export)
        .with(lines.into_layer());
    let guard = tracing::subscriber::set_default(subscriber);
    (world, guard)
}

/// JSON lines into `output`.
fn json_lines(output: &Output) -> Lines<Output> {
    Lines::new().format(Format::Json).writer(output.clone())
}

/// A step that is tried twice, then a wait; a line in each place that there is.
async fn retry_and_wait(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    tracing::info!("begins");
    let paid = ctx
        .step(|step| async move {
            tracing::info!(attempt = step.attempt(), "in a step");
            tracing::info_span!("card.charge").in_scope(|| tracing::info!("in a span"));
            if step.attempt() == 1 {
                return Err("declined".into());
            }
            Ok(42)
        })
        .name("payment")
        .retry_strategy(|_, _| RetryDecision::Retry {
            delay: Duration::from_secs(5),
        })
        .await?;
    tracing::info!("is paid");
    ctx.wait(Duration::from_mins(1)).name("pause").await?;
    tracing::info!("ends");
    Ok(json!(paid))
}

fn message(line: &Value) -> &str {
    let message = line.pointer("/fields/message").and_then(Value::as_str);
    message.unwrap_or_default()
}

fn ids(span: &Seen) -> (String, String) {
    let trace = u128::from_be_bytes(span.trace_id.to_bytes());
    let span = u64::from_be_bytes(span.span_id.to_bytes());
    (format!("{trace:032x}"), span.to_string())
}

/// The ids that a line has.
fn ids_of(line: &Value) -> (String, String) {
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    (text("dd.trace_id"), text("dd.span_id"))
}

#[tokio::test]
async fn every_line_names_its_execution_its_invocation_and_the_span_that_is_active() {
    let output = Output::default();
    let (world, _guard) = logged(retry_and_wait, json_lines(&output).service("orders")).await;
    let ended = world.run(&json!({})).await;
    assert_eq!(ended.result.as_deref(), Some("42"));

    let invocations = world.invocations(&ended.arn);
    let requests: Vec<_> = invocations.iter().map(|i| i.request_id.as_str()).collect();
    let lambdas = world.spans.named("aws.lambda");
    let executes = world.spans.named("aws.durable.execute");
    let execute_of = |request: &str| {
        let own = |span: &&Seen| span.text("request_id").as_deref() == Some(request);
        let lambda = lambdas.iter().find(own).expect("each invocation has one");
        let below = |span: &&Seen| span.parent_id == lambda.span_id;
        ids(executes
            .iter()
            .find(below)
            .expect("each invocation has one"))
    };
    let steps = world.spans.named("aws.durable.step");
    let charges = world.spans.named("card.charge");
    // In the order of invocations: attempts are those of the step's spans.
    let want = [
        (0, "begins", execute_of(requests[0])),
        (0, "in a step", ids(&steps[0])),
        (0, "in a span", ids(&charges[0])),
        (1, "begins", execute_of(requests[1])),
        (1, "in a step", ids(&steps[1])),
        (1, "in a span", ids(&charges[1])),
        (1, "is paid", execute_of(requests[1])),
        (2, "begins", execute_of(requests[2])),
        (2, "is paid", execute_of(requests[2])),
        (2, "ends", execute_of(requests[2])),
    ];
    let lines = output.json();
    let seen: Vec<_> = lines
        .iter()
        .map(|line| {
            assert_eq!(line["executionArn"], *ended.arn, "{line}");
            assert_eq!(line["dd.service"], "orders", "{line}");
            let invocation = requests.iter().position(|id| line["requestId"] == **id);
            (
                invocation.expect("one of them"),
                message(line),
                ids_of(line),
            )
        })
        .collect();
    assert_eq!(seen, want);
    world.spans.assert_one_trace();
}

#[tokio::test]
async fn lines_of_replayed_work_are_left_out_on_request() {
    let output = Output::default();
    let lines = json_lines(&output).replayed(ReplayedLogs::Omit);
    let (world, _guard) = logged(retry_and_wait, lines).await;
    world.run(&json!({})).await;
    let lines = output.json();
    let seen: Vec<_> = lines.iter().map(message).collect();
    assert_eq!(
        seen,
        [
            "begins",
            "in a step",
            "in a span",
            "in a step",
            "in a span",
            "is paid",
            "ends"
        ],
        "both attempts are work that was done"
    );
}

/// Steps and lines in branches, in a child context and in tasks of their own.
async fn side_by_side(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let arn = ctx.execution_arn().to_owned();
    let own = arn.clone();
    let spawned = ctx
        .step(move |_| async move {
            for _ in 0..3 {
                tokio::task::yield_now().await;
                tracing::info!(own, step = "spawned", "in a step");
            }
            Ok(1)
        })
        .name("spawned")
        .spawn();
    let own = arn.clone();
    ctx.map(vec![1, 2, 3], move |ctx: DurableContext, item: i32, _| {
        let own = own.clone();
        async move {
            let within = own.clone();
            ctx.step(move |_| async move {
                tokio::task::yield_now().await;
                tracing::info!(own = within, step = format!("item {item}"), "in a step");
                Ok(item)
            })
            .name(format!("item {item}"))
            .await?;
            tracing::info!(own, "in a branch");
            Ok(item)
        }
    })
    .await?;
    spawned.await?;
    ctx.wait(Duration::from_mins(1)).await?;
    tracing::info!(own = arn, "ends");
    Ok(Value::Null)
}

#[tokio::test]
async fn lines_of_executions_that_run_at_once_are_not_mixed_up() {
    let output = Output::default();
    let (world, _guard) = logged(side_by_side, json_lines(&output)).await;
    let ended = world.run_together(2).await;
    let lines = output.json();
    assert_eq!(lines.len(), 2 * (3 + 2 * 3 + 1), "{lines:#?}");

    let requests: BTreeMap<String, String> = world
        .service
        .invocations()
        .into_iter()
        .map(|invocation| (invocation.request_id, invocation.arn))
        .collect();
    let steps: BTreeMap<_, _> = world
        .spans
        .named("aws.durable.step")
        .iter()
        .map(|span| (ids(span), span.text("aws.durable.operation_name")))
        .collect();
    let mut traces: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in &lines {
        let own = line["fields"]["own"].as_str().unwrap();
        assert_eq!(line["executionArn"], own, "{line}");
        assert_eq!(requests[line["requestId"].as_str().unwrap()], own, "{line}");
        let ids = ids_of(line);
        if let Some(step) = line["fields"]["step"].as_str() {
            assert_eq!(steps[&ids].as_deref(), Some(step), "{line}");
        }
        traces.entry(own.to_owned()).or_default().insert(ids.0);
    }
    let arns: BTreeSet<_> = ended.iter().map(|ended| ended.arn.clone()).collect();
    assert_eq!(traces.keys().cloned().collect::<BTreeSet<_>>(), arns);
    assert!(
        traces.values().all(|traces| traces.len() == 1),
        "{traces:?}"
    );
    assert_ne!(traces.values().next(), traces.values().last());
}

/// Two branches that wait for different times.
async fn waiting_branches(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    ctx.map(vec![1, 2], |ctx: DurableContext, item: u64, _| async move {
        tracing::info!("{item} begins");
        ctx.wait(Duration::from_mins(item)).await?;
        tracing::info!("{item} ends");
        Ok(item)
    })
    .await?;
    tracing::info!("all end");
    Ok(Value::Null)
}

#[tokio::test]
async fn an_event_of_the_sdks_says_itself_whether_it_is_replayed() {
    for (replayed, told) in [(ReplayedLogs::Omit, 0), (ReplayedLogs::Emit, 2)] {
        let output = Output::default();
        let sdk = Targets::new().with_target("aws_durable_execution_sdk", Level::DEBUG);
        let lines = json_lines(&output).replayed(replayed).levels(sdk);
        let (world, _guard) = logged(step_wait_step, lines).await;
        world.run(&json!({})).await;
        let count = |event: &str| {
            let lines = output.json();
            lines.iter().filter(|line| message(line) == event).count()
        };
        assert_eq!(count("operation_replayed"), told, "{}", output.text());
        assert_eq!(count("operation_started"), 3);
        // It has no such field, and tells of what happens now.
        assert_eq!(count("execution_resumed"), 1);
    }
}

#[tokio::test]
async fn a_branch_that_replays_is_told_apart_from_one_that_does_not() {
    for (replayed, again) in [(ReplayedLogs::Omit, 0), (ReplayedLogs::Emit, 3)] {
        let output = Output::default();
        let lines = json_lines(&output).replayed(replayed);
        let (world, _guard) = logged(waiting_branches, lines).await;
        world.run(&json!({})).await;
        let lines = output.json();
        let distinct: BTreeSet<_> = lines.iter().map(message).collect();
        assert_eq!(distinct.len(), 5, "{distinct:?}");
        assert_eq!(lines.len(), 5 + again, "{lines:#?}");
    }
}

#[tokio::test]
async fn a_line_keeps_the_execution_where_a_level_hides_the_sdks_spans() {
    async fn warns(_: Value, ctx: DurableContext) -> Result<Value, BoxError> {
        tracing::info!("unheard");
        tracing::warn!("heard");
        Ok(ctx.step(|_| async { Ok(Value::Null) }).await?)
    }
    let output = Output::default();
    let lines = json_lines(&output).levels(Targets::new().with_default(Level::WARN));
    let (world, _guard) = logged(warns, lines).await;
    let ended = world.run(&json!({})).await;
    let lines = output.json();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["executionArn"], *ended.arn);
    let execute = &world.spans.named("aws.durable.execute")[0];
    assert_eq!(ids_of(&lines[0]), ids(execute));
}

#[tokio::test]
async fn a_text_line_ends_with_the_ids() {
    let output = Output::default();
    let lines = Lines::new().format(Format::Text).writer(output.clone());
    let (world, _guard) = logged(retry_and_wait, lines.service("orders")).await;
    world.run(&json!({})).await;
    tracing::info!("outside");
    let text = output.text();
    let lines: Vec<_> = text.lines().collect();
    let (trace, span) = ids(&world.spans.named("card.charge")[0]);
    assert!(
        lines[2].ends_with(&format!(
            ": in a span [dd.service=orders dd.trace_id={trace} dd.span_id={span}]"
        )),
        "{}",
        lines[2]
    );
    assert_eq!(lines.last().unwrap().trim_start(), "INFO outside");
}

#[tokio::test]
async fn all_else_of_a_line_is_what_lambdas_subscriber_writes() {
    for format in [Format::Json, Format::Text] {
        let (ours, theirs) = (Output::default(), Output::default());
        let lines = Lines::new().format(format).writer(ours.clone());
        let plain = tracing_subscriber::fmt::layer()
            .with_target(false)
            .without_time()
            .with_ansi(false)
            .with_writer(theirs.clone());
        let plain = match format {
            Format::Json => plain.json().with_filter(LevelFilter::INFO).boxed(),
            _ => plain.with_filter(LevelFilter::INFO).boxed(),
        };
        let world = World::new(Setting::default(), retry_and_wait).await;
        let subscriber = Registry::default()
            .with(durable_trace::layer())
            .with(lines.into_layer())
            .with(plain);
        let _guard = tracing::subscriber::set_default(subscriber);
        world.run(&json!({})).await;
        tracing::info!(number = 1, text = "}\n", "outside");
        let cut = |line: &str| match format {
            Format::Json => line
                .rsplit_once(",\"executionArn\":")
                .map_or(line.to_owned(), |(line, _)| format!("{line}}}")),
            _ => line
                .rsplit_once(" [dd.")
                .map_or(line.to_owned(), |(line, _)| line.to_owned()),
        };
        let (ours, theirs) = (ours.text(), theirs.text());
        assert_ne!(ours, theirs, "something is added");
        let ours: Vec<_> = ours.lines().map(cut).collect();
        assert_eq!(ours, theirs.lines().collect::<Vec<_>>());
    }
}

/// Runs the function with settings from the environment, without the export of the user's spans, and gives the lines.
async fn run_by_environment() -> Vec<String> {
    let output = Output::default();
    let world = World::new(Setting::default(), retry_and_wait).await;
    let subscriber = Registry::default()
        .with(Lines::new().writer(output.clone()).into_layer())
        .with(durable_trace::layer());
    let _guard = tracing::subscriber::set_default(subscriber);
    world.run(&json!({})).await;
    output.text().lines().map(str::to_owned).collect()
}

#[test]
fn the_environment_says_what_is_written() {
    let variables = [
        ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ("DURABLE_TRACE_REPLAYED_LOGS", "omit".to_owned()),
        ("DD_SERVICE", "shop".to_owned()),
        ("DD_ENV", "prod".to_owned()),
        ("DD_VERSION", "7".to_owned()),
    ];
    let lines = alone(&variables, run_by_environment);
    assert_eq!(lines.len(), 7, "{lines:#?}");
    for line in lines {
        let line: Value = serde_json::from_str(&line).unwrap();
        let own = ["dd.service", "dd.env", "dd.version"].map(|name| line[name].clone());
        assert_eq!(own, ["shop", "prod", "7"]);
        assert_eq!(ids_of(&line).0.len(), 32, "{line}");
    }
}

#[test]
fn without_injection_or_tracing_the_execution_is_named_and_no_ids_are() {
    for (variable, names_service) in [("DD_LOGS_INJECTION", false), ("DD_TRACE_ENABLED", true)] {
        let variables = [
            ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
            ("DD_SERVICE", "shop".to_owned()),
            (variable, "false".to_owned()),
        ];
        let lines = alone(&variables, run_by_environment);
        assert_eq!(lines.len(), 10, "{variable}: {lines:#?}");
        for line in lines {
            let line: Value = serde_json::from_str(&line).unwrap();
            let object = line.as_object().unwrap();
            assert!(line["executionArn"].is_string() && line["requestId"].is_string());
            assert_eq!(object.contains_key("dd.service"), names_service, "{line}");
            let ids = object.keys().filter(|name| name.ends_with("_id"));
            assert_eq!(ids.count(), 0, "{line}");
        }
    }
}

#[tokio::test]
async fn what_the_library_says_of_an_invocation_names_its_execution() {
    let output = Output::default();
    let lines =
        json_lines(&output).levels(Targets::new().with_target("aws_smithy_runtime", Level::DEBUG));
    let (world, _guard) = logged(retry_and_wait, lines).await;
    let ended = world.run(&json!({})).await;
    let lines = output.json();
    assert!(!lines.is_empty());
    for line in lines {
        assert_eq!(line["executionArn"], *ended.arn, "{line}");
    }
}
