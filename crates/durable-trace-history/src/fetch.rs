//! Reads executions from Lambda itself, page by page, with AWS's client.

use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::DateTime;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::document::{Document, Facts};
use crate::history::History;
use crate::time::UnixMicros;

mod convert;
mod error;

pub use self::error::{FetchError, FetchErrorKind};

/// What a page may hold at most, events or executions: as many as the API gives, so that a reading takes few requests.
const PER_PAGE: u16 = 1_000;

/// Reads histories with a client of AWS's, which brings region, credentials, endpoint and retries.
///
/// ```no_run
/// # async fn read(client: aws_sdk_lambda::Client) -> Result<(), durable_trace_history::FetchError> {
/// use durable_trace_history::Reader;
///
/// let arn = "arn:aws:lambda:eu-west-1:123456789012:function:order:7/durable-execution/order-1/0f2b";
/// let history = Reader::new(client)
///     .history(arn, |so_far| eprintln!("{} events", so_far.items))
///     .await?;
/// assert!(history.has_ended());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Reader {
    client: Client,
    data: Data,
    pace: Option<Pace>,
    per_page: u16,
}

/// Whether inputs, results and errors are asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Data {
    Excluded,
    Included,
}

impl Data {
    const fn is_included(self) -> bool {
        matches!(self, Self::Included)
    }
}

/// How far a reading has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Pages that have come.
    pub pages: usize,
    /// Events, or executions, on them.
    pub items: usize,
}

/// An execution, as a function's list of them tells it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ExecutionSummary {
    /// Its ARN.
    pub arn: String,
    /// AWS's word, such as `TIMED_OUT`.
    pub status: String,
    /// When it started.
    pub start: UnixMicros,
    /// When it ended, if it has.
    pub end: Option<UnixMicros>,
}

impl Reader {
    /// Reads with `client`, everything, as fast as it goes.
    pub const fn new(client: Client) -> Self {
        Self {
            client,
            data: Data::Included,
            pace: None,
            per_page: PER_PAGE,
        }
    }

    /// Leaves out inputs, results and errors; checkpoints of tracing libraries cannot be decoded then.
    #[must_use]
    pub const fn without_data(mut self) -> Self {
        self.data = Data::Excluded;
        self
    }

    /// Asks for so many events, or executions, at a time, 1 to 1000; by default 1000.
    #[must_use]
    pub fn in_pages_of(mut self, items: u16) -> Self {
        self.per_page = items.clamp(1, PER_PAGE);
        self
    }

    /// Leaves at least `interval` between the beginnings of two requests, of all that read with this reader.
    #[must_use]
    pub fn paced(mut self, interval: Duration) -> Self {
        self.pace = Some(Pace {
            interval,
            next: Mutex::new(None),
        });
        self
    }

    /// Reads one execution: `GetDurableExecution`, then all pages of `GetDurableExecutionHistory`.
    ///
    /// `on_page` is called after each page.
    ///
    /// # Errors
    ///
    /// If Lambda refuses or cannot be reached; the message says what was asked for, and what can be done.
    pub async fn history(
        &self,
        arn: &str,
        mut on_page: impl FnMut(Progress),
    ) -> Result<History, FetchError> {
        let facts = self.facts(arn).await?;
        let mut events = Vec::new();
        let mut marker = None;
        for pages in 1.. {
            self.wait().await;
            let page = self
                .client
                .get_durable_execution_history()
                .durable_execution_arn(arn)
                .include_execution_data(self.data.is_included())
                .max_items(self.per_page.into())
                .set_marker(marker.clone())
                .send()
                .await
                .map_err(|error| error::history(arn, &error))?;
            for event in page.events {
                let number = event.event_id;
                events.push(convert::event(event).ok_or_else(|| error::undated(arn, number))?);
            }
            on_page(Progress {
                pages,
                items: events.len(),
            });
            let next = page.next_marker.filter(|marker| !marker.is_empty());
            // A page that names itself as the next one would be read for ever.
            if next.is_none() || next == marker {
                break;
            }
            marker = next;
        }
        Ok(History::of(Document {
            facts,
            events,
            ..Document::default()
        }))
    }

