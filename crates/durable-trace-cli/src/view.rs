//! How a report is shown. Pure: a report in, text out.

mod aws;
mod otlp;
mod run;
mod timeline;
mod tree;

pub(crate) use self::{
    aws::render_aws_tree,
    otlp::{render_otlp_json, render_requests},
    run::timelines,
    timeline::{render_changes, render_timeline},
    tree::{Palette, render_tree},
};
use crate::report::Report;

/// One JSON object, as `CLI` formats fix it.
///
/// # Errors
///
/// Never for reports as they are; the serialiser's signature has one.
pub(crate) fn render_json(report: &Report) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}
