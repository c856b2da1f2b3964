//! A function's process is killed outright, at every moment that the service or the agent can see.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use durable_trace_local::{Config, ExecutionStatus, Fault, Function, Service};
use durable_trace_wire::{UnixMillis, derive_context};
use rmpv::Value;

/// When the process dies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    /// When a request is recorded and not answered yet.
    After(usize),
    /// When a request has come and is not read yet.
    Before(usize),
    /// When the agent has been sent spans and has not answered yet.
    Flushing(usize),
    Never,
}

/// The process of the function that runs now, by the file that it wrote its id to.
#[derive(Clone)]
struct Victim(Arc<PathBuf>);

impl Victim {
    fn kill(&self) {
        let id = std::fs::read_to_string(&*self.0).unwrap();
        let killed = Command::new("kill").args(["-9", id.trim()]).status();
        assert!(killed.unwrap().success(), "{id} is a process of ours");
    }
}

/// A span, as far as it is looked at.
#[derive(Debug)]
struct Span {
    trace: u64,
    id: u64,
    parent: u64,
}

/// An agent that keeps what it is sent, and kills at the moment that it is told.
struct Agent {
    url: String,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Agent {
    fn start(victim: Victim, moment: Moment) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let spans = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&spans);
        let flushes = Arc::new(AtomicUsize::new(0));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (victim, kept, flushes) =
                    (victim.clone(), Arc::clone(&kept), Arc::clone(&flushes));
                thread::spawn(move || {
                    // A peer that dies in the middle of a request ends its connection, and nothing else.
                    let _ = serve(&stream, |path, body| {
                        if !path.contains("/traces") {
                            return;
                        }
                        kept.lock().unwrap().extend(spans_of(body));
                        if moment == Moment::Flushing(flushes.fetch_add(1, Ordering::SeqCst) + 1) {
                            victim.kill();
                        }
                    });
                });
            }
        });
        Self { url, spans }
    }
}

/// Answers the requests of a connection.
fn serve(mut stream: &TcpStream, mut seen: impl FnMut(&str, &[u8])) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while reader.read_line(&mut head)? > 2 {}
        if head.is_empty() {
            return Ok(());
        }
        let length = head.lines().find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        });
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body)?;
        seen(head.split(' ').nth(1).unwrap_or_default(), &body);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")?;
    }
}

/// The spans of a v0.4 payload: lists of lists of maps.
fn spans_of(mut body: &[u8]) -> Vec<Span> {
    let payload = rmpv::decode::read_value(&mut body).unwrap();
    let traces = payload
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_array);
    let number = |span: &Value, name: &str| {
        let members = span.as_map().unwrap();
        let member = members.iter().find(|(key, _)| key.as_str() == Some(name));
        member.and_then(|(_, value)| value.as_u64()).unwrap_or(0)
    };
    traces
        .flatten()
        .map(|span| Span {
            trace: number(span, "trace_id"),
            id: number(span, "span_id"),
            parent: number(span, "parent_id"),
        })
        .collect()
}

/// What came of an execution during which a process was killed at `moment`.
struct Ran {
    result: Option<String>,
    requests: usize,
    killed: usize,
}

async fn run(moment: Moment) -> Ran {
    let folder =
        std::env::temp_dir().join(format!("durable-trace-{}-{moment:?}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let victim = Victim(Arc::new(folder.join("process")));
    let agent = Agent::start(victim.clone(), moment);
    let killer = victim.clone();
    let config = Config::default().fault(move |call| {
        if call.operation != "CheckpointDurableExecution" {
            return None;
        }
        if moment == Moment::Before(call.sequence) {
            killer.kill();
            return Some(Fault::CutConnection);
        }
        (moment == Moment::After(call.sequence)).then(|| {
            killer.kill();
            Fault::LoseReply
        })
    });
    let service = Service::start(config).await.unwrap();
    let script = r#"echo $$ > "$1"; exec "$0" function order"#;
    let program = env!("CARGO_BIN_EXE_durable-trace");
    let file = victim.0.to_str().unwrap();
    let function = Function::process("sh", ["-c", script, program, file])
        .fresh()
        .env("DD_TRACE_AGENT_URL", &agent.url)
        .env("DD_INSTRUMENTATION_TELEMETRY_ENABLED", "false")
        .env("DD_REMOTE_CONFIGURATION_ENABLED", "false")
        // What is killed may lose spans; what ends by itself may not, however busy the machine.
        .env("DURABLE_TRACE_FLUSH_BUDGET_MS", "30000");
    service.register("order", function);
    let input = r#"{"order":"A-1001","amount":42}"#.to_owned();
    let arn = service
        .start_execution("order", Some(input), None)
        .await
        .unwrap();
    let ended = service.ended(&arn).await;
    assert_eq!(
        ended.status,
        ExecutionStatus::Succeeded,
        "{moment:?}: {:?}",
        ended.error
    );
    let invocations = service.invocations();
    let anchors: HashSet<u64> = service
        .operations(&arn)
        .iter()
        .filter(|operation| {
            operation
                .name
                .as_deref()
                .is_some_and(|name| name.starts_with("_datadog_"))
        })
        .filter_map(|operation| {
            let headers: serde_json::Value =
                serde_json::from_str(operation.result.as_deref()?).ok()?;
            headers["x-datadog-parent-id"].as_str()?.parse().ok()
        })
        .collect();
    let started_at = i64::try_from(ended.started_at.as_millis())
        .ok()
        .map(UnixMillis);
    let derived = derive_context(&arn, started_at);
    service.shutdown().await;
    std::fs::remove_dir_all(&folder).unwrap();

    let spans = agent.spans.lock().unwrap();
    let ids: HashSet<u64> = spans.iter().map(|span| span.id).collect();
    assert_eq!(ids.len(), spans.len(), "{moment:?}: nothing is sent twice");
    let traces: HashSet<u64> = spans.iter().map(|span| span.trace).collect();
    assert!(
        traces.len() <= 2,
        "{moment:?}: that of the first invocation, and one for all others"
    );
    for span in spans
        .iter()
        .filter(|span| span.parent != 0 && !ids.contains(&span.parent))
    {
        // The anchor of an invocation that died before it had sent its spans is in the log, and nowhere else.
        assert!(
            span.parent == derived.parent_id.get() || anchors.contains(&span.parent),
            "{moment:?}: {span:?} has a parent that nobody sent"
        );
    }
    Ran {
        result: ended.result,
        requests: invocations
            .iter()
            .map(|invocation| invocation.calls.len())
            .sum(),
        killed: invocations
            .iter()
            .filter(|invocation| invocation.error.is_some())
            .count(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_its_process_is_killed_an_execution_comes_to_the_same_in_two_traces_at_most() {
    let unharmed = run(Moment::Never).await;
    assert_eq!(unharmed.killed, 0);
    let requests = 1..=unharmed.requests;
    let moments = requests.clone().map(Moment::Before);
    let moments = moments.chain(requests.map(Moment::After));
    for moment in moments.chain((1..=3).map(Moment::Flushing)) {
        let ran = run(moment).await;
        assert_eq!(ran.result, unharmed.result, "{moment:?}");
        assert_eq!(ran.killed, 1, "{moment:?}: one invocation failed for it");
    }
}
