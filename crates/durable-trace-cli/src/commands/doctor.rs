//! `doctor`: looks at the environment that it runs in, and says what would keep a function from being traced.

use anyhow::Context as _;
use serde::Serialize;

use crate::args::{DoctorArgs, DoctorFormat};
use crate::doctor::{Check, Network, ask_agent, ask_api, examine, find_locked_sdk};
use crate::outcome::{self, Outcome};

#[derive(Debug, Serialize)]
struct Report<'a> {
    /// Whether nothing is wrong, as far as it was looked at.
    sound: bool,
    checks: &'a [Check],
}

/// Examines the environment and prints a line for each check.
pub(crate) fn run(args: &DoctorArgs) -> anyhow::Result<Outcome> {
    // A name or a value that is no Unicode is none of those that are looked for.
    let variables: Vec<_> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let folder = std::env::current_dir().context("finding the current folder")?;
    let network = Network {
        agent: &ask_agent,
        api: &ask_api,
    };
    let network = (!args.offline).then_some(&network);
    let checks = examine(&variables, &find_locked_sdk(&folder), network);
    let sound = checks.iter().all(Check::is_sound);
    let text = match args.format {
        DoctorFormat::Json => {
            let checks = &checks;
            serde_json::to_string_pretty(&Report { sound, checks })? + "\n"
        }
        DoctorFormat::Text => checks.iter().map(Check::to_line).collect(),
    };
    outcome::print(&text)?;
    Ok(if sound {
        Outcome::Done
    } else {
        Outcome::Unsound
    })
}