    async fn facts(&self, arn: &str) -> Result<Facts, FetchError> {
        self.wait().await;
        let answer = self
            .client
            .get_durable_execution()
            .durable_execution_arn(arn)
            .include_execution_data(self.data.is_included())
            .send()
            .await
            .map_err(|error| error::execution(arn, &error))?;
        Ok(convert::facts(answer))
    }

    /// Lists a function's executions, oldest first: `ListDurableExecutionsByFunction`, all pages.
    ///
    /// `function` is a name, or an ARN; behind a name may stand `:` and a version. `since` leaves out those that started before.
    ///
    /// # Errors
    ///
    /// If Lambda refuses or cannot be reached; the message says what was asked for, and what can be done.
    pub async fn executions(
        &self,
        function: &str,
        since: Option<UnixMicros>,
        mut on_page: impl FnMut(Progress),
    ) -> Result<Vec<ExecutionSummary>, FetchError> {
        let (name, qualifier) = split_qualifier(function);
        let mut found = Vec::new();
        let mut marker = None;
        for pages in 1.. {
            self.wait().await;
            let page = self
                .client
                .list_durable_executions_by_function()
                .function_name(name)
                .set_qualifier(qualifier.map(str::to_owned))
                .set_started_after(since.map(date_time))
                .max_items(self.per_page.into())
                .set_marker(marker.clone())
                .send()
                .await
                .map_err(|error| error::executions(function, &error))?;
            let executions = page.durable_executions.unwrap_or_default();
            found.extend(executions.into_iter().map(convert::summary));
            on_page(Progress {
                pages,
                items: found.len(),
            });
            let next = page.next_marker.filter(|marker| !marker.is_empty());
            if next.is_none() || next == marker {
                break;
            }
            marker = next;
        }
        found.retain(|execution| since.is_none_or(|since| execution.start >= since));
        found.sort_by_key(|execution| execution.start);
        Ok(found)
    }

    async fn wait(&self) {
        if let Some(pace) = &self.pace {
            pace.wait().await;
        }
    }
}

/// Splits `NAME:QUALIFIER`; an ARN goes as it is, for the API takes it so.
fn split_qualifier(function: &str) -> (&str, Option<&str>) {
    match function.split_once(':') {
        Some((name, qualifier)) if !function.starts_with("arn:") && !qualifier.contains(':') => {
            (name, Some(qualifier))
        }
        _ => (function, None),
    }
}

fn date_time(at: UnixMicros) -> DateTime {
    DateTime::from_nanos(i128::from(at.0) * 1_000).unwrap_or_else(|_| DateTime::from_secs(0))
}

/// Spreads requests over time.
#[derive(Debug)]
struct Pace {
    interval: Duration,
    /// When the next request may begin.
    next: Mutex<Option<Instant>>,
}

impl Pace {
    async fn wait(&self) {
        let mut next = self.next.lock().await;
        let now = Instant::now();
        let begin = next.map_or(now, |next| next.max(now));
        *next = Some(begin + self.interval);
        // Others may line up behind while this one waits.
        drop(next);
        sleep_until(begin).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_functions_version_goes_apart_from_its_name() {
        for (function, want, why) in [
            ("order", ("order", None), "a name"),
            ("order:7", ("order", Some("7")), "a name and a version"),
            (
                "arn:aws:lambda:eu-west-1:1:function:order",
                ("arn:aws:lambda:eu-west-1:1:function:order", None),
                "an ARN",
            ),
            (
                "1:function:order",
                ("1:function:order", None),
                "a part of an ARN",
            ),
        ] {
            assert_eq!(split_qualifier(function), want, "{why}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_keep_their_distance_whoever_makes_them() {
        let pace = Pace {
            interval: Duration::from_millis(250),
            next: Mutex::new(None),
        };
        let start = Instant::now();
        let begin = async || {
            pace.wait().await;
            start.elapsed().as_millis()
        };
        let (first, second, third) = tokio::join!(begin(), begin(), begin());
        assert_eq!([first, second, third], [0, 250, 500]);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(begin().await, 5_500, "a pause is not made up for");
    }
}
