//! Whether an environment is one that a function can be traced in: what was seen, judged. Pure, but for its parts that look.

mod lockfile;
mod network;

use std::time::SystemTime;

use durable_trace::Warning;
use durable_trace::diagnosis::{
    AgentAddress, agent_url, date_of, of_agent_answer, of_attempts, of_clocks, of_sdk_version,
    of_variables,
};
use serde::Serialize;

pub(crate) use self::lockfile::{LockedSdk, find_locked_sdk};
pub(crate) use self::network::{ask_agent, ask_api};

/// What became of looking at one thing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Ok(String),
    /// Not looked at, for this reason.
    Skipped(String),
    Warning(Warning),
}

impl From<Option<Warning>> for Verdict {
    /// A warning, or that there is nothing to say.
    fn from(warning: Option<Warning>) -> Self {
        warning.map_or_else(|| Self::Ok(String::new()), Self::Warning)
    }
}

impl Verdict {
    /// The same, with something to say where all is well.
    fn or_ok(self, message: impl Into<String>) -> Self {
        match self {
            Self::Ok(_) => Self::Ok(message.into()),
            other => other,
        }
    }
}

/// One line of the result.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Check {
    #[serde(rename = "check")]
    name: &'static str,
    /// `ok`, `warning` or `skipped`.
    result: &'static str,
    /// The kind of the warning.
    kind: Option<&'static str>,
    message: String,
}

impl Check {
    fn new(name: &'static str, verdict: Verdict) -> Self {
        let (result, kind, message) = match verdict {
            Verdict::Ok(message) => ("ok", None, message),
            Verdict::Skipped(reason) => ("skipped", None, reason),
            Verdict::Warning(warning) => ("warning", Some(warning.name()), warning.to_string()),
        };
        Self {
            name,
            result,
            kind,
            message,
        }
    }

    /// Whether nothing is wrong, as far as it was looked at.
    pub(crate) fn is_sound(&self) -> bool {
        self.kind.is_none()
    }

    /// As a line of text.
    pub(crate) fn to_line(&self) -> String {
        format!("{:<8} {:<16} {}\n", self.result, self.name, self.message)
    }
}

/// What came of asking somebody.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Asked {
    /// The beginning of the answer, and this machine's time before the question and after that.
    Answered {
        answer: Vec<u8>,
        asked: SystemTime,
        heard: SystemTime,
    },
    /// Somebody listens; no question was put, or it was not answered in time.
    Connected,
    /// Nobody could be reached.
    Unreached,
}

/// Where the Lambda API is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Api {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whether a question in the clear is understood there: that is so of services on one's own machine.
    pub(crate) in_the_clear: bool,
}

