//! Where an execution is read from: Lambda itself, a file, stdin.

use std::{
    io::{self, Read as _},
    path::PathBuf,
    str::FromStr,
};

use anyhow::{Context as _, bail};
use aws_config::{BehaviorVersion, Region};
use aws_sdk_lambda::Client;
use durable_trace_history::{History, Reader};
use durable_trace_wire::ExecutionArn;

use crate::progress::Progress;

/// Which execution is meant, and how to get at it.
#[derive(Debug, clap::Args)]
pub(crate) struct SourceArgs {
    /// An execution's ARN, or a file of what the AWS CLI prints for `get-durable-execution-history` or
    /// `get-durable-execution-state`; `-` is stdin
    #[arg(value_name = "SOURCE")]
    pub(crate) source: Source,
    /// The execution's ARN, which a file may not tell
    #[arg(long, value_name = "ARN", value_parser = parse_arn)]
    pub(crate) arn: Option<String>,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// How Lambda is reached: as the AWS CLI has it, and with its variables and files where nothing is given.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct AwsArgs {
    /// The AWS region; by default that of the ARN, else the one that is configured
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The profile of the AWS configuration
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Another endpoint for Lambda, such as that of `durable-trace serve`
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
}

/// What an execution is read from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// A file of the AWS CLI's output.
    File(PathBuf),
    /// Lambda, which is asked for the execution of this ARN.
    Live(String),
    /// The same as a file's, on stdin.
    Stdin,
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Err("expected an ARN, a file or -".to_owned()),
            "-" => Ok(Self::Stdin),
            arn if arn.starts_with("arn:") => parse_arn(arn).map(Self::Live),
            path => Ok(Self::File(path.into())),
        }
    }
}

/// Runs what asks Lambda to its end.
pub(crate) fn block_on<T>(asking: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?
        .block_on(asking)
}

/// Accepts the ARN of an execution.
pub(crate) fn parse_arn(text: &str) -> Result<String, String> {
    let is_arn = text.starts_with("arn:") && ExecutionArn::parse(text).is_some();
    is_arn.then(|| text.to_owned()).ok_or_else(|| {
        format!(
            "{text:?} is no execution's ARN: expected such as \
             arn:aws:lambda:eu-west-1:123456789012:function:order:7/durable-execution/NAME/ID"
        )
    })
}

impl SourceArgs {
    /// Reads the execution, and shows how far it has come where somebody watches.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is no history.
    pub(crate) async fn read(&self) -> anyhow::Result<History> {
        read(&self.source, self.arn.as_deref(), &self.aws).await
    }
}

/// Reads an execution, which a file may not name: then it is `arn`.
///
/// # Errors
///
/// When it cannot be read, or is no history.
pub(crate) async fn read(
    source: &Source,
    arn: Option<&str>,
    aws: &AwsArgs,
) -> anyhow::Result<History> {
    let (text, place) = match source {
        Source::Live(live) => {
            if arn.is_some_and(|other| other != live) {
                bail!("SOURCE is an ARN, and --arn another one");
            }
            let reader = Reader::new(aws.client(Some(live)).await?);
            return read_live(&reader, live).await;
        }
        Source::File(path) => {
            let place = path.display().to_string();
            let text = std::fs::read_to_string(path);
            (text.with_context(|| format!("reading {place}"))?, place)
        }
        Source::Stdin => {
            let mut text = String::new();
            let read = io::stdin().read_to_string(&mut text);
            read.context("reading stdin")?;
            (text, "stdin".to_owned())
        }
    };
    let history = History::parse(&text).with_context(|| format!("reading {place}"))?;
    Ok(match arn {
        Some(arn) => history.with_arn(arn),
        None => history,
    })
}

/// Reads an execution through the API.
async fn read_live(reader: &Reader, arn: &str) -> anyhow::Result<History> {
    let progress = Progress::on_stderr();
    progress.show("asking Lambda …");
    let history = reader
        .history(arn, |so_far| {
            progress.show(&format!("{} events, page {} …", so_far.items, so_far.pages));
        })
        .await?;
    Ok(history)
}

impl AwsArgs {
    /// Returns a client; for an execution's ARN, one in its region.
    ///
    /// # Errors
    ///
    /// When no region is known.
    pub(crate) async fn client(&self, arn: Option<&str>) -> anyhow::Result<Client> {
        let of_arn = arn
            .and_then(ExecutionArn::parse)
            .and_then(|arn| Some(arn.region()?.to_owned()));
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(region) = self.region.clone().or(of_arn) {
            loader = loader.region(Region::new(region));
        }
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &self.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let config = loader.load().await;
        if config.region().is_none() {
            bail!("no AWS region: give --region, or set AWS_REGION");
        }
        Ok(Client::new(&config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_an_arn_a_file_or_stdin() {
        let arn = "arn:aws:lambda:eu-west-1:1:function:f:1/durable-execution/n/i";
        for (text, want, why) in [
            (
                arn,
                Some(Source::Live(arn.to_owned())),
                "an execution's ARN",
            ),
            ("-", Some(Source::Stdin), "stdin"),
            (
                "history.json",
                Some(Source::File("history.json".into())),
                "a file",
            ),
            (
                "./arn:x",
                Some(Source::File("./arn:x".into())),
                "a file with an odd name",
            ),
            (
                "arn:aws:lambda:eu-west-1:1:function:f",
                None,
                "a function's ARN",
            ),
            ("", None, "nothing"),
        ] {
            assert_eq!(text.parse().ok(), want, "{why}");
        }
    }

    #[tokio::test]
    async fn an_arn_says_which_region_is_asked() {
        let arn = "arn:aws:lambda:eu-west-1:1:function:f:1/durable-execution/n/i";
        let region = async |args: AwsArgs| {
            let client = args.client(Some(arn)).await.unwrap();
            client.config().region().unwrap().to_string()
        };
        assert_eq!(region(AwsArgs::default()).await, "eu-west-1");
        let args = AwsArgs {
            region: Some("us-east-2".to_owned()),
            ..AwsArgs::default()
        };
        assert_eq!(region(args).await, "us-east-2", "what is given goes first");
    }
}
