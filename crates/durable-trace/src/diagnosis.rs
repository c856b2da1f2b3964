//! Whether a set-up is sound, decided over data; for `durable-trace doctor`, which looks at an environment from outside a function.
//!
//! The library notices the same things by itself, from within. Nothing here waits, asks the network or reads the environment.

mod variables;

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use crate::warning::Warning;

pub use variables::of_variables;
pub(crate) use variables::{Clash, clashes, unknown, unusable_of_the_tracer};

/// The versions of the SDK that this library was tested with: those that begin so.
pub(crate) const TESTED_SDK: &str = "0.1";

/// Below this, clocks agree: dates have whole seconds, and requests take their time.
const SKEW_THRESHOLD: Duration = Duration::from_secs(5);

/// Where an agent listens.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AgentAddress {
    /// At a TCP port.
    Tcp {
        /// A name or an address, without the brackets of an IPv6 one.
        host: String,
        /// The port.
        port: u16,
        /// Whether TLS is spoken there.
        tls: bool,
    },
    /// At a socket of this path.
    Unix(String),
}

impl AgentAddress {
    /// Parses the URL of an agent.
    ///
    /// # Errors
    ///
    /// The warning that says what is expected.
    pub fn parse(url: &str) -> Result<Self, Warning> {
        Self::read(url).ok_or_else(|| Warning::AgentUrl {
            url: without_credentials(url),
        })
    }

    fn read(url: &str) -> Option<Self> {
        if let Some(path) = url.strip_prefix("unix://") {
            return path.starts_with('/').then(|| Self::Unix(path.to_owned()));
        }
        let (tls, rest) = match url.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, url.strip_prefix("http://")?),
        };
        let authority = rest.split(['/', '?', '#']).next()?;
        let authority = authority.rsplit('@').next()?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, if tls { 443 } else { 80 }),
        };
        let bracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let is_name = |host: &str| {
            let is_of_names = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            !host.is_empty() && host.chars().all(is_of_names)
        };
        let host = match bracketed {
            Some(address) => address
                .parse::<std::net::Ipv6Addr>()
                .ok()
                .map(|_| address)?,
            None => Some(host).filter(|host| is_name(host))?,
        };
        Some(Self::Tcp {
            host: host.to_owned(),
            port,
            tls,
        })
    }

    /// Whether it is on this machine, as far as its text tells.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp { host, .. } => {
                let address: Option<std::net::IpAddr> = host.parse().ok();
                host.eq_ignore_ascii_case("localhost")
                    || address.is_some_and(|address| address.is_loopback())
            }
            Self::Unix(_) => true,
        }
    }

    /// The address, if it is one of this machine's over TCP and in the clear.
    #[cfg_attr(
        not(feature = "datadog"),
        expect(dead_code, reason = "asked where Datadog's tracer is set up")
    )]
    pub(crate) fn loopback(&self) -> Option<SocketAddr> {
        let Self::Tcp {
            host,
            port,
            tls: false,
        } = self
        else {
            return None;
        };
        let host = if host.eq_ignore_ascii_case("localhost") {
            "127.0.0.1"
        } else {
            host
        };
        let address: std::net::IpAddr = host.parse().ok()?;
        address
            .is_loopback()
            .then_some(SocketAddr::new(address, *port))
    }
}

impl fmt::Display for AgentAddress {
    /// A URL, without credentials and path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port, tls } => {
                let scheme = if *tls { "https" } else { "http" };
                if host.contains(':') {
                    write!(f, "{scheme}://[{host}]:{port}")
                } else {
                    write!(f, "{scheme}://{host}:{port}")
                }
            }
            Self::Unix(path) => write!(f, "unix://{path}"),
        }
    }
}

/// A URL as it may be shown: without what stands before an `@` in its authority.
fn without_credentials(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest.get(..end).and_then(|authority| authority.rfind('@')) {
        Some(at) => format!(
            "{scheme}{}{}",
            if scheme.is_empty() { "" } else { "://" },
            rest.get(at + 1..).unwrap_or_default()
        ),
        None => url.to_owned(),
    }
}

/// The agent's URL as the tracer makes it from the variables, without credentials and without a look for a socket on this machine.
pub fn agent_url(variable: impl Fn(&str) -> Option<String>) -> String {
    let filled = |name| variable(name).filter(|text| !text.is_empty());
    filled("DD_TRACE_AGENT_URL").unwrap_or_else(|| {
        let host = filled("DD_AGENT_HOST").unwrap_or_else(|| "localhost".to_owned());
        let port = filled("DD_TRACE_AGENT_PORT").unwrap_or_else(|| "8126".to_owned());
        format!("http://{host}:{port}")
    })
}

/// What to ask an agent for, so that it shows that it is one.
pub const AGENT_REQUEST: &[u8] =
    b"GET /info HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// Judges the beginning of the answer to [`AGENT_REQUEST`]; `url` is where it came from.
