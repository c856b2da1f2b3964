//! The page of a running service: the document, and how far executions have come.

use durable_trace_history::{Timeline, UnixMicros};
use durable_trace_local::{
    CallbackStarted, ExecutionRecord, Page, PageRequest, Service, UnixMillis,
};
use serde::Serialize;

use super::{Live, assemble, now, timeline_of};

/// Where the document asks; no path of AWS's API begins so.
const LIVE: Live = Live {
    path: "/durable-trace/live",
    interval_ms: 500,
};

/// More executions than these, the newest, are not listed.
const MOST_LISTED: usize = 1_000;

/// Answers a request for the page, or for what it shows, with links to traces on `site`.
pub(crate) fn answer(
    service: &Service,
    request: &PageRequest<'_>,
    site: Option<&str>,
) -> Option<Page> {
    match request.path {
        "/" => assemble("Local executions", &[], Some(LIVE))
            .ok()
            .map(Page::html),
        path if path == LIVE.path => {
            let arn = request.parameter("arn");
            let version = request.parameter("version");
            let selected = arn.and_then(|arn| selected(service, &arn, version.as_deref(), site));
            let progress = Progress {
                now_us: now(service),
                executions: executions(service),
                selected,
            };
            serde_json::to_string(&progress).ok().map(Page::json)
        }
        _ => None,
    }
}

/// What the page is told, again and again.
#[derive(Debug, Serialize)]
struct Progress {
    now_us: UnixMicros,
    /// The newest first.
    executions: Vec<Listed>,
    /// The one that was asked for, if there is one of this ARN.
    selected: Option<Selected>,
}

#[derive(Debug, Serialize)]
struct Listed {
    arn: String,
    function: String,
    name: String,
    status: String,
    start_us: UnixMicros,
    end_us: Option<UnixMicros>,
}

#[derive(Debug, Serialize)]
struct Selected {
    /// To be given with the next question.
    version: String,
    /// None if nothing has happened since the version that the page has.
    timeline: Option<Timeline>,
    /// Those that wait for an answer.
    callbacks: Vec<Callback>,
}

#[derive(Debug, Serialize)]
struct Callback {
    callback_id: String,
    operation_id: String,
}

fn executions(service: &Service) -> Vec<Listed> {
    let newest = service.executions().into_iter().rev();
    newest.take(MOST_LISTED).map(listed).collect()
}

fn selected(
    service: &Service,
    arn: &str,
    known: Option<&str>,
    site: Option<&str>,
) -> Option<Selected> {
    let events = service.history(arn).len();
    if events == 0 {
        return None;
    }
    // Whatever happens to an execution is an event of its history.
    let version = events.to_string();
    let timeline = match known {
        Some(known) if known == version => None,
        _ => timeline_of(service, arn, site),
    };
    Some(Selected {
        version,
        timeline,
        callbacks: service.callbacks(arn).into_iter().map(callback).collect(),
    })
}

fn listed(record: ExecutionRecord) -> Listed {
    Listed {
        arn: record.arn,
        function: record.function,
        name: record.name,
        status: record.status.to_string(),
        start_us: micros(record.started_at),
        end_us: record.ended_at.map(micros),
    }
}

fn callback(started: CallbackStarted) -> Callback {
    Callback {
        callback_id: started.callback_id,
        operation_id: started.operation_id,
    }
}

fn micros(at: UnixMillis) -> UnixMicros {
    let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    UnixMicros(millis.saturating_mul(1_000))
}
