//! How Datadog's durable-function views want to see it: names, resources and tags, from facts alone.

use durable_trace_wire::{OperationType, ResponseStatus};
use opentelemetry::KeyValue;

use crate::contract::{keys, span_names, values};
use crate::plan::Facts;

/// What is known of an invocation when it begins.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct InvocationFacts {
    pub(crate) arn: String,
    pub(crate) cold_start: bool,
    /// Name and id, the last two parts of the ARN; `None` if it has no such parts.
    pub(crate) execution: Option<(String, String)>,
    pub(crate) first: bool,
    pub(crate) function_arn: String,
    pub(crate) function_name: String,
    pub(crate) function_version: String,
    pub(crate) request_id: String,
    /// The resource of the execution's span.
    pub(crate) resource: String,
    /// There is recorded work to return instead of doing it.
    pub(crate) replays: bool,
}

/// A span to open.
#[derive(Debug, PartialEq)]
pub(super) struct Span {
    pub(super) name: &'static str,
    pub(super) resource: String,
    pub(super) attributes: Vec<KeyValue>,
}

/// Booleans are text in both reference libraries.
fn flag(key: &'static str, value: bool) -> KeyValue {
    KeyValue::new(key, if value { "true" } else { "false" })
}

/// The tags that durable executions add to `aws.lambda`, whoever opened it.
pub(super) fn durable_tags(facts: &InvocationFacts) -> Vec<KeyValue> {
    let mut tags = Vec::with_capacity(3);
    if let Some((name, id)) = &facts.execution {
        tags.push(KeyValue::new(keys::EXECUTION_NAME, name.clone()));
        tags.push(KeyValue::new(keys::EXECUTION_ID, id.clone()));
        tags.push(flag(keys::FIRST_INVOCATION, facts.first));
    }
    tags
}

pub(super) fn lambda(facts: &InvocationFacts) -> Span {
    let mut attributes = durable_tags(facts);
    attributes.extend([
        KeyValue::new(keys::DATADOG_SPAN_TYPE, values::SPAN_TYPE),
        flag(keys::COLD_START, facts.cold_start),
        KeyValue::new(keys::FUNCTION_ARN, facts.function_arn.clone()),
        KeyValue::new(keys::FUNCTION_NAME, facts.function_name.to_lowercase()),
        KeyValue::new(keys::FUNCTION_VERSION, facts.function_version.clone()),
        KeyValue::new(keys::REQUEST_ID, facts.request_id.clone()),
        KeyValue::new(keys::RESOURCE_NAMES, facts.function_name.clone()),
    ]);
    Span {
        name: span_names::LAMBDA,
        resource: facts.function_name.clone(),
        attributes,
    }
}

pub(super) fn execute(facts: &InvocationFacts) -> Span {
    let mut attributes = common();
    attributes.push(KeyValue::new(keys::EXECUTION_ARN, facts.arn.clone()));
    attributes.push(flag(keys::REPLAYED, facts.replays));
    Span {
        name: span_names::EXECUTE,
        resource: facts.resource.clone(),
        attributes,
    }
}

/// `None` for an operation that has no span.
pub(super) fn operation(facts: &Facts, attempt: u32, replayed: bool) -> Option<Span> {
    let name = match (facts.kind, facts.sub_type.as_deref()) {
        (OperationType::Step, None | Some("Step")) => span_names::STEP,
        (OperationType::Wait, _) => span_names::WAIT,
        _ => return None,
    };
    let mut attributes = common();
    attributes.push(KeyValue::new(keys::OPERATION_ID, facts.id.clone()));
    attributes.push(flag(keys::REPLAYED, replayed));
    if let Some(operation_name) = &facts.name {
        attributes.push(KeyValue::new(keys::OPERATION_NAME, operation_name.clone()));
    }
    if name == span_names::STEP {
        attributes.push(KeyValue::new(keys::OPERATION_ATTEMPT, i64::from(attempt)));
    }
    Some(Span {
        name,
        resource: facts.name.clone().unwrap_or_else(|| name.to_owned()),
        attributes,
    })
}

