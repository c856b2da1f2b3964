//! `extract`: which context does each line continue?

use std::io;

use durable_trace_wire::{Context, Headers, Invocation};
use serde::de::IgnoredAny;

use crate::{
    args::{ExtractArgs, ExtractFrom},
    context_json::ContextJson,
    lines,
    outcome::Outcome,
    settings,
};

/// Answers each line of stdin with the context that it continues.
pub(crate) fn run(args: &ExtractArgs) -> anyhow::Result<Outcome> {
    let answer = match args.from {
        ExtractFrom::Event => extract_event,
        ExtractFrom::Headers => extract_headers,
    };
    lines::answer_each(
        io::stdin().lock(),
        io::stdout().lock(),
        io::stderr(),
        answer,
    )
}

fn extract_event(line: &str) -> Result<String, String> {
    let caller = settings::caller_rules();
    let carried = match Invocation::parse(line) {
        Ok(Some(invocation)) => {
            let reading = durable_trace_wire::read(&invocation.arn, &invocation.operations);
            if let Some(found) = reading.found {
                return render(&found.context, &found.number.to_string());
            }
            caller.read_invocation(&invocation)
        }
        Ok(None) => caller.read_event(line),
        Err(_) => return refuse(line),
    };
    match carried {
        Some(carried) => render(&carried.context, carried.source.as_str()),
        None => Ok("null".to_owned()),
    }
}

fn extract_headers(line: &str) -> Result<String, String> {
    let Ok(headers) = Headers::from_json(line) else {
        return refuse(line);
    };
    match Context::extract(&headers) {
        Some((context, style)) => render(&context, style.as_str()),
        None => Ok("null".to_owned()),
    }
}

/// A line that is JSON but cannot be read as asked (an array, nesting without end, half a surrogate pair) holds no
/// context; only what is not JSON is bad data.
fn refuse(line: &str) -> Result<String, String> {
    match serde_json::from_str::<IgnoredAny>(line) {
        Ok(_) => Ok("null".to_owned()),
        Err(error) => Err(format!("JSON: {error}")),
    }
}

fn render(context: &Context, source: &str) -> Result<String, String> {
    serde_json::to_string(&ContextJson::new(context, source)).map_err(|error| error.to_string())
}
