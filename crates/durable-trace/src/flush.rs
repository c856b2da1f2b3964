//! Handing the spans to the exporter before Lambda freezes the process.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tracing::Dispatch;

use crate::diagnosis::{AGENT_REQUEST, of_agent_answer};
use crate::health::{self, About, ErrorType, Location};
use crate::setup::Setup;
use crate::spans::Tracing;
use crate::warning::Warning;

/// After so many flushes in a row that ran out of their budget, none is waited for until one has succeeded.
const PATIENCE: u32 = 2;
/// A loopback port answers at once or nobody listens there.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(50);
/// How long an agent's answer is waited for once it has taken the spans. It was asked before them, so that it has most likely come.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(50);

/// What is remembered from flush to flush.
#[derive(Debug)]
pub(crate) struct Flusher {
    shared: Arc<Shared>,
    /// Several invocations run at once: the process is never frozen, and the exporter's own rhythm serves all of them.
    concurrent: bool,
}

impl Flusher {
    pub(crate) fn new(setup: &Setup, concurrent: bool) -> Self {
        Self {
            shared: Arc::new(Shared {
                tracing: Arc::clone(&setup.tracing),
                loopback_agent: setup.loopback_agent,
                unsent: setup.unsent.clone(),
                asked: AtomicBool::new(false),
                overruns: AtomicU32::new(0),
                running: AtomicU32::new(0),
            }),
            concurrent,
        }
    }

    /// Flushes, and waits for it `budget` at most. Where nothing is to be sent, nobody is asked and nothing is waited for.
    pub(crate) async fn flush(&self, arn: &str, budget: Duration) {
        let shared = &self.shared;
        if !shared.take_unsent() {
            return;
        }
        let waits = !self.concurrent && shared.overruns.load(Ordering::Acquire) < PATIENCE;
        if !waits && shared.running.load(Ordering::Acquire) > 0 {
            return; // the one that is under way takes these spans along
        }
        shared.running.fetch_add(1, Ordering::AcqRel);
        // One thread for all that blocks: each hop to another is time that the invocation waits.
        let task = tokio::task::spawn_blocking({
            let shared = Arc::clone(shared);
            // Who is to hear of a wrong agent: the invocation's subscriber.
            let subscriber = tracing::dispatcher::get_default(Clone::clone);
            let arn = arn.to_owned();
            move || shared.flush(&subscriber, &arn)
        });
        if !waits {
            return;
        }
        let error = match tokio::time::timeout(budget, task).await {
            Ok(Ok(Flushed::AgentAbsent | Flushed::Handed)) => return,
            Ok(Ok(Flushed::Failed(error))) => error,
            Ok(Err(_)) => ErrorType::Other,
            Err(_) => ErrorType::Timeout,
        };
        shared.overruns.fetch_add(1, Ordering::AcqRel);
        let about = About {
            arn: Some(arn),
            cause: Some("the exporter did not finish"),
            ..About::default()
        };
        health::count(Location::Flush, error, &about);
    }
}

/// What a flush came to.
enum Flushed {
    AgentAbsent,
    Failed(ErrorType),
    Handed,
}

/// What a flush needs, which may go on after its invocation.
#[derive(Debug)]
struct Shared {
    tracing: Arc<Tracing>,
    /// Where the agent listens, if that is on this machine.
    loopback_agent: Option<SocketAddr>,
    /// Whether a span has ended since spans were handed over; `None` where nobody knows.
    unsent: Option<Arc<AtomicBool>>,
    /// Whether the agent has been asked once what it is.
    asked: AtomicBool,
    /// Flushes in a row that ran out of their budget.
    overruns: AtomicU32,
    /// Flushes that are under way.
    running: AtomicU32,
}

impl Shared {
    /// Whether there may be something to send; from now on that is this flush's.
    fn take_unsent(&self) -> bool {
        let taken = self.unsent.as_ref();
        taken.is_none_or(|unsent| unsent.swap(false, Ordering::AcqRel))
    }