///
/// An agent that is busy or failing is one all the same. Nothing at all is an answer too: the connection was closed.
pub fn of_agent_answer(url: &str, answer: &[u8]) -> Option<Warning> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5)?.parse::<u16>().ok());
    let answer = match status {
        None => "not in HTTP".to_owned(),
        // The answer of an agent is a JSON object; a page is not.
        Some(200..=299) if body.contains('<') && !body.contains('{') => "a page".to_owned(),
        Some(200..=299 | 429 | 500..=599) => return None,
        Some(status) => format!("GET /info: {status}"),
    };
    Some(Warning::AgentStrange {
        url: without_credentials(url),
        answer,
    })
}

/// The time that an HTTP answer says it was made at, in its header `Date`.
pub fn date_of(answer: &[u8]) -> Option<SystemTime> {
    let text = String::from_utf8_lossy(answer);
    let (head, _) = text.split_once("\r\n\r\n")?;
    let date = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("date").then_some(value.trim())
    })?;
    parse_date(date)
}

/// A date as HTTP has it, such as `Mon, 23 Nov 2026 10:00:00 GMT`.
pub(crate) fn parse_date(text: &str) -> Option<SystemTime> {
    let date = DateTime::from_str(text, Format::HttpDate).ok()?;
    SystemTime::try_from(date).ok()
}

/// Judges the clocks by the `date` in an answer that was asked for at `asked` and had come at `heard`, both by this machine's clock.
///
/// Only what no delay can explain counts: `date` is truncated to seconds and was read some time between the two.
pub fn of_clocks(date: SystemTime, asked: SystemTime, heard: SystemTime) -> Option<Warning> {
    let ahead = date.duration_since(heard).unwrap_or_default();
    let behind = asked
        .duration_since(date + Duration::from_secs(1))
        .unwrap_or_default();
    let (amount, sign) = if ahead > behind {
        (ahead, 1)
    } else {
        (behind, -1)
    };
    let seconds = i64::try_from(amount.as_secs()).ok()?;
    (amount > SKEW_THRESHOLD).then_some(Warning::ClockSkew {
        seconds: sign * seconds,
    })
}

/// Judges how often a client tries a request in all.
pub fn of_attempts(max_attempts: u32) -> Option<Warning> {
    (max_attempts < 2).then_some(Warning::OneAttempt)
}

