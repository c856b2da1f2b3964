//! The tracing layer: keeps the user's spans under the operation whose code made them.
//!
//! The SDK enters spans of its own around a handler, a child context and a step body
//! (<https://docs.rs/aws-durable-execution-sdk/latest/aws_durable_execution_sdk/observability/>). Entering one attaches the
//! OpenTelemetry context that belongs there, so that whatever starts a span inside, by `tracing` or by OpenTelemetry, finds its parent.

mod fields;
mod glance;

use std::cell::RefCell;
use std::sync::Arc;

use opentelemetry::{Context as OtelContext, ContextGuard};
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterFn, filter_fn};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use self::fields::Fields;
use crate::health::{Location, shielded};
use crate::registry::registry;
use crate::sdk_names::{EVENT_TARGET, SPAN_TARGET, event_names, span_names, sub_types, types};
use crate::session::Session;

/// The layer to add to a subscriber of your own. [`run`](crate::run) installs it by itself where no subscriber is set.
///
/// It brings its own filter: it has to see the SDK's spans and its lifecycle events, which are at debug level, and sees nothing else.
/// Compose it beside the layer that exports your spans, not under a global filter that hides the SDK from it.
///
/// # Examples
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt as _;
///
/// let subscriber = tracing_subscriber::registry().with(durable_trace::layer());
/// # drop(subscriber);
/// ```
pub fn layer<S>() -> impl tracing_subscriber::Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_subscriber::Layer::with_filter(
        Layer,
        filter_fn(is_of_the_sdk as fn(&Metadata<'_>) -> bool),
    )
}

fn is_of_the_sdk(metadata: &Metadata<'_>) -> bool {
    is_span_of_the_sdk(metadata) || (!metadata.is_span() && metadata.target() == EVENT_TARGET)
}

/// Whether it is a span that the SDK enters around the user's code.
pub(crate) fn is_span_of_the_sdk(metadata: &Metadata<'_>) -> bool {
    metadata.is_span()
        && matches!(
            metadata.name(),
            span_names::EXECUTION | span_names::OPERATION
        )
        && metadata.target().starts_with(SPAN_TARGET)
}

/// Keeps what is not the user's away from the exporter: the SDK's spans (ours take their place), the runtime's, the AWS client's
/// and those of what they are made of.
///
/// For the layer that exports your `tracing` spans, where you compose a subscriber of your own.
///
/// # Examples
///
/// ```
/// use tracing_subscriber::Layer as _;
/// use tracing_subscriber::layer::SubscriberExt as _;
///
/// let subscriber = tracing_subscriber::registry()
///     .with(tracing_opentelemetry::layer().with_filter(durable_trace::user_spans()))
///     .with(durable_trace::layer());
/// # drop(subscriber);
/// ```
pub fn user_spans<S>() -> impl Filter<S> + Clone {
    let filter: FilterFn<fn(&Metadata<'_>) -> bool> =
        filter_fn(is_the_users as fn(&Metadata<'_>) -> bool);
    filter
}

/// Whether it is neither ours nor the SDK's nor the runtime's, nor of what they are made of.
pub(crate) fn is_the_users(metadata: &Metadata<'_>) -> bool {
    // Whole crate names, so that a user's crate `h2o` is not taken for `h2`.
    let own = metadata.target().split("::").next().unwrap_or_default();
    let families = ["aws_sdk_", "aws_smithy_", "libdd_", "opentelemetry"];
    let crates = [
        "aws_config",
        SPAN_TARGET,
        "aws_runtime",
        "aws_sigv4",
        "datadog_opentelemetry",
        "durable_trace",
        "h2",
        "hyper",
        "hyper_util",
        "lambda_runtime",
        "lambda_runtime_api_client",
        "rustls",
        "tower",
    ];
    !crates.contains(&own) && !families.iter().any(|family| own.starts_with(family))
}

#[derive(Debug)]
struct Layer;

/// Whose code runs inside a span of the SDK's. In the span's extensions.
#[derive(Clone, Debug)]
struct Inside {
    session: Arc<Session>,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    /// The body of a context. `condition` is the one whose check is running there.
    Body {
        context: Whose,
        condition: Option<String>,
    },
    /// The handler. `condition` as above.
    Handler { condition: Option<String> },
    /// The body of a step.
    Step(OtelContext),
}

/// Which context a body is the body of.
#[derive(Clone, Debug)]
enum Whose {
    /// Most likely this one, until an operation inside says it.
    Guessed(Option<String>),
    Known(String),
}

impl Place {
    /// Whether nothing that is heard of recorded work changes it.
    fn is_settled(&self) -> bool {
        match self {
            Self::Body { context, condition } => {
                matches!(context, Whose::Known(_)) && condition.is_none()
            }
            Self::Handler { condition } => condition.is_none(),
            Self::Step(_) => true,
        }
    }
}

impl Whose {
    fn id(&self) -> Option<&str> {
        match self {
            Self::Guessed(id) => id.as_deref(),
            Self::Known(id) => Some(id),
        }
    }
}

impl Inside {
    /// The context that belongs inside, as things are now.
    fn context(&self) -> Option<OtelContext> {
        let of = |id: Option<&str>| id.and_then(|id| self.session.context_in(id));
        match &self.place {
            Place::Body { context, condition } => {
                of(condition.as_deref()).or_else(|| of(context.id()))
            }
            Place::Handler { condition } => of(condition.as_deref()),
            Place::Step(context) => return Some(context.clone()),
        }
        .or_else(|| self.session.context())
    }
}

thread_local! {
    /// What this thread has attached, innermost last; a guard cannot leave its thread.
    static ATTACHED: RefCell<Vec<(Id, ContextGuard)>> = const { RefCell::new(Vec::new()) };

    /// The context whose start the SDK has just recorded, and by which task: the next body that the task begins is its own.
    static BEGUN: RefCell<Option<(Option<tokio::task::Id>, String)>> = const { RefCell::new(None) };
}

impl<S> tracing_subscriber::Layer<S> for Layer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(Some(inside)) = shielded(Location::Span, "", || enter(attributes)) else {
            return;
        };
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(inside);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        // Taken out before it is attached: attaching may call back into tracing, which must not find the extensions locked.
        let inside = span.extensions().get::<Inside>().cloned();
        let Some(inside) = inside.and_then(|inside| inside.context()) else {
            return;
        };
        attach(id, inside);
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        let guard = ATTACHED.try_with(|attached| {
            let mut attached = attached.borrow_mut();
            let index = attached.iter().rposition(|(own, _)| own == id)?;
            Some(attached.remove(index))
        });
        drop(guard);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let span = context.event_span(event);
        let around = span.as_ref().and_then(|span| {
            let inside = span.extensions();
            inside
                .get()
                .map(|inside: &Inside| Arc::clone(&inside.session))
        });
        // Most events of an execution that has come far are of this kind.
        if let Some(span) = &span
            && tells_nothing(span, event)
        {
            return;
        }
        let mut fields = Fields::of(|fields| {
            fields.skips_arn = around.is_some();
            event.record(fields);
        });
        // The SDK's events nearly always come inside its spans; whose those are is known.
        let around = around.filter(|session| session.request_id() == fields.request_id);
        let session = around.or_else(|| {
            if fields.skips_arn {
                fields = Fields::of(|fields| event.record(fields));
            }
            registry().by_request(&fields.arn, &fields.request_id)
        });
        if let Some(session) = session {
            shielded(Location::Span, session.arn(), || {
                seen(&session, &fields);
                if let Some(span) = &span {
                    move_inside(span, &session, &fields);
                }
            });
        }
        fields.put_back();
    }
}

/// Whether an event is of recorded work that is told of no more, and comes where it is known whose code runs.
fn tells_nothing<'a, R: LookupSpan<'a>>(span: &SpanRef<'a, R>, event: &Event<'_>) -> bool {
    let inside = span.extensions();
    let Some(inside) = inside.get::<Inside>() else {
        return false;
    };
    inside.place.is_settled()
        && inside.session.omits_replays()
        && glance::is_replay(event, inside.session.request_id())
}

/// Learns from an event where the code after it belongs.
fn move_inside<'a, R: LookupSpan<'a>>(span: &SpanRef<'a, R>, session: &Session, fields: &Fields) {
    let moved = span
        .extensions_mut()
        .get_mut::<Inside>()
        .is_some_and(|inside| inside.hear(session, fields));
    if moved {
        let inside = span.extensions().get::<Inside>().cloned();
        if let Some(inside) = inside.and_then(|inside| inside.context()) {
            reattach(&span.id(), &inside);
        }
    }
}

fn attach(id: &Id, inside: OtelContext) {
    let guard = inside.attach();
    // Nothing to be done where a thread is being torn down.
    let _ = ATTACHED.try_with(|attached| attached.borrow_mut().push((id.clone(), guard)));
}

/// Changes what is attached for a span that is entered at this moment: the code after the event belongs elsewhere.
fn reattach(id: &Id, inside: &OtelContext) {
    let entered = ATTACHED.try_with(|attached| {
        let mut attached = attached.borrow_mut();
        let (own, others) = std::mem::take(&mut *attached)
            .into_iter()
            .partition::<Vec<_>, _>(|(own, _)| own == id);
        *attached = others;
        own
    });
    let Ok(entered) = entered else { return };
    let times = entered.len();
    drop(entered);
    for _ in 0..times {
        attach(id, inside.clone());
    }
}

/// What belongs inside a new span of the SDK's.
fn enter(attributes: &Attributes<'_>) -> Option<Inside> {
    let fields = Fields::of(|fields| attributes.record(fields));
    let session = registry().by_request(&fields.arn, &fields.request_id)?;
    let is_first = session.layer_is_here(tokio::task::try_id());
    let place = if attributes.metadata().name() == span_names::OPERATION {
        session.heard().body(&fields.operation_id);
        // The SDK counts attempts from 1.
        Place::Step(session.body_entered(&fields.operation_id, fields.attempt.saturating_sub(1))?)
    } else if is_first {
        Place::Handler { condition: None }
    } else {
        Place::Body {
            context: whose_body(&session),
            condition: None,
        }
    };
    fields.put_back();
    Some(Inside { session, place })
}

/// The context whose body is about to run.
///
/// A child context's body runs in the task that has just begun it. The items of a map and the branches of a parallel run in tasks of
/// their own, begun by the one batch that is under way; where several are, the first operation inside has to say.
fn whose_body(session: &Session) -> Whose {
    let begun = BEGUN
        .try_with(|begun| begun.borrow_mut().take())
        .ok()
        .flatten();
    let task = tokio::task::try_id();
    match begun {
        Some((own, id)) if own == task => Whose::Known(id),
        _ if session.handler_task() != task => Whose::Guessed(session.only_batch()),
        _ => Whose::Guessed(None),
    }
}

fn seen(session: &Session, fields: &Fields) {
    let is_step =
        fields.operation_type == types::STEP && fields.operation_sub_type == sub_types::STEP;
    session
        .heard()
        .event(&fields.message, &fields.operation_id, is_step);
    match fields.message.as_str() {
        event_names::OPERATION_REPLAYED => session.replayed(&fields.operation_id),
        event_names::OPERATION_STARTED if fields.operation_type == types::CONTEXT => {
            let own = (tokio::task::try_id(), fields.operation_id.clone());
            let _ = BEGUN.try_with(|begun| *begun.borrow_mut() = Some(own));
        }
        _ => {}
    }
}

impl Inside {
    /// Learns from an event inside the span where its code belongs. Returns whether that has changed.
    fn hear(&mut self, session: &Session, fields: &Fields) -> bool {
        let (context, condition) = match &mut self.place {
            Place::Body { context, condition } => (Some(context), condition),
            Place::Handler { condition } => (None, condition),
            Place::Step(_) => return false,
        };
        let mut moved = false;
        if let Some(context @ Whose::Guessed(_)) = context
            && let Some(parent) = session.parent_of(&fields.operation_id)
        {
            // An operation inside it names it as its parent.
            moved = context.id() != Some(&parent);
            *context = Whose::Known(parent);
        }
        if fields.operation_sub_type == sub_types::WAIT_FOR_CONDITION {
            // The check of a condition has no span of the SDK's; it runs between the two.
            let checks = fields.message == event_names::OPERATION_STARTED;
            *condition = checks.then(|| fields.operation_id.clone());
            moved = true;
        }
        moved
    }
}
