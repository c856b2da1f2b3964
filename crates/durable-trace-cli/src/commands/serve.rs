//! `serve`: the local service, with functions of the user's own.

use std::{
    collections::HashSet,
    io::{self, Write as _},
};

use anyhow::Context as _;
use clap::{CommandFactory, error::ErrorKind};
use durable_trace_local::{Config, Function, Service};

use crate::{
    args::{Args, FunctionCommand, ServeArgs},
    logs,
    outcome::{self, Outcome},
    page,
};

/// What `--invoke-only` prints its endpoint as. `AWS_ENDPOINT_URL_LAMBDA` it must not be called: that is the other
/// service's, at which executions are started and functions checkpoint.
const INVOKE_ENDPOINT: &str = "DURABLE_TRACE_INVOKE_ENDPOINT";

/// Serves until Ctrl-C.
pub(crate) fn run(args: ServeArgs) -> anyhow::Result<Outcome> {
    refuse_repeated_names(&args);
    let elsewhere = args.invoke_only.then(required_endpoint);
    logs::show_on_stderr();
    if args.functions.is_empty() && args.plain_functions.is_empty() {
        tracing::warn!("no --function is given: there is nothing to invoke");
    }
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(serve(args, elsewhere))
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

/// Where functions checkpoint that are only invoked here; without one, a usage error.
fn required_endpoint() -> String {
    set("AWS_ENDPOINT_URL_LAMBDA").unwrap_or_else(|| {
        let message = "--invoke-only needs AWS_ENDPOINT_URL_LAMBDA in the environment: the URL of the durable service \
                       that functions checkpoint at, such as http://127.0.0.1:5000 for AWS's local runner";
        Args::command()
            .error(ErrorKind::MissingRequiredArgument, message)
            .exit()
    })
}

/// A variable that is there and says something.
fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

async fn serve(args: ServeArgs, elsewhere: Option<String>) -> anyhow::Result<Outcome> {
    // Caught from the start, so that a Ctrl-C during the start ends functions too.
    let mut stop = std::pin::pin!(stop_signal()?);
    let mut config = Config::default()
        .port(args.port)
        .clock(args.clock.into())
        .function_timeout(args.timeout);
    if elsewhere.is_none() {
        let site = set("DD_SITE");
        config = config
            .pages(move |service, request| page::live::answer(service, request, site.as_deref()));
    }
    if let Some(timeout) = args.execution_timeout {
        config = config.execution_timeout(timeout);
    }
    let is_invoke_only = elsewhere.is_some();
    if let Some(endpoint) = elsewhere {
        config = config.invoke_only(endpoint);
        // For the ARNs that functions see.
        if let Some(region) = set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION")) {
            config = config.region(region);
        }
    }
    let service = Service::start(config).await?;
    for function in args.functions {
        let (name, process) = process(function, args.no_xray);
        service.register(&name, process);
    }
    for function in args.plain_functions {
        let (name, process) = process(function, args.no_xray);
        service.register(&name, process.plain());
    }
    if !is_invoke_only {
        // stderr may be closed: then nobody wants to know.
        let _ = writeln!(
            io::stderr(),
            "executions, as they run: {}/",
            service.endpoint()
        );
    }
    outcome::print(&if is_invoke_only {
        format!("export {INVOKE_ENDPOINT}={}\n", service.endpoint())
    } else {
        exports(&service.endpoint(), service.region())
    })?;
    stop.as_mut().await;
    service.shutdown().await;
    Ok(Outcome::Done)
}

fn process(command: FunctionCommand, no_xray: bool) -> (String, Function) {
    let function = Function::process(command.program, command.args);
    let function = if no_xray {
        function.without_xray()
    } else {
        function
    };
    (command.name, function)
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
