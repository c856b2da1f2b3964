//! The event that started an execution: its top level, read in one pass.

use crate::json::Cursor;
use crate::nested::{filled_text, is_object, items, members, text};

/// The members of a customer's event that tell a carrier or a trigger: as they stand, undecoded,
/// `null` as absent, of two with the same name the last.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Event<'a> {
    /// The whole.
    pub(crate) raw: &'a str,
    pub(crate) awslogs: Option<&'a str>,
    pub(crate) datadog: Option<&'a str>,
    pub(crate) detail: Option<&'a str>,
    pub(crate) detail_type: Option<&'a str>,
    /// `eventSource`, as Kafka has it at the top level.
    pub(crate) origin: Option<&'a str>,
    /// `eventSourceArn`, likewise.
    pub(crate) origin_arn: Option<&'a str>,
    pub(crate) execution: Option<&'a str>,
    pub(crate) headers: Option<&'a str>,
    pub(crate) http_method: Option<&'a str>,
    pub(crate) info: Option<&'a str>,
    pub(crate) multi_value_headers: Option<&'a str>,
    pub(crate) path: Option<&'a str>,
    pub(crate) payload: Option<&'a str>,
    pub(crate) records: Option<&'a str>,
    pub(crate) request: Option<&'a str>,
    pub(crate) request_context: Option<&'a str>,
    pub(crate) resource: Option<&'a str>,
    pub(crate) resources: Option<&'a str>,
    pub(crate) route_key: Option<&'a str>,
    pub(crate) source: Option<&'a str>,
    pub(crate) state: Option<&'a str>,
    pub(crate) state_machine: Option<&'a str>,
    pub(crate) version: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// Returns `None` if `raw` is no JSON object.
    pub(crate) fn parse(raw: &'a str) -> Option<Self> {
        let mut event = Self {
            raw,
            ..Self::default()
        };
        let is_object = Cursor::check(raw).ok()?.members(|name, value| {
            if let Some(place) = event.place(name) {
                *place = value.raw();
            }
        });
        is_object.then_some(event)
    }

    /// Returns the detail of what is an EventBridge event: an object, with a type and a source.
    /// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>
    pub(crate) fn envelope(&self) -> Option<&'a str> {
        filled_text(self.detail_type).zip(filled_text(self.source))?;
        self.detail.filter(|detail| is_object(detail))
    }

    /// Returns the first of `Records`, if there is one.
    pub(crate) fn first_record(&self) -> Option<&'a str> {
        items(self.records?, 1).into_iter().next()
    }

    /// Whether the top level is a Step Functions context.
    pub(crate) fn is_step_functions(&self) -> bool {
        [self.execution, self.state, self.state_machine]
            .into_iter()
            .all(|it| it.is_some_and(is_object))
    }

    /// Whether an AWS service has made the event's top level, so that no caller can have put a
    /// context there.
    pub(crate) fn is_of_a_service(&self) -> bool {
        let is_of_aws = |source: Option<&str>| {
            source
                .and_then(text)
                .is_some_and(|it| it.starts_with("aws:"))
        };
        let is_of_record = |record: &str| {
            let [lower, upper, cloud_front] =
                members(record, ["eventSource", "EventSource", "cf"]).unwrap_or_default();
            is_of_aws(lower) || is_of_aws(upper) || cloud_front.is_some_and(is_object)
        };
        self.awslogs.is_some_and(is_object)
            || is_of_aws(self.origin)
            || self.envelope().is_some()
            || self.first_record().is_some_and(is_of_record)
    }

    fn place(&mut self, name: &[u8]) -> Option<&mut Option<&'a str>> {
        Some(match name {
            b"awslogs" => &mut self.awslogs,
            b"_datadog" => &mut self.datadog,
            b"detail" => &mut self.detail,
            b"detail-type" => &mut self.detail_type,
            b"eventSource" => &mut self.origin,
            b"eventSourceArn" => &mut self.origin_arn,
            b"Execution" => &mut self.execution,
            b"headers" => &mut self.headers,
            b"httpMethod" => &mut self.http_method,
            b"info" => &mut self.info,
            b"multiValueHeaders" => &mut self.multi_value_headers,
            b"path" => &mut self.path,
            b"Payload" => &mut self.payload,
            b"Records" => &mut self.records,
            b"request" => &mut self.request,
            b"requestContext" => &mut self.request_context,
            b"resource" => &mut self.resource,
            b"resources" => &mut self.resources,
            b"routeKey" => &mut self.route_key,
            b"source" => &mut self.source,
            b"State" => &mut self.state,
            b"StateMachine" => &mut self.state_machine,
            b"version" => &mut self.version,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_has_made_no_caller_has() {
        for (json, want, why) in [
            (r#"{"Records":[{"eventSource":"aws:s3"}]}"#, true, "a batch"),
            (
                r#"{"Records":[{"EventSource":"aws:sns"}]}"#,
                true,
                "SNS writes capitals",
            ),
            (r#"{"Records":[{"cf":{}}]}"#, true, "CloudFront"),
            (r#"{"eventSource":"aws:kafka"}"#, true, "Kafka"),
            (r#"{"awslogs":{"data":"x"}}"#, true, "logs"),
            (
                r#"{"detail":{},"detail-type":"t","source":"s"}"#,
                true,
                "EventBridge",
            ),
            (
                r#"{"detail":{},"detail-type":"","source":"s"}"#,
                false,
                "an empty type",
            ),
            (
                r#"{"detail":5,"detail-type":"t","source":"s"}"#,
                false,
                "a detail of another type",
            ),
            (
                r#"{"Records":[{"eventSource":"mine"}]}"#,
                false,
                "a batch of the user's own",
            ),
            (r#"{"Records":[]}"#, false, "nothing in it"),
            (
                r#"{"Records":5,"awslogs":"x","eventSource":{}}"#,
                false,
                "other types",
            ),
            ("{}", false, "anything else"),
        ] {
            assert_eq!(
                Event::parse(json).unwrap().is_of_a_service(),
                want,
                "{why}: {json}"
            );
        }
    }

    #[test]
    fn only_an_object_is_an_event() {
        for json in ["null", "[{}]", "5", r#""{}""#, "{", ""] {
            assert!(Event::parse(json).is_none(), "{json}");
        }
    }
}
