//! `serve`: the local service, with functions of the user's own.

use std::collections::HashSet;

use anyhow::Context as _;
use clap::{CommandFactory, error::ErrorKind};
use durable_trace_local::{Config, Function, Service};

use crate::{
    args::{Args, FunctionCommand, ServeArgs},
    logs,
    outcome::{self, Outcome},
};

/// Serves until Ctrl-C.
pub(crate) fn run(args: ServeArgs) -> anyhow::Result<Outcome> {
    refuse_repeated_names(&args);
    logs::show_on_stderr();
    if args.functions.is_empty() && args.plain_functions.is_empty() {
        tracing::warn!("no --function is given: there is nothing to invoke");
    }
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(serve(args))
}

/// A usage error, like those that the parser finds.
fn refuse_repeated_names(args: &ServeArgs) {
    let mut names = HashSet::new();
    for function in args.functions.iter().chain(&args.plain_functions) {
        if !names.insert(&function.name) {
            let message = format!("function {} is given twice", function.name);
            Args::command()
                .error(ErrorKind::ArgumentConflict, message)
                .exit();
        }
    }
}

async fn serve(args: ServeArgs) -> anyhow::Result<Outcome> {
    // Caught from the start, so that a Ctrl-C during the start ends functions too.
    let mut stop = std::pin::pin!(stop_signal()?);
    let mut config = Config::default()
        .port(args.port)
        .clock(args.clock.into())
        .function_timeout(args.timeout);
    if let Some(timeout) = args.execution_timeout {
        config = config.execution_timeout(timeout);
    }
    let service = Service::start(config).await?;
    for function in args.functions {
        let (name, process) = process(function);
        service.register(&name, process);
    }
    for function in args.plain_functions {
        let (name, process) = process(function);
        service.register(&name, process.plain());
    }
    outcome::print(&exports(&service.endpoint(), service.region()))?;
    stop.as_mut().await;
    service.shutdown().await;
    Ok(Outcome::Done)
}

fn process(command: FunctionCommand) -> (String, Function) {
    (
        command.name,
        Function::process(command.program, command.args),
    )
}

/// What a shell needs so that AWS's clients find this service.
fn exports(endpoint: &str, region: &str) -> String {
    format!(
        "export AWS_ENDPOINT_URL_LAMBDA={endpoint}\n\
         export AWS_REGION={region}\n\
         export AWS_DEFAULT_REGION={region}\n\
         export AWS_ACCESS_KEY_ID=local\n\
         export AWS_SECRET_ACCESS_KEY=local\n"
    )
}

/// Ends at Ctrl-C, or when asked to terminate.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
