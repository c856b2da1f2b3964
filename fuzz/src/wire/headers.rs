//! A map of the eight headers, as JSON.

use durable_trace_wire::{
    CheckpointStyles, Context, HeaderStyle, Headers, ParseHeadersError, PassThrough, SpanId,
};

use super::context::{goes_on, is_clean, survives_a_suspension};
use super::measured;

pub(super) fn holds(text: &str) {
    let headers = match measured(text, || Headers::from_json(text)) {
        Ok(headers) => headers,
        Err(error) => return assert_eq!(error, why_not(text)),
    };
    let json = headers.to_json();
    let again = Headers::from_json(&json).expect("our own JSON");
    assert_eq!(again.to_json(), json);
    assert!(again.iter().eq(headers.iter()));
    assert!(
        Headers::from_pairs(headers.iter())
            .iter()
            .eq(headers.iter())
    );
    assert_eq!(headers.clone().into_owned(), headers);

    passes_on(text, &headers);
    let [datadog, w3c] = [Context::extract_datadog, Context::extract_tracecontext]
        .map(|extract| measured(text, || extract(&headers)));
    datadog.iter().chain(&w3c).for_each(goes_on);
    let style = Context::extract(&headers).map(|(_, style)| style);
    let want = datadog
        .map(|_| HeaderStyle::Datadog)
        .or(w3c.map(|_| HeaderStyle::TraceContext));
    assert_eq!(style, want);
    keeps_the_rest(headers);
}

/// What is passed on is clean and within its bounds, and the same when it is passed on again.
fn passes_on(text: &str, headers: &Headers<'_>) {
    let others = measured(text, || PassThrough::of(headers));
    let passed = headers.clone().with_pass_through(&others);
    let texts = [(passed.tracestate(), 512), (passed.baggage(), 8_192)];
    for (text, most) in texts.into_iter().filter_map(|(it, most)| Some((it?, most))) {
        assert!((1..=most).contains(&text.len()), "{text}");
        assert!(text.bytes().all(|it| matches!(it, b' '..=b'~')), "{text}");
    }
    let again = passed.clone().with_pass_through(&PassThrough::of(&passed));
    assert_eq!(again, passed);
    if let Some((context, _)) = Context::extract(headers) {
        survives_a_suspension(
            &context,
            &passed,
            CheckpointStyles::DatadogTraceContextAndBaggage,
        );
    }
}

/// Another parent makes clean headers no less clean, and a context no other one.
fn keeps_the_rest(headers: Headers<'_>) {
    let parent_id = SpanId::new(10).expect("not zero");
    let before = Context::extract(&headers);
    let dirty =
        |value: &str| value.is_empty() || !value.bytes().all(|it| matches!(it, b' '..=b'~'));
    let was_clean = !headers.iter().any(|(_, value)| dirty(value));
    let moved = headers.with_parent_id(parent_id);
    if was_clean {
        is_clean(&moved);
    }
    if let Some((before, style)) = before {
        let moved = Context::extract(&moved);
        assert_eq!(
            moved,
            Some((
                Context {
                    parent_id,
                    ..before
                },
                style
            ))
        );
    }
}

fn why_not(text: &str) -> ParseHeadersError {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => ParseHeadersError::NotAnObject,
        Err(_) => ParseHeadersError::NotJson,
    }
}
