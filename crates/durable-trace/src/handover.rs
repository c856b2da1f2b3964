//! Handing the trace to a function that the execution invokes. Pure.
//!
//! The invoked function finds the headers under `_datadog` at the top level of its event, as Datadog's libraries send them.

use std::borrow::Cow;
use std::collections::HashMap;

use durable_trace_wire::{CheckpointStyles, Context, Headers};
use serde_json::value::RawValue;

/// Where Datadog's libraries put headers in an event.
const MEMBER: &str = "_datadog";
/// The service's limit of a payload is 256 KiB; nearer to it than this, a payload is left as it is.
const MAX_PAYLOAD: usize = 252 * 1024;

/// The functions that are handed the trace.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum InvokeTargets {
    All,
    /// Names or ARNs.
    Named(Vec<String>),
    #[default]
    None,
}

impl InvokeTargets {
    /// Reads a comma list of names or ARNs, or `*`.
    pub(crate) fn parse(text: &str) -> Self {
        let names: Vec<String> = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        if names.iter().any(|name| name == "*") {
            Self::All
        } else if names.is_empty() {
            Self::None
        } else {
            Self::Named(names)
        }
    }

    /// Whether `function`, a name or an ARN, with or without a qualifier, is one of them.
    pub(crate) fn contains(&self, function: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names
                .iter()
                .any(|name| name == function || name == bare_name(function)),
            Self::None => false,
        }
    }
}

/// The name in a function's name or ARN, without what stands before and after.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#lambda-Invoke-request-FunctionName>
fn bare_name(function: &str) -> &str {
    let name = function
        .rsplit_once(":function:")
        .map_or(function, |(_, name)| name);
    let name = name.strip_prefix("function:").unwrap_or(name);
    name.split(':').next().unwrap_or(name)
}

/// `payload` with the headers added, if it is a JSON object without such a member and stays well below the limit. What was in it
/// stays as it is, to the letter.
pub(crate) fn hand_over(
    payload: &str,
    injected: &Headers<'_>,
    styles: CheckpointStyles,
    tags_max_length: usize,
) -> Option<String> {
    let (context, _) = Context::extract(injected)?;
    let headers = styles
        .headers(&context, injected, tags_max_length)
        .to_json();
    let members = Members::of(payload)?;
    if members.has_headers || payload.len() + headers.len() > MAX_PAYLOAD {
        return None;
    }
    let rest = payload.trim_start().strip_prefix('{')?;
    let comma = if members.is_empty { "" } else { "," };
    Some(format!("{{\"{MEMBER}\":{headers}{comma}{rest}"))
}

/// What has to be known of an object's members.
#[derive(Debug)]
struct Members {
    is_empty: bool,
    has_headers: bool,
}

impl Members {
    /// `None` if `json` is no object.
    fn of(json: &str) -> Option<Self> {
        let names: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(json).ok()?;
        Some(Self {
            is_empty: names.is_empty(),
            has_headers: names.contains_key(MEMBER),
        })
    }
}

#[cfg(test)]
mod tests {
    use durable_trace_wire::PassThrough;

    use super::*;

    #[test]
    fn a_function_is_a_target_by_its_name_or_by_its_very_arn() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:function:pay:live";
        for (targets, function, want, why) in [
            ("", "pay", false, "none by default"),
            ("*", "pay", true, "all"),
            ("ship, pay", "pay", true, "named"),
            ("pay", "pay:live", true, "named, with a qualifier"),
            ("pay", arn, true, "named, by ARN"),
            (
                "pay",
                "123456789012:function:pay",
                true,
                "named, by partial ARN",
            ),
            ("pay", "payments", false, "another name"),
            (arn, arn, true, "the very ARN"),
            (arn, "pay", false, "an ARN is one function in one account"),
        ] {
            assert_eq!(
                InvokeTargets::parse(targets).contains(function),
                want,
                "{why}"
            );
        }
    }

    fn injected() -> Headers<'static> {
        Headers::from_pairs([
            ("x-datadog-trace-id", "7"),
            ("x-datadog-parent-id", "8"),
            ("x-datadog-sampling-priority", "1"),
        ])
        .into_owned()
    }

    const ADDED: &str = r#""_datadog":{"x-datadog-trace-id":"7","x-datadog-parent-id":"8","x-datadog-sampling-priority":"1"}"#;

    #[test]
    fn headers_are_added_and_all_else_stays_as_it_is() {
        let hand = |payload: &str| hand_over(payload, &injected(), CheckpointStyles::Datadog, 512);
        assert_eq!(
            hand(r#" {"b": 1.0, "a" : "\u0031"} "#),
            Some(format!(r#"{{{ADDED},"b": 1.0, "a" : "\u0031"}} "#))
        );
        assert_eq!(hand("{ }"), Some(format!("{{{ADDED} }}")));
    }

    #[test]
    fn what_cannot_take_headers_is_left_alone() {
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_PAYLOAD - 20));
        for (payload, why) in [
            ("[1]", "no object"),
            ("null", "no object"),
            ("{", "no JSON"),
            (r#"{"_datadog":{}}"#, "it has some"),
            (long.as_str(), "too near the limit"),
        ] {
            assert_eq!(
                hand_over(payload, &injected(), CheckpointStyles::Datadog, 512),
                None,
                "{why}"
            );
        }
        let none = Headers::default();
        assert_eq!(
            hand_over("{}", &none, CheckpointStyles::Datadog, 512),
            None,
            "nothing to hand over"
        );
    }

    #[test]
    fn tracecontext_comes_along_where_checkpoints_have_it() {
        let passed = PassThrough {
            tracestate: Some("es=1".to_owned()),
            baggage: Some("tenant=7".to_owned()),
        };
        let both = hand_over(
            "{}",
            &injected().with_pass_through(&passed),
            CheckpointStyles::DatadogTraceContextAndBaggage,
            512,
        )
        .unwrap();
        assert!(
            both.contains(
                r#""traceparent":"00-00000000000000000000000000000007-0000000000000008-01""#
            ),
            "{both}"
        );
        assert!(both.contains(r#",es=1","baggage":"tenant=7"}"#), "{both}");
        let alone = hand_over(
            "{}",
            &injected().with_pass_through(&passed),
            CheckpointStyles::Datadog,
            512,
        );
        assert_eq!(alone, Some(format!("{{{ADDED}}}")));
    }
}
