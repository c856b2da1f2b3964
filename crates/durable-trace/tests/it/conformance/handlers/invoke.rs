//! Chained invokes.

use aws_durable_execution_sdk::{BoxError, DurableContext, OperationError};
use serde_json::{Value, json};

use super::serdes::{ReadUppercase, WriteUppercase};
use super::{SECOND, step, text};
use crate::conformance::case::{Case, Outcome, cases};
use crate::conformance::run::{ECHO, FAILING};

cases! {
    "5-1" => echoed,
    "5-2" => named,
    "5-3" => echoed,
    "5-4" => echoed,
    "5-5" => failing,
    "5-6" => caught,
    "5-7" => large,
    "5-8" => for_a_tenant,
    "5-9" => before_a_wait,
    "5-10" => caught_before_a_wait,
    "5-11" => after_a_step,
    "5-12" => before_a_step,
    "5-13" => in_a_child_context,
    "5-14" => twice,
    "5-15" => own_payload_serdes,
    "5-16" => own_result_serdes,
}

/// What `ECHO` runs.
pub(in crate::conformance) const ECHO_TARGET: Case = Case {
    id: "target",
    run: |event, _| Box::pin(async move { Ok(event) }),
};

/// What `FAILING` runs.
pub(in crate::conformance) const FAILING_TARGET: Case = Case {
    id: "target",
    run: |_, _| Box::pin(async { Err(BoxError::from("target failed")) }),
};

async fn echo(ctx: &DurableContext, input: Value) -> Result<Value, OperationError> {
    ctx.invoke(ECHO, input).await
}

async fn fail(ctx: &DurableContext) -> Result<Value, OperationError> {
    ctx.invoke(FAILING, Value::Null).await
}

async fn echoed(event: Value, ctx: DurableContext) -> Outcome {
    Ok(echo(&ctx, event).await?)
}

async fn named(event: Value, ctx: DurableContext) -> Outcome {
    let invoke = ctx.invoke(ECHO, event["payload"].clone());
    Ok(invoke.name(text(&event["name"])).await?)
}

async fn failing(_: Value, ctx: DurableContext) -> Outcome {
    Ok(fail(&ctx).await?)
}

async fn caught(_: Value, ctx: DurableContext) -> Outcome {
    Ok(json!(fail(&ctx).await.is_err()))
}

/// Near the 256 KB that an asynchronous invoke takes.
async fn large(_: Value, ctx: DurableContext) -> Outcome {
    let echoed = echo(&ctx, json!("x".repeat(250 * 1000))).await?;
    Ok(json!(text(&echoed).len()))
}

async fn for_a_tenant(event: Value, ctx: DurableContext) -> Outcome {
    let invoke = ctx.invoke(ECHO, event["payload"].clone());
    Ok(invoke.tenant_id(text(&event["tenantId"])).await?)
}

async fn before_a_wait(event: Value, ctx: DurableContext) -> Outcome {
    let echoed = echo(&ctx, event).await?;
    ctx.wait(SECOND).await?;
    Ok(echoed)
}

async fn caught_before_a_wait(_: Value, ctx: DurableContext) -> Outcome {
    let failed = fail(&ctx).await.is_err();
    ctx.wait(SECOND).await?;
    Ok(json!(failed))
}

async fn after_a_step(_: Value, ctx: DurableContext) -> Outcome {
    let value = step(&ctx, json!("from the step")).await?;
    Ok(echo(&ctx, value).await?)
}

async fn before_a_step(_: Value, ctx: DurableContext) -> Outcome {
    let value = echo(&ctx, json!("from the target")).await?;
    Ok(step(&ctx, value).await?)
}

async fn in_a_child_context(event: Value, ctx: DurableContext) -> Outcome {
    let child =
        ctx.run_in_child_context(
            |child: DurableContext| async move { Ok(echo(&child, event).await?) },
        );
    Ok(child.await?)
}

async fn twice(_: Value, ctx: DurableContext) -> Outcome {
    let first = echo(&ctx, json!(1)).await?;
    Ok(json!([first, echo(&ctx, json!(2)).await?]))
}

async fn own_payload_serdes(event: Value, ctx: DurableContext) -> Outcome {
    let invoke = ctx.invoke::<Value, Value>(ECHO, event);
    Ok(invoke.payload_serdes(WriteUppercase).await?)
}

async fn own_result_serdes(event: Value, ctx: DurableContext) -> Outcome {
    let invoke = ctx.invoke::<String, Value>(ECHO, event);
    Ok(json!(invoke.serdes(ReadUppercase).await?))
}
