//! `headers`, else `multiValueHeaders`: API Gateway's three kinds, ALB and function URLs.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use crate::event::Event;

use super::header_map::Reader;
use super::{Carried, Source};

pub(super) fn read_headers(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    reader.read(Source::Headers, event.headers?)
}

pub(super) fn read_multi_value_headers(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    reader.read(Source::MultiValueHeaders, event.multi_value_headers?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::carrier::tests::{found, headers, undecided};

    #[test]
    fn headers_are_read_in_each_shape() {
        let lists = json!({
            "X-Datadog-Trace-Id": ["1", "2"],
            "x-datadog-parent-id": ["7"],
            "x-datadog-sampling-priority": ["1"],
        });
        for (event, want, why) in [
            (
                json!({ "requestContext": { "stage": "prod" }, "httpMethod": "GET", "headers": headers(1) }),
                Some(("headers", 1, true)),
                "API Gateway",
            ),
            (
                json!({ "requestContext": { "elb": {} }, "multiValueHeaders": lists }),
                Some(("multi-value-headers", 1, true)),
                "ALB with multi-value headers: the first of each",
            ),
            (
                json!({ "headers": headers(1), "multiValueHeaders": headers(2) }),
                Some(("headers", 1, true)),
                "both: single ones first",
            ),
            (
                json!({ "headers": { "accept": "*/*" }, "multiValueHeaders": headers(2) }),
                Some(("multi-value-headers", 2, true)),
                "the context is in the other",
            ),
            (
                json!({ "headers": null, "multiValueHeaders": undecided(2) }),
                Some(("multi-value-headers", 2, false)),
                "none and undecided",
            ),
            (
                json!({ "headers": { "x-datadog-trace-id": [1], "x-datadog-parent-id": 7 } }),
                Some(("headers", 1, false)),
                "lists and integers, as VPC Lattice sends them",
            ),
            (
                json!({ "headers": [["x-datadog-trace-id", "1"]] }),
                None,
                "a list of pairs",
            ),
            (json!({ "Headers": headers(1) }), None, "another case"),
        ] {
            assert_eq!(found(&event), want, "{why}: {event}");
        }
    }
}
