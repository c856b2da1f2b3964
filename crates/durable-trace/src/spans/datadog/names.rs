//! How Datadog's durable-function views want to see it: names, resources and tags, from facts alone.

use durable_trace_wire::{ResponseStatus, Trigger};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

use crate::contract::{keys, span_names, values};
use crate::plan::{Facts, Opening, Shape};
use crate::spans::{InvocationFacts, Sleep};

/// A span to open.
#[derive(Debug, PartialEq)]
pub(super) struct Span {
    pub(super) name: &'static str,
    pub(super) kind: SpanKind,
    pub(super) resource: String,
    pub(super) attributes: Vec<KeyValue>,
}

/// Booleans are text in both reference libraries.
fn flag(key: &'static str, value: bool) -> KeyValue {
    KeyValue::new(key, if value { "true" } else { "false" })
}

/// What is to be known of a span whose parent nobody sends.
pub(super) fn parentage(is_derived: bool) -> Option<KeyValue> {
    is_derived.then(|| flag(keys::DERIVED_PARENT, true))
}

/// Says that Lambda's deadline cut a span short.
pub(super) fn out_of_time() -> KeyValue {
    flag(keys::DEADLINE, true)
}

/// The tags that durable executions add to `aws.lambda`, whoever opened it.
pub(super) fn durable_tags(facts: &InvocationFacts, sleep: Option<&Sleep>) -> Vec<KeyValue> {
    let mut tags = Vec::with_capacity(6);
    if let Some((name, id)) = &facts.execution {
        tags.push(KeyValue::new(keys::EXECUTION_NAME, name.clone()));
        tags.push(KeyValue::new(keys::EXECUTION_ID, id.clone()));
        tags.push(flag(keys::FIRST_INVOCATION, facts.first));
    }
    if let Some(sleep) = sleep {
        tags.extend(
            sleep
                .suspended_ms
                .map(|ms| KeyValue::new(keys::SUSPENDED_MS, ms)),
        );
        tags.extend(
            sleep
                .resume_delay_ms
                .map(|ms| KeyValue::new(keys::RESUME_DELAY_MS, ms)),
        );
        tags.extend(
            sleep
                .on
                .as_ref()
                .map(|on| KeyValue::new(keys::SUSPENDED_ON, suspended_on(on))),
        );
    }
    tags
}

/// An operation's type and name, such as `wait until-tomorrow`; the type alone when it is unnamed.
fn suspended_on(facts: &Facts) -> String {
    let name = facts.shape().map_or("operation", |shape| {
        operation_name(shape).map_or("operation", |name| name.trim_start_matches("aws.durable."))
    });
    facts
        .name
        .as_ref()
        .map_or_else(|| name.to_owned(), |own| format!("{name} {own}"))
}

pub(super) fn lambda(facts: &InvocationFacts, sleep: Option<&Sleep>) -> Span {
    let mut attributes = durable_tags(facts, sleep);
    attributes.extend([
        KeyValue::new(keys::DATADOG_SPAN_TYPE, values::SPAN_TYPE),
        flag(keys::COLD_START, facts.cold_start),
        KeyValue::new(keys::FUNCTION_ARN, facts.function_arn.clone()),
        KeyValue::new(keys::FUNCTION_NAME, facts.function_name.to_lowercase()),
        KeyValue::new(keys::FUNCTION_VERSION, facts.function_version.clone()),
        KeyValue::new(keys::REQUEST_ID, facts.request_id.clone()),
        KeyValue::new(keys::RESOURCE_NAMES, facts.function_name.clone()),
    ]);
    attributes.extend(facts.trigger.iter().flat_map(trigger_tags));
    Span {
        name: span_names::LAMBDA,
        kind: SpanKind::Server,
        resource: facts.function_name.clone(),
        attributes,
    }
}

fn trigger_tags(trigger: &Trigger) -> impl Iterator<Item = KeyValue> {
    let http = trigger.http.as_ref();
    let texts = [
        (keys::TRIGGER_SOURCE, Some(trigger.event_source)),
        (
            keys::TRIGGER_SOURCE_ARN,
            trigger.event_source_arn.as_deref(),
        ),
        (
            keys::HTTP_METHOD,
            http.and_then(|http| http.method.as_deref()),
        ),
        (
            keys::HTTP_REFERER,
            http.and_then(|http| http.referer.as_deref()),
        ),
        (
            keys::HTTP_ROUTE,
            http.and_then(|http| http.route.as_deref()),
        ),
        (keys::HTTP_URL, http.and_then(|http| http.url.as_deref())),
        (
            keys::HTTP_USER_AGENT,
            http.and_then(|http| http.user_agent.as_deref()),
        ),
    ];
    texts
        .into_iter()
        .filter_map(|(key, text)| Some(KeyValue::new(key, text?.to_owned())))
}

