//! A look at an event of the SDK's without a copy of anything.

use std::fmt::Write as _;

use tracing::Event;
use tracing::field::{Field, Visit};

use crate::sdk_names::{event_names, field_names};

/// Whether an event of the SDK's tells, in the invocation `request_id`, of recorded work that is returned again.
pub(super) fn is_replay(event: &Event<'_>, request_id: &str) -> bool {
    let mut glance = Glance {
        request_id,
        is_replayed: false,
        is_of_this: false,
    };
    event.record(&mut glance);
    glance.is_replayed && glance.is_of_this
}

struct Glance<'a> {
    request_id: &'a str,
    is_replayed: bool,
    is_of_this: bool,
}

impl Visit for Glance<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            let mut rest = Rest(event_names::OPERATION_REPLAYED);
            self.is_replayed = write!(rest, "{value:?}").is_ok() && rest.0.is_empty();
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == field_names::REQUEST_ID {
            self.is_of_this = value == self.request_id;
        }
    }
}

/// What a text that is written must go on with, to be the one that is wanted.
struct Rest(&'static str);

impl std::fmt::Write for Rest {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 = self.0.strip_prefix(text).ok_or(std::fmt::Error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::{Context, SubscriberExt as _};
    use tracing_subscriber::{Layer, Registry};

    use super::*;

    /// Whether each event is a replay of the invocation `r-1`.
    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<bool>>>);

    impl Layer<Registry> for Seen {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, Registry>) {
            self.0.lock().unwrap().push(is_replay(event, "r-1"));
        }
    }

    #[test]
    fn only_a_replay_of_the_same_invocation_is_one() {
        let seen = Seen::default();
        tracing::subscriber::with_default(Registry::default().with(seen.clone()), || {
            tracing::debug!(requestId = "r-1", operationId = "a", "operation_replayed");
            tracing::debug!(requestId = "r-2", operationId = "a", "operation_replayed");
            tracing::debug!(requestId = "r-1", operationId = "a", "operation_started");
            tracing::debug!(requestId = "r-1", "operation_replayed too");
            tracing::debug!(requestId = "r-1", "operation_");
            tracing::debug!(requestId = "r-1");
            let half = "replayed";
            tracing::debug!(requestId = "r-1", "operation_{half}");
        });
        let want = [true, false, false, false, false, false, true];
        assert_eq!(*seen.0.lock().unwrap(), want);
    }
}
