//! An HTTP request of somebody who is traced starts an execution that calls another durable function: one trace from the caller on.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use serde_json::{Value, json};

/// The durable function that is called, and handed the trace.
pub(crate) const BILLING: &str = "billing";

/// What an API Gateway hands a function, with the caller's headers: the trace goes on under the span 1311768467463790320.
pub(crate) const REQUEST: &str = r#"{"version":"2.0","routeKey":"POST /orders","rawPath":"/orders","headers":{"content-type":"application/json","x-datadog-trace-id":"2594128446183519073","x-datadog-parent-id":"1311768467463790320","x-datadog-sampling-priority":"2","x-datadog-tags":"_dd.p.dm=-4,_dd.p.tid=6b02ac8400000000"},"requestContext":{"stage":"$default","domainName":"shop.example.com","http":{"method":"POST","path":"/orders"}},"body":"{\"order\":\"A-1001\"}","isBase64Encoded":false}"#;

/// The function that the request reaches: sleeps, has the order billed, sleeps again.
pub(crate) async fn caller(request: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    let body = request.get("body").and_then(Value::as_str).unwrap_or("{}");
    let order: Value = serde_json::from_str(body)?;
    ctx.wait(Duration::from_mins(1)).name("fraud-check").await?;
    let bill: Value = ctx.invoke(BILLING, order).name("bill").await?;
    ctx.wait(Duration::from_mins(1)).name("packing").await?;
    let shipped = ctx
        .step(move |_| async move { Ok(json!({ "shipped": true, "bill": bill })) })
        .name("shipment")
        .await?;
    Ok(shipped)
}

/// The function that is called: sleeps once itself.
pub(crate) async fn billing(order: Value, ctx: DurableContext) -> Result<Value, BoxError> {
    ctx.wait(Duration::from_hours(1)).name("settlement").await?;
    let number = order.get("order").cloned().unwrap_or_default();
    let bill = ctx
        .step(move |_| async move { Ok(json!({ "order": number, "amount": 42 })) })
        .name("charge")
        .await?;
    Ok(bill)
}