/// Judges a version of `aws-durable-execution-sdk`.
pub fn of_sdk_version(version: &str) -> Option<Warning> {
    let rest = version.strip_prefix(TESTED_SDK);
    let is_tested = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    (!is_tested).then(|| Warning::SdkUntested {
        version: version.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "a column of a table")]
    fn tcp(host: &str, port: u16, tls: bool) -> Option<AgentAddress> {
        Some(AgentAddress::Tcp {
            host: host.to_owned(),
            port,
            tls,
        })
    }

    #[test]
    fn an_agents_url_has_a_scheme_and_a_host() {
        for (url, want, why) in [
            (
                "http://localhost:8126",
                tcp("localhost", 8126, false),
                "the default",
            ),
            (
                "http://127.0.0.1:9/",
                tcp("127.0.0.1", 9, false),
                "with a path",
            ),
            (
                "http://[::1]:8126",
                tcp("::1", 8126, false),
                "an IPv6 address",
            ),
            ("http://agent", tcp("agent", 80, false), "the scheme's port"),
            (
                "https://agent",
                tcp("agent", 443, true),
                "the scheme's port",
            ),
            (
                "http://me:secret@agent:1",
                tcp("agent", 1, false),
                "with credentials",
            ),
            (
                "unix:///var/run/datadog/apm.socket",
                Some(AgentAddress::Unix("/var/run/datadog/apm.socket".to_owned())),
                "a socket",
            ),
            ("unix://apm.socket", None, "no absolute path"),
            ("localhost:8126", None, "no scheme"),
            ("ftp://localhost:8126", None, "another scheme"),
            ("http://", None, "no host"),
            ("http://:8126", None, "no host"),
            ("http://local host:8126", None, "a blank"),
            ("http://localhost:81260", None, "no port"),
            ("http://localhost:", None, "an empty port"),
            ("http://[localhost]:8126", None, "no IPv6 address"),
            ("", None, "nothing"),
        ] {
            assert_eq!(AgentAddress::parse(url).ok(), want, "{why}: {url}");
        }
    }

    #[test]
    fn an_address_is_shown_as_a_url_without_credentials() {
        for (url, want, local) in [
            ("http://me:secret@agent/x?y", "http://agent:80", false),
            ("https://agent:9", "https://agent:9", false),
            ("http://LOCALHOST:9", "http://LOCALHOST:9", true),
            ("http://[::1]:9", "http://[::1]:9", true),
            ("unix:///a/b", "unix:///a/b", true),
        ] {
            let address = AgentAddress::parse(url).unwrap();
            assert_eq!(
                (address.to_string().as_str(), address.is_local()),
                (want, local)
            );
        }
    }

    #[test]
    fn credentials_in_a_url_are_not_shown() {
        for (url, want) in [
            ("ftp://me:secret@agent:1/x", "ftp://agent:1/x"),
            ("me:secret@agent", "agent"),
            ("ftp://agent/a@b", "ftp://agent/a@b"),
        ] {
            let shown = Warning::AgentUrl {
                url: want.to_owned(),
            };
            assert_eq!(AgentAddress::parse(url), Err(shown), "{url}");
        }
    }

    #[test]
    fn only_an_agent_on_this_machine_is_asked() {
        for (url, want, why) in [
            (
                "http://localhost:8126",
                Some("127.0.0.1:8126"),
                "the default",
            ),
            (
                "http://127.0.0.1:9/",
                Some("127.0.0.1:9"),
                "an address, with a path",
            ),
            (
                "http://[::1]:8126",
                Some("[::1]:8126"),
                "the other loopback",
            ),
            (
                "http://127.0.0.1",
                Some("127.0.0.1:80"),
                "the scheme's port",
            ),
            ("https://127.0.0.1", None, "TLS"),
            ("http://agent:8126", None, "another machine"),
            ("http://10.0.0.1:8126", None, "another machine"),
            ("unix:///var/run/datadog/apm.socket", None, "no TCP"),
        ] {
            let address = AgentAddress::parse(url).unwrap();
            let want = want.map(|text| text.parse().unwrap());
            assert_eq!(address.loopback(), want, "{why}: {url}");
        }
    }

    #[test]
    fn the_url_wins_over_host_and_port() {
        let url = |set: &[(&str, &str)]| {
            agent_url(|name| {
                let found = set.iter().find(|(own, _)| *own == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let host = ("DD_AGENT_HOST", "h");
        assert_eq!(url(&[]), "http://localhost:8126");
        assert_eq!(url(&[host, ("DD_TRACE_AGENT_PORT", "9")]), "http://h:9");
        assert_eq!(url(&[host, ("DD_TRACE_AGENT_URL", "http://u")]), "http://u");
        assert_eq!(url(&[host, ("DD_TRACE_AGENT_URL", "")]), "http://h:8126");
    }

    #[test]
    fn an_agent_is_known_by_its_answer() {
        for (answer, good, why) in [
            (
                "HTTP/1.1 200 OK\r\n\r\n{\"endpoints\":[]}",
                true,
                "an agent",
            ),
            ("HTTP/1.1 200 OK\r\n", true, "the beginning of one"),
            ("HTTP/1.1 429 Too Many Requests\r\n\r\n", true, "a busy one"),
            (
                "HTTP/1.1 503 Service Unavailable\r\n\r\n<p>",
                true,
                "a failing one",
            ),
            ("HTTP/1.1 404 Not Found\r\n\r\n", false, "another server"),
            ("HTTP/1.1 200 OK\r\n\r\n<html>", false, "a page"),
            ("SSH-2.0-OpenSSH\r\n", false, "another protocol"),
            ("", false, "closed"),
        ] {
            let judged = of_agent_answer("http://a", answer.as_bytes());
            assert_eq!(judged.is_none(), good, "{why}: {judged:?}");
        }
    }

    #[test]
    fn clocks_disagree_only_where_no_delay_explains_it() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for (date, asked, heard, want, why) in [
            (100, 100, 100, None, "the same"),
            (105, 100, 100, None, "within the threshold"),
            (106, 100, 100, Some(6), "the service is ahead"),
            (106, 100, 105, None, "the answer took that long"),
            (94, 100, 100, None, "five seconds, and a part of one"),
            (93, 100, 100, Some(-6), "the service is behind"),
            (93, 99, 500, None, "asked just in time, then frozen"),
        ] {
            let want = want.map(|seconds| Warning::ClockSkew { seconds });
            assert_eq!(of_clocks(at(date), at(asked), at(heard)), want, "{why}");
        }
    }

    #[test]
    fn the_date_of_an_answer_is_read() {
        let answer = b"HTTP/1.1 404 Not Found\r\nDATE: Thu, 01 Jan 1970 00:01:40 GMT\r\n\r\n";
        assert_eq!(
            date_of(answer),
            Some(SystemTime::UNIX_EPOCH + Duration::from_secs(100))
        );
        assert_eq!(date_of(b"HTTP/1.1 200 OK\r\ndate: today\r\n\r\n"), None);
    }

    #[test]
    fn versions_of_the_sdk_other_than_the_tested_are_named() {
        for (version, good) in [
            ("0.1.0", true),
            ("0.1.99", true),
            ("0.10.0", false),
            ("0.2.0", false),
            ("1.0.0", false),
        ] {
            assert_eq!(of_sdk_version(version).is_none(), good, "{version}");
        }
    }
}
