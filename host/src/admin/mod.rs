//! The listener for people's tools, over HTTP/1.1: probes (`/livez`, `/readyz`), `/metrics`, what runs (`/plugins`), and
//! looking at the files now (`/reload`).
//!
//! Probes and metrics only read and are for everybody; the last two are for this machine and for who has the token
//! (`access`). It says nothing of an event, a secret or a plugin's
//! configuration. Whoever can reach it may be slow or hostile: a connection carries one request, all it may take
//! is bounded, and where there are too many the oldest has to go, so that a probe always gets through.
//!
//! [`Admin::bind`] takes the port before anything else starts; [`Admin::serve`] is one future, run beside the wait for
//! signals, with all connections inside it. What is answered is in `answer`. `app` calls this.

mod access;
mod answer;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, JoinError, JoinSet};

use crate::health::{Heartbeats, Readiness};
use crate::ledger::Ledger;
use crate::metrics;
use crate::shutdown::Shutdown;
use crate::status::Overview;
use answer::Answer;

pub use access::Token;

/// Connections at once; ten times what kubelets, scrapers and a curious person need.
const CONNECTIONS_MAX: usize = 64;
/// How long a request's head may take: it is a few hundred bytes, so a slower client is broken or means ill.
const HEAD_TIME_MOST: Duration = Duration::from_secs(5);
/// Bytes of a request's head. Prometheus sends less than 1 KiB; cookies of a proxy fit.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// How long a connection may take in all: the largest answer is some hundred KiB.
const CONNECTION_TIME_MOST: Duration = Duration::from_secs(30);
/// How long an answer waits until the files were looked at, and how much longer its connection may take: compiling a large
/// plugin takes seconds, and a client or a proxy between gives up after a minute, too.
const RELOAD_TIME_MOST: Duration = Duration::from_secs(60);
/// How long answers under way may take when weir ends.
const END_GRACE: Duration = Duration::from_millis(500);
/// The pause after the system refused a connection: it has too many open files, and those do not close at once.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// What the answers are made of.
pub struct State {
    /// The accounts.
    pub ledger: Arc<Ledger>,
    /// What `/livez` goes by.
    pub heartbeats: Arc<Heartbeats>,
    /// What `/readyz` goes by.
    pub readiness: Box<dyn Readiness>,
    /// The figures of the Kubernetes source; `None` with another one. Called for each scrape: it must not wait.
    pub kubernetes: Option<Box<dyn Fn() -> metrics::Kubernetes + Send + Sync>>,
    /// `metricsNamePrefix`.
    pub metrics_name_prefix: String,
    /// The phase: what stops is not ready.
    pub shutdown: Arc<Shutdown>,
    /// Who knows what runs; without, there is neither `/plugins` nor `/reload`, and no metrics of plugins.
    pub overview: Option<Arc<dyn Overview>>,
    /// `admin.token`: who sends it may ask for these from anywhere.
    pub token: Option<Token>,
}

/// The listener, bound.
#[derive(Debug)]
pub struct Admin {
    listener: TcpListener,
    /// When the process started. Taken once, so that it is the same in each scrape.
    started: Option<SystemTime>,
}

impl Admin {
    /// Takes the address. Clients can connect from now on; they are answered by [`Admin::serve`].
    ///
    /// # Errors
    /// When the system refuses it; the text says what to do, and leaves the key's name to the caller.
    pub fn bind(listen: SocketAddr) -> io::Result<Admin> {
        let listener = TcpListener::bind(listen)
            .map_err(|error| io::Error::new(error.kind(), CannotListen { listen, error }))?;
        listener.set_nonblocking(true)?;
        Ok(Admin {
            listener,
            started: crate::usage::started(),
        })
    }

