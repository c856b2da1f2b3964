//! What an event came from.

use durable_trace_wire::{Trigger, trigger_of};

use super::measured;

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:1:function:f:live";

pub(super) fn holds(text: &str) {
    if let Some(trigger) = measured(text, || trigger_of(text, FUNCTION)) {
        is_fit_for_a_span(&trigger, text.len());
    }
    // The function's ARN comes from outside too.
    let event = r#"{"requestContext":{"stage":"s","apiId":"a","domainName":"x.lambda-url.r"}}"#;
    let trigger = measured(text, || trigger_of(event, text));
    is_fit_for_a_span(&trigger.expect("a request"), text.len() + event.len());
}

/// No query leaves, nothing is empty, and nothing is longer than what came.
fn is_fit_for_a_span(trigger: &Trigger, came: usize) {
    const ADDED: usize =
        "https://".len() + FUNCTION.len() + "arn:aws:apigateway:::/restapis//stages/".len();
    assert!(!trigger.event_source.is_empty());
    let http = trigger.http.clone().unwrap_or_default();
    for url in [&http.url, &http.referer].into_iter().flatten() {
        assert!(!url.contains(['?', '#']), "{url:?}");
    }
    assert!(!http.route.iter().any(|route| route.contains(' ')));
    let arn = &trigger.event_source_arn;
    for text in [
        arn,
        &http.method,
        &http.referer,
        &http.route,
        &http.url,
        &http.user_agent,
    ]
    .into_iter()
    .flatten()
    {
        assert!(text.len() <= came + ADDED, "{} of {came} bytes", text.len());
    }
    assert_ne!(arn.as_deref(), Some(""));
}