pub(super) fn execute(facts: &InvocationFacts) -> Span {
    let mut attributes = common();
    attributes.push(KeyValue::new(keys::EXECUTION_ARN, facts.arn.clone()));
    attributes.push(flag(keys::REPLAYED, facts.replays));
    Span {
        name: span_names::EXECUTE,
        kind: SpanKind::Internal,
        resource: facts.resource.clone(),
        attributes,
    }
}

/// The sleep itself, for those who ask for it.
pub(super) fn suspended(facts: &InvocationFacts, sleep: &Sleep) -> Span {
    let mut attributes = common();
    attributes.push(KeyValue::new(keys::EXECUTION_ARN, facts.arn.clone()));
    let on = sleep.on.as_ref().map(suspended_on);
    attributes.extend(on.clone().map(|on| KeyValue::new(keys::SUSPENDED_ON, on)));
    let resource = on.unwrap_or_else(|| span_names::SUSPENDED.to_owned());
    Span {
        name: span_names::SUSPENDED,
        kind: SpanKind::Internal,
        resource,
        attributes,
    }
}

/// `None` for what has no span.
fn operation_name(shape: Shape) -> Option<&'static str> {
    Some(match shape {
        Shape::Callback => span_names::CREATE_CALLBACK,
        Shape::ChildContext => span_names::CHILD_CONTEXT,
        Shape::Invoke => span_names::INVOKE,
        Shape::Item => return None,
        Shape::Map => span_names::MAP,
        Shape::Parallel => span_names::PARALLEL,
        Shape::Step => span_names::STEP,
        Shape::Wait => span_names::WAIT,
        Shape::WaitForCallback => span_names::WAIT_FOR_CALLBACK,
        Shape::WaitForCondition => span_names::WAIT_FOR_CONDITION,
    })
}

