//! What holds for every carrier: what is put in is found, and nothing panics.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use durable_trace_wire::{
    CarrierRules, Context, HeaderStyle, extract_from_client_context, extract_from_event,
    extract_from_xray, trigger_of,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::properties::{config, datadog_context};

/// An event of each kind that carries these headers, and the name of its carrier.
fn carriers(headers: &Value) -> Vec<(&'static str, Value)> {
    let text = headers.to_string();
    let bytes = BASE64_STANDARD.encode(&text);
    let detail = json!({ "detail-type": "t", "source": "s", "detail": { "_datadog": headers } });
    let attributes = json!({ "_datadog": { "Type": "String", "Value": text } });
    let notification =
        json!({ "Type": "Notification", "TopicArn": "t", "MessageAttributes": attributes });
    let authorizer = json!({ "_datadog": bytes, "integrationLatency": 1 });
    let data = BASE64_STANDARD.encode(json!({ "_datadog": headers }).to_string());
    let sqs = |record: Value| {
        let mut record = record;
        record["eventSource"] = json!("aws:sqs");
        json!({ "Records": [record] })
    };
    vec![
        ("request", json!({ "request": { "headers": headers } })),
        (
            "authorizer",
            json!({ "requestContext": { "authorizer": authorizer } }),
        ),
        ("headers", json!({ "headers": headers })),
        (
            "multi-value-headers",
            json!({ "multiValueHeaders": headers }),
        ),
        (
            "eventbridge-sqs",
            sqs(json!({ "body": detail.to_string() })),
        ),
        ("sns-sqs", sqs(json!({ "body": notification.to_string() }))),
        (
            "sqs",
            sqs(json!({ "messageAttributes": { "_datadog": { "stringValue": text } } })),
        ),
        (
            "sqs",
            sqs(json!({ "messageAttributes": { "_datadog": { "binaryValue": bytes } } })),
        ),
        (
            "sns",
            json!({ "Records": [{ "EventSource": "aws:sns", "Sns": notification }] }),
        ),
        ("eventbridge", detail),
        (
            "kinesis",
            json!({ "Records": [{ "eventSource": "aws:kinesis", "kinesis": { "data": data } }] }),
        ),
        ("datadog", json!({ "_datadog": headers })),
        ("map", headers.clone()),
    ]
}

/// JSON that has the shape of some trigger's event, more or less.
fn any_event() -> impl Strategy<Value = String> {
    let headers = r#"{"x-datadog-trace-id":"7","x-datadog-parent-id":5}"#;
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("1e999".to_owned()),
        Just(r#""\ud800""#.to_owned()),
        Just(headers.to_owned()),
        Just(Value::from(headers).to_string()),
        Just(Value::from(BASE64_STANDARD.encode(headers)).to_string()),
        prop::sample::select(vec![
            "aws:sqs",
            "aws:sns",
            "aws:kinesis",
            "Notification",
            "Binary",
            "7"
        ])
        .prop_map(|text| Value::from(text).to_string()),
        Just(r#""Root=1-65eb7350-000000006dfd06bf489aa4e5;Parent=48cc02b6aafae897""#.to_owned()),
        any::<String>().prop_map(|text| Value::from(text).to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
    ];
    scalar.prop_recursive(6, 80, 8, |inner| {
        let name = prop::sample::select(vec![
            "AWSTraceHeader",
            "Execution",
            "EnteredTime",
            "EventSource",
            "Id",
            "Input",
            "MessageAttributes",
            "Name",
            "Payload",
            "Records",
            "RetryCount",
            "Sns",
            "State",
            "StateMachine",
            "Type",
            "Value",
            "_datadog",
            "apiId",
            "attributes",
            "authorizer",
            "awslogs",
            "body",
            "cf",
            "custom",
            "data",
            "detail",
            "detail-type",
            "domainName",
            "elb",
            "eventSource",
            "headers",
            "http",
            "info",
            "kinesis",
            "messageAttributes",
            "path",
            "request",
            "requestContext",
            "resources",
            "source",
            "stage",
            "stringValue",
            "traceparent",
            "tracestate",
            "x-datadog-tags",
            "x-datadog-trace-id",
        ]);
        let member = (name, inner.clone()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
        let texts = inner
            .clone()
            .prop_map(|inner| Value::from(inner).to_string());
        prop_oneof![
            vec(inner, 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            vec(member, 0..8).prop_map(|members| format!("{{{}}}", members.join(","))),
            texts,
        ]
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_carrier_gives_back_what_it_carries(context in datadog_context()) {
        let headers: Value = serde_json::from_str(&context.to_datadog(1_000).to_json()).unwrap();
        for (source, event) in carriers(&headers) {
            let carried = extract_from_event(&event.to_string(), &CarrierRules::default());
            let carried = carried.map(|carried| (carried.source.as_str(), carried.context));
            prop_assert_eq!(carried, Some((source, context.clone())));
        }
        let client = json!({ "custom": { "_datadog": headers } }).to_string();
        let carried = extract_from_client_context(&client, &CarrierRules::default(), None);
        prop_assert_eq!(carried.map(|carried| carried.context), Some(context));
    }

    #[test]
    fn one_style_of_two_is_enough(context in datadog_context()) {
        let mut headers: Value = serde_json::from_str(&context.to_datadog(1_000).to_json()).unwrap();
        let w3c: Value = serde_json::from_str(&context.to_tracecontext().to_json()).unwrap();
        headers.as_object_mut().unwrap().extend(w3c.as_object().unwrap().clone());
        let ids = |context: Context| (context.trace_id, context.parent_id);
        for styles in ["datadog,tracecontext", "tracecontext,datadog", "datadog", "tracecontext"] {
            let rules = CarrierRules { styles: HeaderStyle::parse_list(styles), ..CarrierRules::default() };
            let carried = extract_from_event(&headers.to_string(), &rules).unwrap();
            prop_assert_eq!(ids(carried.context), ids(context.clone()), "{}", styles);
            prop_assert!(carried.links.is_empty());
        }
    }

    #[test]
    fn no_event_panics_and_what_is_found_is_whole(event in any_event()) {
        let rules = CarrierRules::default();
        if let Some(carried) = extract_from_event(&event, &rules) {
            prop_assert_eq!(carried.complete, carried.context.sampling_priority.is_some());
            prop_assert!(carried.links.len() <= 100);
        }
        _ = extract_from_client_context(&event, &rules, None);
        _ = trigger_of(&event, "arn:aws:lambda:r:1:function:f");
    }

    #[test]
    fn no_text_is_too_odd(text in any::<String>(), header in "(Root|Parent|Sampled)=[0-9a-f;=-]{0,60}") {
        _ = extract_from_event(&text, &CarrierRules::default());
        _ = extract_from_xray(&text);
        _ = extract_from_xray(&header);
        _ = trigger_of(&text, &text);
    }
}
