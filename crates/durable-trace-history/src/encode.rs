//! Traces as others read them. Pure; one file a format.

use crate::trace::Trace;

mod chrome;
mod datadog;
mod otlp;

pub use self::chrome::to_chrome_json;
pub use self::datadog::{to_datadog_json, to_datadog_payloads};
pub use self::otlp::{to_otlp_json, to_otlp_requests};

/// The most bytes of spans in one request, about: agents and collectors take 20 MB and more by default.
const REQUEST_BYTES: usize = 4 * 1024 * 1024;

/// Whose spans they are.
///
/// ```
/// use durable_trace_history::Identity;
///
/// let identity = Identity::default().service("shop").env("prod");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Identity {
    service: Option<String>,
    env: Option<String>,
}

impl Identity {
    /// Sets the service, `DD_SERVICE` in live tracing; by default each function is one.
    #[must_use]
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// Sets the environment, `DD_ENV` in live tracing.
    #[must_use]
    pub fn env(mut self, env: impl Into<String>) -> Self {
        self.env = Some(env.into());
        self
    }

    fn service_of<'a>(&'a self, trace: &'a Trace) -> &'a str {
        self.service.as_deref().unwrap_or(&trace.function)
    }
}

/// A body for an agent, and what the agent wants to know of it beside.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Payload {
    /// The bytes.
    pub body: Vec<u8>,
    /// How many traces, or parts of one, are in it.
    pub trace_count: usize,
}

/// Splits what has sizes into runs of at most `limit` bytes, each of at least one.
fn split<T>(items: Vec<T>, limit: usize, size: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut runs: Vec<Vec<T>> = Vec::new();
    let mut filled = 0;
    for item in items {
        let bytes = size(&item);
        filled += bytes;
        match runs.last_mut() {
            Some(run) if filled <= limit => run.push(item),
            _ => {
                filled = bytes;
                runs.push(vec![item]);
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_split_by_size_and_nothing_is_lost() {
        let runs = split(vec![3, 3, 3, 9, 1, 1], 6, |size| *size);
        assert_eq!(runs, [vec![3, 3], vec![3], vec![9], vec![1, 1]]);
        assert!(split(Vec::<usize>::new(), 6, |size| *size).is_empty());
    }
}
