//! The Lambda client context of an invocation: `custom._datadog`, else `custom` itself.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#lambda-Invoke-request-ClientContext>

use super::header_map::Reader;
use super::{Carried, Source, first_complete};
use crate::nested::{self, member};

pub(super) fn read(json: &str, reader: &Reader<'_>) -> Option<Carried> {
    let custom = member(json, "custom")?;
    let datadog = member(custom, "_datadog").and_then(|raw| {
        // Runtimes that know texts alone have it as JSON in a text.
        let text = nested::text(raw);
        reader.read(Source::ClientContext, text.as_deref().unwrap_or(raw))
    });
    first_complete([datadog, reader.read(Source::ClientContext, custom)])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::carrier::tests::{headers, text, undecided};
    use crate::carrier::{CarrierRules, extract_from_client_context};

    #[test]
    fn the_users_part_of_a_client_context_is_read() {
        let mut both = headers(2);
        both["_datadog"] = headers(1);
        let mut hidden = headers(2);
        hidden["_datadog"] = Value::Null;
        let mut half = headers(2);
        half["_datadog"] = undecided(1);
        for (context, want, why) in [
            (
                json!({ "custom": { "_datadog": headers(1) }, "env": {} }),
                Some((1, true)),
                "as Datadog's clients send it",
            ),
            (
                json!({ "custom": { "_datadog": text(&headers(1)) } }),
                Some((1, true)),
                "where only texts can be",
            ),
            (
                json!({ "custom": headers(2) }),
                Some((2, true)),
                "without a name of its own",
            ),
            (json!({ "custom": both }), Some((1, true)), "both"),
            (
                json!({ "custom": hidden }),
                Some((2, true)),
                "null hides nothing",
            ),
            (
                json!({ "custom": half }),
                Some((2, true)),
                "nor what is not complete",
            ),
            (
                json!({ "custom": { "_datadog": undecided(1) } }),
                Some((1, false)),
                "no decision",
            ),
            (json!({ "Custom": headers(1) }), None, "another case"),
            (json!({ "env": headers(1) }), None, "another part"),
            (json!({ "custom": ["_datadog"] }), None, "a list"),
            (json!({ "custom": true }), None, "no object"),
            (json!(null), None, "nothing"),
        ] {
            let carried =
                extract_from_client_context(&context.to_string(), &CarrierRules::default(), None);
            let got = carried.map(|carried| (carried.context.trace_id.low(), carried.complete));
            assert_eq!(got, want, "{why}: {context}");
        }
    }
}
