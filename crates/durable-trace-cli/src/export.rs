//! What `export` says of a trace before it goes out, and of all of them afterwards. Pure.

use std::fmt::Write as _;

use durable_trace_history::{CheckpointState, Selection, Trace, TraceRules, UnixMicros};

use crate::args::ExportArgs;

/// How traces are to be made.
pub(crate) fn rules(args: &ExportArgs) -> TraceRules {
    let rules = TraceRules::default().view(args.view.into());
    let mut rules = rules.select(match (args.all, args.traced) {
        (true, _) => Selection::All,
        (_, true) => Selection::Rest,
        _ => Selection::Auto,
    });
    if args.include_data {
        rules = rules.with_data();
    }
    if args.no_error_messages {
        rules = rules.without_error_messages();
    }
    if args.without_suspended {
        rules = rules.without_suspended();
    }
    rules
}

/// What becomes of a trace.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Refuse(&'static str),
    Send,
    /// The execution still runs.
    Skip,
}

/// Whether a trace may go out.
pub(crate) fn judge(trace: &Trace, args: &ExportArgs) -> Verdict {
    if trace.checkpoint == CheckpointState::Unreadable && !args.all {
        return Verdict::Refuse(
            "its checkpoints are there but cannot be read, so its trace is not known: read the history with \
             --include-execution-data, or give --all",
        );
    }
    if !trace.has_ended && !args.running {
        return Verdict::Skip;
    }
    Verdict::Send
}

/// What kind of backend gets the spans, as far as limits differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Backend {
    Datadog,
    /// A file: whoever reads it decides.
    Nobody,
    Otlp,
}

/// Everything that is worth a word, counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) executions: usize,
    pub(crate) spans: usize,
    pub(crate) requests: usize,
    pub(crate) failed: usize,
    pub(crate) still_running: usize,
    /// Of those, spans that live tracing has sent go out once more.
    doubled: usize,
    sampled_out: usize,
    /// The end of the oldest.
    oldest: Option<UnixMicros>,
    /// The trace, if there is one only.
    trace_id: Option<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, trace: &Trace) {
        self.executions += 1;
        self.spans += trace.spans.len();
        self.doubled += usize::from(trace.checkpoint == CheckpointState::Read && trace.is_whole);
        self.sampled_out += usize::from(!trace.sampling_priority.is_keep());
        let end = trace.end();
        self.oldest = Some(self.oldest.map_or(end, |oldest| oldest.min(end)));
        self.trace_id = (self.executions == 1).then(|| trace.trace_id.to_string());
    }

    /// The line that tells of the whole, such as `sent 11 spans of 1 execution to …`.
    pub(crate) fn summary(&self, verb: &str, place: &str) -> String {
        let mut line = format!(
            "{verb} {} of {} to {place}",
            count(self.spans, "span"),
            count(self.executions, "execution")
        );
        if let Some(id) = &self.trace_id {
            line.push_str(", trace ");
            line.push_str(id);
        }
        let rest = [
            (self.still_running, "still running and left out"),
            (self.failed, "failed"),
        ];
        for (number, what) in rest {
            if number > 0 {
                let _ = write!(line, "; {number} {what}");
            }
        }
        line
    }

    /// What may not come out as expected, a line each.
    pub(crate) fn warnings(&self, backend: Backend, now: UnixMicros) -> Vec<String> {
        let mut lines = Vec::new();
        if self.doubled > 0 {
            lines.push(format!(
                "{} traced live: what live tracing has sent is there twice now",
                were(self.doubled)
            ));
        }
        if self.sampled_out > 0 && backend != Backend::Nobody {
            lines.push(format!(
                "{} sampled out: an agent drops the spans",
                were(self.sampled_out)
            ));
        }
        let age = self.oldest.map_or(0, |oldest| now.since(oldest)) / MINUTE;
        lines.extend(limit(backend, age));
        lines
    }
}

/// Microseconds.
const MINUTE: i64 = 60_000_000;

/// What a backend is known to do with spans of that age, in minutes.
///
/// Dynatrace: <https://docs.dynatrace.com/docs/ingest-from/opentelemetry/otlp-api>; Azure Monitor:
/// <https://learn.microsoft.com/azure/azure-monitor/app/data-retention-privacy>; Datadog:
/// <https://docs.datadoghq.com/tracing/trace_pipeline/trace_retention/>.
fn limit(backend: Backend, age: i64) -> Option<String> {
    const HOUR: i64 = 60;
    let old = format!("the oldest ended {} ago", words(age));
    match backend {
        Backend::Datadog if age > 15 => Some(format!(
            "{old}: Datadog's live search shows the last 15 minutes, older spans are found only where a retention filter keeps them"
        )),
        Backend::Otlp if age > 48 * HOUR => Some(format!(
            "{old}: Dynatrace refuses spans that ended more than 60 minutes ago, Azure Monitor those older than 48 hours"
        )),
        Backend::Otlp if age > HOUR => Some(format!(
            "{old}: Dynatrace refuses spans that ended more than 60 minutes ago"
        )),
        _ => None,
    }
}

fn words(minutes: i64) -> String {
    match minutes {
        0..120 => format!("{minutes} min"),
        120..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

fn count(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

fn were(number: usize) -> String {
    let verb = if number == 1 { "was" } else { "were" };
    format!("{} {verb}", count(number, "execution"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_spans_are_warned_of_where_a_backend_is_known_to_refuse_them() {
        let warned = |backend, age| limit(backend, age).unwrap_or_default();
        for backend in [Backend::Datadog, Backend::Nobody, Backend::Otlp] {
            assert_eq!(limit(backend, 10), None);
        }
        assert!(warned(Backend::Datadog, 61).contains("15 minutes"));
        assert!(!warned(Backend::Otlp, 61).contains("Azure"));
        assert!(warned(Backend::Otlp, 3_000).contains("2 days ago: Dynatrace"));
        assert!(warned(Backend::Otlp, 3_000).contains("Azure"));
        assert_eq!(
            limit(Backend::Nobody, 3_000),
            None,
            "a file is as old as it is"
        );
    }

    #[test]
    fn a_summary_names_what_was_left_out() {
        let tally = Tally {
            executions: 2,
            spans: 1,
            failed: 3,
            still_running: 1,
            ..Tally::default()
        };
        assert_eq!(
            tally.summary("sent", "x"),
            "sent 1 span of 2 executions to x; 1 still running and left out; 3 failed"
        );
    }
}
