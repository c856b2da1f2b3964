//! `inspect`: what an execution did, and where its trace is.

use std::{
    io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, ensure};
use durable_trace_history::{Selection, Timeline, Trace, TraceRules, UnixMicros, Viewpoint};

use crate::{
    args::{InspectArgs, InspectFormat, ViewName},
    outcome::{self, Outcome},
    page,
    source::{self, Source},
    terminal, view,
};

/// From one look to the next. An execution that is waited for sleeps more often than not, and reading its history is not free.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Shows the execution that was asked for.
pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<Outcome> {
    ensure!(
        !(args.follow && args.source.source == Source::Stdin),
        "stdin is read once: --follow needs an ARN or a file"
    );
    source::block_on(async {
        let mut timeline = look(args).await?;
        if args.follow {
            timeline = follow(args, timeline).await?;
        }
        // As JSON the last change was the whole.
        if !args.follow || args.format == InspectFormat::Text {
            outcome::print(&render(&timeline, args.format)?)?;
        }
        if let Some(file) = &args.html {
            let title = timeline
                .execution
                .function
                .as_deref()
                .unwrap_or("execution");
            let label = args.view.map_or("Operations", label);
            let view = page::View::new(label, &timeline);
            page::write(file, &page::render(title, &[view])?)?;
        }
        Ok(Outcome::Done)
    })
}

async fn look(args: &InspectArgs) -> anyhow::Result<Timeline> {
    let history = args.source.read().await?;
    let mut viewpoint = Viewpoint::default().at(now());
    if let Some(site) = &args.site {
        viewpoint = viewpoint.on_site(site);
    }
    let mut timeline = Timeline::of(&history, &viewpoint);
    if let Some(view) = args.view {
        let rules = TraceRules::default()
            .select(Selection::All)
            .view(view.into());
        let trace = Trace::of(&history, &rules).context("--view needs it: give it by --arn")?;
        timeline.rows = trace.rows();
    }
    Ok(timeline)
}

/// The page's tab.
const fn label(view: ViewName) -> &'static str {
    match view {
        ViewName::Datadog => "Datadog's view",
        ViewName::Execution => "AWS's execution view",
        ViewName::Invocation => "AWS's invocation view",
    }
}

/// Tells of each change until the execution has ended.
async fn follow(args: &InspectArgs, first: Timeline) -> anyhow::Result<Timeline> {
    let mut told: Option<Timeline> = None;
    let mut timeline = first;
    loop {
        let changes = view::render_changes(told.as_ref(), &timeline);
        if !changes.is_empty() {
            match args.format {
                InspectFormat::Json => {
                    outcome::print(&format!("{}\n", serde_json::to_string(&timeline)?))?;
                }
                InspectFormat::Text => outcome::print(&changes)?,
            }
        }
        if timeline.execution.end_us.is_some() {
            return Ok(timeline);
        }
        told = Some(timeline);
        tokio::time::sleep(LOOK_EVERY).await;
        timeline = look(args).await?;
    }
}

fn render(timeline: &Timeline, format: InspectFormat) -> anyhow::Result<String> {
    Ok(match format {
        InspectFormat::Json => {
            let mut text = serde_json::to_string_pretty(timeline)?;
            text.push('\n');
            text
        }
        InspectFormat::Text => {
            let palette = terminal::palette(&io::stdout());
            view::render_timeline(timeline, terminal::width(), palette)
        }
    })
}

fn now() -> UnixMicros {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixMicros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
