use serde_json::{Value, json};

use super::*;

const FUNCTION: &str = "arn:aws-cn:lambda:cn-north-1:123456789012:function:f:live";

fn told(event: &Value) -> Option<(&'static str, Option<String>)> {
    let trigger = trigger_of(&event.to_string(), FUNCTION)?;
    Some((trigger.event_source, trigger.event_source_arn))
}

#[test]
fn a_batch_names_its_source() {
    for (event, want, why) in [
        (
            json!({ "Records": [{ "eventSource": "aws:sqs", "eventSourceARN": "arn:q" }] }),
            Some(("sqs", Some("arn:q"))),
            "SQS",
        ),
        (
            json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "TopicArn": "arn:t" } }] }),
            Some(("sns", Some("arn:t"))),
            "SNS",
        ),
        (
            json!({ "Records": [{ "eventSource": "aws:sns", "Sns": "text" }] }),
            Some(("sns", None)),
            "SNS, no notification",
        ),
        (
            json!({ "Records": [{ "eventSource": "aws:kinesis", "eventSourceARN": "arn:k" }] }),
            Some(("kinesis", Some("arn:k"))),
            "Kinesis",
        ),
        (
            json!({ "Records": [{ "eventSource": "aws:dynamodb", "eventSourceARN": "arn:d" }] }),
            Some(("dynamodb", Some("arn:d"))),
            "DynamoDB",
        ),
        (
            json!({ "Records": [{ "eventSource": "aws:s3", "s3": { "bucket": { "arn": "arn:b" } } }] }),
            Some(("s3", Some("arn:b"))),
            "S3",
        ),
        (
            json!({ "Records": [{ "eventSource": "aws:s3", "s3": {} }] }),
            Some(("s3", None)),
            "S3, no bucket",
        ),
        (
            json!({ "Records": [{ "cf": { "config": { "distributionId": "D" } } }] }),
            Some((
                "cloudfront",
                Some("arn:aws-cn:cloudfront::123456789012:distribution/D"),
            )),
            "CloudFront",
        ),
        (
            json!({ "Records": [{ "eventSource": "aws:ses" }] }),
            None,
            "a service without a name here",
        ),
    ] {
        let want = want.map(|(source, arn)| (source, arn.map(str::to_owned)));
        assert_eq!(told(&event), want, "{why}: {event}");
    }
}

