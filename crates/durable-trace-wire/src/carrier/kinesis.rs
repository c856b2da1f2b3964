//! A Kinesis record: `_datadog` in its data, if that is JSON.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>

use super::header_map::Reader;
use super::{Carried, Source};
use crate::nested::{self, member};

pub(super) fn read(record: &str, reader: &Reader<'_>) -> Option<Carried> {
    let data = nested::base64_text(member(member(record, "kinesis")?, "data")?)?;
    reader.read_datadog(Source::Kinesis, member(&data, "_datadog")?)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::carrier::tests::{base64, found, headers, text, undecided};

    fn kinesis(data: &Value) -> Value {
        json!({ "Records": [{
            "eventSource": "aws:kinesis", "kinesis": { "partitionKey": "k", "data": data },
        }] })
    }

    #[test]
    fn the_data_of_a_record_is_read() {
        for (event, want, why) in [
            (
                kinesis(&base64(&json!({ "_datadog": headers(1), "text": "Grüße" }))),
                Some(("kinesis", 1, true)),
                "JSON, UTF-8 in it",
            ),
            (
                kinesis(&base64(&json!({ "_datadog": undecided(1) }))),
                Some(("kinesis", 1, false)),
                "no decision",
            ),
            (
                kinesis(&json!({ "_datadog": headers(1) })),
                None,
                "no base64",
            ),
            (kinesis(&base64(&json!([1]))), None, "no object"),
            (
                kinesis(&base64(&json!({ "_datadog": text(&headers(1)) }))),
                None,
                "a text",
            ),
            (
                kinesis(&json!("H4sIAAAAAAACA6tWKkktLlGyUlAqSS0uUaoFAK2PBrETAAAA")),
                None,
                "compressed",
            ),
            (
                json!({ "Records": [{ "eventSource": "aws:kinesis", "kinesis": null }] }),
                None,
                "nothing",
            ),
        ] {
            assert_eq!(found(&event), want, "{why}: {event}");
        }
    }
}
