//! Listening: accepts connections, with or without TLS, and gives each to hyper behind a gate. Stopping breaks off
//! all connections and keeps the port, so that the server can come back at the same address.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::answer::{Connection, answer};
use super::gate::{Gate, Gated, OverTcp};
use super::state::Shared;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// What is served on every connection.
#[derive(Clone)]
pub(super) struct Service {
    pub shared: Arc<Shared>,
    pub acceptor: Option<TlsAcceptor>,
}

/// A server that listens.
pub(super) struct Listening {
    stop: oneshot::Sender<()>,
    accepting: JoinHandle<()>,
}

/// A port that nobody else can take; connections to it are refused.
pub(super) fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

impl Listening {
    /// Begins, inside of a runtime.
    pub(super) fn start(socket: TcpSocket, service: Service) -> io::Result<Listening> {
        let listener = socket.listen(BACKLOG)?;
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, service, stopped));
        Ok(Listening { stop, accepting })
    }

    /// Closes the listener and breaks off all connections.
    pub(super) async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.accepting.await;
    }
}

async fn accept(listener: TcpListener, service: Service, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(serve(stream, service.clone()));
            },
            Some(_) = connections.join_next() => {}
            _ = &mut stopped => break,
        }
    }
    drop(listener);
    connections.shutdown().await;
}

/// One connection, from its first byte to its last.
async fn serve(stream: TcpStream, service: Service) {
    // Small lines of a watch should not wait for each other.
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = &service.acceptor else {
        return serve_stream(stream, Vec::new(), &service).await;
    };
    // Who does not get through the handshake does not trust us; nothing of it is recorded.
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let certificate = certificates.first().map(|it| it.to_vec());
    serve_stream(stream, certificate.unwrap_or_default(), &service).await;
}

async fn serve_stream<S: OverTcp + Send + 'static>(
    stream: S,
    certificate: Vec<u8>,
    service: &Service,
) {
    let gate = Gate::new();
    let shared = service.shared.clone();
    let (number, http1_only) = shared.change(|state| {
        state.connections_opened += 1;
        let number = state.connections_opened;
        state.connections.insert(number, gate.clone());
        (number, state.options.http1_only)
    });
    // Also when the task is dropped.
    let _closed = Closed {
        shared: shared.clone(),
        number,
    };
    let connection = Arc::new(Connection {
        shared,
        number,
        gate: gate.clone(),
        certificate,
    });
    let answers = service_fn(move |request| {
        let connection = connection.clone();
        async move { Ok::<_, std::convert::Infallible>(answer(connection, request).await) }
    });
    let stream = TokioIo::new(Gated::new(stream, gate.clone()));
    let mut builder = Builder::new(TokioExecutor::new());
    if http1_only {
        builder = builder.http1_only();
    }
    tokio::select! {
        // A client that goes away, or a fault that breaks it off: nobody is there to be told.
        _ = builder.serve_connection(stream, answers) => {}
        () = gate.killed() => {}
    }
}

/// Takes a connection off the list when it is closed.
struct Closed {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Closed {
    fn drop(&mut self) {
        self.shared
            .change(|state| state.connections.remove(&self.number));
    }
}
