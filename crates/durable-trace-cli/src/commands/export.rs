//! `export`: the trace of an execution, or of many, from history alone.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, bail};
use clap::CommandFactory as _;
use durable_trace_history::{
    ExecutionSummary, History, Identity, Reader, Sender, Trace, TraceRules, UnixMicros,
    to_chrome_json, to_datadog_json, to_otlp_json,
};

use crate::{
    args::{Args, ExportArgs, FileFormat, To, parse_to},
    export::{self, Backend, Tally, Verdict},
    outcome::{self, Outcome},
    progress::Progress,
    source::{self, Source},
};

/// Exports what was asked for.
pub(crate) fn run(args: &ExportArgs) -> anyhow::Result<Outcome> {
    let agent = || durable_trace::diagnosis::agent_url(|name| std::env::var(name).ok());
    let parsed = match parse_to(&args.to, agent) {
        Ok(parsed) => parsed,
        Err(message) => usage(&format!("--to: {message}")),
    };
    let source = args.source.as_ref().or(parsed.source.as_ref());
    source::block_on(async {
        let mut export = Export::new(args, parsed.to);
        match (source, &args.function) {
            (Some(source), None) => export.one(source).await?,
            (None, Some(function)) => export.many(function).await?,
            (Some(_), Some(_)) => usage("give SOURCE or --function, not both"),
            (None, None) => usage("give SOURCE, or --function"),
        }
        export.end()
    })
}

/// Ends as wrong usage does that clap finds by itself.
fn usage(message: &str) -> ! {
    let kind = clap::error::ErrorKind::ValueValidation;
    Args::command().error(kind, message).exit()
}

struct Export<'a> {
    args: &'a ExportArgs,
    rules: TraceRules,
    identity: Identity,
    to: To,
    sender: Sender,
    tally: Tally,
    /// What a file gets at the end.
    kept: Vec<Trace>,
    progress: Progress,
}

impl<'a> Export<'a> {
    fn new(args: &'a ExportArgs, to: To) -> Self {
        let mut identity = Identity::default();
        if let Some(service) = &args.service {
            identity = identity.service(service);
        }
        if let Some(env) = &args.env {
            identity = identity.env(env);
        }
        Self {
            args,
            rules: export::rules(args),
            identity,
            to,
            sender: Sender::new(),
            tally: Tally::default(),
            kept: Vec::new(),
            progress: Progress::on_stderr(),
        }
    }

    async fn one(&mut self, source: &Source) -> anyhow::Result<()> {
        let arn = self.args.arn.as_deref();
        let history = source::read(source, arn, &self.args.aws).await?;
        self.take(&history).await?;
        if self.tally.still_running > 0 {
            bail!(
                "the execution still runs: export it when it has ended, or as far as it has come with --running"
            );
        }
        Ok(())
    }

    async fn many(&mut self, function: &str) -> anyhow::Result<()> {
        let interval = Duration::from_secs(1) / u32::from(self.args.rate);
        let reader = Reader::new(self.args.aws.client(None).await?).paced(interval);
        let since = self.args.since.map(|since| before(now(), since));
        let executions = reader
            .executions(function, since, |so_far| {
                let text = format!("{function}: {} executions …", so_far.items);
                self.progress.show(&text);
            })
            .await?;
        let total = executions.len();
        for (index, execution) in executions.iter().enumerate() {
            let text = format!("{function}: execution {} of {total} …", index + 1);
            self.progress.show(&text);
            if execution.end.is_none() && !self.args.running {
                self.tally.still_running += 1;
            } else if let Err(error) = self.read_and_take(&reader, execution).await {
                self.tally.failed += 1;
                self.say(&format!("{}: {error:#}", execution.arn));
            }
        }
        Ok(())
    }

    async fn read_and_take(
        &mut self,
        reader: &Reader,
        execution: &ExecutionSummary,
    ) -> anyhow::Result<()> {
        let history = reader.history(&execution.arn, |_| ()).await?;
        self.take(&history).await
    }

    async fn take(&mut self, history: &History) -> anyhow::Result<()> {
        let trace = Trace::of(history, &self.rules).context("name it with --arn")?;
        match export::judge(&trace, self.args) {
            Verdict::Refuse(why) => bail!("{why}"),
            Verdict::Skip => {
                self.tally.still_running += 1;
                return Ok(());
            }
            Verdict::Send => {}
        }
        if let (To::Network(destination), false) = (&self.to, self.args.dry_run) {
            let traces = std::slice::from_ref(&trace);
            let sent = self.sender.send_traces(destination, traces, &self.identity);
            self.tally.requests += sent.await?;
        }
        self.tally.add(&trace);
        if !matches!(self.to, To::Network(_)) && !self.args.dry_run {
            self.kept.push(trace);
        }
        Ok(())
    }

    fn end(self) -> anyhow::Result<Outcome> {
        let (place, backend) = match &self.to {
            To::File(path) => (path.display().to_string(), Backend::Nobody),
            To::Stdout => ("stdout".to_owned(), Backend::Nobody),
            To::Network(destination) if destination.is_agent() => {
                (destination.to_string(), Backend::Datadog)
            }
            To::Network(destination) => (destination.to_string(), Backend::Otlp),
        };
        for warning in self.tally.warnings(backend, now()) {
            self.say(&format!("warning: {warning}"));
        }
        let verb = match (self.args.dry_run, &self.to) {
            (true, _) => "would send",
            (false, To::Network(_)) => "sent",
            (false, _) => "wrote",
        };
        let summary = self.tally.summary(verb, &place);
        if self.args.dry_run {
            outcome::print(&format!("{summary}\n"))?;
        } else {
            match &self.to {
                To::Network(_) => outcome::print(&format!("{summary}\n"))?,
                To::File(path) => {
                    write(path, &self.document())?;
                    outcome::print(&format!("{summary}\n"))?;
                }
                To::Stdout => {
                    outcome::print(&format!("{}\n", self.document()))?;
                    self.say(&summary);
                }
            }
        }
        Ok(if self.tally.failed > 0 {
            Outcome::BadData
        } else {
            Outcome::Done
        })
    }

    fn document(&self) -> String {
        let (traces, identity) = (&self.kept, &self.identity);
        match self.args.format {
            FileFormat::Chrome => to_chrome_json(traces, identity),
            FileFormat::DatadogJson => to_datadog_json(traces, identity),
            FileFormat::OtlpJson => to_otlp_json(traces, identity),
        }
    }

    fn say(&self, line: &str) {
        self.progress.clear();
        // stderr may be closed: the exit code tells it still.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, format!("{text}\n")).with_context(|| format!("writing {}", path.display()))
}

fn before(now: UnixMicros, since: Duration) -> UnixMicros {
    let since = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    UnixMicros(now.0.saturating_sub(since).max(0))
}

fn now() -> UnixMicros {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixMicros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
