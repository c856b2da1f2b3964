//! A durable function as its author would write it. The one line that is about tracing is in `main`.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext, TypedError};
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

/// What the customer asked for.
#[derive(Deserialize)]
struct Order {
    id: String,
    /// In cents.
    amount: u32,
}

/// What the customer gets back.
#[derive(Serialize)]
struct Confirmation {
    order: String,
    receipt: String,
    parcel: String,
}

async fn handle_order(order: Order, ctx: DurableContext) -> Result<Confirmation, BoxError> {
    // Runs in each invocation, so the line comes twice, unless DURABLE_TRACE_REPLAYED_LOGS is `omit`.
    tracing::info!("takes an order");
    let (id, amount) = (order.id.clone(), order.amount);
    let receipt = ctx
        .step(move |_| async move { pay(&id, amount).await })
        .name("payment")
        .await?;

    // The function ends here and is invoked again, in another process, an hour later.
    ctx.wait(Duration::from_hours(1)).name("packing").await?;

    let id = order.id.clone();
    let parcel = ctx
        .step(move |_| async move { Ok(format!("parcel for {id}")) })
        .name("shipment")
        .await?;

    Ok(Confirmation {
        order: order.id,
        receipt,
        parcel,
    })
}

async fn pay(order: &str, amount: u32) -> Result<String, BoxError> {
    if amount == 0 {
        return Err(TypedError::with_type("InvalidOrder", "nothing to pay for").into());
    }
    // An ordinary `tracing` span: it shows under the step whose body opens it.
    let span = tracing::info_span!("card.charge", amount);
    tokio::time::sleep(Duration::from_millis(2))
        .instrument(span)
        .await;
    // The line names the execution, the trace and this step's span: see README.md.
    tracing::info!(amount, "paid");
    Ok(format!("{amount} paid for {order}"))
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    durable_trace::run(handle_order).await
}
