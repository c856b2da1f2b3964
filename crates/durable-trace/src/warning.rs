//! Kinds of bad set-up, each with one line that says what is wrong, what comes of it and what to do.

use std::fmt;

/// Something about the set-up that its user can act on; its text is one line that ends with the remedy.
///
/// The library logs each kind once in a process, at WARN; `durable-trace doctor` prints the same texts.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// Nobody listens where the agent should.
    AgentAbsent {
        /// Where, without credentials.
        url: String,
    },
    /// Somebody listens there who is no agent.
    AgentStrange {
        /// Where, without credentials.
        url: String,
        /// What the answer was, in a few words.
        answer: String,
    },
    /// The agent's URL is none.
    AgentUrl {
        /// What it says, without credentials.
        url: String,
    },
    /// No connection to the Lambda API comes about.
    ApiUnreachable {
        /// Where it was looked for, if that is known.
        endpoint: Option<String>,
    },
    /// Function and service do not agree on the time.
    ClockSkew {
        /// How far the service is ahead of the function; negative where it is behind.
        seconds: i64,
    },
    /// Variables of which one takes away the other's effect.
    Contradiction(Vec<Contradiction>),
    /// A filter keeps the SDK's events from our layer.
    EventsHidden,
    /// Our layer does not see the SDK's spans.
    LayerAbsent,
    /// The service does not let the function do what the SDK or the library has to.
    NoPermission {
        /// What was denied, such as `lambda:CheckpointDurableExecution`.
        action: &'static str,
        /// What it has to be allowed on.
        resource: String,
    },
    /// The client gives up after one attempt, so that nothing may ride.
    OneAttempt,
    /// The tracer has been shut down.
    ProviderShutDown,
    /// The SDK is of a version that this one was not tested with.
    SdkUntested {
        /// The SDK's version.
        version: String,
    },
    /// Something that the SDK says of an invocation does not come to our layer.
    SdkUnheard {
        /// What, by the name that was looked for.
        what: &'static str,
    },
    /// The process has another tracer.
    TwoTracers,
    /// Variables of our name space that mean nothing: the name, and the known one that is nearest to it.
    UnknownVariable(Vec<(String, Option<&'static str>)>),
    /// Variables with a value that cannot be used: the name, and what was expected.
    UnusableVariable(Vec<(&'static str, &'static str)>),
    /// The environment asks for a view that the tracer cannot give.
    ViewWithoutIds {
        /// The view's name.
        view: &'static str,
    },
    /// AWS's views keep what X-Ray samples, and it does not sample the execution.
    XRayUnsampled,
}

/// Two variables that cannot both have their effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Contradiction {
    /// The one that counts, with its value where that matters.
    pub wins: &'static str,
    /// The one that is without effect.
    pub loses: &'static str,
}

/// Kinds of warnings.
pub(crate) const KINDS: usize = 18;

impl Warning {
    /// A number for each kind, below [`KINDS`], and its name.
    fn kind(&self) -> (usize, &'static str) {
        match self {
            Self::AgentAbsent { .. } => (0, "agent-absent"),
            Self::AgentStrange { .. } => (1, "agent-strange"),
            Self::AgentUrl { .. } => (2, "agent-url"),
            Self::ApiUnreachable { .. } => (3, "api-unreachable"),
            Self::ClockSkew { .. } => (4, "clock-skew"),
            Self::Contradiction(_) => (5, "contradiction"),
            Self::EventsHidden => (6, "events-hidden"),
            Self::LayerAbsent => (7, "layer-absent"),
            Self::NoPermission { .. } => (8, "no-permission"),
            Self::OneAttempt => (9, "one-attempt"),
            Self::ProviderShutDown => (10, "provider-shut-down"),
            Self::SdkUntested { .. } => (11, "sdk-untested"),
            Self::SdkUnheard { .. } => (12, "sdk-unheard"),
            Self::TwoTracers => (13, "two-tracers"),
            Self::UnknownVariable(_) => (14, "unknown-variable"),
            Self::UnusableVariable(_) => (15, "unusable-variable"),
            Self::ViewWithoutIds { .. } => (16, "view-without-ids"),
            Self::XRayUnsampled => (17, "x-ray-unsampled"),
        }
    }

    pub(crate) fn index(&self) -> usize {
        self.kind().0
    }

