//! How a command ended, and the exit code that says so.

use std::{
    io::{self, Write},
    process::ExitCode,
};

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Some input was bad, each piece reported on stderr already; the rest was done.
    BadData,
    /// What was asked for was done.
    Done,
    /// What was asked for did not come about.
    Failed(anyhow::Error),
    /// The reader of our output went away: nobody is left to tell anything.
    NobodyReads,
    /// What was looked at is not in order, as the result says.
    Unsound,
}

impl From<anyhow::Error> for Outcome {
    fn from(error: anyhow::Error) -> Self {
        let is_closed_pipe = |cause: &(dyn std::error::Error + 'static)| {
            cause
                .downcast_ref::<io::Error>()
                .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
        };
        if error.downcast_ref::<StdoutError>().is_some() && error.chain().any(is_closed_pipe) {
            Self::NobodyReads
        } else {
            Self::Failed(error)
        }
    }
}

/// Writing to stdout failed. Kept apart from other I/O errors: a closed stdout is a quiet end, a closed
/// connection elsewhere is a failure.
#[derive(Debug)]
pub(crate) struct StdoutError(io::Error);

impl std::fmt::Display for StdoutError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("writing to stdout")
    }
}

impl std::error::Error for StdoutError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl From<io::Error> for StdoutError {
    fn from(error: io::Error) -> Self {
        Self(error)
    }
}

/// Writes `text` to stdout and flushes, so that a reader sees it at once.
///
/// # Errors
///
/// [`StdoutError`] when stdout does not take it.
pub(crate) fn print(text: &str) -> Result<(), StdoutError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// Tells a failure on stderr and gives the exit code.
pub(crate) fn report(outcome: Outcome) -> ExitCode {
    match outcome {
        Outcome::Done | Outcome::NobodyReads => ExitCode::SUCCESS,
        Outcome::BadData | Outcome::Unsound => ExitCode::FAILURE,
        Outcome::Failed(error) => {
            // stderr may be closed as well: then there is nobody to tell.
            let _ = writeln!(io::stderr(), "durable-trace: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_closed_stdout_ends_quietly() {
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        for (error, quiet, why) in [
            (StdoutError(closed()).into(), true, "the reader went away"),
            (
                StdoutError(io::ErrorKind::StorageFull.into()).into(),
                false,
                "the result is lost",
            ),
            (
                anyhow::Error::from(closed()).context("sending to the agent"),
                false,
                "another pipe",
            ),
        ] {
            let outcome = Outcome::from(error);
            assert_eq!(matches!(outcome, Outcome::NobodyReads), quiet, "{why}");
        }
    }
}
