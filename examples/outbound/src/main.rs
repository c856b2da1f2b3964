//! A durable function whose steps call an HTTP service. What is about tracing is in `post` and in `main`.

use std::sync::LazyLock;
use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use opentelemetry::Context;
use opentelemetry_http::HeaderInjector;
use reqwest::Client;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};

/// What is to be booked.
#[derive(Deserialize)]
struct Booking {
    room: String,
    /// The booking service: `/reserve` and `/confirm` are under it.
    url: String,
}

/// What the booking service answered.
#[derive(Serialize)]
struct Answers {
    reserve: String,
    confirm: String,
}

/// Kept as long as the process, so that a warm invocation finds its connections open.
static CLIENT: LazyLock<Client> = LazyLock::new(Client::new);

async fn book(booking: Booking, ctx: DurableContext) -> Result<Answers, BoxError> {
    let (url, room) = (format!("{}/reserve", booking.url), booking.room.clone());
    let reserve = ctx
        .step(move |_| async move { post(&url, room).await })
        .name("reserve")
        .await?;

    // The function ends here and is invoked again, in another process, an hour later.
    ctx.wait(Duration::from_hours(1)).name("payment").await?;

    let url = format!("{}/confirm", booking.url);
    let confirm = ctx
        .step(move |_| async move { post(&url, booking.room).await })
        .name("confirm")
        .await?;
    Ok(Answers { reserve, confirm })
}

async fn post(url: &str, room: String) -> Result<String, BoxError> {
    // In a step's body the current context holds the step's span, so this is all it takes: OpenTelemetry's usual way.
    let mut headers = HeaderMap::new();
    opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&Context::current(), &mut HeaderInjector(&mut headers));
    });
    let request = CLIENT.post(url).headers(headers).body(room);
    let response = request.timeout(Duration::from_secs(5)).send().await?;
    Ok(response.error_for_status()?.text().await?)
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    // Datadog's tracer, from `DD_*`. It becomes the process's propagator too.
    durable_trace::run(book).await
}
