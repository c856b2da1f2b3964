//! Whether the SDK's names came to our layer in one invocation: where one does not, spans lose their place and nothing fails.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::sdk_names::event_names;

/// What the layer has heard in an invocation.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// An event of a known name.
    event: AtomicBool,
    /// An operation's event that does not tell which operation it is about.
    nameless: AtomicBool,
    /// The span around the body of a step.
    body: AtomicBool,
    /// A step's body has come to its end.
    step_done: AtomicBool,
}

impl Heard {
    /// An event; `is_step` says whether it is about a plain step, whose body has a span.
    pub(crate) fn event(&self, name: &str, operation_id: &str, is_step: bool) {
        let is_of_an_operation = match name {
            event_names::EXECUTION_STARTED | event_names::EXECUTION_RESUMED => false,
            event_names::OPERATION_FAILED
            | event_names::OPERATION_REPLAYED
            | event_names::OPERATION_RETRY_SCHEDULED
            | event_names::OPERATION_STARTED
            | event_names::OPERATION_SUCCEEDED => true,
            _ => return,
        };
        note(&self.event);
        if is_of_an_operation && operation_id.is_empty() {
            note(&self.nameless);
        }
        // An interrupted step fails, or is tried again, without its body.
        if is_step && name == event_names::OPERATION_SUCCEEDED {
            note(&self.step_done);
        }
    }

    /// The span around a step's body.
    pub(crate) fn body(&self, operation_id: &str) {
        note(if operation_id.is_empty() {
            &self.nameless
        } else {
            &self.body
        });
    }

    /// What should have come, and did not.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        if !seen(&self.event) {
            Some("event execution_started or execution_resumed")
        } else if seen(&self.nameless) {
            Some("field operationId")
        } else if seen(&self.step_done) && !seen(&self.body) {
            Some("span durable_operation")
        } else {
            None
        }
    }
}

fn note(flag: &AtomicBool) {
    flag.store(true, Ordering::Relaxed);
}

fn seen(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_that_does_not_come_is_missed() {
        type Tell = fn(&Heard);
        let rows: [(Tell, Option<&str>, &str); 7] = [
            (|_| (), Some("event"), "nothing at all"),
            (
                |heard| heard.event("execution_begun", "", false),
                Some("event"),
                "another name",
            ),
            (
                |heard| heard.event("execution_started", "", false),
                None,
                "no operation",
            ),
            (
                |heard| heard.event("operation_started", "", true),
                Some("field operationId"),
                "of which operation?",
            ),
            (
                |heard| {
                    heard.event("operation_started", "1", true);
                    heard.body("");
                },
                Some("field operationId"),
                "whose body?",
            ),
            (
                |heard| heard.event("operation_succeeded", "1", true),
                Some("span durable_operation"),
                "done without a body",
            ),
            (
                |heard| {
                    heard.body("1");
                    heard.event("operation_succeeded", "1", true);
                },
                None,
                "all as it should be",
            ),
        ];
        for (tell, want, why) in rows {
            let heard = Heard::default();
            tell(&heard);
            let missing = heard.missing();
            let is_as_wanted = match want {
                Some(want) => missing.is_some_and(|missing| missing.starts_with(want)),
                None => missing.is_none(),
            };
            assert!(is_as_wanted, "{why}: {missing:?}");
        }
    }

    #[test]
    fn an_interrupted_step_has_no_body() {
        let heard = Heard::default();
        heard.event("operation_failed", "1", true);
        heard.event("operation_retry_scheduled", "2", true);
        assert_eq!(heard.missing(), None);
    }
}