#[test]
fn other_events_name_their_source_too() {
    let context = || json!({ "Execution": {}, "State": {}, "StateMachine": { "Id": "arn:m" } });
    for (event, want, why) in [
        (
            json!({ "eventSource": "aws:kafka", "eventSourceArn": "arn:c" }),
            Some(("msk", Some("arn:c"))),
            "MSK",
        ),
        (
            json!({ "awslogs": { "data": "x" } }),
            Some(("cloudwatch-logs", None)),
            "logs",
        ),
        (json!({ "awslogs": "x" }), None, "no logs"),
        (
            json!({ "detail-type": "t", "source": "s", "detail": {}, "resources": ["arn:r", "arn:2"] }),
            Some(("eventbridge", Some("arn:r"))),
            "EventBridge",
        ),
        (
            json!({ "detail-type": "t", "source": "s", "resources": ["x"] }),
            Some(("eventbridge", None)),
            "no ARN",
        ),
        (
            json!({ "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}, "resources": ["arn:rule"] }),
            Some(("cloudwatch-events", Some("arn:rule"))),
            "a schedule",
        ),
        (
            json!({ "detail-type": "t", "source": "aws.rds", "detail": { "EventCategories": ["backup"] } }),
            Some(("cloudwatch-events", None)),
            "with categories",
        ),
        (
            json!({ "source": ["aws.guardduty"], "detail-type": "t" }),
            None,
            "no source",
        ),
        (context(), Some(("states", Some("arn:m"))), "Step Functions"),
        (
            json!({ "_datadog": context() }),
            Some(("states", Some("arn:m"))),
            "its context in _datadog",
        ),
        (
            json!({ "Payload": { "_datadog": context() } }),
            Some(("states", Some("arn:m"))),
            "in the payload",
        ),
        (
            json!({ "_datadog": { "Execution": {}, "State": {}, "StateMachine": {} } }),
            Some(("states", None)),
            "without an ARN",
        ),
        (
            json!({ "Execution": {}, "State": {} }),
            None,
            "half a context",
        ),
        (
            json!({ "request": { "headers": null }, "info": { "fieldName": "f", "parentTypeName": "Query" } }),
            Some(("appsync", None)),
            "AppSync",
        ),
        (json!({ "request": {} }), None, "anything with a request"),
        (json!({ "order": 5 }), None, "a direct invocation"),
        (json!([1]), None, "no object"),
    ] {
        let want = want.map(|(source, arn)| (source, arn.map(str::to_owned)));
        assert_eq!(told(&event), want, "{why}: {event}");
    }
}

#[test]
fn requests_name_their_stage_group_or_url() {
    let staged = |rest: Value| {
        let mut context = json!({ "stage": "prod", "apiId": "a1", "domainName": "a1.execute-api.cn-north-1.amazonaws.com.cn" });
        context
            .as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        context
    };
    for (event, want, why) in [
        (
            json!({ "requestContext": staged(json!({ "httpMethod": "GET" })), "resource": "/{proxy+}" }),
            Some((
                "api-gateway",
                Some("arn:aws-cn:apigateway:cn-north-1::/restapis/a1/stages/prod"),
            )),
            "a REST API",
        ),
        (
            json!({ "requestContext": staged(json!({ "http": { "method": "GET" } })), "version": "2.0" }),
            Some((
                "api-gateway",
                Some("arn:aws-cn:apigateway:cn-north-1::/apis/a1/stages/prod"),
            )),
            "an HTTP API",
        ),
        (
            json!({ "requestContext": staged(json!({ "connectionId": "c", "eventType": "MESSAGE" })) }),
            Some((
                "api-gateway",
                Some("arn:aws-cn:apigateway:cn-north-1::/apis/a1/stages/prod"),
            )),
            "a WebSocket API",
        ),
        (
            json!({ "requestContext": { "stage": "prod" } }),
            Some(("api-gateway", None)),
            "no id",
        ),
        (
            json!({ "requestContext": { "stage": "$default", "domainName": "x.lambda-url.cn-north-1.on.aws" }, "version": "2.0" }),
            Some((
                "lambda-function-url",
                Some("arn:aws-cn:lambda:cn-north-1:123456789012:url:f:live"),
            )),
            "a function URL",
        ),
        (
            json!({ "requestContext": { "elb": { "targetGroupArn": "arn:tg" } } }),
            Some(("application-load-balancer", Some("arn:tg"))),
            "an ALB",
        ),
        (
            json!({ "requestContext": { "stage": "" } }),
            None,
            "no stage",
        ),
        (json!({ "requestContext": { "elb": "x" } }), None, "no ALB"),
        (json!({ "requestContext": "text" }), None, "no context"),
    ] {
        let want = want.map(|(source, arn)| (source, arn.map(str::to_owned)));
        assert_eq!(told(&event), want, "{why}: {event}");
    }
}

#[test]
fn an_arn_is_made_only_from_a_functions() {
    let event = json!({ "requestContext": { "stage": "s", "apiId": "a", "httpMethod": "GET" } })
        .to_string();
    let arn = |function: &str| trigger_of(&event, function).unwrap().event_source_arn;
    let want = Some("arn:aws:apigateway:r::/restapis/a/stages/s".to_owned());
    for (function, want, why) in [
        ("arn:aws:lambda:r:1:function:f", &want, "a function's"),
        (
            "arn:aws:lambda:r:1:function:f:$LATEST/durable-execution/n/i",
            &want,
            "an execution's",
        ),
        ("arn:aws:sqs:r:1:q:f", &None, "a queue's"),
        ("f", &None, "a name"),
        ("", &None, "nothing"),
    ] {
        assert_eq!(&arn(function), want, "{why}: {function}");
    }
}

#[test]
fn a_version_is_no_alias() {
    let event =
        json!({ "requestContext": { "stage": "$default", "domainName": "x.lambda-url.r.on.aws" } })
            .to_string();
    for (qualifier, want) in [
        ("", "url:f"),
        (":live", "url:f:live"),
        (":7", "url:f"),
        (":$LATEST", "url:f"),
        (":$LATEST.PUBLISHED", "url:f"),
    ] {
        let function = format!("arn:aws:lambda:r:1:function:f{qualifier}");
        let arn = trigger_of(&event, &function)
            .unwrap()
            .event_source_arn
            .unwrap();
        assert_eq!(arn, format!("arn:aws:lambda:r:1:{want}"), "{qualifier}");
    }
}

#[test]
fn no_query_and_no_credentials_of_a_url_are_told() {
    for (referer, want, why) in [
        ("https://r/x?token=1", "https://r/x", "a query"),
        ("https://r/x#token=1", "https://r/x", "a fragment"),
        ("https://me:secret@r/x", "https://r/x", "credentials"),
        (
            "https://me:s@cret@r?x",
            "https://r",
            "credentials with their own at sign",
        ),
        ("https://r/@me", "https://r/@me", "a path"),
        ("/x?token=1", "/x", "no host"),
        ("", "", "nothing"),
    ] {
        let event = json!({
            "requestContext": { "elb": {} },
            "headers": { "referer": referer, "host": "h?token=1" },
            "path": "/p?token=1",
            "queryStringParameters": { "token": "1" },
            "rawQueryString": "token=1",
        });
        let http = trigger_of(&event.to_string(), FUNCTION)
            .unwrap()
            .http
            .unwrap();
        assert_eq!(http.referer.as_deref(), Some(want), "{why}");
        assert!(!format!("{http:?}").contains("token"), "{http:?}");
    }
}

#[test]
fn a_request_is_told_without_what_its_user_typed() {
    let some = |text: &str| Some(text.to_owned());
    let headers =
        json!({ "Referer": "https://r/x?token=1#y", "User-Agent": "curl/8", "HOST": "h" });
    for (event, want, why) in [
        (
            json!({
                "requestContext": { "stage": "dev", "domainName": "d", "path": "/dev/user/42", "httpMethod": "POST" },
                "path": "/user/42", "httpMethod": "POST", "resource": "/user/{id}", "headers": headers,
            }),
            HttpRequest {
                method: some("POST"),
                referer: some("https://r/x"),
                route: some("/user/{id}"),
                url: some("https://d/dev/user/42"),
                user_agent: some("curl/8"),
            },
            "a REST API",
        ),
        (
            json!({
                "version": "2.0", "routeKey": "GET /user/{id}", "rawQueryString": "a=1",
                "requestContext": { "stage": "$default", "domainName": "d", "http": { "method": "GET", "path": "/user/42" } },
            }),
            HttpRequest {
                method: some("GET"),
                route: some("/user/{id}"),
                url: some("https://d/user/42"),
                ..HttpRequest::default()
            },
            "an HTTP API",
        ),
        (
            json!({ "requestContext": { "stage": "dev", "domainName": "d", "connectionId": "c", "routeKey": "$connect" } }),
            HttpRequest {
                url: some("https://d"),
                ..HttpRequest::default()
            },
            "a WebSocket API",
        ),
        (
            json!({
                "requestContext": { "stage": "$default", "domainName": "x.lambda-url.r.on.aws", "http": { "method": "GET", "path": "/" } },
                "routeKey": "$default",
            }),
            HttpRequest {
                method: some("GET"),
                url: some("https://x.lambda-url.r.on.aws/"),
                ..HttpRequest::default()
            },
            "a function URL has no routes",
        ),
        (
            json!({ "requestContext": { "elb": {} }, "httpMethod": "GET", "path": "/lambda", "multiValueHeaders": { "Host": ["h", "i"] } }),
            HttpRequest {
                method: some("GET"),
                route: some("/lambda"),
                url: some("http://h/lambda"),
                ..HttpRequest::default()
            },
            "an ALB",
        ),
    ] {
        let trigger = trigger_of(&event.to_string(), FUNCTION).unwrap();
        assert_eq!(trigger.http, Some(want), "{why}");
    }
}
