//! A Step Functions context: which execution, state and attempt has called.
//!
//! Step Functions writes no headers. Its spans are made later, from its log, with ids derived from
//! what the context holds too; the same derivation here gives the parent. Users put the context into
//! the state's input, in one of three ways: as the whole payload (or its `Payload`), as `_datadog`,
//! or as a part of what they send on through SQS, SNS or EventBridge.
//! <https://docs.datadoghq.com/serverless/step_functions/installation/>

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::datadog::{self, Rules};
use crate::headers::{Header, Headers};
use crate::ids::{SpanId, TraceId};
use crate::sampling::SamplingPriority;

use crate::event::Event;

use super::header_map::Reader;
use super::{Carried, Source};
use crate::nested::{self, member, members};

pub(super) fn read(event: &Event<'_>, _: &Reader<'_>) -> Option<Carried> {
    let payload = event.payload.filter(|it| nested::is_object(it));
    let context = payload
        .and_then(|payload| context(member(payload, "_datadog")?))
        .or_else(|| context(payload?))
        .or_else(|| context(event.datadog?))
        .or_else(|| event.is_step_functions().then(|| context(event.raw))?)?;
    Some(Carried::new(Source::StepFunctions, context))
}

/// Returns the context of the state that has called, if `raw` is a Step Functions context.
///
/// The trace is the one that the state machine was itself called with, where it says so, else
/// derived from the execution that began it all. Without a decision from there the trace is kept, as
/// Datadog keeps those of Step Functions.
pub(super) fn context(raw: &str) -> Option<Context> {
    let [execution, state, machine, root_id] = members(
        raw,
        ["Execution", "State", "StateMachine", "RootExecutionId"],
    )?;
    machine.filter(|machine| nested::is_object(machine))?;
    let [id, redrives, input] = members(execution?, ["Id", "RedriveCount", "Input"])?;
    let id = nested::filled_text(id)?;
    let parent_id = Caller {
        execution_id: &id,
        redrives: redrives.and_then(count).unwrap_or_default(),
        state: state?,
    }
    .span_id()?;

    let input = input.and_then(|input| member(input, "_datadog"));
    let mut upstream = [Some(raw), input]
        .into_iter()
        .flatten()
        .filter_map(|headers| Headers::from_event(headers).ok());
    let mut context = upstream
        .find_map(|headers| with_ids(headers, None, parent_id))
        .or_else(|| {
            let root_id = nested::filled_text(root_id).unwrap_or(id);
            with_ids(
                Headers::from_event(raw).ok()?,
                derive_trace_id(&root_id),
                parent_id,
            )
        })?;
    context
        .sampling_priority
        .get_or_insert(SamplingPriority::AutoKeep);
    Some(context)
}

/// What the span of a state's attempt is derived from.
struct Caller<'a> {
    execution_id: &'a str,
    redrives: u64,
    state: &'a str,
}

impl Caller<'_> {
    /// `None` if the state has no name or was never entered: two such states would share a span.
    fn span_id(&self) -> Option<SpanId> {
        let [name, entered, retries] = members(self.state, ["Name", "EnteredTime", "RetryCount"])?;
        let (name, entered) = (nested::filled_text(name)?, nested::filled_text(entered)?);
        let retries = retries.and_then(count).unwrap_or_default();
        let mut text = format!("{}#{name}#{entered}", self.execution_id);
        // The first attempt's id is older than these counts.
        if retries != 0 || self.redrives != 0 {
            text = format!("{text}#{retries}#{}", self.redrives);
        }
        SpanId::new(halves(&text).0)
    }
}

/// Returns the context of headers with another parent, and, if one is given, another trace.
fn with_ids(
    mut headers: Headers<'_>,
    trace_id: Option<TraceId>,
    parent_id: SpanId,
) -> Option<Context> {
    headers.write(Header::ParentId, &parent_id.to_string());
    if let Some(trace_id) = trace_id {
        headers.write(Header::TraceId, &trace_id.low().to_string());
    }
    let context = datadog::parse(&headers, Rules::Event)?;
    Some(Context {
        trace_id: trace_id.unwrap_or(context.trace_id),
        ..context
    })
}

