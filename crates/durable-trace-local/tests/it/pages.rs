//! A program's own pages, beside the API.

use durable_trace_local::{Config, Page};

use crate::strangers::ask;
use crate::support::start;

fn request(method: &str, path: &str, more: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n{more}\r\n"
    )
}

fn with_page() -> Config {
    Config::default().pages(|service, request| {
        let known = service.executions().len();
        let who = request.parameter("who").unwrap_or_default();
        (request.path == "/").then(|| Page::html(format!("<p>{known} for {who}")))
    })
}

#[tokio::test]
async fn a_page_is_served_at_its_path_and_the_api_at_its_own() {
    let service = start(with_page()).await;
    for (method, path, status, body, why) in [
        ("GET", "/?who=A%20B", 200, "<p>0 for A B", "a page"),
        ("GET", "/other", 404, "UnknownOperation", "no page"),
        (
            "POST",
            "/",
            404,
            "UnknownOperation",
            "only what is read is a page",
        ),
        (
            "GET",
            "/2025-12-01/durable-executions/nobody",
            404,
            "ResourceNotFound",
            "the API",
        ),
    ] {
        let answer = ask(&service.endpoint(), request(method, path, ""), 0).await;
        let want = format!("HTTP/1.1 {status} ");
        assert!(
            answer.starts_with(&want) && answer.contains(body),
            "{why}: {answer}"
        );
    }
    let recorded: Vec<String> = service
        .calls()
        .into_iter()
        .map(|call| call.operation)
        .collect();
    assert_eq!(
        recorded,
        ["GetDurableExecution"],
        "pages are no calls of the API"
    );
}

#[tokio::test]
async fn a_page_is_not_framed_and_not_kept() {
    let service = start(with_page()).await;
    let answer = ask(&service.endpoint(), request("GET", "/", ""), 0).await;
    for header in [
        "content-security-policy: frame-ancestors 'none'",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
    ] {
        assert!(answer.contains(header), "{header}: {answer}");
    }
}

#[tokio::test]
async fn pages_are_for_this_machine_alone() {
    let service = start(with_page()).await;
    let head = "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    let answer = ask(&service.endpoint(), head.to_owned(), 0).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[tokio::test]
async fn a_handle_that_a_page_keeps_does_not_keep_the_service() {
    let kept = std::sync::Arc::new(std::sync::Mutex::new(None));
    let keeper = std::sync::Arc::clone(&kept);
    let config = Config::default().pages(move |service, _| {
        *keeper.lock().unwrap() = Some(service.clone());
        Some(Page::json("{}".to_owned()))
    });
    let service = start(config).await;
    let endpoint = service.endpoint();
    let answer = ask(&endpoint, request("GET", "/", ""), 0).await;
    assert!(answer.ends_with("{}"), "{answer}");
    drop(service);
    tokio::task::yield_now().await;
    let address = endpoint.strip_prefix("http://").unwrap();
    assert!(
        std::net::TcpStream::connect(address).is_err(),
        "nobody listens any more"
    );
    drop(kept);
}
