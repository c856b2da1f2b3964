//! The event's top level, read in one pass.

use super::nested::{self, members};

/// The members of a customer's event that a carrier, or the trigger's tags, may stand in: as they
/// stand, undecoded, `None` for `null` too.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Event<'a> {
    pub(crate) raw: &'a str,
    pub(crate) awslogs: Option<&'a str>,
    pub(crate) datadog: Option<&'a str>,
    pub(crate) detail: Option<&'a str>,
    pub(crate) detail_type: Option<&'a str>,
    pub(crate) origin: Option<&'a str>,
    pub(crate) headers: Option<&'a str>,
    pub(crate) multi_value_headers: Option<&'a str>,
    pub(crate) payload: Option<&'a str>,
    pub(crate) records: Option<&'a str>,
    pub(crate) request: Option<&'a str>,
    pub(crate) request_context: Option<&'a str>,
    pub(crate) source: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// Returns `None` if `raw` is no JSON object.
    pub(crate) fn parse(raw: &'a str) -> Option<Self> {
        let [
            awslogs,
            datadog,
            detail,
            detail_type,
            origin,
            headers,
            multi_value_headers,
            payload,
            records,
            request,
            request_context,
            source,
        ] = members(
            raw,
            [
                "awslogs",
                "_datadog",
                "detail",
                "detail-type",
                "eventSource",
                "headers",
                "multiValueHeaders",
                "Payload",
                "Records",
                "request",
                "requestContext",
                "source",
            ],
        )?;
        Some(Self {
            raw,
            awslogs,
            datadog,
            detail,
            detail_type,
            origin,
            headers,
            multi_value_headers,
            payload,
            records,
            request,
            request_context,
            source,
        })
    }

    /// Whether an AWS service has made the event's top level, so that no caller can have put a
    /// context there.
    pub(crate) fn is_of_a_service(&self) -> bool {
        let of_aws = |source: Option<&str>| {
            source
                .is_some_and(|source| nested::text(source).is_some_and(|it| it.starts_with("aws:")))
        };
        let of_record = |record: &str| {
            let [lower, upper, cloud_front] =
                members(record, ["eventSource", "EventSource", "cf"]).unwrap_or_default();
            of_aws(lower) || of_aws(upper) || cloud_front.is_some_and(nested::is_object)
        };
        self.awslogs.is_some_and(nested::is_object)
            || of_aws(self.origin)
            || self.is_envelope()
            || self
                .records
                .and_then(|records| nested::items(records, 1).first().copied().map(of_record))
                .unwrap_or_default()
    }

    fn is_envelope(&self) -> bool {
        super::eventbridge::envelope(self.detail, self.detail_type, self.source).is_some()
    }
}
