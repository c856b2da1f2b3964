//! The waterfall page: one self-contained document that draws timelines.

pub(crate) mod live;

use std::{
    borrow::Cow,
    fs,
    io::{self, Write as _},
    path::Path,
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use durable_trace_history::{History, Timeline, UnixMicros, Viewpoint};
use durable_trace_local::Service;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

const DOCUMENT: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");

/// In the order in which they build on each other; they share one scope.
const SCRIPTS: &[&str] = &[
    include_str!("page/scale.js"),
    include_str!("page/tree.js"),
    include_str!("page/dom.js"),
    include_str!("page/bars.js"),
    include_str!("page/grid.js"),
    include_str!("page/panel.js"),
    include_str!("page/live.js"),
    include_str!("page/page.js"),
    include_str!("page/head.js"),
    include_str!("page/address.js"),
    include_str!("page/choosing.js"),
    include_str!("page/keys.js"),
    include_str!("page/begin.js"),
];

/// A timeline under its tab.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct View<'a> {
    label: Cow<'a, str>,
    /// What has to be known of it.
    note: Option<Cow<'a, str>>,
    timeline: &'a Timeline,
}

impl<'a> View<'a> {
    pub(crate) fn new(label: impl Into<Cow<'a, str>>, timeline: &'a Timeline) -> Self {
        Self {
            label: label.into(),
            note: None,
            timeline,
        }
    }

    pub(crate) fn with_note(mut self, note: impl Into<Cow<'a, str>>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// Whether the page has a service behind it, and where.
#[derive(Clone, Copy, Debug, Serialize)]
struct Live {
    /// The path that tells how far executions have come.
    path: &'static str,
    /// How often it is asked.
    interval_ms: u32,
}

/// Renders a document that needs nothing but itself.
///
/// # Errors
///
/// Never for timelines as they are; the serialiser's signature has one.
pub(crate) fn render(title: &str, views: &[View<'_>]) -> serde_json::Result<String> {
    assemble(title, views, None)
}

/// Writes a rendered document to a file, and says so on stderr.
///
/// # Errors
///
/// If the file cannot be written; the message names it.
pub(crate) fn write(file: &Path, document: &str) -> anyhow::Result<()> {
    fs::write(file, document).with_context(|| format!("writing {}", file.display()))?;
    // stderr may be closed: then nobody wants to know.
    let _ = writeln!(io::stderr(), "the page: {}", file.display());
    Ok(())
}

/// The timeline of an execution that the local service keeps; none if it keeps none of this ARN. `site` is the Datadog site that its trace
/// is linked on.
pub(crate) fn timeline_of(service: &Service, arn: &str, site: Option<&str>) -> Option<Timeline> {
    let events = service.history(arn);
    if events.is_empty() {
        return None;
    }
    let text = json!({"Events": events}).to_string();
    let history = History::parse(&text).ok()?.with_arn(arn);
    let mut viewpoint = Viewpoint::default().at(now(service));
    if let Some(site) = site {
        viewpoint = viewpoint.on_site(site);
    }
    Some(Timeline::of(&history, &viewpoint))
}

/// The moment by the service's clock.
fn now(service: &Service) -> UnixMicros {
    let millis = i64::try_from(service.now().as_millis()).unwrap_or(i64::MAX);
    UnixMicros(millis.saturating_mul(1_000))
}

fn assemble(title: &str, views: &[View<'_>], live: Option<Live>) -> serde_json::Result<String> {
    // A script element ends at the first `</script`, whatever it holds.
    let data = serde_json::to_string(&json!({"title": title, "views": views, "live": live}))?
        .replace('<', "\\u003c");
    let script = format!("(() => {{\n'use strict';\n{}}})();\n", SCRIPTS.join("\n"));
    let policy = policy(&script, live.is_some());
    let mut document =
        String::with_capacity(DOCUMENT.len() + STYLE.len() + script.len() + data.len());
    // Of the template alone: what is filled in is not looked at again.
    for (index, piece) in DOCUMENT.split("{{").enumerate() {
        let Some((slot, rest)) = piece.split_once("}}").filter(|_| index > 0) else {
            document.push_str(piece);
            continue;
        };
        document.push_str(match slot {
            "data" => &data,
            "policy" => &policy,
            "script" => &script,
            "style" => STYLE,
            _ => "",
        });
        document.push_str(rest);
    }
    Ok(document)
}

/// Nothing but this script and this style, and no connection but to the service behind the page:
/// <https://www.w3.org/TR/CSP3/>. The picture is the sign in the browser's tab.
fn policy(script: &str, is_live: bool) -> String {
    let connect = if is_live { "connect-src 'self'; " } else { "" };
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; {connect}base-uri 'none'; form-action 'none'",
        hash(script),
        hash(STYLE)
    )
}

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty_timeline() -> Timeline {
        let text = r#"{"Events": [{"EventType": "ExecutionStarted", "EventId": 1, "EventTimestamp": 1795337713, "Id": "e"}]}"#;
        Timeline::of(&History::parse(text).unwrap(), &Viewpoint::default())
    }

    /// What stands between the first `from` and the next `to`.
    fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
        let (_, rest) = text.split_once(from).unwrap();
        rest.split_once(to).unwrap().0
    }

    #[test]
    fn data_cannot_end_the_element_that_holds_it_and_is_not_taken_for_a_slot() {
        let title = "</script><script>alert(1)</script><!-- {{script}} {{data}}";
        let document = render(title, &[View::new("Operations", &empty_timeline())]).unwrap();
        let data = between(&document, "id=\"data\">", "</script>");
        assert!(!data.contains('<'), "{data}");
        let read: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(read["title"], title);
        assert_eq!(
            document.matches("<script").count(),
            2,
            "the data and the script"
        );
    }

    #[test]
    fn the_policy_names_the_very_script_and_style_and_allows_no_connection() {
        let document = render("t", &[]).unwrap();
        let policy = between(&document, "Content-Security-Policy\" content=\"", "\"");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        for (element, text) in [
            ("script", between(&document, "<script>", "</script>")),
            ("style", between(&document, "<style>", "</style>")),
        ] {
            let named = format!("{element}-src '{}'", hash(text));
            assert!(policy.contains(&named), "{element}: {policy}");
        }
        assert!(!policy.contains("connect-src"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn the_page_names_no_address_of_the_web() {
        let document = render("t", &[]).unwrap();
        let addresses: Vec<&str> = document
            .match_indices("http")
            .map(|(at, _)| {
                document[at..]
                    .split(['"', '\'', ' ', '\n', ')'])
                    .next()
                    .unwrap()
            })
            .filter(|word| word.contains("://") && !word.starts_with("http://www.w3.org/2000/svg"))
            .collect();
        assert!(addresses.is_empty(), "{addresses:?}");
    }

    #[test]
    fn no_script_has_a_text_parsed() {
        for parser in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "createContextualFragment",
            "eval(",
            "Function(",
        ] {
            assert!(!SCRIPTS.concat().contains(parser), "{parser}");
        }
    }

    #[test]
    fn every_slot_of_the_template_is_filled() {
        assert!(!render("t", &[]).unwrap().contains("{{"));
    }
}
