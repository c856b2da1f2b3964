//! How long an invocation waits for its spans to be handed over, and what of that is the agent's own time. One line of JSON.
//!
//! `flush` is the agent, and starts itself as the function: the tracer reads its agent's URL once, when the process starts.

use std::error::Error;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_trace_bench::event::event;
use durable_trace_bench::function::Function;
use serde_json::{Value, json};

const OPERATIONS: usize = 10;
/// The first of them ask the agent what it is, and start threads.
const UNCOUNTED: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let report = match arguments.as_slice() {
        [] => json!({
            "nothing": with_agent("nothing", 200, Duration::ZERO)?,
            "nobody": with_nobody(200)?,
            "at_once": with_agent("spans", 200, Duration::ZERO)?,
            "after_50_ms": with_agent("spans", 20, Duration::from_millis(50))?,
        }),
        [what, times] => invoked(what, times.parse()?),
        _ => return Err("usage: flush".into()),
    };
    println!("{report}");
    Ok(())
}

/// The function's invocations: their median, and the threads that they started.
fn invoked(what: &str, times: usize) -> Value {
    let function = match what {
        "nothing" => Function::traced(OPERATIONS),
        _ => Function::exporting(OPERATIONS),
    };
    let event = Bytes::from(event(OPERATIONS));
    let threads = || std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    let before = threads();
    let took = (0..UNCOUNTED + times).map(|_| {
        // As apart as invocations are: what the one before has left behind is over.
        std::thread::sleep(Duration::from_millis(5));
        let began = Instant::now();
        function.invoke(&event);
        began.elapsed()
    });
    let took = median(took.skip(UNCOUNTED).collect());
    json!({"invocation_us": took, "threads": threads() - before})
}

/// What the function says with an agent that takes so long, and the agent's own account.
fn with_agent(what: &str, times: usize, delay: Duration) -> Result<Value, Box<dyn Error>> {
    let seen: Arc<Mutex<Seen>> = Arc::default();
    let agent = TcpListener::bind("127.0.0.1:0")?;
    let port = agent.local_addr()?.port();
    std::thread::spawn({
        let seen = Arc::clone(&seen);
        move || {
            for stream in agent.incoming().flatten() {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || serve(&stream, delay, &seen));
            }
        }
    });
    let mut report = function(what, times, port)?;
    let seen = seen.lock().map_err(|_| "the agent panicked")?;
    report["payloads"] = seen.took.len().into();
    if !seen.took.is_empty() {
        report["agent_us"] = median(seen.took.clone()).into();
    }
    Ok(report)
}

fn with_nobody(times: usize) -> Result<Value, Box<dyn Error>> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    function("spans", times, port)
}

fn function(what: &str, times: usize, port: u16) -> Result<Value, Box<dyn Error>> {
    let said = Command::new(std::env::current_exe()?)
        .args([what, &times.to_string()])
        .env("AWS_LAMBDA_FUNCTION_NAME", "order")
        .env("DD_TRACE_AGENT_URL", format!("http://127.0.0.1:{port}"))
        .stderr(Stdio::inherit())
        .output()?;
    Ok(serde_json::from_slice(&said.stdout)?)
}

/// What came to the agent.
#[derive(Default)]
struct Seen {
    /// From a payload's last byte to the last byte of its answer.
    took: Vec<Duration>,
}

/// Answers what one connection asks.
fn serve(stream: &TcpStream, delay: Duration, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut first, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            first.get_or_insert(line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let came = Instant::now();
        let is_payload = first.is_some_and(|line| line.contains("/traces "));
        if is_payload {
            std::thread::sleep(delay);
        }
        let mut stream = stream;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")?;
        if is_payload {
            let mut seen = seen.lock().expect("nobody panics");
            seen.took.push(came.elapsed());
        }
    }
}

/// Microseconds.
fn median(mut took: Vec<Duration>) -> f64 {
    took.sort();
    took[took.len() / 2].as_secs_f64() * 1e6
}