    /// Connects, asks and hands over, and blocks meanwhile.
    fn flush(&self, subscriber: &Dispatch, arn: &str) -> Flushed {
        let flushed = match self.connect() {
            Connection::Refused(agent) => {
                self.running.fetch_sub(1, Ordering::AcqRel);
                tracing::dispatcher::with_default(subscriber, || tell_of_absence(agent, arn));
                Flushed::AgentAbsent
            }
            Connection::Made(stream) => self.hand_over(Some(stream), subscriber),
            Connection::Unknown => self.hand_over(None, subscriber),
        };
        if let (Some(unsent), Flushed::AgentAbsent | Flushed::Failed(_)) = (&self.unsent, &flushed)
        {
            unsent.store(true, Ordering::Release); // the next flush may have more luck
        }
        flushed
    }

    fn hand_over(&self, connection: Option<TcpStream>, subscriber: &Dispatch) -> Flushed {
        let question = connection
            .filter(|_| !self.asked.swap(true, Ordering::Relaxed))
            .and_then(|stream| Question { stream }.put());
        let flushed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.tracing.provider.force_flush()
        }));
        self.running.fetch_sub(1, Ordering::AcqRel);
        let flushed = match flushed {
            Err(_) => return Flushed::Failed(ErrorType::Panic),
            Ok(Err(_)) => Flushed::Failed(ErrorType::Timeout),
            Ok(Ok(())) => {
                self.overruns.store(0, Ordering::Release);
                Flushed::Handed
            }
        };
        if let Some(warning) = question.and_then(Question::hear) {
            tracing::dispatcher::with_default(subscriber, || health::warn_once(&warning));
        }
        flushed
    }

    /// Looks whether somebody listens where the agent should. Only asked on this machine, where the answer comes at once.
    fn connect(&self) -> Connection {
        let Some(agent) = self.loopback_agent else {
            return Connection::Unknown;
        };
        match TcpStream::connect_timeout(&agent, CONNECT_TIMEOUT) {
            Ok(stream) => Connection::Made(stream),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                Connection::Refused(agent)
            }
            Err(_) => Connection::Unknown,
        }
    }
}

fn tell_of_absence(agent: SocketAddr, arn: &str) {
    let about = About {
        arn: Some(arn),
        cause: Some("connection refused"),
        ..About::default()
    };
    health::count(Location::Flush, ErrorType::Io, &about);
    health::warn_once(&Warning::AgentAbsent {
        url: format!("http://{agent}"),
    });
}

/// What became of a connection to the agent.
enum Connection {
    Made(TcpStream),
    Refused(SocketAddr),
    Unknown,
}

/// The question to whatever listens there what it is.
struct Question {
    stream: TcpStream,
}

impl Question {
    fn put(mut self) -> Option<Self> {
        self.stream.set_write_timeout(Some(ANSWER_TIMEOUT)).ok()?;
        self.stream.set_read_timeout(Some(ANSWER_TIMEOUT)).ok()?;
        self.stream.write_all(AGENT_REQUEST).ok()?;
        Some(self)
    }

    /// What there is to say if the answer is none of an agent's. One that has not come by now is none.
    fn hear(mut self) -> Option<Warning> {
        let mut answer = [0; 1024];
        let length = self.stream.read(&mut answer).ok()?;
        let url = format!("http://{}", self.stream.peer_addr().ok()?);
        of_agent_answer(&url, answer.get(..length)?)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::propagation::TraceContextPropagator;
    use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanProcessor};

    use super::*;

    /// A processor whose flush takes until its gate opens.
    #[derive(Debug, Default)]
    struct Slow {
        gate: Arc<AtomicBool>,
        flushes: Arc<AtomicU32>,
    }

