//! The SDK says of a real execution what the library goes by: spans, events, fields and words, each by its name.
//!
//! The names are those of `src/sdk_names.rs`, which the layer reads too; the list of them is in `docs/upgrading.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use aws_durable_execution_sdk::{BoxError, DurableContext, RetryDecision, StepError};
use aws_sdk_lambda::types::{OperationAction, OperationStatus, OperationType};
use durable_trace::ReplayedSpans;
use durable_trace_wire as wire;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::{Layer, Registry};

use crate::document;
use crate::kinds;

#[path = "../../src/sdk_names.rs"]
mod names;

use names::{EVENT_TARGET, SPAN_TARGET, event_names, field_names, span_names, sub_types, types};

/// A span or an event of the SDK's.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Kind {
    Event,
    Span,
}

/// A field's name, and how its value comes.
type FieldAs = (&'static str, &'static str);

const IDENTITY: [FieldAs; 2] = [
    (field_names::EXECUTION_ARN, "text"),
    (field_names::REQUEST_ID, "text"),
];
const BODY: [FieldAs; 2] = [
    (field_names::OPERATION_ID, "text"),
    (field_names::ATTEMPT, "number"),
];
const OPERATION: [FieldAs; 3] = [
    (field_names::OPERATION_ID, "text"),
    (field_names::OPERATION_TYPE, "text"),
    (field_names::OPERATION_SUB_TYPE, "text"),
];

/// What is relied on: a name, and the fields beside [`IDENTITY`].
const RELIED: [(Kind, &str, &[FieldAs]); 9] = [
    (Kind::Span, span_names::EXECUTION, &[]),
    (Kind::Span, span_names::OPERATION, &BODY),
    (Kind::Event, event_names::EXECUTION_STARTED, &[]),
    (Kind::Event, event_names::EXECUTION_RESUMED, &[]),
    (Kind::Event, event_names::OPERATION_STARTED, &OPERATION),
    (Kind::Event, event_names::OPERATION_SUCCEEDED, &OPERATION),
    (Kind::Event, event_names::OPERATION_FAILED, &OPERATION),
    (
        Kind::Event,
        event_names::OPERATION_RETRY_SCHEDULED,
        &OPERATION,
    ),
    (Kind::Event, event_names::OPERATION_REPLAYED, &OPERATION),
];

/// The words that tell operations apart: type and sub-type.
const WORDS: [(&str, &str); 8] = [
    (types::CONTEXT, sub_types::MAP),
    (types::CONTEXT, sub_types::MAP_ITERATION),
    (types::CONTEXT, sub_types::PARALLEL),
    (types::CONTEXT, sub_types::PARALLEL_BRANCH),
    (types::CONTEXT, sub_types::RUN_IN_CHILD_CONTEXT),
    (types::CONTEXT, sub_types::WAIT_FOR_CALLBACK),
    (types::STEP, sub_types::STEP),
    (types::STEP, sub_types::WAIT_FOR_CONDITION),
];

/// What the SDK said under one name.
#[derive(Debug, Default)]
struct Said {
    /// Crate or module, and level.
    from: BTreeSet<(String, Level)>,
    /// Fields that were there each time; `None` before the first.
    fields: Option<BTreeSet<(&'static str, &'static str)>>,
}

/// All that the SDK says.
#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<Recorded>>);

#[derive(Debug, Default)]
struct Recorded {
    said: BTreeMap<(Kind, String), Said>,
    words: BTreeSet<(String, String)>,
}

impl Recorder {
    fn record(&self, kind: Kind, name: &str, metadata: &Metadata<'_>, fields: &Fields) {
        let mut recorded = self.0.lock().unwrap();
        let said = recorded.said.entry((kind, name.to_owned())).or_default();
        said.from
            .insert((metadata.target().to_owned(), *metadata.level()));
        let there = said.fields.get_or_insert_with(|| fields.there.clone());
        there.retain(|field| fields.there.contains(field));
        let word = |name| fields.texts.get(name).cloned().unwrap_or_default();
        recorded.words.insert((
            word(field_names::OPERATION_TYPE),
            word(field_names::OPERATION_SUB_TYPE),
        ));
    }
}

impl<S: Subscriber> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let metadata = attributes.metadata();
        if metadata.target().starts_with(SPAN_TARGET) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            self.record(Kind::Span, metadata.name(), metadata, &fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == EVENT_TARGET {
            let mut fields = Fields::default();
            event.record(&mut fields);
            let name = fields.texts.get("message").cloned().unwrap_or_default();
            self.record(Kind::Event, &name, event.metadata(), &fields);
        }
    }
}

#[derive(Debug, Default)]
struct Fields {
    there: BTreeSet<(&'static str, &'static str)>,
    texts: BTreeMap<&'static str, String>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.there.insert((field.name(), "other"));
        self.texts.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.there.insert((field.name(), "text"));
        self.texts.insert(field.name(), value.to_owned());
    }

    fn record_u64(&mut self, field: &Field, _: u64) {
        self.there.insert((field.name(), "number"));
    }
}

