//! How a service is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::callback::{CallbackAction, CallbackStarted};
use crate::faults::{Call, Fault};
use crate::name::Place;
use crate::pages::{Page, PageRequest, PageRule};
use crate::service::Service;
use crate::state::{LastPage, Settings};
use crate::timers::Clock;

/// Decides for a request whether something is to go wrong.
pub(crate) type FaultRule = Arc<dyn Fn(&Call<'_>) -> Option<Fault> + Send + Sync>;

/// Decides what is to be done about a callback that has started.
pub(crate) type CallbackRule = Arc<dyn Fn(&CallbackStarted) -> Vec<CallbackAction> + Send + Sync>;

/// How a service is set up. Every part has a default.
///
/// ```
/// use durable_trace_local::{Clock, Config};
///
/// let config = Config::default().port(0).clock(Clock::Skip);
/// # let _ = config;
/// ```
#[derive(Clone)]
pub struct Config {
    pub(crate) port: u16,
    pub(crate) clock: Clock,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) function_timeout: Duration,
    pub(crate) execution_timeout: Duration,
    pub(crate) page_size: usize,
    pub(crate) last_page: LastPage,
    pub(crate) chained_invoke_delay: Duration,
    pub(crate) max_processes_per_function: usize,
    pub(crate) fault: Option<FaultRule>,
    pub(crate) on_callback: Option<CallbackRule>,
    pub(crate) durable_endpoint: Option<String>,
    pub(crate) pages: Option<PageRule>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            clock: Clock::default(),
            region: "us-east-1".to_owned(),
            account: "123456789012".to_owned(),
            function_timeout: Duration::from_mins(1),
            // AWS's own maximum: 366 days.
            execution_timeout: Duration::from_hours(366 * 24),
            page_size: usize::MAX,
            last_page: LastPage::default(),
            chained_invoke_delay: crate::state::CHAINED_INVOKE_DELAY,
            max_processes_per_function: 10,
            fault: None,
            on_callback: None,
            durable_endpoint: None,
            pages: None,
        }
    }
}

impl Config {
    /// The port on 127.0.0.1; 0, the default, takes a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// How time passes; [`Clock::Skip`] by default.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The region in ARNs and in the functions' environment; `us-east-1` by default.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// The account in ARNs; `123456789012` by default.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = account.into();
        self
    }

    /// How long one invocation may take by the machine's clock, unless its function says
    /// otherwise; 60 s by default.
    #[must_use]
    pub fn function_timeout(mut self, timeout: Duration) -> Self {
        self.function_timeout = timeout;
        self
    }

    /// How long an execution may take by the service's clock; 366 days by default, as AWS's maximum.
    #[must_use]
    pub fn execution_timeout(mut self, timeout: Duration) -> Self {
        self.execution_timeout = timeout;
        self
    }

    /// The most operations in one event and in one answer, at least 1; no limit by default.
    #[must_use]
    pub fn page_size(mut self, operations: usize) -> Self {
        self.page_size = operations.max(1);
        self
    }

    /// Lets a full page name a next one even where nothing is left for it, as stores do that stop counting at their limit:
    /// the last page may be empty. Off by default.
    #[must_use]
    pub fn empty_last_page(mut self) -> Self {
        self.last_page = LastPage::MayBeEmpty;
        self
    }

    /// From the start of a chained invoke to the first invocation of its target, by the service's
    /// clock; 1 ms by default, so that under [`Clock::Skip`] the caller is asleep by then.
    #[must_use]
    pub fn chained_invoke_delay(mut self, delay: Duration) -> Self {
        self.chained_invoke_delay = delay;
        self
    }

    /// The most processes of one function at a time, at least 1; 10 by default. Further
    /// invocations wait for one to become free.
    #[must_use]
    pub fn max_processes_per_function(mut self, processes: usize) -> Self {
        self.max_processes_per_function = processes.max(1);
        self
    }

    /// Lets things go wrong on purpose: `rule` sees every request before the service does.
    #[must_use]
    pub fn fault(
        mut self,
        rule: impl Fn(&Call<'_>) -> Option<Fault> + Send + Sync + 'static,
    ) -> Self {
        self.fault = Some(Arc::new(rule));
        self
    }

    /// Answers callbacks: `rule` sees each when it starts and says what is to happen when, by the
    /// virtual clock. It may give an `Option`, a `Vec` or an array of actions.
    #[must_use]
    pub fn on_callback<A>(
        mut self,
        rule: impl Fn(&CallbackStarted) -> A + Send + Sync + 'static,
    ) -> Self
    where
        A: IntoIterator<Item = CallbackAction>,
    {
        self.on_callback = Some(Arc::new(move |started| rule(started).into_iter().collect()));
        self
    }

    /// Makes it an Invoke endpoint and nothing more, for functions whose executions another service keeps.
    ///
    /// Every function is a plain one: it gets the payload as it is, and its answer is the answer. `endpoint` is the URL
    /// of that service: functions find it in `AWS_ENDPOINT_URL_LAMBDA`, and every request but Invoke is refused with
    /// its name. Region and credentials are those of this process's environment, for they are that service's.
    #[must_use]
    pub fn invoke_only(mut self, endpoint: impl Into<String>) -> Self {
        self.durable_endpoint = Some(endpoint.into());
        self
    }

    /// Serves more than the API at the same address: `rule` sees each GET whose path is none of the API's, and gives a page or
    /// none. It is not recorded among the service's calls, and runs on the service's own tasks: it must not block.
    ///
    /// ```
    /// use durable_trace_local::{Config, Page};
    ///
    /// let config = Config::default().pages(|service, request| {
    ///     (request.path == "/").then(|| Page::html(format!("{} executions", service.executions().len())))
    /// });
    /// # let _ = config;
    /// ```
    #[must_use]
    pub fn pages(
        mut self,
        rule: impl Fn(&Service, &PageRequest<'_>) -> Option<Page> + Send + Sync + 'static,
    ) -> Self {
        self.pages = Some(Arc::new(rule));
        self
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            place: Place {
                region: self.region.clone(),
                account: self.account.clone(),
            },
            execution_timeout: self.execution_timeout,
            page_size: self.page_size,
            last_page: self.last_page,
            chained_invoke_delay: self.chained_invoke_delay,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("port", &self.port)
            .field("clock", &self.clock)
            .field("function_timeout", &self.function_timeout)
            .field("execution_timeout", &self.execution_timeout)
            .field("page_size", &self.page_size)
            .field("last_page", &self.last_page)
            .field("durable_endpoint", &self.durable_endpoint)
            .finish_non_exhaustive()
    }
}
