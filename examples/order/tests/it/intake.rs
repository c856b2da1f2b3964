//! A Datadog agent on loopback that keeps the spans it receives.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rmpv::Value;

/// What matters here of a span in a v0.4 payload.
#[derive(Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "the wire's names")]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) resource: String,
    pub(crate) trace_id: u64,
    pub(crate) span_id: u64,
    pub(crate) parent_id: u64,
}

pub(crate) struct Intake {
    url: String,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Intake {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let spans = Arc::<Mutex<Vec<Span>>>::default();
        let kept = Arc::clone(&spans);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || serve(connection, &kept));
            }
        });
        Self { url, spans }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// All spans so far. A function flushes before it answers, so those of an answered call are among them.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }
}

/// Answers each request of a connection; `None` when it is closed.
fn serve(connection: TcpStream, kept: &Mutex<Vec<Span>>) -> Option<()> {
    let mut writer = connection.try_clone().ok()?;
    let mut reader = BufReader::new(connection);
    loop {
        let mut request = String::new();
        reader.read_line(&mut request).ok()?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        if request.contains(" /v0.4/traces ") {
            kept.lock().unwrap().extend(decode(&body));
        }
        writer
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            .ok()?;
    }
}

/// The spans of a payload: a list of traces, each a list of spans, each a map.
fn decode(mut body: &[u8]) -> Vec<Span> {
    let payload = rmpv::decode::read_value(&mut body).unwrap();
    let traces = payload.as_array().unwrap();
    let spans = traces.iter().flat_map(|trace| trace.as_array().unwrap());
    let member = |span: &Value, name: &str| {
        let members = span.as_map().unwrap();
        let found = members.iter().find(|(key, _)| key.as_str() == Some(name));
        found.map_or(Value::Nil, |(_, value)| value.clone())
    };
    let text = |span: &Value, name: &str| member(span, name).as_str().unwrap().to_owned();
    let number = |span: &Value, name: &str| member(span, name).as_u64().unwrap_or_default();
    spans
        .map(|span| Span {
            name: text(span, "name"),
            resource: text(span, "resource"),
            trace_id: number(span, "trace_id"),
            span_id: number(span, "span_id"),
            parent_id: number(span, "parent_id"),
        })
        .collect()
}