/// All kinds of operations, a step that is tried again, and one that fails.
async fn all_that_happens(input: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let again = ctx
        .step(|step| async move {
            if step.attempt() == 1 {
                return Err(BoxError::from("not yet"));
            }
            Ok(())
        })
        .retry_strategy(|_: &StepError, _| RetryDecision::Retry {
            delay: std::time::Duration::from_secs(1),
        });
    again.name("again").await?;
    let fails = ctx
        .step(|_| async { Err::<(), _>(BoxError::from("never")) })
        .retry_strategy(|_: &StepError, _| RetryDecision::Stop);
    assert!(fails.name("fails").await.is_err());
    kinds::all_kinds(input, ctx).await
}

/// Everything that is relied on and did not come as it should, each in a line.
fn differences(recorded: &Recorded) -> Vec<String> {
    let mut lines = Vec::new();
    for (kind, name, fields) in RELIED {
        let Some(said) = recorded.said.get(&(kind, name.to_owned())) else {
            let others: Vec<_> = recorded.said.keys().filter(|(k, _)| *k == kind).collect();
            lines.push(format!("no {kind:?} {name}; there are {others:?}"));
            continue;
        };
        let level = match kind {
            Kind::Event => Level::DEBUG,
            Kind::Span => Level::INFO,
        };
        if said.from.iter().any(|(_, own)| *own != level) {
            lines.push(format!("{name} is not at {level}: {:?}", said.from));
        }
        let there = said.fields.clone().unwrap_or_default();
        for field in IDENTITY.iter().chain(fields) {
            if !there.contains(field) {
                lines.push(format!("{kind:?} {name}: no {field:?} among {there:?}"));
            }
        }
    }
    for (kind, sub_type) in WORDS {
        let word = (kind.to_owned(), sub_type.to_owned());
        if !recorded.words.contains(&word) {
            lines.push(format!("no {word:?} among {:?}", recorded.words));
        }
    }
    lines
}

#[tokio::test]
async fn the_sdk_says_what_we_go_by_under_the_names_that_we_know() {
    let world = kinds::world_of(ReplayedSpans::Omit, all_that_happens).await;
    let recorder = Recorder::default();
    let subscriber = Registry::default().with(recorder.clone());
    let guard = tracing::subscriber::set_default(subscriber);
    let ended = world.run(&json!({})).await;
    drop(guard);
    assert!(ended.result.is_some(), "{ended:?}");
    let differences = differences(&recorder.0.lock().unwrap());
    assert!(
        differences.is_empty(),
        "the SDK has changed what durable-trace goes by (docs/upgrading.md says what to do):\n{}",
        differences.join("\n")
    );
}

#[test]
fn the_aws_client_has_the_words_that_we_know_and_no_others() {
    for word in OperationType::values() {
        let known = wire::OperationType::parse(word);
        assert_ne!(known, wire::OperationType::Other, "a new type: {word}");
    }
    for word in OperationStatus::values() {
        let known = wire::OperationStatus::parse(word);
        assert_ne!(known, wire::OperationStatus::Other, "a new status: {word}");
    }
    let words = |words: &[&'static str]| words.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(
        words(OperationType::values()),
        words(&[
            "CALLBACK",
            "CHAINED_INVOKE",
            "CONTEXT",
            "EXECUTION",
            "STEP",
            "WAIT"
        ])
    );
    assert_eq!(
        words(OperationStatus::values()),
        words(&[
            "CANCELLED",
            "FAILED",
            "PENDING",
            "READY",
            "STARTED",
            "STOPPED",
            "SUCCEEDED",
            "TIMED_OUT"
        ])
    );
    assert_eq!(
        words(OperationAction::values()),
        words(&["CANCEL", "FAIL", "RETRY", "START", "SUCCEED"])
    );
}

#[test]
fn the_guide_lists_every_name_that_we_go_by() {
    let code = |fields: &[FieldAs]| {
        let names: Vec<_> = fields.iter().map(|(name, _)| format!("`{name}`")).collect();
        names.join(", ")
    };
    let mut table = format!(
        "Spans at INFO, with a target in `{SPAN_TARGET}`; events at DEBUG, with the target `{EVENT_TARGET}`. All carry {}.\n\n\
         | | name | and the fields |\n|---|---|---|\n",
        code(&IDENTITY)
    );
    for (kind, name, fields) in RELIED {
        let kind = format!("{kind:?}").to_lowercase();
        let _ = writeln!(table, "| {kind} | `{name}` | {} |", code(fields));
    }
    let words = WORDS.map(|(kind, sub_type)| format!("`{kind}` `{sub_type}`"));
    let _ = writeln!(table, "\nTypes and sub-types: {}.", words.join(", "));
    document::hold("upgrading.md", "sdk-names", &table, "UPDATE_SDK_NAMES");
}
