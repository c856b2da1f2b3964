//! `inspect`: what an execution did, and where its trace is.

use std::{
    io::{self, Read},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use durable_trace_history::{History, Timeline, UnixMicros, Viewpoint};

use crate::{
    args::{InspectArgs, InspectFormat},
    outcome::{self, Outcome},
    terminal, view,
};

/// Shows the execution that was asked for.
pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<Outcome> {
    let history = read(&args.source)?;
    let mut viewpoint = Viewpoint::default().at(now());
    if let Some(site) = &args.site {
        viewpoint = viewpoint.on_site(site);
    }
    let timeline = Timeline::of(&history, &viewpoint);
    outcome::print(&render(&timeline, args.format)?)?;
    Ok(Outcome::Done)
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

/// Reads a file, or stdin for `-`.
fn read(source: &str) -> anyhow::Result<History> {
    let mut text = String::new();
    if source == "-" {
        io::stdin()
            .read_to_string(&mut text)
            .context("reading the history from stdin")?;
    } else {
        text = std::fs::read_to_string(Path::new(source))
            .with_context(|| format!("reading {source}"))?;
    }
    History::parse(&text).with_context(|| format!("reading {source}"))
}

fn now() -> UnixMicros {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixMicros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
