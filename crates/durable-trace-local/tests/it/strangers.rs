//! Requests that no program of this machine's would send.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use durable_trace_local::Config;

use crate::support::start;

/// Sends `head` and `length` bytes of a body, and gives the answer. Run on a thread of its own, beside the service.
pub(crate) async fn ask(endpoint: &str, head: String, length: usize) -> String {
    let address = endpoint.strip_prefix("http://").unwrap().to_owned();
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let piece = vec![b'x'; 64 * 1024];
        let mut sent = 0;
        // The service may answer and hang up before it has read everything.
        while sent < length && stream.write_all(&piece).is_ok() {
            sent += piece.len();
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    });
    asked.await.unwrap()
}

const PATH: &str = "/2015-03-31/functions/nobody/invocations";

#[tokio::test]
async fn a_request_that_names_another_host_is_refused() {
    let service = start(Config::default()).await;
    for (host, status) in [
        ("Host: evil.example\r\n", "403"),
        ("", "403"),
        ("Host: localhost\r\n", "404"),
        ("Host: 127.0.0.1:1\r\n", "404"),
    ] {
        let head = format!(
            "POST {PATH} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        let answer = ask(&service.endpoint(), head, 0).await;
        assert!(answer.contains(status), "{host:?}: {answer}");
        assert!(
            !answer.contains("evil"),
            "nothing of it is said back: {answer}"
        );
    }
    assert_eq!(service.calls().len(), 2, "those that were refused are none");
}

#[tokio::test]
async fn what_a_page_of_another_origin_has_a_browser_send_is_refused() {
    let service = start(Config::default()).await;
    for path in [
        PATH,
        "/2025-12-01/durable-executions/x/stop",
        "/2025-12-01/durable-execution-callbacks/x/succeed",
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nSec-Fetch-Site: cross-site\r\n\
             Content-Type: text/plain\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        let answer = ask(&service.endpoint(), head, 0).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{path}: {answer}");
    }
    assert_eq!(service.calls().len(), 0);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let service = start(Config::default()).await;
    let length = 17 * 1024 * 1024;
    for framing in [
        format!("Content-Length: {length}"),
        "Transfer-Encoding: chunked".to_owned(),
    ] {
        let first = if framing.starts_with('T') {
            format!("{length:x}\r\n")
        } else {
            String::new()
        };
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{framing}\r\n\r\n{first}"
        );
        let answer = ask(&service.endpoint(), head, length).await;
        // A client that is still sending may lose the answer, but its request is not taken.
        assert!(answer.is_empty() || answer.contains(" 413 "), "{answer}");
    }
    assert_eq!(service.calls().len(), 0);
}

#[tokio::test]
async fn an_error_tells_nothing_of_the_service_itself() {
    let service = start(Config::default()).await;
    for (method, path, body) in [
        ("GET", "/etc/passwd", ""),
        ("POST", "/2025-12-01/durable-executions/x/checkpoint", "{"),
        (
            "POST",
            "/2025-12-01/durable-executions/x/checkpoint",
            "{\"Updates\":1}",
        ),
        ("POST", PATH, "{"),
        (
            "GET",
            "/2025-12-01/durable-executions/x/state?CheckpointToken=%ff",
            "",
        ),
        (
            "POST",
            "/2025-12-01/durable-execution-callbacks/x/succeed",
            "",
        ),
    ] {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let answer = ask(&service.endpoint(), head, 0).await;
        assert!(
            answer.starts_with("HTTP/1.1 4"),
            "{method} {path}: {answer}"
        );
        for inside in [
            "src/",
            ".rs",
            "panicked",
            "/home",
            "/tmp",
            "durable_trace",
            "axum",
        ] {
            assert!(!answer.contains(inside), "{method} {path}: {answer}");
        }
    }
}
