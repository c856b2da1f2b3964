//! An order, from validation to shipment. The card is declined once, so that there are three invocations.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext, RetryDecision, StepContext, TypedError};
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

/// The target of this workflow's own spans. The default, its module path, begins with the name of this program's crate,
/// which is that of the library too, whose spans are not exported.
const SHOP: &str = "shop";

/// What the customer asked for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Order {
    order: String,
    amount: u32,
}

/// What the customer gets back.
#[derive(Debug, Serialize)]
pub(crate) struct Confirmation {
    order: String,
    payment: String,
    parcel: String,
}

pub(crate) async fn order(order: Order, ctx: DurableContext) -> Result<Confirmation, BoxError> {
    let order = ctx
        .step(|_| async move { validate(order) })
        .name("validation")
        .await?;

    let amount = order.amount;
    let payment = ctx
        .step(move |step| pay(step, amount))
        .name("payment")
        .retry_strategy(|_, attempt| match attempt {
            1..3 => RetryDecision::Retry {
                delay: Duration::from_secs(1),
            },
            _ => RetryDecision::Stop,
        })
        .await?;

    ctx.wait(Duration::from_secs(2)).name("packing").await?;

    let label = order.order.clone();
    let parcel = ctx
        .step(move |_| async move { Ok(ship(&label).await) })
        .name("shipment")
        .await?;

    Ok(Confirmation {
        order: order.order,
        payment,
        parcel,
    })
}

fn validate(order: Order) -> Result<Order, BoxError> {
    if order.amount == 0 {
        return Err(TypedError::with_type("InvalidOrder", "nothing to pay for").into());
    }
    Ok(order)
}

async fn pay(step: StepContext, amount: u32) -> Result<String, BoxError> {
    // The user's own span: it shows under the step whose body opens it.
    let attempt = step.attempt();
    let span = tracing::info_span!(target: SHOP, "card.authorize", amount, attempt);
    async {
        tokio::time::sleep(Duration::from_millis(2)).await;
        if attempt < 2 {
            tracing::info!(target: SHOP, "the bank asks to try again");
            return Err(TypedError::with_type("CardDeclined", "try again in a second").into());
        }
        Ok(format!("paid {amount}"))
    }
    .instrument(span)
    .await
}

async fn ship(order: &str) -> String {
    tokio::time::sleep(Duration::from_millis(1))
        .instrument(tracing::info_span!(target: SHOP, "parcel.label"))
        .await;
    format!("parcel for {order}")
}