    impl SpanProcessor for Slow {
        fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &opentelemetry::Context) {}
        fn on_end(&self, _: SpanData) {}
        fn force_flush(&self) -> opentelemetry_sdk::error::OTelSdkResult {
            self.flushes.fetch_add(1, Ordering::SeqCst);
            while !self.gate.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            Ok(())
        }
        fn shutdown_with_timeout(&self, _: Duration) -> opentelemetry_sdk::error::OTelSdkResult {
            Ok(())
        }
    }

    fn setup(slow: Slow) -> Setup {
        let provider = SdkTracerProvider::builder()
            .with_span_processor(slow)
            .build();
        let propagator = Arc::new(TraceContextPropagator::new());
        Setup {
            tracing: Arc::new(Tracing::new(provider, propagator)),
            loopback_agent: None,
            unsent: None,
            identity: None,
            warnings: Vec::new(),
        }
    }

    fn patient(slow: Slow, concurrent: bool) -> Flusher {
        Flusher::new(&setup(slow), concurrent)
    }

    #[tokio::test]
    async fn nobody_is_asked_where_nothing_is_to_be_sent() {
        let slow = Slow::default();
        slow.gate.store(true, Ordering::SeqCst);
        let handed = Arc::clone(&slow.flushes);
        let agent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        agent.set_nonblocking(true).unwrap();
        let unsent = Arc::new(AtomicBool::new(false));
        let flusher = Flusher::new(
            &Setup {
                loopback_agent: Some(agent.local_addr().unwrap()),
                unsent: Some(Arc::clone(&unsent)),
                ..setup(slow)
            },
            false,
        );
        let flush = || flusher.flush("arn", Duration::from_hours(1));
        // How many came to the agent, and how often spans were handed over.
        let seen = || {
            let asked = std::iter::from_fn(|| agent.accept().ok()).count();
            (asked, handed.swap(0, Ordering::SeqCst))
        };
        flush().await;
        assert_eq!(seen(), (0, 0), "no span has ended");
        unsent.store(true, Ordering::SeqCst);
        flush().await;
        assert_eq!(seen(), (1, 1), "one has");
        flush().await;
        assert_eq!(seen(), (0, 0), "it was sent");
    }

    #[tokio::test]
    async fn what_could_not_be_sent_is_sent_by_the_next_flush() {
        let slow = Slow::default();
        slow.gate.store(true, Ordering::SeqCst);
        let handed = Arc::clone(&slow.flushes);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let agent = port.local_addr().unwrap();
        drop(port);
        let flusher = Flusher::new(
            &Setup {
                loopback_agent: Some(agent),
                unsent: Some(Arc::new(AtomicBool::new(true))),
                ..setup(slow)
            },
            false,
        );
        flusher.flush("arn", Duration::from_hours(1)).await;
        assert_eq!(handed.load(Ordering::SeqCst), 0, "nobody listens");
        let _port = std::net::TcpListener::bind(agent).unwrap();
        flusher.flush("arn", Duration::from_hours(1)).await;
        assert_eq!(handed.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn after_two_overruns_none_is_waited_for_until_one_has_succeeded() {
        let slow = Slow::default();
        let (gate, started) = (Arc::clone(&slow.gate), Arc::clone(&slow.flushes));
        let flusher = patient(slow, false);
        for overruns in 1..=PATIENCE {
            flusher.flush("arn", Duration::from_millis(1)).await;
            assert_eq!(flusher.shared.overruns.load(Ordering::SeqCst), overruns);
        }
        flusher.flush("arn", Duration::from_hours(1)).await; // returns although the gate is shut
        assert!(
            started.load(Ordering::SeqCst) <= PATIENCE,
            "the flushes under way take the spans along"
        );
        gate.store(true, Ordering::SeqCst);
        while flusher.shared.running.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            flusher.shared.overruns.load(Ordering::SeqCst),
            0,
            "one that succeeded gives trust back"
        );
    }

    #[tokio::test]
    async fn nobody_waits_where_several_invocations_run_at_once() {
        let slow = Slow::default();
        let gate = Arc::clone(&slow.gate);
        let flusher = patient(slow, true);
        flusher.flush("arn", Duration::from_hours(1)).await;
        gate.store(true, Ordering::SeqCst);
    }
}
