//! `durable-trace`: see one Datadog trace across suspend and resume.
//!
//! Results go to stdout and nothing else does; messages, progress and the output of functions go to stderr.
//! Exit codes: 0 done, 1 bad data, something is wrong, or the thing asked for did not come about, 2 usage.

mod args;
mod caller;
mod commands;
mod context_json;
mod doctor;
mod export;
mod forward;
mod intake;
mod lines;
mod logs;
mod outcome;
mod page;
mod progress;
mod report;
mod settings;
mod source;
mod span;
mod terminal;
mod view;
mod workflows;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    args::{Args, Command},
    outcome::Outcome,
};

fn main() -> ExitCode {
    let result = match Args::parse().command {
        Command::Demo(args) => commands::demo::run(&args),
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::Extract(args) => commands::extract::run(&args),
        Command::Function(args) => commands::function::run(&args),
        Command::Inject(args) => commands::inject::run(&args),
        Command::Inspect(args) => commands::inspect::run(&args),
        Command::Serve(args) => commands::serve::run(args),
    };
    outcome::report(result.unwrap_or_else(Outcome::from))
}