    /// The kind's name, such as `agent-absent`.
    pub fn name(&self) -> &'static str {
        self.kind().1
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgentAbsent { url } => write!(
                f,
                "no Datadog agent listens at {url}, so spans are lost; add the Datadog extension layer or start an agent, let \
                 DD_TRACE_AGENT_URL name it, or set DD_TRACE_ENABLED=false"
            ),
            Self::AgentStrange { url, answer } => write!(
                f,
                "what listens at {url} does not answer as a Datadog agent does ({answer}), so spans are lost; let \
                 DD_TRACE_AGENT_URL name an agent, with the Datadog extension layer http://localhost:8126"
            ),
            Self::AgentUrl { url } => write!(
                f,
                "the agent's URL {url:?} cannot be used, so spans are lost; set DD_TRACE_AGENT_URL to http://HOST:PORT or \
                 unix:///PATH"
            ),
            Self::ApiUnreachable { endpoint } => {
                f.write_str("no connection to the Lambda API")?;
                if let Some(endpoint) = endpoint {
                    write!(f, " at {endpoint}")?;
                }
                f.write_str(
                    " came about, so the function cannot checkpoint; if it is in a VPC, give its subnets a NAT gateway or an \
                     interface endpoint for Lambda, and let its security group out on port 443",
                )
            }
            Self::ClockSkew { seconds } => {
                let (amount, side) = (
                    seconds.unsigned_abs(),
                    if *seconds < 0 { "behind" } else { "ahead of" },
                );
                write!(
                    f,
                    "the service's clock is {amount} s {side} this one, so waits and times asleep are off by as much in the \
                     trace; synchronise this machine's clock"
                )
            }
            Self::Contradiction(pairs) => write_contradictions(f, pairs),
            Self::EventsHidden => f.write_str(
                "a global filter hides the SDK's events from durable_trace::layer(), so spans of your own may lose their place; \
                 filter your other layers one by one (with_filter), or let the target aws_durable_execution_sdk through at DEBUG",
            ),
            Self::LayerAbsent => f.write_str(
                "durable_trace::layer() does not see the SDK's spans, so spans of your own lose their place; add it to your \
                 subscriber, and let no global filter hide the target aws_durable_execution_sdk",
            ),
            Self::NoPermission { action, resource } => write!(
                f,
                "the function's role lacks a permission, so its executions cannot go on or lose their trace; allow {action} on \
                 {resource} (with its qualifier: the function's name alone does not match)"
            ),
            Self::OneAttempt => f.write_str(
                "the Lambda client has one attempt, so no checkpoint rides on its requests and a trace may break; allow at \
                 least two (AWS_MAX_ATTEMPTS=2, or the client's retry_config)",
            ),
            Self::ProviderShutDown => f.write_str(
                "the tracer provider has been shut down, so there are no spans; let it live as long as the process, each \
                 invocation flushes it",
            ),
            Self::SdkUntested { version } => write!(
                f,
                "aws-durable-execution-sdk {version} is not a version that durable-trace {} was tested with ({}.x); take one of \
                 those, or a newer durable-trace",
                env!("CARGO_PKG_VERSION"),
                crate::diagnosis::TESTED_SDK
            ),
            Self::SdkUnheard { what } => write!(
                f,
                "the SDK's {what} does not come to durable_trace::layer(), so spans of your own may lose their place; put no \
                 filter on the layer, and if there is none, take a version of aws-durable-execution-sdk that durable-trace {} was \
                 tested with ({}.x)",
                env!("CARGO_PKG_VERSION"),
                crate::diagnosis::TESTED_SDK
            ),
            Self::TwoTracers => f.write_str(
                "another OpenTelemetry tracer is set up in this process, so its spans and these are traces apart; hand it to \
                 durable_trace::Options (tracer_provider and propagator), or leave the set-up to durable_trace::run",
            ),
            Self::UnknownVariable(names) => write_unknown(f, names),
            Self::UnusableVariable(variables) => {
                f.write_str("unusable value, the default is in force: ")?;
                for (index, (name, expected)) in variables.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(f, "{separator}{name} (expected {expected})")?;
                }
                Ok(())
            }
            Self::ViewWithoutIds { view } => write!(
                f,
                "the tracer draws span ids of its own, so DURABLE_TRACE_VIEW={view} has no effect and Datadog's view is shown; give \
                 durable_trace::Options a durable_tracer_provider, or unset it"
            ),
            Self::XRayUnsampled => f.write_str(
                "X-Ray's header says that this execution is not sampled, and AWS's views go by it, so it has no spans; if none \
                 ever has, switch active tracing on for the function (Tracing: Active in its template)",
            ),
        }
    }
}

