//! What an API Gateway Lambda authorizer has added: base64 of JSON, in `requestContext.authorizer`.
//!
//! API Gateway caches an authorizer's answer and gives it to later requests, whose parent it is not.
//! It counts if the authorizer was run for this request: it took time, or it has noted this
//! request's id. <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>

use crate::event::Event;

use super::header_map::Reader;
use super::{Carried, Source};
use crate::nested::{self, members};

pub(super) fn read(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    if !reader.rules.decode_authorizer {
        return None;
    }
    let [authorizer, request_id] = members(event.request_context?, ["authorizer", "requestId"])?;
    let [rest, http, latency] = members(authorizer?, ["_datadog", "lambda", "integrationLatency"])?;
    let added = rest.or_else(|| nested::member(http?, "_datadog"))?;
    let added = nested::base64_text(added)?;
    let noted_id = nested::member(&added, AUTHORIZED_REQUEST_ID);
    let is_of_this_request = || Some(nested::text(request_id?)? == nested::text(noted_id?)?);
    if !latency.is_some_and(is_positive) && is_of_this_request() != Some(true) {
        return None;
    }
    reader.read(Source::Authorizer, &added)
}

/// The id of the request that the authorizer was run for, as Datadog's library notes it.
const AUTHORIZED_REQUEST_ID: &str = "x-datadog-authorizing-requestid";

/// Whether a number, in a text or not, is above zero.
fn is_positive(raw: &str) -> bool {
    let number = nested::text(raw).map_or_else(|| raw.parse(), |text| text.parse::<f64>());
    number.is_ok_and(|number| number > 0.0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::carrier::CarrierRules;
    use crate::carrier::tests::{base64, found, found_with, headers, undecided};

    /// What an authorizer that was run for the request `id` has added.
    fn noted(id: &str) -> Value {
        let mut added = headers(1);
        added[super::AUTHORIZED_REQUEST_ID] = json!(id);
        base64(&added)
    }

    fn request(authorizer: &Value) -> Value {
        json!({ "requestContext": { "requestId": "abc", "authorizer": authorizer }, "headers": headers(2) })
    }

    #[test]
    fn an_authorizer_counts_for_the_request_it_was_run_for() {
        let own = Some(("authorizer", 1, true));
        let cached = Some(("headers", 2, true));
        for (authorizer, want, why) in [
            (
                json!({ "_datadog": noted("abc"), "integrationLatency": 0 }),
                own,
                "REST: this request's id",
            ),
            (
                json!({ "_datadog": noted("xyz"), "integrationLatency": 0 }),
                cached,
                "another's: cached",
            ),
            (
                json!({ "_datadog": noted("xyz"), "integrationLatency": 1897 }),
                own,
                "it took time",
            ),
            (
                json!({ "_datadog": base64(&headers(1)), "integrationLatency": 1897 }),
                own,
                "a token authorizer",
            ),
            (
                json!({ "_datadog": base64(&headers(1)), "integrationLatency": "100" }),
                own,
                "a text",
            ),
            (
                json!({ "_datadog": base64(&headers(1)), "integrationLatency": 0 }),
                cached,
                "cached, no id",
            ),
            (
                json!({ "_datadog": base64(&headers(1)), "integrationLatency": null }),
                cached,
                "no latency, no id",
            ),
            (
                json!({ "lambda": { "_datadog": noted("abc") } }),
                own,
                "HTTP API",
            ),
            (
                json!({ "lambda": { "_datadog": noted("xyz") } }),
                cached,
                "HTTP API, cached",
            ),
            (json!({ "lambda": null }), cached, "nothing added"),
            (
                json!({ "_datadog": base64(&undecided(1)), "integrationLatency": 5 }),
                cached,
                "a decision elsewhere",
            ),
            (
                json!({ "_datadog": "%%%", "integrationLatency": 5 }),
                cached,
                "no base64",
            ),
            (
                json!({ "_datadog": base64(&json!([1])), "integrationLatency": 5 }),
                cached,
                "no object",
            ),
            (json!("text"), cached, "no object"),
        ] {
            assert_eq!(found(&request(&authorizer)), want, "{why}: {authorizer}");
        }
    }

    #[test]
    fn two_ids_that_are_absent_are_not_the_same() {
        let event =
            json!({ "requestContext": { "authorizer": { "_datadog": base64(&headers(1)) } } });
        assert_eq!(found(&event), None);
    }

    #[test]
    fn authorizers_can_be_left_out() {
        let rules = CarrierRules {
            decode_authorizer: false,
            ..CarrierRules::default()
        };
        let event = request(&json!({ "_datadog": noted("abc") }));
        assert_eq!(found_with(&event, &rules), Some(("headers", 2, true)));
    }
}
