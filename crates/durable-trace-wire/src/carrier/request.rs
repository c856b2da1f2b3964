//! `request.headers`: AppSync's direct resolvers, and whatever else has it.
//!
//! <https://docs.aws.amazon.com/appsync/latest/devguide/resolver-context-reference-js.html>

use crate::event::Event;

use super::header_map::Reader;
use super::{Carried, Source};
use crate::nested::member;

pub(super) fn read(event: &Event<'_>, reader: &Reader<'_>) -> Option<Carried> {
    reader.read(Source::Request, member(event.request?, "headers")?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::carrier::tests::{found, headers, undecided};

    #[test]
    fn headers_of_the_request_are_read() {
        for (event, want, why) in [
            (
                json!({ "info": { "fieldName": "getItems" }, "request": { "headers": headers(1), "domainName": null } }),
                Some(("request", 1, true)),
                "AppSync",
            ),
            (
                json!({ "request": { "headers": undecided(1) } }),
                Some(("request", 1, false)),
                "no decision",
            ),
            (
                json!({ "request": { "multiValueHeaders": headers(1) } }),
                None,
                "AppSync has no such",
            ),
            (
                json!({ "request": headers(1) }),
                None,
                "not where they belong",
            ),
            (json!({ "request": "hello" }), None, "no object"),
            (json!({ "request": null }), None, "nothing"),
        ] {
            assert_eq!(found(&event), want, "{why}: {event}");
        }
    }
}
