//! Where in which execution a line is written: told by the SDK's spans, or by the invocation that is being served.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use crate::contract::log_keys;
use crate::layer::{is_span_of_the_sdk, is_the_users};
use crate::sdk_names::{EVENT_TARGET, field_names};
use crate::session::Session;

/// A place that lines are written at.
#[derive(Debug)]
pub(crate) struct Place {
    /// The execution and the invocation, as members of a JSON object, with a comma before each.
    members: String,
    /// The code there returns recorded work.
    is_replayed: AtomicBool,
}

impl Place {
    fn new(arn: &str, request_id: &str, is_replayed: bool) -> Self {
        let mut members = String::new();
        push_member(&mut members, log_keys::EXECUTION_ARN, arn);
        push_member(&mut members, log_keys::REQUEST_ID, request_id);
        Self {
            members,
            is_replayed: AtomicBool::new(is_replayed),
        }
    }

    pub(super) fn members(&self) -> &str {
        &self.members
    }
}

/// Appends a member to those of a JSON object.
pub(super) fn push_member(members: &mut String, name: &str, value: &str) {
    let value = serde_json::Value::from(value);
    let _ = write!(members, ",\"{name}\":{value}"); // a text takes whatever is written to it
}

thread_local! {
    /// The places that this thread is in, innermost last, each with the span that led there.
    static ENTERED: RefCell<Vec<(Option<Id>, Arc<Place>)>> = const { RefCell::new(Vec::new()) };
}

/// Somebody asks for places.
static WANTED: AtomicBool = AtomicBool::new(false);

fn enter(span: Option<Id>, place: Arc<Place>) {
    // Nothing to be done where a thread is being torn down.
    let _ = ENTERED.try_with(|entered| entered.borrow_mut().push((span, place)));
}

fn leave(span: Option<&Id>) {
    let left = ENTERED.try_with(|entered| {
        let mut entered = entered.borrow_mut();
        let index = entered.iter().rposition(|(own, _)| own.as_ref() == span)?;
        Some(entered.remove(index))
    });
    drop(left);
}

/// Hands over the place that this thread is in.
pub(super) fn with_current<T>(look: impl FnOnce(&Place) -> T) -> Option<T> {
    let looked = ENTERED.try_with(|entered| {
        let entered = entered.borrow();
        entered.last().map(|(_, place)| look(place))
    });
    looked.ok().flatten()
}

/// The place of an invocation outside of the SDK's spans; `None` where nobody asks for it.
pub(crate) fn invocation(session: &Session) -> Option<Arc<Place>> {
    let wanted = WANTED.load(Ordering::Relaxed);
    wanted.then(|| Arc::new(Place::new(session.arn(), session.request_id(), false)))
}

/// Runs a future at a place.
pub(crate) async fn within<F: Future>(place: Option<Arc<Place>>, future: F) -> F::Output {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            leave(None);
        }
    }

    let Some(place) = place else {
        return future.await;
    };
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| {
        enter(None, Arc::clone(&place));
        let _leave = Leave;
        future.as_mut().poll(cx)
    })
    .await
}

/// The layer that follows the SDK's spans.
pub(super) fn noting<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    WANTED.store(true, Ordering::Relaxed);
    // The SDK's spans are at INFO by its contract.
    let spans = filter_fn(is_span_of_the_sdk as fn(&Metadata<'_>) -> bool)
        .with_max_level_hint(LevelFilter::INFO);
    Noting.with_filter(spans)
}

#[derive(Debug)]
struct Noting;

impl<S> Layer<S> for Noting
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let place = Place::new(
            &fields.arn,
            &fields.request_id,
            fields.is_replay.unwrap_or(false),
        );
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Arc::new(place));
        }
    }

    /// The SDK says anew with each operation whether the code around it still replays.
    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut flag = Flag(None);
        values.record(&mut flag);
        let Some(is_replayed) = flag.0 else { return };
        if let Some(place) = place_of(id, &context) {
            place.is_replayed.store(is_replayed, Ordering::Relaxed);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(place) = place_of(id, &context) {
            enter(Some(id.clone()), place);
        }
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        leave(Some(id));
    }
}

