//! An OpenTelemetry Collector's OTLP/HTTP receiver on loopback, as far as a test needs one: it keeps the spans.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

/// A span, and the `service.name` of the resource that it came with.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) service: Option<String>,
    pub(crate) span: Span,
}

impl Received {
    /// An attribute as text; numbers in decimal.
    pub(crate) fn attribute(&self, key: &str) -> Option<String> {
        attribute(&self.span.attributes, key)
    }
}

/// The receiver.
pub(crate) struct Collector {
    endpoint: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || serve(connection, &kept));
            }
        });
        Self { endpoint, received }
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` is to be.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// All spans so far, by start. A function flushes before it answers, so those of an ended execution are among them.
    pub(crate) fn received(&self) -> Vec<Received> {
        let mut received = self.received.lock().unwrap().clone();
        received.sort_by_key(|received| received.span.start_time_unix_nano);
        received
    }
}

/// Answers each request of a connection; `None` when it is closed.
fn serve(connection: TcpStream, kept: &Mutex<Vec<Received>>) -> Option<()> {
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
        // The path and the empty answer: https://opentelemetry.io/docs/specs/otlp/#otlphttp
        let status = if request.starts_with("POST /v1/traces ") {
            kept.lock().unwrap().extend(decode(&body));
            "200 OK"
        } else {
            "404 Not Found"
        };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"
        );
        writer.write_all(head.as_bytes()).ok()?;
    }
}

fn decode(body: &[u8]) -> Vec<Received> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut received = Vec::new();
    for resource_spans in request.resource_spans {
        let attributes = resource_spans.resource.unwrap_or_default().attributes;
        let service = attribute(&attributes, "service.name");
        for span in resource_spans
            .scope_spans
            .into_iter()
            .flat_map(|scope| scope.spans)
        {
            let service = service.clone();
            received.push(Received { service, span });
        }
    }
    received
}

fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    let Some(AnyValue { value: Some(value) }) = &found.value else {
        return None;
    };
    Some(match value {
        Value::BoolValue(value) => value.to_string(),
        Value::DoubleValue(value) => value.to_string(),
        Value::IntValue(value) => value.to_string(),
        Value::StringValue(value) => value.clone(),
        other => format!("{other:?}"),
    })
}
