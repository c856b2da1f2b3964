//! An agent that takes everything and looks at nothing: the spans are collected on their way.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::OnceLock;

/// Its URL.
pub(crate) fn url() -> String {
    static AGENT: OnceLock<String> = OnceLock::new();
    AGENT
        .get_or_init(|| {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let url = format!("http://{}", listener.local_addr().expect("a bound address"));
            std::thread::spawn(move || {
                for connection in listener.incoming().flatten() {
                    std::thread::spawn(move || answer(connection));
                }
            });
            url
        })
        .clone()
}

fn answer(connection: TcpStream) -> Option<()> {
    let mut writer = connection.try_clone().ok()?;
    let mut reader = BufReader::new(connection);
    loop {
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
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).ok()?;
        writer
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            .ok()?;
    }
}
