//! Handing the spans to the exporter before Lambda freezes the process.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crate::diagnosis::{AGENT_REQUEST, of_agent_answer};
use crate::health::{self, About, ErrorType, Location};
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
    tracing: Arc<Tracing>,
    /// Where the agent listens, if that is on this machine.
    loopback_agent: Option<SocketAddr>,
    /// Several invocations run at once: the process is never frozen, and the exporter's own rhythm serves all of them.
    concurrent: bool,
    /// Whether it has been asked once what it is.
    asked: AtomicBool,
    /// Flushes in a row that ran out of their budget.
    overruns: Arc<AtomicU32>,
    /// Flushes that are under way.
    running: Arc<AtomicU32>,
}

impl Flusher {
    pub(crate) fn new(
        tracing: Arc<Tracing>,
        loopback_agent: Option<SocketAddr>,
        concurrent: bool,
    ) -> Self {
        Self {
            tracing,
            loopback_agent,
            concurrent,
            asked: AtomicBool::new(false),
            overruns: Arc::default(),
            running: Arc::default(),
        }
    }

    /// Flushes, and waits for it `budget` at most.
    pub(crate) async fn flush(&self, arn: &str, budget: Duration) {
        let about = |cause| About {
            arn: Some(arn),
            cause: Some(cause),
            ..About::default()
        };
        let connection = match self.connect().await {
            Connection::Refused(agent) => {
                health::count(Location::Flush, ErrorType::Io, &about("connection refused"));
                health::warn_once(&Warning::AgentAbsent {
                    url: format!("http://{agent}"),
                });
                return;
            }
            Connection::Made(stream) => Some(stream),
            Connection::Unknown => None,
        };
        let waits = !self.concurrent && self.overruns.load(Ordering::Acquire) < PATIENCE;
        if !waits && self.running.load(Ordering::Acquire) > 0 {
            return; // the one that is under way takes these spans along
        }
        self.running.fetch_add(1, Ordering::AcqRel);
        let question = connection
            .filter(|_| !self.asked.swap(true, Ordering::Relaxed))
            .map(Question::new);
        let task = tokio::task::spawn_blocking({
            let (tracing, overruns, running) = (
                Arc::clone(&self.tracing),
                Arc::clone(&self.overruns),
                Arc::clone(&self.running),
            );
            move || {
                let question = question.and_then(Question::put);
                let flushed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    tracing.provider.force_flush()
                }));
                running.fetch_sub(1, Ordering::AcqRel);
                let flushed = flushed
                    .map_err(|_| ErrorType::Panic)?
                    .map_err(|_| ErrorType::Timeout);
                if flushed.is_ok() {
                    overruns.store(0, Ordering::Release);
                }
                if let Some(question) = question {
                    question.hear();
                }
                flushed
            }
        });
        if !waits {
            return;
        }
        let error = match tokio::time::timeout(budget, task).await {
            Ok(Ok(Ok(()))) => return,
            Ok(Ok(Err(error))) => error,
            Ok(Err(_)) => ErrorType::Other,
            Err(_) => ErrorType::Timeout,
        };
        self.overruns.fetch_add(1, Ordering::AcqRel);
        health::count(
            Location::Flush,
            error,
            &about("the exporter did not finish"),
        );
    }

    /// Looks whether somebody listens where the agent should. Only asked on this machine, where the answer comes at once.
    async fn connect(&self) -> Connection {
        let Some(agent) = self.loopback_agent else {
            return Connection::Unknown;
        };
        let attempt = tokio::task::spawn_blocking(move || {
            TcpStream::connect_timeout(&agent, CONNECT_TIMEOUT)
        });
        match attempt.await {
            Ok(Ok(stream)) => Connection::Made(stream),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                Connection::Refused(agent)
            }
            _ => Connection::Unknown,
        }
    }
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
    /// Who is to hear of a wrong answer: the invocation's subscriber, wherever the answer is read.
    subscriber: tracing::Dispatch,
}

impl Question {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            subscriber: tracing::dispatcher::get_default(Clone::clone),
        }
    }

    fn put(mut self) -> Option<Self> {
        self.stream.set_write_timeout(Some(ANSWER_TIMEOUT)).ok()?;
        self.stream.set_read_timeout(Some(ANSWER_TIMEOUT)).ok()?;
        self.stream.write_all(AGENT_REQUEST).ok()?;
        Some(self)
    }

    /// Says so if the answer is none of an agent's.
    fn hear(mut self) {
        if let Some(warning) = self.judge() {
            tracing::dispatcher::with_default(&self.subscriber, || health::warn_once(&warning));
        }
    }

    /// An answer that has not come by now is none.
    fn judge(&mut self) -> Option<Warning> {
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

    fn patient(slow: Slow, concurrent: bool) -> Flusher {
        let provider = SdkTracerProvider::builder()
            .with_span_processor(slow)
            .build();
        let tracing = Arc::new(Tracing::new(
            provider,
            Arc::new(TraceContextPropagator::new()),
        ));
        Flusher::new(tracing, None, concurrent)
    }

    #[tokio::test]
    async fn after_two_overruns_none_is_waited_for_until_one_has_succeeded() {
        let slow = Slow::default();
        let (gate, started) = (Arc::clone(&slow.gate), Arc::clone(&slow.flushes));
        let flusher = patient(slow, false);
        for overruns in 1..=PATIENCE {
            flusher.flush("arn", Duration::from_millis(1)).await;
            assert_eq!(flusher.overruns.load(Ordering::SeqCst), overruns);
        }
        flusher.flush("arn", Duration::from_hours(1)).await; // returns although the gate is shut
        assert!(
            started.load(Ordering::SeqCst) <= PATIENCE,
            "the flushes under way take the spans along"
        );
        gate.store(true, Ordering::SeqCst);
        while flusher.running.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            flusher.overruns.load(Ordering::SeqCst),
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
