//! Which invocation each received span belongs to.

use std::collections::HashMap;

use super::{Invocation, LAMBDA_SPAN, SUSPENDED_SPAN, SpanRecord};
use crate::span::{self, Span};

/// Ties spans to the invocations whose requests their `aws.lambda` spans name, and orders them by invocation, then start.
pub(crate) fn attribute_spans(spans: Vec<Span>, invocations: &[Invocation]) -> Vec<SpanRecord> {
    let indices: HashMap<&str, usize> = invocations
        .iter()
        .map(|invocation| (invocation.request_id.as_str(), invocation.index))
        .collect();
    let trace_ids = span::trace_ids(&spans);
    let by_id: HashMap<u64, &Span> = spans.iter().map(|span| (span.span_id, span)).collect();
    let resumes: Resumes<'_> = spans
        .iter()
        .filter(|span| span.name.0 == LAMBDA_SPAN)
        .filter_map(|span| Some(((span.trace_id, span.start), span.tag("request_id")?)))
        .collect();
    let places: Vec<Place> = spans
        .iter()
        .map(|span| Place::of(span, &by_id, &resumes, &indices))
        .collect();
    let mut ordered: Vec<(Place, Span)> = places.into_iter().zip(spans).collect();
    // Spans that start together, as an invocation's first two do, come parent first.
    ordered.sort_by_key(|(place, span)| {
        (
            place.invocation.unwrap_or(usize::MAX),
            span.start,
            place.depth,
        )
    });
    ordered
        .into_iter()
        .map(|(place, span)| record(span, place.invocation, &trace_ids))
        .collect()
}

/// The request of each invocation, by the trace and the start of its span, in nanoseconds. A sleep, which hangs beside
/// that span, ends just then.
type Resumes<'a> = HashMap<(u64, i64), &'a str>;

/// Where a span hangs.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The invocation of the nearest `aws.lambda` span, going up, or the one that ended the nearest sleep.
    invocation: Option<usize>,
    /// How many steps up that was.
    depth: usize,
}

impl Place {
    fn of(
        span: &Span,
        by_id: &HashMap<u64, &Span>,
        resumes: &Resumes<'_>,
        indices: &HashMap<&str, usize>,
    ) -> Self {
        let mut at = span;
        // A tree is never deeper than it has spans; this bounds a walk on a cycle.
        for depth in 0..=by_id.len() {
            let request_id = if at.name.0 == SUSPENDED_SPAN {
                resumes.get(&(at.trace_id, at.start.saturating_add(at.duration)))
            } else if at.name.0 == LAMBDA_SPAN {
                Some(&at.tag("request_id").unwrap_or_default())
            } else {
                None
            };
            if let Some(request_id) = request_id {
                let invocation = indices.get(request_id).copied();
                return Self { invocation, depth };
            }
            let Some(parent) = by_id.get(&at.parent_id) else {
                return Self {
                    invocation: None,
                    depth,
                };
            };
            at = parent;
        }
        Self {
            invocation: None,
            depth: by_id.len(),
        }
    }
}

fn record(span: Span, invocation: Option<usize>, trace_ids: &HashMap<u64, u128>) -> SpanRecord {
    let trace_id = trace_ids
        .get(&span.trace_id)
        .copied()
        .unwrap_or(u128::from(span.trace_id));
    SpanRecord {
        invocation,
        trace_id: format!("{trace_id:032x}"),
        span_id: span.span_id.to_string(),
        parent_id: span.parent_id.to_string(),
        name: span.name.0,
        resource: span.resource.0,
        service: span.service.0,
        kind: span.kind.0,
        error: span.error,
        start: span.start,
        duration: span.duration,
        meta: span.meta.0,
        metrics: span.metrics.0,
        links: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::span::Nullable;

    fn span(span_id: u64, parent_id: u64, start: i64, request_id: &str) -> Span {
        let is_lambda = !request_id.is_empty();
        Span {
            trace_id: 7,
            span_id,
            parent_id,
            start,
            name: Nullable(if is_lambda { LAMBDA_SPAN } else { "other" }.to_owned()),
            meta: Nullable(BTreeMap::from([("request_id".into(), request_id.into())])),
            ..Span::default()
        }
    }

    fn sleep(span_id: u64, parent_id: u64, start: i64, duration: i64) -> Span {
        Span {
            name: Nullable(SUSPENDED_SPAN.to_owned()),
            duration,
            ..span(span_id, parent_id, start, "")
        }
    }

    fn invocation(index: usize, request_id: &str) -> Invocation {
        Invocation {
            index,
            execution_arn: "arn".into(),
            request_id: request_id.into(),
            status: "PENDING".into(),
            context: None,
            api_calls: Vec::new(),
            checkpoint_written: None,
            checkpoint_by: None,
        }
    }

    #[test]
    fn spans_belong_to_the_nearest_invocation_above() {
        let spans = vec![
            span(9, 9, 0, ""),
            span(6, 5, 61, ""),
            span(5, 2, 60, "second"),
            span(3, 2, 12, ""),
            span(2, 1, 10, ""), // received before its parent, and begun with it
            span(1, 0, 10, "first"),
            span(8, 77, 5, ""),
            span(7, 2, 50, "unknown"),
            sleep(10, 2, 40, 20),
            sleep(11, 2, 41, 1),
        ];
        let records = attribute_spans(spans, &[invocation(0, "first"), invocation(1, "second")]);
        let got: Vec<_> = records
            .iter()
            .map(|record| (record.span_id.as_str(), record.invocation))
            .collect();
        let want = [
            ("1", Some(0)),
            ("2", Some(0)),
            ("3", Some(0)),
            ("11", Some(0)), // a sleep that no invocation is known to have ended
            ("10", Some(1)), // the sleep before the second one
            ("5", Some(1)),  // under the first one's span, but an invocation itself
            ("6", Some(1)),
            ("9", None), // its own parent
            ("8", None), // an orphan
            ("7", None), // a request that the service does not know
        ];
        assert_eq!(got, want);
    }
}
