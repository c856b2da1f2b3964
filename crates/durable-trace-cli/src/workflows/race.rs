//! A workflow that sleeps on what completes within milliseconds, so that completion and suspension meet.

use aws_durable_execution_sdk::{BoxError, DurableContext};
use axum::{body::Body, http::Request};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::INVOKE_TARGET;

/// What to sleep on, in order.
#[derive(Debug, Deserialize)]
pub(crate) struct Race {
    /// The URL of who completes callbacks: it is sent each one's id, and how long to wait.
    tell: String,
    sleeps: Vec<Sleep>,
}

/// What completes after so many milliseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sleep {
    /// A callback whose id is told by a step: the step's end is a request between the telling and the sleep.
    Approval(u64),
    /// A callback whose id is told without a step: no request of the SDK's stands between the telling and the sleep.
    Callback(u64),
    /// A call of the plain function, which takes so long.
    Invoke(u64),
}

#[derive(Debug, Serialize)]
struct Told {
    callback_id: String,
    after_ms: u64,
}

pub(crate) async fn race(race: Race, ctx: DurableContext) -> Result<Vec<Value>, BoxError> {
    let mut answers = Vec::new();
    for sleep in race.sleeps {
        answers.push(match sleep {
            Sleep::Approval(after_ms) => approval(&race.tell, after_ms, &ctx).await?,
            Sleep::Callback(after_ms) => callback(&race.tell, after_ms, &ctx).await?,
            Sleep::Invoke(after_ms) => {
                let payload = json!({ "after_ms": after_ms });
                ctx.invoke(INVOKE_TARGET, payload).name("call").await?
            }
        });
    }
    Ok(answers)
}

async fn approval(url: &str, after_ms: u64, ctx: &DurableContext) -> Result<Value, BoxError> {
    let url = url.to_owned();
    let answer = ctx
        .wait_for_callback(
            move |_, callback_id| async move { tell(&url, callback_id, after_ms).await },
        )
        .name("approval")
        .await?;
    Ok(answer)
}

async fn callback(url: &str, after_ms: u64, ctx: &DurableContext) -> Result<Value, BoxError> {
    let callback = ctx.create_callback().name("callback").await?;
    // Told again by each replay: who completes it goes by the id.
    tell(url, callback.id().to_owned(), after_ms).await?;
    Ok(callback.result().await?)
}

async fn tell(url: &str, callback_id: String, after_ms: u64) -> Result<(), BoxError> {
    let told = Told {
        callback_id,
        after_ms,
    };
    let request = Request::post(url).body(Body::from(serde_json::to_vec(&told)?))?;
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let answer = client.request(request).await?;
    if answer.status().is_success() {
        Ok(())
    } else {
        Err(format!("{url} answered {}", answer.status()).into())
    }
}
