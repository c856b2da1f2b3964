//! A stand-in for the Datadog agent, on loopback inside the function: it prints each span that it receives as a line of JSON.
//!
//! It answers after it has printed, and the end of each invocation waits for the answer, so that no line is lost to the freeze.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde::{Deserialize, Serialize};

/// Where Datadog's tracer sends spans to, and so where to listen.
const URL_VARIABLE: &str = "DD_TRACE_AGENT_URL";
const DEFAULT_URL: &str = "http://127.0.0.1:8126";

/// What matters of a span in a v0.4 payload: <https://docs.datadoghq.com/tracing/guide/send_traces_to_agent_by_api/>.
#[derive(Deserialize, Serialize)]
#[expect(clippy::struct_field_names, reason = "the wire's names")]
struct Span {
    name: String,
    resource: String,
    trace_id: u64,
    span_id: u64,
    #[serde(default)]
    parent_id: u64,
    #[serde(default)]
    start: i64,
    #[serde(default)]
    error: i32,
    #[serde(default)]
    meta: BTreeMap<String, String>,
    #[serde(default)]
    metrics: BTreeMap<String, f64>,
}

/// A line of the log.
#[derive(Serialize)]
struct Line {
    span: Span,
}

/// Listens from now on, until the process ends.
pub(crate) fn start() -> io::Result<()> {
    let url = std::env::var(URL_VARIABLE).unwrap_or_else(|_| DEFAULT_URL.to_owned());
    let listener = match TcpListener::bind(url.trim_start_matches("http://")) {
        // Another process of this function listens: on Lambda there is none in the same sandbox, on one machine there may be.
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Ok(()),
        bound => bound?,
    };
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            thread::spawn(move || serve(connection));
        }
    });
    Ok(())
}

/// Answers each request of a connection, until it is closed or makes no sense.
fn serve(connection: TcpStream) -> io::Result<()> {
    let mut writer = connection.try_clone()?;
    let mut reader = BufReader::new(connection);
    while let Some((request, body)) = read_request(&mut reader)? {
        if request.contains(" /v0.4/traces ")
            && let Err(error) = print(&body)
        {
            // The script fails on the spans that are missing; this says why.
            let line = serde_json::json!({ "agent": error.to_string() });
            print_line(&line.to_string())?;
        }
        writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")?;
    }
    Ok(())
}

/// The request's first line and its body; `None` at the end of the connection.
fn read_request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut request = String::new();
    if reader.read_line(&mut request)? == 0 {
        return Ok(None);
    }
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((request, body)))
}

fn print(body: &[u8]) -> io::Result<()> {
    let traces: Vec<Vec<Span>> = rmp_serde::from_slice(body).map_err(io::Error::other)?;
    for span in traces.into_iter().flatten() {
        print_line(&serde_json::to_string(&Line { span })?)?;
    }
    Ok(())
}

/// Writes the line at once, so that no other comes between.
fn print_line(line: &str) -> io::Result<()> {
    io::stdout()
        .lock()
        .write_all(format!("{line}\n").as_bytes())
}
