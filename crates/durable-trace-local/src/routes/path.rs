//! Which operation of the API a request asks for.

use std::borrow::Cow;

use axum::http::Method;
use percent_encoding::percent_decode_str;

/// An operation of the API with what its path names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Route {
    CallbackFailure { callback_id: String },
    CallbackHeartbeat { callback_id: String },
    CallbackSuccess { callback_id: String },
    Checkpoint { arn: String },
    Describe { arn: String },
    History { arn: String },
    Invoke { function: String },
    List { function: String },
    State { arn: String },
    Stop { arn: String },
}

impl Route {
    /// Reads method and path; `None` if the API has no such operation.
    pub(crate) fn parse(method: &Method, path: &str) -> Option<Self> {
        if let Some(rest) = path.strip_prefix("/2025-12-01/durable-executions/") {
            return Self::parse_execution(method, rest.trim_end_matches('/'));
        }
        if let Some(rest) = path.strip_prefix("/2025-12-01/durable-execution-callbacks/") {
            let (callback_id, verb) = rest.rsplit_once('/')?;
            let callback_id = decode(callback_id)?;
            return match (method.as_str(), verb) {
                ("POST", "fail") => Some(Self::CallbackFailure { callback_id }),
                ("POST", "heartbeat") => Some(Self::CallbackHeartbeat { callback_id }),
                ("POST", "succeed") => Some(Self::CallbackSuccess { callback_id }),
                _ => None,
            };
        }
        if let Some(rest) = path.strip_prefix("/2025-12-01/functions/") {
            let function = decode(rest.strip_suffix("/durable-executions")?)?;
            return (*method == Method::GET).then_some(Self::List { function });
        }
        let rest = path.strip_prefix("/2015-03-31/functions/")?;
        let function = decode(rest.strip_suffix("/invocations")?)?;
        (*method == Method::POST).then_some(Self::Invoke { function })
    }

    /// ARNs contain slashes, which careful clients encode and careless ones do not.
    fn parse_execution(method: &Method, rest: &str) -> Option<Self> {
        let (arn, verb) = rest.rsplit_once('/').unwrap_or((rest, ""));
        match (method.as_str(), verb) {
            ("POST", "checkpoint") => Some(Self::Checkpoint { arn: decode(arn)? }),
            ("GET", "history") => Some(Self::History { arn: decode(arn)? }),
            ("GET", "state") => Some(Self::State { arn: decode(arn)? }),
            ("POST", "stop") => Some(Self::Stop { arn: decode(arn)? }),
            ("GET", _) => Some(Self::Describe { arn: decode(rest)? }),
            _ => None,
        }
    }

    /// The API's name of the operation.
    pub(crate) fn operation(&self) -> &'static str {
        match self {
            Self::CallbackFailure { .. } => "SendDurableExecutionCallbackFailure",
            Self::CallbackHeartbeat { .. } => "SendDurableExecutionCallbackHeartbeat",
            Self::CallbackSuccess { .. } => "SendDurableExecutionCallbackSuccess",
            Self::Checkpoint { .. } => "CheckpointDurableExecution",
            Self::Describe { .. } => "GetDurableExecution",
            Self::History { .. } => "GetDurableExecutionHistory",
            Self::Invoke { .. } => "Invoke",
            Self::List { .. } => "ListDurableExecutionsByFunction",
            Self::State { .. } => "GetDurableExecutionState",
            Self::Stop { .. } => "StopDurableExecution",
        }
    }

    /// The execution that the path names; empty if none.
    pub(crate) fn arn(&self) -> &str {
        match self {
            Self::Checkpoint { arn }
            | Self::Describe { arn }
            | Self::History { arn }
            | Self::State { arn }
            | Self::Stop { arn } => arn,
            _ => "",
        }
    }
}

