//! What the user's code logged, and what the library warned of.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// The messages of all events from the tests' own code, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<String>>>, Arc<Mutex<Vec<String>>>);

impl Lines {
    /// All lines so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// What the library has warned of so far.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.1.lock().unwrap().clone()
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target().starts_with("it::") {
            event.record(&mut Message(&self.0));
        } else if event.metadata().target() == "durable_trace"
            && *event.metadata().level() == tracing::Level::WARN
        {
            event.record(&mut Message(&self.1));
        }
    }
}

struct Message<'a>(&'a Mutex<Vec<String>>);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}
