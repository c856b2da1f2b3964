//! `inspect`: what an execution did, and where its trace is.

use std::{
    io,
    time::{SystemTime, UNIX_EPOCH},
};

use durable_trace_history::{Timeline, UnixMicros, Viewpoint};

use crate::{
    args::{InspectArgs, InspectFormat},
    outcome::{self, Outcome},
    source, terminal, view,
};

/// Shows the execution that was asked for.
pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<Outcome> {
    let history = source::block_on(args.source.read())?;
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

fn now() -> UnixMicros {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixMicros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