fn common() -> Vec<KeyValue> {
    vec![
        KeyValue::new(keys::DATADOG_SPAN_TYPE, values::SPAN_TYPE),
        KeyValue::new(keys::COMPONENT, values::COMPONENT),
        KeyValue::new(keys::DATADOG_MEASURED, 1_i64),
    ]
}

pub(super) fn execution_status(status: ResponseStatus) -> KeyValue {
    KeyValue::new(keys::EXECUTION_STATUS, status.as_str())
}

pub(super) fn invocation_status(status: ResponseStatus) -> KeyValue {
    KeyValue::new(
        keys::INVOCATION_STATUS,
        status.as_str().to_ascii_lowercase(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> InvocationFacts {
        InvocationFacts {
            arn: "arn:x/durable-execution/n/i".to_owned(),
            cold_start: true,
            execution: Some(("n".to_owned(), "i".to_owned())),
            first: false,
            function_arn: "arn:aws:lambda:us-east-1:1:function:fn".to_owned(),
            function_name: "Fn".to_owned(),
            function_version: "$LATEST".to_owned(),
            request_id: "r".to_owned(),
            resource: "app::handler".to_owned(),
            replays: true,
        }
    }

    fn text(span: &Span, key: &str) -> Option<String> {
        span.attributes
            .iter()
            .find(|kv| kv.key.as_str() == key)
            .map(|kv| kv.value.as_str().into_owned())
    }

    #[test]
    fn the_invocation_carries_what_the_extension_asks_for() {
        let span = lambda(&facts());
        assert_eq!((span.name, span.resource.as_str()), ("aws.lambda", "Fn"));
        for (key, want) in [
            ("request_id", "r"),
            ("aws.durable.execution_name", "n"),
            ("aws.durable.execution_id", "i"),
            ("aws.durable.first_invocation", "false"),
            ("cold_start", "true"),
            ("function_arn", "arn:aws:lambda:us-east-1:1:function:fn"),
            ("function_version", "$LATEST"),
            ("functionname", "fn"),
            ("resource_names", "Fn"),
            ("span.type", "serverless"),
        ] {
            assert_eq!(text(&span, key).as_deref(), Some(want), "{key}");
        }
    }

    #[test]
    fn an_arn_without_name_and_id_gives_no_durable_tags() {
        assert_eq!(
            durable_tags(&InvocationFacts {
                execution: None,
                ..facts()
            }),
            []
        );
    }

    #[test]
    fn an_operation_is_named_after_its_type_and_its_resource_after_itself() {
        let facts = |kind, sub_type: &str, name: Option<&str>| Facts {
            id: "op".to_owned(),
            kind,
            sub_type: Some(sub_type.to_owned()),
            name: name.map(str::to_owned),
            parent_id: None,
        };
        for (facts, want, why) in [
            (
                facts(OperationType::Step, "Step", Some("pay")),
                Some(("aws.durable.step", "pay", Some("2"))),
                "named",
            ),
            (
                facts(OperationType::Step, "Step", None),
                Some(("aws.durable.step", "aws.durable.step", Some("2"))),
                "not",
            ),
            (
                facts(OperationType::Wait, "Wait", Some("w")),
                Some(("aws.durable.wait", "w", None)),
                "no attempts",
            ),
            (
                facts(OperationType::Context, "Map", Some("m")),
                None,
                "no span yet",
            ),
        ] {
            let span = operation(&facts, 2, false);
            let got = span.as_ref().map(|s| {
                (
                    s.name,
                    s.resource.as_str(),
                    text(s, "aws.durable.operation_attempt"),
                )
            });
            assert_eq!(
                got,
                want.map(|(n, r, a)| (n, r, a.map(str::to_owned))),
                "{why}"
            );
        }
    }
}
