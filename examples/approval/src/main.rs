//! A durable function that sleeps until a person has decided. The one line that is about tracing is in `main`.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext, OperationError};
use aws_durable_execution_sdk::{CallbackErrorKind, OperationErrorKind};
use serde::{Deserialize, Serialize};

/// What somebody wants to have paid back.
#[derive(Deserialize)]
struct Expense {
    id: String,
    /// In cents.
    amount: u32,
}

/// What the approver answers, as JSON: `{"approved":true,"by":"Kim"}`.
#[derive(Deserialize, Serialize)]
struct Decision {
    approved: bool,
    by: String,
}

/// What became of it.
#[derive(Serialize)]
struct Settlement {
    expense: String,
    outcome: String,
}

async fn settle(expense: Expense, ctx: DurableContext) -> Result<Settlement, BoxError> {
    let id = expense.id.clone();
    // The function ends here and is invoked again, in another process, when somebody has decided, or when time is up.
    let decided = ctx
        .wait_for_callback::<Decision, _, _>(|_, callback_id| async move {
            ask(&id, &callback_id);
            Ok(())
        })
        .name("approval")
        .timeout(Duration::from_hours(48))
        .await;

    let outcome = match decided {
        Ok(decision) if decision.approved => {
            let (amount, by) = (expense.amount, decision.by);
            ctx.step(move |_| async move { Ok(format!("{amount} paid, approved by {by}")) })
                .name("payout")
                .await?
        }
        Ok(decision) => format!("declined by {}", decision.by),
        Err(error) if is_late(&error) => "nobody decided".to_owned(),
        Err(error) => return Err(error.into()),
    };
    Ok(Settlement {
        expense: expense.id,
        outcome,
    })
}

/// Stands for the mail or the chat message that a person answers. Who has the id, and the permission to send callbacks, can answer.
fn ask(expense: &str, callback_id: &str) {
    tracing::info!(expense, callback_id, "asked for approval");
}

fn is_late(error: &OperationError) -> bool {
    let OperationErrorKind::Callback(error) = error.kind() else {
        return false;
    };
    matches!(error.kind(), CallbackErrorKind::TimedOut { .. })
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    durable_trace::run(settle).await
}
