//! Connections that can be cut without an answer, or say everything twice.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// A listener whose connections can be broken.
#[derive(Debug)]
pub(super) struct BreakableListener(pub(super) TcpListener);

/// A connection that fails once it is cut.
#[derive(Debug)]
pub(super) struct BreakableStream {
    stream: TcpStream,
    breaker: Breaker,
    /// What is to be sent twice, held back until it is whole: the copy has to arrive with it, not after the next request.
    held: Vec<u8>,
}

/// Breaks one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Breaker(Arc<Faults>);

#[derive(Debug, Default)]
struct Faults {
    cut: AtomicBool,
    repeats: AtomicBool,
}

impl Breaker {
    /// Not a byte is sent from now on.
    pub(super) fn cut(&self) {
        self.0.cut.store(true, Ordering::Release);
    }

    /// The next answer is sent twice.
    pub(super) fn repeat(&self) {
        self.0.repeats.store(true, Ordering::Release);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.cut.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl BreakableStream {
    /// Sends what is held back, all of it twice.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.held.is_empty() && self.breaker.0.repeats.swap(false, Ordering::AcqRel) {
            self.held.extend_from_within(..);
        }
        while !self.held.is_empty() {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.held))?;
            self.held.drain(..sent);
        }
        Poll::Ready(Ok(()))
    }
}

impl Listener for BreakableListener {
    type Io = BreakableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (BreakableStream, SocketAddr) {
        // The listener of axum retries and logs as it should.
        let (stream, address) = Listener::accept(&mut self.0).await;
        // An answer is small; waiting for more of it costs 40 ms.
        let _ = stream.set_nodelay(true);
        let breaker = Breaker::default();
        let stream = BreakableStream {
            stream,
            breaker,
            held: Vec::new(),
        };
        (stream, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, BreakableListener>> for Breaker {
    fn connect_info(stream: IncomingStream<'_, BreakableListener>) -> Self {
        stream.io().breaker.clone()
    }
}

impl AsyncRead for BreakableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Err(error) = self.breaker.check() {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for BreakableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Err(error) = self.breaker.check() {
            return Poll::Ready(Err(error));
        }
        if self.breaker.0.repeats.load(Ordering::Acquire) || !self.held.is_empty() {
            self.held.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_held(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
