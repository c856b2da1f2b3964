//! What the values of variables mean.

use std::time::Duration;

use durable_trace_wire::HeaderStyle;

use super::{CheckpointMode, Continuity, View};
use crate::logging::ReplayedLogs;
use crate::plan::ReplayedSpans;

/// A variable as it was found, and what it should hold.
pub(super) struct Variable {
    pub(super) text: Option<String>,
    pub(super) name: &'static str,
    pub(super) expected: &'static str,
}

impl Variable {
    pub(super) fn parse<T>(
        self,
        bad: &mut Vec<(&'static str, &'static str)>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let parsed = parse(self.text.as_deref()?);
        if parsed.is_none() {
            bad.push((self.name, self.expected));
        }
        parsed
    }
}

/// The words that ddtrace takes for a boolean.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" => Some(true),
        "" | "0" | "false" => Some(false),
        _ => None,
    }
}

pub(super) fn parse_millis(text: &str) -> Option<Duration> {
    text.parse().ok().map(Duration::from_millis)
}

/// Seconds, or a number with the unit `s`, `m`, `h` or `d`.
pub(super) fn parse_age(text: &str) -> Option<Duration> {
    let (digits, seconds) = match text.char_indices().last()? {
        (unit, 's') => (text.get(..unit)?, 1),
        (unit, 'm') => (text.get(..unit)?, 60),
        (unit, 'h') => (text.get(..unit)?, 3_600),
        (unit, 'd') => (text.get(..unit)?, 86_400),
        _ => (text, 1),
    };
    digits
        .parse::<u64>()
        .ok()?
        .checked_mul(seconds)
        .map(Duration::from_secs)
}

/// The styles that are read, in order, and whether there are others, which the tracer reads. Baggage carries no context.
pub(super) fn parse_extract_styles(list: Option<&str>) -> (Vec<HeaderStyle>, bool) {
    let list = list.unwrap_or("datadog,tracecontext");
    let ours_or_none = ["datadog", "tracecontext", "baggage", "none", ""];
    let names = list.split(',').map(str::trim);
    let others = names
        .filter(|name| {
            !ours_or_none
                .iter()
                .any(|ours| ours.eq_ignore_ascii_case(name))
        })
        .count();
    (HeaderStyle::parse_list(list), others > 0)
}

pub(super) fn parse_view(text: &str) -> Option<View> {
    let views = [View::Datadog, View::Execution, View::Invocation];
    views.into_iter().find(|view| view.as_str() == text)
}

pub(super) fn parse_continuity(text: &str) -> Option<Continuity> {
    match text {
        "link" => Some(Continuity::Link),
        "parent" => Some(Continuity::Parent),
        _ => None,
    }
}

pub(super) fn parse_replayed_logs(text: &str) -> Option<ReplayedLogs> {
    match text {
        "emit" => Some(ReplayedLogs::Emit),
        "omit" => Some(ReplayedLogs::Omit),
        _ => None,
    }
}

pub(super) fn parse_replayed_spans(text: &str) -> Option<ReplayedSpans> {
    match text {
        "emit" => Some(ReplayedSpans::Emit),
        "omit" => Some(ReplayedSpans::Omit),
        _ => None,
    }
}

pub(super) fn parse_mode(text: &str) -> Option<CheckpointMode> {
    match text {
        "call" => Some(CheckpointMode::Call),
        "none" => Some(CheckpointMode::None),
        "ride" => Some(CheckpointMode::Ride),
        _ => None,
    }
}