fn derive_trace_id(execution_id: &str) -> Option<TraceId> {
    let (high, low) = halves(execution_id);
    TraceId::from_halves(high, low)
}

/// Returns the two halves of a SHA-256's first 128 bits, each without its top bit, and never zero.
fn halves(text: &str) -> (u64, u64) {
    let digest = Sha256::digest(text);
    let mut bytes = digest.iter();
    let mut half = || {
        let bits = bytes
            .by_ref()
            .take(8)
            .fold(0, |bits: u64, byte| bits << 8 | u64::from(*byte));
        (bits & (u64::MAX >> 1)).max(1)
    };
    (half(), half())
}

/// Returns a count, in a text or not. Query languages may write it as a float.
fn count(raw: &str) -> Option<u64> {
    let text = nested::text(raw).unwrap_or(Cow::Borrowed(raw));
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let is_whole = fraction.bytes().all(|digit| digit == b'0');
    is_whole
        .then(|| crate::decimal::parse_digits(whole))
        .flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::carrier::tests::{base64, found, headers, state, text};

    const EXECUTION: &str = "arn:aws:states:sa-east-1:425362996713:execution:abhinav-activity-state-machine:72a7ca3e-901c-41bb-b5a3-5f279b92a316";

    /// The context of a state that Datadog's own tests have, with these changes.
    fn changed(changes: &[(&str, Value)]) -> Value {
        let mut context = json!({
            "Execution": { "Id": EXECUTION, "StartTime": "2024-12-04T19:38:04.069Z", "RedriveCount": 0 },
            "State": { "Name": "Lambda Invoke", "EnteredTime": "2024-12-04T19:38:04.118Z", "RetryCount": 0 },
            "StateMachine": { "Id": "arn:aws:states:sa-east-1:425362996713:stateMachine:m" },
        });
        for (pointer, value) in changes {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            context.pointer_mut(parent).unwrap()[name] = value.clone();
        }
        context
    }

    /// Trace id, parent and priority.
    fn derived(state: &Value) -> Option<(String, u64, i8)> {
        let context = context(&state.to_string())?;
        let priority = context.sampling_priority.unwrap().value();
        Some((
            context.trace_id.to_string(),
            context.parent_id.get(),
            priority,
        ))
    }

    #[test]
    fn ids_are_derived_as_datadog_derives_them() {
        const TRACE: &str = "3e7a89d1b7310603060a0dcfb971e72f";
        const FIRST: u64 = 3_929_055_471_293_792_800;
        for (changes, trace, parent, why) in [
            (vec![], TRACE, FIRST, "the first attempt"),
            (
                vec![("/State/RetryCount", json!(1))],
                TRACE,
                5_324_109_749_361_013_132,
                "a retry",
            ),
            (
                vec![("/Execution/RedriveCount", json!(1))],
                TRACE,
                8_782_364_156_266_188_026,
                "a redrive",
            ),
            (
                vec![
                    ("/State/RetryCount", Value::Null),
                    ("/Execution/RedriveCount", json!("0")),
                ],
                TRACE,
                FIRST,
                "no counts",
            ),
            (
                vec![("/State/RetryCount", json!(1.0))],
                TRACE,
                5_324_109_749_361_013_132,
                "a count as a float",
            ),
            (
                vec![("/RootExecutionId", json!("other-root"))],
                "55746de91a2f5a650163d8b123ec0396",
                FIRST,
                "called by another machine",
            ),
            (
                vec![("/RootExecutionId", json!(5))],
                TRACE,
                FIRST,
                "a root of another type",
            ),
            (
                vec![("/Execution/Input", json!("text"))],
                TRACE,
                FIRST,
                "input of any type",
            ),
            (
                vec![("/Execution/Input", json!({ "_datadog": "text" }))],
                TRACE,
                FIRST,
                "input with something else",
            ),
        ] {
            let want = Some((trace.to_owned(), parent, 1));
            assert_eq!(derived(&changed(&changes)), want, "{why}");
        }
    }

    #[test]
    fn what_called_the_state_machine_goes_on() {
        let upstream = json!({
            "x-datadog-trace-id": "5821803790426892636",
            "x-datadog-parent-id": "9",
            "x-datadog-sampling-priority": "-1",
            "x-datadog-origin": "rum",
            "x-datadog-tags": "_dd.p.dm=-4,_dd.p.tid=672a7cb100000000",
        });
        let mut at_top = changed(&[("/RootExecutionId", json!("r"))]);
        for (name, value) in upstream.as_object().unwrap() {
            at_top[name] = value.clone();
        }
        let in_input = changed(&[("/Execution/Input", json!({ "_datadog": upstream }))]);
        for state in [at_top, in_input] {
            let context = context(&state.to_string()).unwrap();
            assert_eq!(
                context.trace_id.to_string(),
                "672a7cb10000000050cb33b3c06ae95c"
            );
            assert_eq!(
                context.parent_id.get(),
                3_929_055_471_293_792_800,
                "the state, not its caller"
            );
            assert_eq!(
                context.sampling_priority,
                Some(SamplingPriority::UserReject)
            );
            assert_eq!(context.origin.as_deref(), Some("rum"));
            assert_eq!(context.tags.get("_dd.p.dm"), Some("-4"));
        }
    }

    #[test]
    fn a_trace_id_that_is_none_is_derived() {
        for id in [
            json!("xyz"),
            json!("-7"),
            json!("18446744073709551616"),
            json!(0),
            json!([]),
        ] {
            let context = changed(&[
                ("/x-datadog-trace-id", id.clone()),
                ("/x-datadog-tags", json!("foo_dd.p.tid=1234")),
            ]);
            let (trace, ..) = derived(&context).unwrap();
            assert_eq!(trace, "3e7a89d1b7310603060a0dcfb971e72f", "{id}");
        }
    }

    #[test]
    fn half_a_context_is_none() {
        for (changes, why) in [
            (vec![("/Execution/Id", Value::Null)], "no execution"),
            (
                vec![("/Execution", json!("x"))],
                "an execution of another type",
            ),
            (vec![("/State", json!({}))], "a state without a name"),
            (
                vec![("/State/EnteredTime", Value::Null)],
                "a state never entered",
            ),
            (vec![("/StateMachine", Value::Null)], "no state machine"),
        ] {
            assert_eq!(derived(&changed(&changes)), None, "{why}");
        }
    }

    #[test]
    fn a_context_is_found_wherever_users_put_it() {
        let trace = context(&state().to_string()).unwrap().trace_id.low();
        let direct = Some(("step-functions", trace, true));
        let mut beside = state();
        beside["_datadog"] = headers(1);
        let sqs = |attribute| json!({ "Records": [{ "eventSource": "aws:sqs", "messageAttributes": { "_datadog": attribute } }] });
        for (event, want, why) in [
            (state(), direct, "the whole payload"),
            (json!({ "_datadog": state() }), direct, "by JSONata"),
            (json!({ "Payload": state() }), direct, "Payload"),
            (
                json!({ "Payload": { "_datadog": state() } }),
                direct,
                "both",
            ),
            (beside, direct, "before headers at the top"),
            (
                sqs(json!({ "stringValue": text(&state()) })),
                Some(("sqs", trace, true)),
                "SQS",
            ),
            (
                sqs(json!({ "binaryValue": base64(&state()) })),
                Some(("sqs", trace, true)),
                "SQS, bytes",
            ),
            (
                json!({ "detail-type": "t", "source": "s", "detail": { "_datadog": state() } }),
                Some(("eventbridge", trace, true)),
                "EventBridge",
            ),
            (
                json!({ "Payload": 5, "_datadog": [state()] }),
                None,
                "other types",
            ),
        ] {
            assert_eq!(found(&event), want, "{why}");
        }
    }

    #[test]
    fn half_a_context_hides_no_headers() {
        let mut mixed = headers(1);
        mixed["Execution"] = json!({ "Id": "x" });
        mixed["State"] = json!({ "Name": "n" });
        let event = json!({ "detail-type": "t", "source": "s", "detail": { "_datadog": mixed } });
        assert_eq!(found(&event), Some(("eventbridge", 1, true)));
    }

    #[test]
    fn no_half_of_a_digest_is_zero_or_has_its_top_bit() {
        for number in 0..2_000 {
            let (high, low) = halves(&number.to_string());
            assert!(high != 0 && low != 0 && (high | low) >> 63 == 0, "{number}");
        }
    }
}