impl Api {
    fn url(&self) -> String {
        let scheme = if self.in_the_clear { "http" } else { "https" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    /// As the AWS client finds it in the variables; `None` where it finds nothing.
    fn find(variable: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let endpoint = variable("AWS_ENDPOINT_URL_LAMBDA").or_else(|| variable("AWS_ENDPOINT_URL"));
        if let Some(endpoint) = endpoint {
            let uri: axum::http::Uri = endpoint.parse().ok()?;
            let in_the_clear = uri.scheme_str() == Some("http");
            return Some(Self {
                host: uri.host()?.trim_matches(['[', ']']).to_owned(),
                port: uri
                    .port_u16()
                    .unwrap_or(if in_the_clear { 80 } else { 443 }),
                in_the_clear,
            });
        }
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"))?;
        let domain = if region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        Some(Self {
            host: format!("lambda.{region}.{domain}"),
            port: 443,
            in_the_clear: false,
        })
    }
}

/// How the network is asked; `None` where it is not to be.
pub(crate) struct Network<'a> {
    pub(crate) agent: &'a dyn Fn(&AgentAddress) -> Asked,
    pub(crate) api: &'a dyn Fn(&Api) -> Asked,
}

/// Looks at everything, each thing a line, always the same ones in the same order.
pub(crate) fn examine(
    variables: &[(String, String)],
    sdk: &LockedSdk,
    network: Option<&Network<'_>>,
) -> Vec<Check> {
    let variable = |name: &str| {
        let found = variables.iter().find(|(own, _)| own == name);
        found
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
    };
    let findings = of_variables(variables);
    let of_kind = |kind: &str| {
        let found = findings.iter().find(|finding| finding.name() == kind);
        Verdict::from(found.cloned())
    };
    let set = variables.iter().filter(|(name, _)| is_ours(name)).count();
    let (agent, agent_date) = agent(&variable, network);
    let (api, api_date) = api(&variable, network);
    vec![
        Check::new(
            "variable-values",
            of_kind("unusable-variable").or_ok(format!("{set} of DD_*, OTEL_* and DURABLE_TRACE_* set")),
        ),
        Check::new(
            "variable-names",
            of_kind("unknown-variable").or_ok("no DURABLE_TRACE_* that means nothing"),
        ),
        Check::new(
            "variable-pairs",
            of_kind("contradiction").or_ok("none contradicts another"),
        ),
        Check::new("agent", agent),
        Check::new("lambda-api", api),
        Check::new("attempts", attempts(variable("AWS_MAX_ATTEMPTS").as_deref())),
        Check::new("sdk-version", sdk_version(sdk)),
        Check::new("clock", api_date.or(agent_date).unwrap_or_else(|| {
            Verdict::Skipped("nobody on another machine or at a local endpoint answered with a date".to_owned())
        })),
        Check::new(
            "function",
            Verdict::Skipped(
                "permissions, filters, a tracer that is shut down or set up twice: the function itself says so, at WARN"
                    .to_owned(),
            ),
        ),
    ]
}

fn is_ours(name: &str) -> bool {
    ["DD_", "DURABLE_TRACE_", "OTEL_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// The agent, and what its answer says of the clock, if it is on another machine.
fn agent(
    variable: &dyn Fn(&str) -> Option<String>,
    network: Option<&Network<'_>>,
) -> (Verdict, Option<Verdict>) {
    let off = variable("DD_TRACE_ENABLED")
        .is_some_and(|text| matches!(text.to_ascii_lowercase().as_str(), "false" | "0"));
    if off {
        let reason = "DD_TRACE_ENABLED=false, nothing is sent";
        return (Verdict::Skipped(reason.to_owned()), None);
    }
    let address = match AgentAddress::parse(&agent_url(variable)) {
        Ok(address) => address,
        Err(warning) => return (Verdict::Warning(warning), None),
    };
    let Some(network) = network else {
        return (Verdict::Skipped(OFFLINE.to_owned()), None);
    };
    let url = address.to_string();
    match (network.agent)(&address) {
        Asked::Unreached => (Verdict::Warning(Warning::AgentAbsent { url }), None),
        Asked::Connected => (
            Verdict::Ok(format!(
                "somebody listens at {url}, who was not seen to be an agent"
            )),
            None,
        ),
        Asked::Answered {
            answer,
            asked,
            heard,
        } => {
            let date = date_of(&answer).filter(|_| !address.is_local());
            let judged = Verdict::from(of_agent_answer(&url, &answer));
            (
                judged.or_ok(format!("an agent answers at {url}")),
                date.map(|date| clock(date, asked, heard)),
            )
        }
    }
}

/// The Lambda API, and what its answer says of the clock.
fn api(
    variable: &dyn Fn(&str) -> Option<String>,
    network: Option<&Network<'_>>,
) -> (Verdict, Option<Verdict>) {
    let Some(network) = network else {
        return (Verdict::Skipped(OFFLINE.to_owned()), None);
    };
    let Some(api) = Api::find(variable) else {
        let reason = "neither AWS_REGION nor AWS_ENDPOINT_URL_LAMBDA says where it is";
        return (Verdict::Skipped(reason.to_owned()), None);
    };
    let endpoint = api.url();
    let answered = match (network.api)(&api) {
        Asked::Unreached => {
            let endpoint = Some(endpoint);
            return (Verdict::Warning(Warning::ApiUnreachable { endpoint }), None);
        }
        Asked::Connected => None,
        Asked::Answered {
            answer,
            asked,
            heard,
        } => date_of(&answer).map(|date| clock(date, asked, heard)),
    };
    (
        Verdict::Ok(format!("a connection to {endpoint} came about")),
        answered,
    )
}

const OFFLINE: &str = "--offline";

fn clock(date: SystemTime, asked: SystemTime, heard: SystemTime) -> Verdict {
    Verdict::from(of_clocks(date, asked, heard)).or_ok("agrees with that of who was asked")
}

fn attempts(variable: Option<&str>) -> Verdict {
    let Some(text) = variable else {
        return Verdict::Ok("AWS_MAX_ATTEMPTS is not set: the client's default".to_owned());
    };
    if let Ok(attempts) = text.parse() {
        Verdict::from(of_attempts(attempts)).or_ok(format!("AWS_MAX_ATTEMPTS={attempts}"))
    } else {
        let expected = vec![("AWS_MAX_ATTEMPTS", "a number, at least 2")];
        Verdict::Warning(Warning::UnusableVariable(expected))
    }
}

fn sdk_version(sdk: &LockedSdk) -> Verdict {
    match sdk {
        LockedSdk::NoFile => Verdict::Skipped("no Cargo.lock here or above".to_owned()),
        LockedSdk::NotInIt => {
            Verdict::Skipped("Cargo.lock does not name aws-durable-execution-sdk".to_owned())
        }
        LockedSdk::Versions(versions) => {
            let untested = versions.iter().find_map(|version| of_sdk_version(version));
            let list = versions.join(", ");
            Verdict::from(untested).or_ok(format!("aws-durable-execution-sdk {list}"))
        }
    }
}

#[cfg(test)]
mod tests;