    /// Where it listens: with port 0, the one that it got.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `end`, then finishes what is under way, for half a second at most. Must be called on a tokio runtime
    /// with I/O and time. Dropping the future closes everything at once.
    ///
    /// # Errors
    /// When the runtime cannot take the listener. Nothing that a client does is one.
    pub async fn serve(self, state: State, end: impl Future<Output = ()>) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let state = Arc::new((state, self.started));
        let mut connections = Connections::default();
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => break,
                Some(ended) = connections.tasks.join_next() => note(ended),
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => connections.add(stream, peer.ip(), &state),
                    Err(error) if is_the_client_s(&error) => {}
                    Err(error) => {
                        tracing::warn!(%error, "the admin listener gets no connections");
                        tokio::select! {
                            () = &mut end => break,
                            () = tokio::time::sleep(REFUSED_PAUSE) => {}
                        }
                    }
                },
            }
        }
        drop(listener);
        connections.finish().await;
        Ok(())
    }
}

/// The connections that are open, the oldest first.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    handles: VecDeque<AbortHandle>,
    graceful: GracefulShutdown,
}

impl Connections {
    fn add(&mut self, stream: TcpStream, peer: IpAddr, state: &Arc<(State, Option<SystemTime>)>) {
        self.handles.retain(|handle| !handle.is_finished());
        if self.handles.len() >= CONNECTIONS_MAX {
            // The oldest is the likeliest to be one that never says anything.
            if let Some(oldest) = self.handles.pop_front() {
                oldest.abort();
            }
        }
        let connection = connection(stream, peer, Arc::clone(state), self.graceful.watcher());
        self.handles.push_back(self.tasks.spawn(connection));
    }

    async fn finish(mut self) {
        let all = async {
            self.graceful.shutdown().await;
            while let Some(ended) = self.tasks.join_next().await {
                note(ended);
            }
        };
        // What is not done by then ends with the set.
        let _ = tokio::time::timeout(END_GRACE, all).await;
    }
}

/// One connection: one request, one answer.
async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    peer: IpAddr,
    state: Arc<(State, Option<SystemTime>)>,
    graceful: Watcher,
) {
    let is_reload = Arc::new(AtomicBool::new(false));
    let waits = Arc::clone(&is_reload);
    let service = service_fn(move |request: Request<Incoming>| {
        let (state, started) = &*state;
        let answer = answer::answer(&request, peer, state, *started);
        waits.store(
            matches!(answer, Answer::WhenLookedAt { .. }),
            Ordering::Relaxed,
        );
        async move { Ok::<_, Infallible>(answer.given(RELOAD_TIME_MOST).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MOST)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(graceful.watch(served));
    let mut ended = tokio::time::timeout(CONNECTION_TIME_MOST, served.as_mut()).await;
    if ended.is_err() && is_reload.load(Ordering::Relaxed) {
        ended = tokio::time::timeout(RELOAD_TIME_MOST, served).await;
    }
    if let Ok(Err(error)) = ended {
        tracing::debug!(%error, "a connection to the admin listener failed");
    }
}

/// A connection that was gone before it was taken.
fn is_the_client_s(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

fn note(ended: Result<(), JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!("an answer of the admin listener panicked: this is a bug in weir");
    }
}

/// Why there is no listener.
#[derive(Debug)]
struct CannotListen {
    listen: SocketAddr,
    error: io::Error,
}

impl fmt::Display for CannotListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listen = self.listen;
        write!(f, "cannot listen on {listen}: ")?;
        match self.error.kind() {
            io::ErrorKind::AddrInUse => write!(
                f,
                "another process does; end it, or take another port (0 takes a free one)"
            ),
            io::ErrorKind::PermissionDenied => write!(
                f,
                "not permitted; ports below 1024 need the capability NET_BIND_SERVICE, so take a higher one"
            ),
            io::ErrorKind::AddrNotAvailable => write!(
                f,
                "this machine does not have that address; 0.0.0.0 and [::] stand for all that it has"
            ),
            _ => write!(f, "{}", self.error),
        }
    }
}

impl std::error::Error for CannotListen {}

#[cfg(test)]
mod tests;
