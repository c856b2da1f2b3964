//! Connections and questions, none of which takes long and none of which costs anything.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use durable_trace::diagnosis::{AGENT_REQUEST, AgentAddress};

use super::{Api, Asked};

/// How long a name's look-up with the connection, and then the answer, may take.
const TIMEOUT: Duration = Duration::from_secs(2);
/// As much of an answer as is looked at.
const MAX_ANSWER_BYTES: u64 = 16 * 1024;

/// Asks the agent what it is.
pub(crate) fn ask_agent(address: &AgentAddress) -> Asked {
    match address {
        AgentAddress::Tcp { host, port, tls } => {
            let Some(stream) = connect(host, *port) else {
                return Asked::Unreached;
            };
            if *tls {
                return Asked::Connected;
            }
            ask(stream, AGENT_REQUEST)
        }
        AgentAddress::Unix(path) => ask_socket(path),
        _ => Asked::Connected,
    }
}

#[cfg(unix)]
fn ask_socket(path: &str) -> Asked {
    let Ok(stream) = std::os::unix::net::UnixStream::connect(path) else {
        return Asked::Unreached;
    };
    let timed = stream
        .set_read_timeout(Some(TIMEOUT))
        .and_then(|()| stream.set_write_timeout(Some(TIMEOUT)));
    match timed {
        Ok(()) => put(stream, AGENT_REQUEST),
        Err(_) => Asked::Connected,
    }
}

#[cfg(not(unix))]
fn ask_socket(_: &str) -> Asked {
    Asked::Unreached
}

/// Connects to the Lambda API, and asks it the time where that takes no TLS. It is a request that no operation has, without credentials.
pub(crate) fn ask_api(api: &Api) -> Asked {
    let Some(stream) = connect(&api.host, api.port) else {
        return Asked::Unreached;
    };
    if !api.in_the_clear {
        return Asked::Connected;
    }
    let request = format!(
        "GET / HTTP/1.1\r\nhost: {}:{}\r\nconnection: close\r\n\r\n",
        api.host, api.port
    );
    ask(stream, request.as_bytes())
}

fn connect(host: &str, port: u16) -> Option<TcpStream> {
    let (sender, receiver) = mpsc::channel();
    let host = host.to_owned();
    // A thread, since a look-up cannot be told to be quick; the program does not wait for it to end.
    std::thread::spawn(move || {
        let addresses = (host.as_str(), port).to_socket_addrs().ok()?;
        let connected = addresses
            .into_iter()
            .find_map(|address| TcpStream::connect_timeout(&address, TIMEOUT).ok());
        sender.send(connected).ok()
    });
    receiver.recv_timeout(TIMEOUT).ok().flatten()
}

fn ask(stream: TcpStream, request: &[u8]) -> Asked {
    let timed = stream
        .set_read_timeout(Some(TIMEOUT))
        .and_then(|()| stream.set_write_timeout(Some(TIMEOUT)));
    match timed {
        Ok(()) => put(stream, request),
        Err(_) => Asked::Connected,
    }
}

fn put(mut stream: impl Read + Write, request: &[u8]) -> Asked {
    let asked = SystemTime::now();
    if stream.write_all(request).is_err() {
        return Asked::Connected;
    }
    let mut answer = Vec::new();
    let read = stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer);
    if read.is_err() && answer.is_empty() {
        return Asked::Connected; // not in time
    }
    Asked::Answered {
        answer,
        asked,
        heard: SystemTime::now(),
    }
}
