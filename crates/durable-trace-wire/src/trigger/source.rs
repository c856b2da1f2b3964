//! Kinds of events that are no HTTP requests.

use crate::event::Event;
use crate::nested::{filled_text, is_object, items, member, members, text};

use super::{Trigger, owned_text};

/// The parts of a function's ARN.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct FunctionArn<'a> {
    pub(super) partition: &'a str,
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    pub(super) name: &'a str,
    /// The alias that was called, if one was: a version, or `$LATEST`, has no URL.
    pub(super) alias: Option<&'a str>,
}

impl<'a> FunctionArn<'a> {
    /// Takes an execution's ARN too, which begins with its function's.
    pub(super) fn parse(arn: &'a str) -> Option<Self> {
        let arn = arn.split('/').next().unwrap_or(arn);
        let mut parts = arn.split(':');
        let (prefix, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account) = (parts.next()?, parts.next()?);
        let (kind, name) = (parts.next()?, parts.next()?);
        let qualifier = parts.next();
        let is_alias = |it: &&str| !it.starts_with('$') && it.parse::<u64>().is_err();
        ((prefix, service, kind) == ("arn", "lambda", "function")).then_some(Self {
            partition,
            region,
            account,
            name,
            alias: qualifier.filter(is_alias),
        })
    }
}

pub(super) fn of_records(event: &Event<'_>, function: Option<FunctionArn<'_>>) -> Option<Trigger> {
    let record = event.first_record()?;
    let [lower, upper, arn, cloud_front] = members(
        record,
        ["eventSource", "EventSource", "eventSourceARN", "cf"],
    )?;
    if let Some(cloud_front) = cloud_front.filter(|it| is_object(it)) {
        return Some(of_cloud_front(cloud_front, function));
    }
    let source = text(lower.or(upper)?)?;
    let (event_source, event_source_arn) = match source.as_ref() {
        "aws:dynamodb" => ("dynamodb", owned_text(arn)),
        "aws:kinesis" => ("kinesis", owned_text(arn)),
        "aws:s3" => {
            let bucket = member(record, "s3").and_then(|s3| member(s3, "bucket"));
            (
                "s3",
                bucket.and_then(|bucket| owned_text(member(bucket, "arn"))),
            )
        }
        "aws:sns" => {
            let topic = member(record, "Sns").and_then(|sns| member(sns, "TopicArn"));
            ("sns", owned_text(topic))
        }
        "aws:sqs" => ("sqs", owned_text(arn)),
        _ => return None,
    };
    Some(Trigger {
        event_source,
        event_source_arn,
        http: None,
    })
}

/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html>
fn of_cloud_front(cloud_front: &str, function: Option<FunctionArn<'_>>) -> Trigger {
    let config = member(cloud_front, "config");
    let distribution = config.and_then(|config| filled_text(member(config, "distributionId")));
    let arn = function.zip(distribution).map(|(function, id)| {
        let FunctionArn {
            partition, account, ..
        } = function;
        format!("arn:{partition}:cloudfront::{account}:distribution/{id}")
    });
    Trigger {
        event_source: "cloudfront",
        event_source_arn: arn,
        http: None,
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html>
pub(super) fn of_kafka(event: &Event<'_>, _: Option<FunctionArn<'_>>) -> Option<Trigger> {
    (text(event.origin?)? == "aws:kafka").then(|| Trigger {
        event_source: "msk",
        event_source_arn: owned_text(event.origin_arn),
        http: None,
    })
}

/// The group's name is within compressed data, which is not decoded for a tag.
pub(super) fn of_logs(event: &Event<'_>, _: Option<FunctionArn<'_>>) -> Option<Trigger> {
    is_object(event.awslogs?).then(|| Trigger {
        event_source: "cloudwatch-logs",
        ..Trigger::default()
    })
}

pub(super) fn of_eventbridge(event: &Event<'_>, _: Option<FunctionArn<'_>>) -> Option<Trigger> {
    let (_, source) = filled_text(event.detail_type).zip(filled_text(event.source))?;
    // Events about RDS have categories: they came from CloudWatch before there was EventBridge.
    let has_categories = || member(event.detail?, "EventCategories");
    let is_old = source == "aws.events" || has_categories().is_some();
    let resource = event
        .resources
        .and_then(|list| items(list, 1).into_iter().next());
    Some(Trigger {
        event_source: if is_old {
            "cloudwatch-events"
        } else {
            "eventbridge"
        },
        event_source_arn: owned_text(resource).filter(|arn| arn.starts_with("arn:")),
        http: None,
    })
}

pub(super) fn of_step_functions(event: &Event<'_>, _: Option<FunctionArn<'_>>) -> Option<Trigger> {
    let payload = event.payload.filter(|it| is_object(it));
    let arn = payload
        .and_then(state_machine)
        .or_else(|| state_machine(member(payload?, "_datadog")?))
        .or_else(|| {
            event
                .is_step_functions()
                .then(|| state_machine(event.raw))?
        })
        .or_else(|| state_machine(event.datadog?))?;
    Some(Trigger {
        event_source: "states",
        event_source_arn: arn,
        http: None,
    })
}

/// Returns the ARN of a Step Functions context's state machine, if it has one; `None` if `raw` is no
/// such context.
#[expect(
    clippy::option_option,
    reason = "a context without an ARN is still one"
)]
fn state_machine(raw: &str) -> Option<Option<String>> {
    let [execution, state, machine] = members(raw, ["Execution", "State", "StateMachine"])?;
    let is_context = [execution, state, machine]
        .into_iter()
        .all(|it| it.is_some_and(is_object));
    is_context.then(|| owned_text(member(machine?, "Id")))
}

/// The event does not name the API.
/// <https://docs.aws.amazon.com/appsync/latest/devguide/resolver-context-reference-js.html>
pub(super) fn of_appsync(event: &Event<'_>, _: Option<FunctionArn<'_>>) -> Option<Trigger> {
    let [field, parent] = members(event.info?, ["fieldName", "parentTypeName"])?;
    let is_appsync =
        is_object(event.request?) && filled_text(field).is_some() && filled_text(parent).is_some();
    is_appsync.then(|| Trigger {
        event_source: "appsync",
        ..Trigger::default()
    })
}
