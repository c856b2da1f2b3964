//! Agents that look at nothing: the spans are collected on their way to them.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, OnceLock};

/// How an agent behaves.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Agent {
    /// Nobody listens.
    Absent,
    /// Takes all and gives this answer.
    Answers(&'static str),
    /// Takes all and never answers.
    Hangs,
    /// Closes each connection at once.
    Resets,
}

impl Agent {
    /// As an agent is: it takes all.
    pub(crate) const SOUND: Self = Self::Answers("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");

    /// The URL of one that behaves so.
    pub(crate) fn url(self) -> String {
        static AGENTS: OnceLock<Mutex<HashMap<Agent, String>>> = OnceLock::new();
        let agents = AGENTS.get_or_init(Mutex::default);
        agents
            .lock()
            .unwrap()
            .entry(self)
            .or_insert_with(|| self.start())
            .clone()
    }

    fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound address"));
        if self != Self::Absent {
            std::thread::spawn(move || {
                for connection in listener.incoming().flatten() {
                    std::thread::spawn(move || self.serve(connection));
                }
            });
        }
        url
    }

    fn serve(self, connection: TcpStream) -> Option<()> {
        if self == Self::Resets {
            return None;
        }
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
            if let Self::Answers(answer) = self {
                writer.write_all(answer.as_bytes()).ok()?;
            }
        }
    }
}
