//! What the environment sets.

use std::time::Duration;

use durable_trace_history::{Destination, Identity, Selection, TraceRules};
use lambda_runtime::Error;

/// Requests to Lambda begin at least so far apart, unless `FORWARDER_INTERVAL_MS` says otherwise.
const DEFAULT_INTERVAL_MS: u64 = 100;

pub(crate) struct Settings {
    pub(crate) destination: Destination,
    pub(crate) identity: Identity,
    pub(crate) interval: Duration,
    pub(crate) rules: TraceRules,
}

impl Settings {
    /// Reads the variables of README.md.
    pub(crate) fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let filled = |name: &str| variable(name).filter(|value| !value.is_empty());
        let destination = if let Some(url) = filled("OTEL_EXPORTER_OTLP_ENDPOINT") {
            Destination::otlp(&url)?
        } else {
            let url = filled("DD_TRACE_AGENT_URL");
            Destination::agent(url.as_deref().unwrap_or("http://localhost:8126"))?
        };
        let mut identity = Identity::default();
        if let Some(service) = filled("DD_SERVICE") {
            identity = identity.service(service);
        }
        if let Some(env) = filled("DD_ENV") {
            identity = identity.env(env);
        }
        let selection = match filled("FORWARDER_SPANS").as_deref() {
            None | Some("auto") => Selection::Auto,
            Some("all") => Selection::All,
            Some("rest") => Selection::Rest,
            Some(other) => {
                return Err(
                    format!("FORWARDER_SPANS is {other:?}: expected all, auto or rest").into(),
                );
            }
        };
        let mut rules = TraceRules::default().select(selection);
        if filled("DURABLE_TRACE_ERROR_MESSAGES").as_deref() == Some("false") {
            rules = rules.without_error_messages();
        }
        let interval = match filled("FORWARDER_INTERVAL_MS") {
            Some(text) => text
                .parse()
                .map_err(|_| format!("FORWARDER_INTERVAL_MS is {text:?}: expected milliseconds"))?,
            None => DEFAULT_INTERVAL_MS,
        };
        Ok(Self {
            destination,
            identity,
            interval: Duration::from_millis(interval),
            rules,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Settings, String> {
        let variable = |name: &str| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::from_variables(variable).map_err(|error| error.to_string())
    }

    #[test]
    fn a_collector_goes_before_the_agent() {
        let destination = |set: &[(&str, &str)]| read(set).ok().unwrap().destination.to_string();
        assert_eq!(destination(&[]), "http://localhost:8126/v0.4/traces");
        let agent = ("DD_TRACE_AGENT_URL", "http://a:1");
        assert_eq!(destination(&[agent]), "http://a:1/v0.4/traces");
        let collector = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
        assert_eq!(destination(&[agent, collector]), "http://c:4318/v1/traces");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (name, value) in [
            ("FORWARDER_SPANS", "some"),
            ("FORWARDER_INTERVAL_MS", "often"),
            ("DD_TRACE_AGENT_URL", "unix:///apm.socket"),
        ] {
            let error = read(&[(name, value)]).err().unwrap();
            assert!(error.contains(value), "{error}");
        }
        let interval = read(&[("FORWARDER_INTERVAL_MS", "0")])
            .ok()
            .unwrap()
            .interval;
        assert_eq!(interval, Duration::ZERO);
    }
}