/// The query of a request, decoded, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        let decode_lossy = |text: &str| {
            let spaced = text.replace('+', " ");
            percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        let pairs = query
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode_lossy(key), decode_lossy(value))
            });
        Self {
            pairs: pairs.collect(),
        }
    }

    /// All pairs in order.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// The first value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.all(key).next()
    }

    /// All values of a key.
    pub(crate) fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        self.pairs
            .iter()
            .filter(move |(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }
}

fn decode(text: &str) -> Option<String> {
    percent_decode_str(text)
        .decode_utf8()
        .ok()
        .map(Cow::into_owned)
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:1:function:f:$LATEST/durable-execution/n/i";
    const ENCODED: &str =
        "arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af%3A%24LATEST%2Fdurable-execution%2Fn%2Fi";

    #[test]
    fn every_operation_has_its_path() {
        let arn = || ARN.to_owned();
        let id = || "a=/b".to_owned();
        for (method, path, want) in [
            (
                "POST",
                format!("/2025-12-01/durable-executions/{ENCODED}/checkpoint"),
                Some(Route::Checkpoint { arn: arn() }),
            ),
            (
                "POST",
                format!("/2025-12-01/durable-executions/{ARN}/checkpoint"),
                Some(Route::Checkpoint { arn: arn() }),
            ),
            (
                "GET",
                format!("/2025-12-01/durable-executions/{ENCODED}/state"),
                Some(Route::State { arn: arn() }),
            ),
            (
                "GET",
                format!("/2025-12-01/durable-executions/{ENCODED}/history"),
                Some(Route::History { arn: arn() }),
            ),
            (
                "GET",
                format!("/2025-12-01/durable-executions/{ENCODED}"),
                Some(Route::Describe { arn: arn() }),
            ),
            (
                "GET",
                format!("/2025-12-01/durable-executions/{ARN}"),
                Some(Route::Describe { arn: arn() }),
            ),
            (
                "POST",
                format!("/2025-12-01/durable-executions/{ENCODED}/stop"),
                Some(Route::Stop { arn: arn() }),
            ),
            (
                "GET",
                format!("/2025-12-01/durable-executions/{ENCODED}/stop"),
                Some(Route::Describe {
                    arn: format!("{ARN}/stop"),
                }),
            ),
            (
                "POST",
                "/2025-12-01/durable-execution-callbacks/a%3D%2Fb/succeed".to_owned(),
                Some(Route::CallbackSuccess { callback_id: id() }),
            ),
            (
                "POST",
                "/2025-12-01/durable-execution-callbacks/a%3D%2Fb/fail".to_owned(),
                Some(Route::CallbackFailure { callback_id: id() }),
            ),
            (
                "POST",
                "/2025-12-01/durable-execution-callbacks/a%3D%2Fb/heartbeat".to_owned(),
                Some(Route::CallbackHeartbeat { callback_id: id() }),
            ),
            (
                "GET",
                "/2025-12-01/functions/f/durable-executions".to_owned(),
                Some(Route::List {
                    function: "f".to_owned(),
                }),
            ),
            (
                "POST",
                "/2015-03-31/functions/f%3Alive/invocations".to_owned(),
                Some(Route::Invoke {
                    function: "f:live".to_owned(),
                }),
            ),
            (
                "DELETE",
                "/2015-03-31/functions/f/invocations".to_owned(),
                None,
            ),
            (
                "POST",
                "/2015-03-31/functions//invocations".to_owned(),
                None,
            ),
            ("GET", "/".to_owned(), None),
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(Route::parse(&method, &path), want, "{method} {path}");
        }
    }

    #[test]
    fn queries_are_decoded_and_may_repeat_a_key() {
        let query = Query::parse(Some(
            "CheckpointToken=a%3D%3D&Statuses=FAILED&Statuses=TIMED_OUT&Empty",
        ));
        assert_eq!(query.get("CheckpointToken"), Some("a=="));
        assert_eq!(
            query.all("Statuses").collect::<Vec<_>>(),
            ["FAILED", "TIMED_OUT"]
        );
        assert_eq!(query.get("Empty"), Some(""));
        assert_eq!(query.get("Marker"), None);
    }
}