fn write_contradictions(f: &mut fmt::Formatter<'_>, pairs: &[Contradiction]) -> fmt::Result {
    f.write_str("variables contradict each other: ")?;
    for (index, Contradiction { wins, loses }) in pairs.iter().enumerate() {
        let separator = if index == 0 { "" } else { "; " };
        write!(f, "{separator}{wins} wins over {loses}")?;
    }
    f.write_str("; unset the one that you do not mean")
}

fn write_unknown(
    f: &mut fmt::Formatter<'_>,
    names: &[(String, Option<&'static str>)],
) -> fmt::Result {
    f.write_str("no such setting: ")?;
    for (index, (name, nearest)) in names.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        write!(f, "{separator}{name}")?;
        if let Some(nearest) = nearest {
            write!(f, " (did you mean {nearest}?)")?;
        }
    }
    f.write_str("; mend the name, or unset it")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind.
    fn all() -> Vec<Warning> {
        let url = || "http://localhost:8126".to_owned();
        vec![
            Warning::AgentAbsent { url: url() },
            Warning::AgentStrange {
                url: url(),
                answer: "404".to_owned(),
            },
            Warning::AgentUrl {
                url: "localhost".to_owned(),
            },
            Warning::ApiUnreachable { endpoint: None },
            Warning::ClockSkew { seconds: -7 },
            Warning::Contradiction(vec![Contradiction {
                wins: "DD_DURABLE_CROSS_INVOCATION_TRACING_ENABLED=false",
                loses: "DURABLE_TRACE_CHECKPOINT_MODE",
            }]),
            Warning::EventsHidden,
            Warning::LayerAbsent,
            Warning::NoPermission {
                action: "lambda:CheckpointDurableExecution",
                resource: "arn:aws:lambda:eu-west-1:123456789012:function:order:*".to_owned(),
            },
            Warning::OneAttempt,
            Warning::ProviderShutDown,
            Warning::SdkUntested {
                version: "9.0.0".to_owned(),
            },
            Warning::SdkUnheard {
                what: "span durable_operation",
            },
            Warning::TwoTracers,
            Warning::UnknownVariable(vec![(
                "DURABLE_TRACE_CHECKPOINT_MODUS".to_owned(),
                Some("DURABLE_TRACE_CHECKPOINT_MODE"),
            )]),
            Warning::UnusableVariable(vec![(
                "DURABLE_TRACE_FLUSH_BUDGET_MS",
                "a number of milliseconds",
            )]),
            Warning::ViewWithoutIds { view: "execution" },
            Warning::XRayUnsampled,
        ]
    }

    #[test]
    fn each_kind_has_a_number_and_a_name_of_its_own() {
        let numbers: Vec<_> = all().iter().map(Warning::index).collect();
        assert_eq!(numbers, (0..KINDS).collect::<Vec<_>>());
        let names: std::collections::HashSet<_> = all().iter().map(Warning::name).collect();
        assert_eq!(names.len(), KINDS);
    }

    #[test]
    fn a_message_is_one_line() {
        for warning in all() {
            let text = warning.to_string();
            assert!(!text.contains('\n') && !text.contains("  "), "{text}");
        }
    }

    /// Each with its values of an example, as `guide/troubleshooting.md` shows it.
    #[test]
    fn the_guide_has_each_kinds_line() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/guide/troubleshooting.md");
        let guide = std::fs::read_to_string(path).expect("the guide is there");
        for warning in all() {
            let line = format!("| `{}` | {warning} |\n", warning.name());
            assert!(
                guide.contains(&line),
                "guide/troubleshooting.md lacks\n{line}"
            );
        }
    }

    #[test]
    fn a_skew_says_whose_clock_is_where() {
        for (seconds, want) in [(7, "7 s ahead of this one"), (-7, "7 s behind this one")] {
            let text = Warning::ClockSkew { seconds }.to_string();
            assert!(text.contains(want), "{text}");
        }
    }
}
