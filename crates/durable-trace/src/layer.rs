//! The tracing layer: keeps the user's spans under the operation whose code made them.
//!
//! The SDK enters spans of its own around a handler, a child context and a step body
//! (<https://docs.rs/aws-durable-execution-sdk/latest/aws_durable_execution_sdk/observability/>). Entering one attaches the
//! OpenTelemetry context that belongs there, so that whatever starts a span inside, by `tracing` or by OpenTelemetry, finds its parent.

use std::cell::RefCell;

use aws_durable_execution_sdk::observability::{TARGET, event_names, field_names, span_names};
use opentelemetry::{Context as OtelContext, ContextGuard};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterFn, filter_fn};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use crate::health::{Location, shielded};
use crate::registry::registry;

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
    if metadata.is_span() {
        return matches!(
            metadata.name(),
            span_names::EXECUTION | span_names::OPERATION
        ) && metadata.target().starts_with("aws_durable_execution_sdk");
    }
    metadata.target() == TARGET
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
    fn is_the_users(metadata: &Metadata<'_>) -> bool {
        // Whole crate names, so that a user's crate `h2o` is not taken for `h2`.
        let own = metadata.target().split("::").next().unwrap_or_default();
        let families = ["aws_sdk_", "aws_smithy_", "libdd_", "opentelemetry"];
        let crates = [
            "aws_config",
            "aws_durable_execution_sdk",
            "aws_runtime",
            "aws_sigv4",
            "datadog_opentelemetry",
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
    let filter: FilterFn<fn(&Metadata<'_>) -> bool> =
        filter_fn(is_the_users as fn(&Metadata<'_>) -> bool);
    filter
}

#[derive(Debug)]
struct Layer;

/// Where the code inside a span of the SDK's is to run. In the span's extensions.
struct Inside(OtelContext);

thread_local! {
    /// What this thread has attached, innermost last; a guard cannot leave its thread.
    static ATTACHED: RefCell<Vec<(Id, ContextGuard)>> = const { RefCell::new(Vec::new()) };
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
            span.extensions_mut().insert(Inside(inside));
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        // Taken out before it is attached: attaching may call back into tracing, which must not find the extensions locked.
        let inside = span
            .extensions()
            .get::<Inside>()
            .map(|inside| inside.0.clone());
        if let Some(inside) = inside {
            let guard = inside.attach();
            // Nothing to be done where a thread is being torn down.
            let _ = ATTACHED.try_with(|attached| attached.borrow_mut().push((id.clone(), guard)));
        }
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        let guard = ATTACHED.try_with(|attached| {
            let mut attached = attached.borrow_mut();
            let index = attached.iter().rposition(|(own, _)| own == id)?;
            Some(attached.remove(index))
        });
        drop(guard);
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        shielded(Location::Span, "", || seen(event));
    }
}

/// The context that belongs inside a new span of the SDK's.
fn enter(attributes: &Attributes<'_>) -> Option<OtelContext> {
    let mut fields = Fields::default();
    attributes.record(&mut fields);
    let session = registry().by_request(&fields.arn, &fields.request_id)?;
    session.layer_is_here();
    if attributes.metadata().name() == span_names::OPERATION {
        // The SDK counts attempts from 1.
        return session.body_entered(&fields.operation_id, fields.attempt.saturating_sub(1));
    }
    session.context()
}

fn seen(event: &Event<'_>) {
    let mut fields = Fields::default();
    event.record(&mut fields);
    if fields.message == event_names::OPERATION_REPLAYED
        && let Some(session) = registry().by_request(&fields.arn, &fields.request_id)
    {
        session.replayed(&fields.operation_id);
    }
}

#[derive(Debug, Default)]
struct Fields {
    arn: String,
    attempt: u32,
    message: String,
    operation_id: String,
    request_id: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let text = match field.name() {
            field_names::EXECUTION_ARN => &mut self.arn,
            field_names::OPERATION_ID => &mut self.operation_id,
            field_names::REQUEST_ID => &mut self.request_id,
            "message" => &mut self.message,
            _ => return,
        };
        value.clone_into(text);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == field_names::ATTEMPT {
            self.attempt = u32::try_from(value).unwrap_or(u32::MAX);
        }
    }
}
