//! What `verify.py` deploys: a function as any other that uses `durable_trace::run`, with a stand-in for the agent inside, so that
//! its spans can be read in its log.

mod agent;

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use serde::Deserialize;

/// What an execution is to do between its two steps.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Task {
    /// Nothing: what the chained invoke comes to.
    Answer,
    Callback,
    Invoke {
        /// A function with its qualifier.
        target: String,
    },
    Wait {
        seconds: u64,
    },
}

async fn verify(task: Task, ctx: DurableContext) -> Result<String, BoxError> {
    step(&ctx, "before").await?;
    let answer = match task {
        Task::Answer => "answered".to_owned(),
        Task::Callback => {
            ctx.wait_for_callback::<String, _, _>(|_, _| async { Ok(()) })
                .name("callback")
                .await?
        }
        Task::Invoke { target } => {
            let event = serde_json::json!({ "do": "answer" });
            ctx.invoke(&target, event).name("invoke").await?
        }
        Task::Wait { seconds } => {
            ctx.wait(Duration::from_secs(seconds)).name("wait").await?;
            "woken".to_owned()
        }
    };
    step(&ctx, "after").await?;
    Ok(answer)
}

/// A step that logs a line and opens a span, as a user's would.
async fn step(ctx: &DurableContext, name: &'static str) -> Result<(), BoxError> {
    let body = move |_| async move {
        tracing::info_span!("verify.work").in_scope(|| tracing::info!(name, "verify.line"));
        Ok(())
    };
    ctx.step(body).name(name).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    agent::start()?;
    durable_trace::run(verify).await
}