/// `None` for an operation that has no span.
pub(super) fn operation(opening: &Opening, replayed: bool) -> Option<Span> {
    let facts = &opening.facts;
    let shape = facts.shape()?;
    let name = operation_name(shape)?;
    let mut attributes = common();
    attributes.push(KeyValue::new(keys::OPERATION_ID, facts.id.clone()));
    attributes.push(flag(keys::REPLAYED, replayed));
    if let Some(operation_name) = &facts.name {
        attributes.push(KeyValue::new(keys::OPERATION_NAME, operation_name.clone()));
    }
    if let Some(invoked) = &facts.invoked {
        attributes.push(KeyValue::new(
            keys::INVOKED_FUNCTION,
            invoked.function.clone(),
        ));
    }
    if shape.has_attempts() {
        attributes.push(KeyValue::new(
            keys::OPERATION_ATTEMPT,
            i64::from(opening.attempt),
        ));
    }
    // The items of a map are named by the thousand: as resources they would be without bound.
    let many = opening
        .parent
        .as_ref()
        .is_some_and(|parent| matches!(parent.shape, Shape::Map | Shape::Parallel));
    let own_name = facts.name.clone().filter(|_| !many);
    let kind = if shape == Shape::Invoke {
        SpanKind::Client
    } else {
        SpanKind::Internal
    };
    Some(Span {
        name,
        kind,
        resource: own_name.unwrap_or_else(|| name.to_owned()),
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
    use durable_trace_wire::OperationType;

    use super::*;
    use crate::plan::{Invoked, Moment, Parent};

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
            trigger: None,
            xray: None,
            resource: "app::handler".to_owned(),
            replays: true,
        }
    }

    fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
        attributes
            .iter()
            .find(|kv| kv.key.as_str() == key)
            .map(|kv| kv.value.as_str().into_owned())
    }

    fn operation_facts(kind: OperationType, sub_type: &str, name: Option<&str>) -> Facts {
        Facts {
            id: "op".to_owned(),
            kind,
            sub_type: Some(sub_type.to_owned()),
            name: name.map(str::to_owned),
            parent_id: None,
            invoked: (kind == OperationType::ChainedInvoke).then(|| Invoked {
                function: "target".to_owned(),
                is_target: false,
            }),
        }
    }

    fn opening(facts: Facts, parent: Option<Shape>) -> Opening {
        let parent = parent.map(|shape| Parent {
            id: "parent".to_owned(),
            shape,
        });
        Opening {
            facts,
            attempt: 2,
            parent,
            start: Moment::Now,
            begun: None,
        }
    }

    #[test]
    fn the_invocation_carries_what_the_extension_asks_for() {
        let span = lambda(&facts(), None);
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
            assert_eq!(text(&span.attributes, key).as_deref(), Some(want), "{key}");
        }
    }

    #[test]
    fn an_arn_without_name_and_id_gives_no_durable_tags() {
        assert_eq!(
            durable_tags(
                &InvocationFacts {
                    execution: None,
                    ..facts()
                },
                None
            ),
            []
        );
    }

    #[test]
    fn a_sleep_is_told_as_far_as_it_is_known() {
        let on = operation_facts(OperationType::Wait, "Wait", Some("nap"));
        let sleep = Sleep {
            suspended_ms: Some(7),
            resume_delay_ms: None,
            on: Some(on),
        };
        let tags = durable_tags(&facts(), Some(&sleep));
        assert_eq!(
            text(&tags, "aws.durable.suspended_ms").as_deref(),
            Some("7")
        );
        assert_eq!(text(&tags, "aws.durable.resume_delay_ms"), None);
        assert_eq!(
            text(&tags, "aws.durable.suspended_on").as_deref(),
            Some("wait nap")
        );
    }

    #[test]
    fn an_operation_is_named_after_its_type_and_its_resource_after_itself() {
        use OperationType::{Callback, ChainedInvoke, Context, Step, Wait};
        for (kind, sub_type, want) in [
            (
                Step,
                "Step",
                Some(("aws.durable.step", true, SpanKind::Internal)),
            ),
            (
                Step,
                "WaitForCondition",
                Some(("aws.durable.wait_for_condition", true, SpanKind::Internal)),
            ),
            (
                Wait,
                "Wait",
                Some(("aws.durable.wait", false, SpanKind::Internal)),
            ),
            (
                Callback,
                "Callback",
                Some(("aws.durable.create_callback", false, SpanKind::Internal)),
            ),
            (
                ChainedInvoke,
                "ChainedInvoke",
                Some(("aws.durable.invoke", false, SpanKind::Client)),
            ),
            (
                Context,
                "WaitForCallback",
                Some(("aws.durable.wait_for_callback", false, SpanKind::Internal)),
            ),
            (
                Context,
                "Map",
                Some(("aws.durable.map", false, SpanKind::Internal)),
            ),
            (
                Context,
                "Parallel",
                Some(("aws.durable.parallel", false, SpanKind::Internal)),
            ),
            (
                Context,
                "RunInChildContext",
                Some(("aws.durable.child_context", false, SpanKind::Internal)),
            ),
            (Context, "MapIteration", None),
            (Context, "ParallelBranch", None),
        ] {
            let span = operation(
                &opening(operation_facts(kind, sub_type, Some("own")), None),
                false,
            );
            let got = span.map(|span| {
                assert_eq!(span.resource, "own", "{sub_type}");
                let has_attempt =
                    text(&span.attributes, "aws.durable.operation_attempt").as_deref() == Some("2");
                (span.name, has_attempt, span.kind)
            });
            assert_eq!(got, want, "{sub_type}");
        }
    }

    #[test]
    fn resources_are_bounded() {
        for (name, parent, want, why) in [
            (Some("own"), None, "own", "named"),
            (None, None, "aws.durable.step", "unnamed"),
            (
                Some("own"),
                Some(Shape::ChildContext),
                "own",
                "in a context",
            ),
            (
                Some("own"),
                Some(Shape::Map),
                "aws.durable.step",
                "one of many items",
            ),
            (
                Some("own"),
                Some(Shape::Parallel),
                "aws.durable.step",
                "one of many branches",
            ),
        ] {
            let facts = operation_facts(OperationType::Step, "Step", name);
            assert_eq!(
                operation(&opening(facts, parent), false).unwrap().resource,
                want,
                "{why}"
            );
        }
    }

    #[test]
    fn an_invoke_names_its_function() {
        let facts = operation_facts(OperationType::ChainedInvoke, "ChainedInvoke", Some("call"));
        let span = operation(&opening(facts, None), false).unwrap();
        assert_eq!(
            text(&span.attributes, "aws.durable.invoke.function_name").as_deref(),
            Some("target")
        );
    }

    #[test]
    fn a_step_of_ours_has_no_span() {
        let facts = operation_facts(OperationType::Step, "Step", Some("_datadog_0"));
        assert_eq!(operation(&opening(facts, None), true), None);
    }
}