fn place_of<S>(id: &Id, context: &Context<'_, S>) -> Option<Arc<Place>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let span = context.span(id)?;
    let extensions = span.extensions();
    extensions.get::<Arc<Place>>().cloned()
}

/// What a span of the SDK's says.
#[derive(Debug, Default)]
struct Fields {
    arn: String,
    request_id: String,
    is_replay: Option<bool>,
}

impl Visit for Fields {
    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            field_names::EXECUTION_ARN => value.clone_into(&mut self.arn),
            field_names::REQUEST_ID => value.clone_into(&mut self.request_id),
            _ => {}
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == field_names::IS_REPLAY {
            self.is_replay = Some(value);
        }
    }
}

/// The field `isReplay` alone.
#[derive(Debug)]
struct Flag(Option<bool>);

impl Visit for Flag {
    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == field_names::IS_REPLAY {
            self.0 = Some(value);
        }
    }
}

/// Lets through what is not replayed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Live;

impl<S> Filter<S> for Live {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn callsite_enabled(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::always()
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let metadata = event.metadata();
        if metadata.target() == EVENT_TARGET {
            // Of what these tell, they say it themselves; the span around them is ahead of it.
            let mut flag = Flag(None);
            event.record(&mut flag);
            return flag.0 != Some(true);
        }
        let is_replayed = with_current(|place| place.is_replayed.load(Ordering::Relaxed));
        is_replayed != Some(true) || !is_the_users(metadata)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// The targets of the events that came through.
    #[derive(Clone, Default)]
    struct Through(Arc<Mutex<Vec<&'static str>>>);

    impl<S: Subscriber> Layer<S> for Through {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0.lock().unwrap().push(event.metadata().target());
        }
    }

    impl Through {
        fn take(&self) -> Vec<&'static str> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    fn say() {
        tracing::info!(target: "order", "a line");
        tracing::info!(target: "hyper::client", "a line");
        tracing::info!(target: "durable_trace", "a line");
    }

    #[test]
    fn lines_of_the_users_alone_are_replayed_and_only_while_the_sdk_says_so() {
        let through = Through::default();
        let subscriber = Registry::default()
            .with(noting())
            .with(through.clone().with_filter(Live));
        let _guard = tracing::subscriber::set_default(subscriber);
        let span = |is_replay: bool| {
            tracing::info_span!(
                target: "aws_durable_execution_sdk::tracing_layer",
                "durable_execution",
                executionArn = "arn",
                requestId = "request",
                isReplay = is_replay,
            )
        };
        let all = ["order", "hyper::client", "durable_trace"];
        let handler = span(true);
        handler.in_scope(|| {
            say();
            assert_eq!(through.take(), all[1..], "it replays");
            span(false).in_scope(say);
            assert_eq!(through.take(), all, "a step within does not");
            handler.record("isReplay", false);
            say();
            assert_eq!(through.take(), all, "nor does it any more");
            handler.record("isReplay", true);
        });
        say();
        assert_eq!(through.take(), all, "outside");
    }

    #[tokio::test]
    async fn a_future_is_at_its_place_while_it_runs_and_only_then() {
        let place = |arn: &str| Some(Arc::new(Place::new(arn, "request", false)));
        let members = || with_current(|place| place.members().to_owned());
        let run = |arn: &'static str| {
            within(place(arn), async move {
                let before = members();
                tokio::task::yield_now().await;
                assert_eq!(members(), before);
                before
            })
        };
        let (one, other) = tokio::join!(run("a"), run("b\"c"));
        assert_eq!(
            one.as_deref(),
            Some(r#","executionArn":"a","requestId":"request""#)
        );
        assert_eq!(
            other.as_deref(),
            Some(r#","executionArn":"b\"c","requestId":"request""#)
        );
        assert_eq!(members(), None);
        assert_eq!(within(None, async { members() }).await, None);
    }
}
