//! `function`: one of the demo's workflows, served as Lambda would run it. `demo` starts this.

use anyhow::{Context as _, anyhow};

use crate::{args::FunctionArgs, outcome::Outcome, workflows};

/// Serves invocations until the process is ended.
pub(crate) fn run(args: &FunctionArgs) -> anyhow::Result<Outcome> {
    let workflow = workflows::function(&args.workflow).context("no such function")?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on((workflow.serve)())
        .map_err(|error| anyhow!(error))
        .context("serving the function")?;
    Ok(Outcome::Done)
}
