//! The other end of a connection.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

/// Reads one request and answers it; gives its head and the length of its body.
pub(crate) fn answer(mut stream: &TcpStream) -> (String, usize) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap() > 2 {}
    let length = head
        .lines()
        .find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        })
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    stream.write_all(answer).unwrap();
    (head, length)
}
