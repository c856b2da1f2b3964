//! The booking service on loopback: it keeps the headers of what it is asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};

/// A request: its path and its headers.
pub(crate) type Asked = (String, BTreeMap<String, String>);
type Kept = Arc<Mutex<Vec<Asked>>>;

pub(crate) struct Booking {
    url: String,
    asked: Kept,
}

impl Booking {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Kept::default();
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&asked));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// All requests so far, as they came.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(kept): State<Kept>, uri: Uri, headers: HeaderMap, room: String) -> String {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    kept.lock().unwrap().push((uri.path().to_owned(), headers));
    format!("{room} at {}", uri.path())
}
