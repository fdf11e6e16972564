//! The byte stream of a connection, with a gate in it: it counts what went out, and can be frozen (nothing in or
//! out, not even a ping), closed (TCP's orderly end, whatever HTTP or TLS would say) or killed (a TCP reset). Above it are hyper's HTTP/1.1 and HTTP/2, which know nothing of it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// How a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Open,
    Frozen,
    Closed,
    Dead,
}

impl Mode {
    fn is_over(self) -> bool {
        matches!(self, Mode::Closed | Mode::Dead)
    }
}

/// The gate of one connection.
pub(crate) struct Gate(Mutex<Inner>);

struct Inner {
    mode: Mode,
    /// Bytes given to the layer below.
    written: u64,
    /// How often everything had gone out.
    flushes: u64,
    /// How often it was thawed.
    thaws: u64,
    /// Who waits for another mode.
    for_mode: Vec<Waker>,
    /// Who waits for something to go out.
    for_progress: Vec<Waker>,
}

/// What must have happened until some bytes are out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mark {
    written: u64,
    flushes: u64,
}

impl Gate {
    pub(crate) fn new() -> Arc<Gate> {
        Arc::new(Gate(Mutex::new(Inner {
            mode: Mode::Open,
            written: 0,
            flushes: 0,
            thaws: 0,
            for_mode: Vec::new(),
            for_progress: Vec::new(),
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, mut inner: MutexGuard<'_, Inner>, mode: Mode) {
        if !inner.mode.is_over() {
            inner.mode = mode;
        }
        let wakers = std::mem::take(&mut inner.for_mode);
        wake(inner, wakers);
    }

    pub(crate) fn freeze(&self) {
        self.set(self.inner(), Mode::Frozen);
    }

    /// Freezes it, unless it was thawed since it was so many times: then the freeze is over already.
    pub(crate) fn freeze_since(&self, thaws: u64) {
        let inner = self.inner();
        if inner.thaws == thaws {
            self.set(inner, Mode::Frozen);
        }
    }

    pub(crate) fn thaw(&self) {
        let mut inner = self.inner();
        inner.thaws += 1;
        self.set(inner, Mode::Open);
    }

    /// How often it was thawed so far.
    pub(crate) fn thaws(&self) -> u64 {
        self.inner().thaws
    }

    pub(crate) fn kill(&self) {
        self.set(self.inner(), Mode::Dead);
    }

    pub(crate) fn close(&self) {
        self.set(self.inner(), Mode::Closed);
    }

    /// Waits until it is killed or closed.
    pub(crate) async fn over(&self) {
        std::future::poll_fn(|context| {
            let mut inner = self.inner();
            if inner.mode.is_over() {
                return Poll::Ready(());
            }
            remember(&mut inner.for_mode, context);
            Poll::Pending
        })
        .await;
    }

    /// The mark behind so many bytes that are handed over now, after those of an earlier mark.
    pub(crate) fn mark_behind(&self, earlier: Mark, bytes: usize) -> Mark {
        let inner = self.inner();
        Mark {
            written: inner.written.max(earlier.written) + bytes as u64,
            flushes: inner.flushes + 1,
        }
    }

    /// Whether a mark is reached; wakes the task when something went out.
    pub(crate) fn is_past(&self, mark: Mark, context: &mut Context<'_>) -> bool {
        let mut inner = self.inner();
        let past = inner.written >= mark.written && inner.flushes >= mark.flushes;
        if !past {
            remember(&mut inner.for_progress, context);
        }
        past
    }

    /// Whether bytes may pass.
    fn poll_open(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.inner();
        match inner.mode {
            Mode::Open => Poll::Ready(Ok(())),
            Mode::Closed | Mode::Dead => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Mode::Frozen => {
                remember(&mut inner.for_mode, context);
                Poll::Pending
            }
        }
    }

    fn wrote(&self, bytes: usize) {
        let mut inner = self.inner();
        inner.written += bytes as u64;
        let wakers = std::mem::take(&mut inner.for_progress);
        wake(inner, wakers);
    }

    fn flushed(&self) {
        let mut inner = self.inner();
        inner.flushes += 1;
        let wakers = std::mem::take(&mut inner.for_progress);
        wake(inner, wakers);
    }
}

fn remember(wakers: &mut Vec<Waker>, context: &Context<'_>) {
    let waker = context.waker();
    if !wakers.iter().any(|there| there.will_wake(waker)) {
        wakers.push(waker.clone());
    }
}

/// Wakes when the lock is given back: a task may run at once, and wants it.
fn wake(lock: MutexGuard<'_, Inner>, wakers: Vec<Waker>) {
    drop(lock);
    for waker in wakers {
        waker.wake();
    }
}

/// A stream over TCP.
pub(crate) trait OverTcp: AsyncRead + AsyncWrite + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl OverTcp for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl OverTcp for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// A stream behind a gate.
pub(crate) struct Gated<S: OverTcp> {
    stream: S,
    gate: Arc<Gate>,
}

impl<S: OverTcp> Gated<S> {
    pub(crate) fn new(stream: S, gate: Arc<Gate>) -> Gated<S> {
        Gated { stream, gate }
    }
}

impl<S: OverTcp> Drop for Gated<S> {
    fn drop(&mut self) {
        if self.gate.inner().mode == Mode::Dead {
            // Then closing sends a reset. Where that fails it closes, which is also an end.
            let _ = self.stream.tcp().set_zero_linger();
        }
    }
}

impl<S: OverTcp> AsyncRead for Gated<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.gate.poll_open(context))?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: OverTcp> AsyncWrite for Gated<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.gate.poll_open(context))?;
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.gate.wrote(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.gate.poll_open(context))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.gate.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.gate.poll_open(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
