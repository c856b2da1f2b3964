//! Chrome's trace format, which Perfetto opens: <https://ui.perfetto.dev>.
//!
//! <https://perfetto.dev/docs/getting-started/other-formats#chrome-json-format>: complete events (`X`), which nest on a track or do not
//! overlap. An execution is a process, a lane one of its tracks: as many as run side by side.

use serde_json::{Map, Value, json};

use super::Identity;
use crate::trace::{Attribute, Span, Trace};

/// Renders traces as one JSON object.
pub fn to_chrome_json(traces: &[Trace], identity: &Identity) -> String {
    let mut events = Vec::new();
    for (index, trace) in traces.iter().enumerate() {
        let process = index + 1;
        let name = format!("{} {}", identity.service_of(trace), trace.arn);
        events.push(json!({
            "ph": "M", "name": "process_name", "pid": process, "tid": 0, "args": { "name": name },
        }));
        let lanes = lanes(trace);
        let spans = trace.spans.iter().zip(lanes);
        events.extend(spans.map(|(span, lane)| event(trace, span, process, lane)));
    }
    json!({ "displayTimeUnit": "ms", "traceEvents": events }).to_string()
}

fn event(trace: &Trace, span: &Span, process: usize, lane: usize) -> Value {
    let mut args = Map::new();
    args.insert("trace_id".to_owned(), json!(trace.trace_id.to_string()));
    args.insert("span_id".to_owned(), json!(span.id.to_hex()));
    for (key, value) in &span.attributes {
        let value = match value {
            Attribute::Flag(flag) => json!(flag),
            Attribute::Number(number) => json!(number),
            Attribute::Text(text) => json!(text),
        };
        args.insert((*key).to_owned(), value);
    }
    let name = if span.resource == span.name {
        span.name.clone().into_owned()
    } else {
        let short = span.name.trim_start_matches("aws.durable.");
        format!("{short} {}", span.resource)
    };
    json!({
        "ph": "X",
        "name": name,
        "cat": if span.is_error() { "error" } else { "ok" },
        "ts": span.start.0,
        "dur": span.end.since(span.start),
        "pid": process,
        "tid": lane,
        "args": args,
    })
}

/// The lane of each span: that of its parent where it fits in there beside its siblings, else the first that is free.
fn lanes(trace: &Trace) -> Vec<usize> {
    let mut order: Vec<usize> = (0..trace.spans.len()).collect();
    let span = |index: usize| trace.spans.get(index);
    // Longer ones first among those that begin together, so that they enclose the others.
    order.sort_by_key(|index| span(*index).map(|span| (span.start, -span.end.since(span.start))));
    // What is open on each lane, outermost first.
    let mut open: Vec<Vec<&Span>> = Vec::new();
    let mut lanes = vec![0; trace.spans.len()];
    for index in order {
        let Some(span) = span(index) else { continue };
        for lane in &mut open {
            lane.retain(|other| other.end > span.start);
        }
        let fits = |lane: &Vec<&Span>| match lane.last() {
            Some(last) => Some(last.id) == span.parent && last.end >= span.end,
            None => true,
        };
        let lane = open.iter().position(fits).unwrap_or(open.len());
        if lane == open.len() {
            open.push(Vec::new());
        }
        if let Some(lane) = open.get_mut(lane) {
            lane.push(span);
        }
        if let Some(place) = lanes.get_mut(index) {
            *place = lane;
        }
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::sample;

    #[test]
    fn no_two_spans_of_a_track_cross() {
        let trace = sample();
        let placed: Vec<(usize, &Span)> = lanes(&trace).into_iter().zip(&trace.spans).collect();
        for (index, (lane, one)) in placed.iter().enumerate() {
            for (other_lane, other) in placed.iter().skip(index + 1) {
                let apart = one.end <= other.start || other.end <= one.start;
                let nested = |outer: &Span, inner: &Span| {
                    outer.start <= inner.start && inner.end <= outer.end
                };
                assert!(
                    lane != other_lane || apart || nested(one, other) || nested(other, one),
                    "{one:?} {other:?}"
                );
            }
        }
    }

    #[test]
    fn perfetto_is_told_of_every_span_in_microseconds() {
        let trace = sample();
        let document: Value = serde_json::from_str(&to_chrome_json(
            std::slice::from_ref(&trace),
            &Identity::default(),
        ))
        .unwrap();
        let events = document["traceEvents"].as_array().unwrap();
        assert_eq!(events.len(), trace.spans.len() + 1);
        assert_eq!(events[0]["args"]["name"], format!("order {}", trace.arn));
        assert_eq!(events[1]["ph"], "X");
        assert_eq!(events[1]["dur"], 3_000_000);
        assert_eq!(events[1]["ts"], trace.spans[0].start.0);
    }
}
