//! A header map in each of the carriers: whatever is around it, the same is found.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use durable_trace_wire::{Carried, CarrierRules, extract_from_client_context, extract_from_event};
use serde_json::value::RawValue;

use super::event::is_whole;
use super::measured;

pub(super) fn holds(text: &str) {
    let Ok(headers) = serde_json::from_str::<&RawValue>(text) else {
        return;
    };
    // What looks like a Step Functions context is one where a context may be, and else a map without headers.
    if !headers.get().starts_with('{') || text.contains("StateMachine") || text.contains('\\') {
        return;
    }
    let rules = CarrierRules::default();
    let plain = format!(r#"{{"headers":{headers}}}"#);
    let want = measured(&plain, || extract_from_event(&plain, &rules));
    want.iter().for_each(is_whole);
    let want = want.map(essence);
    for (carrier, event) in carriers(headers.get()) {
        let carried = measured(&event, || extract_from_event(&event, &rules));
        if let Some(carried) = &carried {
            assert_eq!(carried.source.as_str(), carrier);
        }
        assert_eq!(carried.map(essence), want, "{carrier}: {event}");
    }
    let client = format!(r#"{{"custom":{{"_datadog":{headers}}}}}"#);
    let carried = extract_from_client_context(&client, &rules, None);
    assert_eq!(carried.map(essence), want, "client context");
}

fn essence(carried: Carried) -> (durable_trace_wire::Context, bool, usize) {
    (carried.context, carried.complete, carried.links.len())
}

/// An event of each kind that carries these headers.
fn carriers(headers: &str) -> Vec<(&'static str, String)> {
    let text = quoted(headers);
    let bytes = BASE64_STANDARD.encode(headers);
    let data = BASE64_STANDARD.encode(format!(r#"{{"_datadog":{headers}}}"#));
    let detail = format!(r#"{{"detail-type":"t","source":"s","detail":{{"_datadog":{headers}}}}}"#);
    let sns = |kind: &str, value: &str| {
        format!(
            r#"{{"Type":"Notification","TopicArn":"t","MessageAttributes":{{"_datadog":{{"Type":"{kind}","Value":{value}}}}}}}"#
        )
    };
    let [sns_text, sns_bytes] = [sns("String", &text), sns("Binary", &quoted(&bytes))];
    let record = |source: &str, rest: &str| {
        format!(r#"{{"Records":[{{"eventSource":"aws:{source}",{rest}}}]}}"#)
    };
    let sqs = |rest: &str| record("sqs", rest);
    let attribute = |name: &str, value: &str| {
        format!(r#""messageAttributes":{{"_datadog":{{"{name}":{value}}}}}"#)
    };
    vec![
        (
            "request",
            format!(r#"{{"request":{{"headers":{headers}}}}}"#),
        ),
        (
            "authorizer",
            format!(
                r#"{{"requestContext":{{"authorizer":{{"_datadog":"{bytes}","integrationLatency":1}}}}}}"#
            ),
        ),
        (
            "multi-value-headers",
            format!(r#"{{"multiValueHeaders":{headers}}}"#),
        ),
        (
            "eventbridge-sqs",
            sqs(&format!(r#""body":{}"#, quoted(&detail))),
        ),
        ("sns-sqs", sqs(&format!(r#""body":{}"#, quoted(&sns_text)))),
        ("sqs", sqs(&attribute("stringValue", &text))),
        ("sqs", sqs(&attribute("binaryValue", &quoted(&bytes)))),
        ("sns", record("sns", &format!(r#""Sns":{sns_text}"#))),
        ("sns", record("sns", &format!(r#""Sns":{sns_bytes}"#))),
        ("eventbridge", detail),
        (
            "kinesis",
            record("kinesis", &format!(r#""kinesis":{{"data":"{data}"}}"#)),
        ),
        ("datadog", format!(r#"{{"_datadog":{headers}}}"#)),
    ]
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}
