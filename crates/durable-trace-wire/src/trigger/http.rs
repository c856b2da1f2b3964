//! HTTP requests: through API Gateway, an ALB or a function URL.

use crate::event::Event;
use crate::headers;
use crate::nested::{filled_text, is_object, member, members};

use super::source::FunctionArn;
use super::{Trigger, owned_text};

/// A request, as the tags `http.*` tell it: nothing of its query, body or other headers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct HttpRequest {
    /// `http.method`.
    pub method: Option<String>,
    /// `http.referer`, without its query and credentials.
    pub referer: Option<String>,
    /// `http.route`: the pattern that the path has matched.
    pub route: Option<String>,
    /// `http.url`, without a query.
    pub url: Option<String>,
    /// `http.useragent`.
    pub user_agent: Option<String>,
}

pub(super) fn trigger(event: &Event<'_>, function: Option<FunctionArn<'_>>) -> Option<Trigger> {
    let request = Request::parse(event)?;
    let (event_source, arn) = match request.kind {
        Kind::Alb => ("application-load-balancer", request.target_group()),
        Kind::FunctionUrl => ("lambda-function-url", function.map(|it| function_url(&it))),
        Kind::Http | Kind::Rest | Kind::WebSocket => (
            "api-gateway",
            function.and_then(|it| request.stage_arn(&it)),
        ),
    };
    Some(Trigger {
        event_source,
        event_source_arn: arn,
        http: Some(request.tags()),
    })
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>
fn function_url(function: &FunctionArn<'_>) -> String {
    let FunctionArn {
        partition,
        region,
        account,
        name,
        alias,
    } = function;
    let arn = format!("arn:{partition}:lambda:{region}:{account}:url:{name}");
    match alias {
        Some(alias) => format!("{arn}:{alias}"),
        None => arn,
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Alb,
    FunctionUrl,
    Http,
    Rest,
    WebSocket,
}

/// The members of a request's event, as they stand.
struct Request<'a> {
    kind: Kind,
    api: Option<&'a str>,
    domain: Option<&'a str>,
    elb: Option<&'a str>,
    method: Option<&'a str>,
    path: Option<&'a str>,
    route: Option<&'a str>,
    stage: Option<&'a str>,
    /// `headers`, else `multiValueHeaders`.
    headers: Vec<(String, String)>,
}

impl<'a> Request<'a> {
    fn parse(event: &Event<'a>) -> Option<Self> {
        let [
            api,
            connection,
            context_method,
            context_path,
            domain,
            elb,
            http,
            stage,
        ] = members(
            event.request_context?,
            [
                "apiId",
                "connectionId",
                "httpMethod",
                "path",
                "domainName",
                "elb",
                "http",
                "stage",
            ],
        )?;
        let [http_method, http_path] =
            members(http.unwrap_or_default(), ["method", "path"]).unwrap_or_default();
        let is_staged = filled_text(stage).is_some();
        let is_url = || filled_text(domain).is_some_and(|it| it.contains(".lambda-url."));
        let kind = if elb.is_some_and(is_object) {
            Kind::Alb
        } else if !is_staged {
            return None;
        } else if is_url() {
            Kind::FunctionUrl
        } else if connection.is_some() {
            Kind::WebSocket
        } else if http.is_some() || event.version.is_some() {
            Kind::Http
        } else {
            Kind::Rest
        };
        Some(Self {
            kind,
            api,
            domain,
            elb,
            method: context_method.or(http_method).or(event.http_method),
            path: match kind {
                Kind::Alb => event.path,
                Kind::WebSocket => None,
                _ => context_path.or(http_path),
            },
            route: match kind {
                Kind::Alb => event.path,
                Kind::FunctionUrl | Kind::WebSocket => None,
                Kind::Http | Kind::Rest => event.route_key.or(event.resource),
            },
            stage,
            headers: [event.headers, event.multi_value_headers]
                .into_iter()
                .flatten()
                .flat_map(headers::event_pairs)
                .collect(),
        })
    }

    fn tags(&self) -> HttpRequest {
        let (scheme, host) = match self.kind {
            Kind::Alb => ("http", self.header("host").map(str::to_owned)),
            _ => ("https", owned_text(self.domain)),
        };
        let path = filled_text(self.path).unwrap_or_default();
        // `GET /orders/{id}`: the method has its own tag.
        let route = owned_text(self.route);
        let pattern = |route: String| route.rsplit(' ').next().map(str::to_owned);
        HttpRequest {
            method: owned_text(self.method),
            referer: self.header("referer").map(without_secrets),
            // An ALB's is the path itself.
            route: route.and_then(pattern).map(|it| without_secrets(&it)),
            url: host.map(|host| without_secrets(&format!("{scheme}://{host}{path}"))),
            user_agent: self.header("user-agent").map(str::to_owned),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(it, _)| it.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn target_group(&self) -> Option<String> {
        owned_text(member(self.elb?, "targetGroupArn"))
    }

    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html>
    fn stage_arn(&self, function: &FunctionArn<'_>) -> Option<String> {
        let (api, stage) = (filled_text(self.api)?, filled_text(self.stage)?);
        let FunctionArn {
            partition, region, ..
        } = function;
        let apis = if self.kind == Kind::Rest {
            "restapis"
        } else {
            "apis"
        };
        Some(format!(
            "arn:{partition}:apigateway:{region}::/{apis}/{api}/stages/{stage}"
        ))
    }
}

/// A URL without its query and fragment, and without the credentials before its host.
///
/// Datadog's library for Lambda tells no query of a request either; so its variables about query strings have nothing to act on.
fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, Some(path)),
        None => (rest, None),
    };
    let host = authority.rsplit('@').next().unwrap_or_default();
    match path {
        Some(path) => format!("{scheme}://{host}/{path}"),
        None => format!("{scheme}://{host}"),
    }
}
