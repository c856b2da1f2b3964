//! The HTTP edge: REST-JSON in, the core's decisions out.

mod answer;
pub(crate) mod ask;
mod connection;
pub(crate) mod path;

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use self::answer::answer;
pub(crate) use self::ask::check_json;
use self::connection::{BreakableListener, Breaker};
use self::path::{Query, Route};
use crate::engine::Engine;
use crate::faults::{Call, Course, Deliveries, Instead, Reply, plan};
use crate::host::{is_for_loopback, is_from_another_page};
use crate::pages::{Page, PageRequest};
use crate::records::CallRecord;
use crate::refusal::Refusal;
use crate::service::Service;
use crate::state::Token;

/// More than the API takes: 6 MiB and what encoding adds.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// What the service answers, before it is HTTP.
#[derive(Debug, Default)]
struct Reaction {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// A request that has arrived whole.
pub(crate) struct Arrived {
    pub(crate) route: Route,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What became of a request.
enum Ended {
    Cut,
    Sent(Reaction),
    SentTwice(Reaction),
}

/// Serves the API until dropped.
pub(crate) async fn serve(engine: Arc<Engine>, listener: TcpListener) {
    let app = axum::Router::new().fallback(handle).with_state(engine);
    let make = app.into_make_service_with_connect_info::<Breaker>();
    if let Err(error) = axum::serve(BreakableListener(listener), make).await {
        tracing::debug!(%error, "the service's listener ended");
    }
}

async fn handle(
    State(engine): State<Arc<Engine>>,
    ConnectInfo(breaker): ConnectInfo<Breaker>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    if !is_for_loopback(&parts) {
        return send(refuse(&Refusal::new(
            403,
            "AccessDeniedException",
            "This service is for programs of its own machine: the host has to be 127.0.0.1 or localhost.",
        )));
    }
    if is_from_another_page(&parts) {
        return send(refuse(&Refusal::new(
            403,
            "AccessDeniedException",
            "This request was sent by a page of another origin; only programs and the service's own page may change something.",
        )));
    }
    if let Some(page) = find_page(&engine, &parts) {
        return send_page(page);
    }
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return send(refuse(&Refusal::new(
            413,
            "RequestTooLargeException",
            "The request is too large.",
        )));
    };
    let Some(route) = Route::parse(&parts.method, parts.uri.path()) else {
        let message = format!(
            "No operation of this service has this path: {} {}",
            parts.method,
            parts.uri.path()
        );
        return send(refuse(&Refusal::new(
            404,
            "UnknownOperationException",
            message,
        )));
    };
    let arrived = Arrived {
        route,
        query: Query::parse(parts.uri.query()),
        headers: parts.headers,
        body,
    };
    // A task of its own: a client that hangs up does not undo what it asked for.
    let (sender, receiver) = oneshot::channel();
    let worker = Arc::clone(&engine);
    engine.spawn(async move {
        let _ = sender.send(work(&worker, arrived).await);
    });
    match receiver.await {
        Ok(Ended::Sent(reaction)) => send(reaction),
        Ok(Ended::SentTwice(reaction)) => {
            breaker.repeat();
            send(reaction)
        }
        Ok(Ended::Cut) | Err(_) => {
            breaker.cut();
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The program's own page for a request that is none of the API's.
fn find_page(engine: &Arc<Engine>, parts: &Parts) -> Option<Page> {
    let rule = engine.config().pages.as_ref()?;
    let path = parts.uri.path();
    if parts.method != Method::GET || Route::parse(&parts.method, path).is_some() {
        return None;
    }
    let request = PageRequest {
        path,
        query: parts.uri.query().unwrap_or_default(),
    };
    rule(&Service::within(Arc::clone(engine)), &request)
}

fn send_page(page: Page) -> Response {
    let headers = [
        ("content-type", page.content_type),
        ("cache-control", "no-store"),
        // A page's own policy stands in the page; this part of one has to come as a header.
        ("content-security-policy", "frame-ancestors 'none'"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ];
    (headers, page.body).into_response()
}

/// Records the request, lets go wrong what is to, and answers.
async fn work(engine: &Arc<Engine>, arrived: Arrived) -> Ended {
    let call = describe(engine, &arrived);
    let fault_view = call.clone();
    let (mut place, sequence) = engine.calls().begin(call);
    let fault = engine.config().fault.as_ref().and_then(|rule| {
        rule(&Call {
            operation: &fault_view.operation,
            arn: &fault_view.arn,
            invocation: fault_view.invocation,
            sequence,
            attempt: fault_view.attempt,
            body: &fault_view.request,
        })
    });
    let Course {
        delay,
        deliveries,
        instead,
        reply,
    } = plan(fault);
    if let Some(delay) = delay {
        tokio::time::sleep(delay).await;
    }
    if deliveries == Deliveries::Twice {
        let dropped = answer(engine, &arrived)
            .await
            .unwrap_or_else(|refusal| refuse(&refusal));
        engine.calls().end(place, 0, read(&dropped));
        (place, _) = engine.calls().begin(fault_view);
    }
    let reaction = match instead {
        Some(Instead::Cut) => return Ended::Cut,
        Some(Instead::Hang) => std::future::pending().await,
        Some(Instead::Refuse(refusal)) => refuse(&refusal),
        None => answer(engine, &arrived)
            .await
            .unwrap_or_else(|refusal| refuse(&refusal)),
    };
    let recorded = read(&reaction);
    match reply {
        Reply::Send => {
            engine.calls().end(place, reaction.status, recorded);
            Ended::Sent(reaction)
        }
        Reply::Lose => {
            engine.calls().end(place, 0, recorded);
            Ended::Cut
        }
        Reply::Mangle => {
            engine
                .calls()
                .end(place, 200, Value::String(MANGLED.to_owned()));
            Ended::Sent(Reaction {
                status: 200,
                headers: Vec::new(),
                body: MANGLED.into(),
            })
        }
        Reply::Repeat => {
            engine.calls().end(place, reaction.status, recorded);
            Ended::SentTwice(reaction)
        }
    }
}

/// The body of an answer, for the record.
fn read(reaction: &Reaction) -> Value {
    serde_json::from_slice(&reaction.body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&reaction.body).into_owned()))
}

/// The body of a malformed reply: it begins like one and is not JSON.
const MANGLED: &str = r#"{"CheckpointToken":"#;

fn describe(engine: &Engine, arrived: &Arrived) -> CallRecord {
    let request = if arrived.body.is_empty() {
        let pairs = arrived
            .query
            .pairs()
            .iter()
            .map(|(key, value)| (key.clone(), json!(value)));
        Value::Object(pairs.collect())
    } else {
        serde_json::from_slice(&arrived.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&arrived.body).into_owned()))
    };
    let token = request
        .get("CheckpointToken")
        .and_then(Value::as_str)
        .and_then(Token::decode);
    let invocation = token
        .and_then(|token| engine.read(|state| state.invocation_by_request_id(&token.invocation)));
    CallRecord {
        operation: arrived.route.operation().to_owned(),
        arn: arrived.route.arn().to_owned(),
        invocation,
        attempt: parse_attempt(&arrived.headers),
        request,
        status: 0,
        response: Value::Null,
        arrived_at: engine.now(),
    }
}

/// Reads `amz-sdk-request: attempt=2; max=3`.
fn parse_attempt(headers: &HeaderMap) -> Option<u32> {
    let text = headers.get("amz-sdk-request")?.to_str().ok()?;
    text.split(';')
        .find_map(|part| part.trim().strip_prefix("attempt=")?.parse().ok())
}

fn refuse(refusal: &Refusal) -> Reaction {
    Reaction {
        status: refusal.status,
        headers: vec![("x-amzn-errortype", refusal.error_type.clone())],
        body: refusal.to_answer_json().to_string().into_bytes(),
    }
}

fn send(reaction: Reaction) -> Response {
    let mut response = Response::new(Body::from(reaction.body));
    *response.status_mut() =
        StatusCode::from_u16(reaction.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let always = [
        ("content-type", "application/json".to_owned()),
        ("x-amzn-requestid", uuid::Uuid::new_v4().to_string()),
    ];
    for (name, value) in always.into_iter().chain(reaction.headers) {
        if let Ok(value) = HeaderValue::try_from(value) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    }
    response
}
