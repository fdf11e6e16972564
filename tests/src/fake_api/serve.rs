//! A connection: with or without TLS, given to hyper behind a gate.

use std::io;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::answer::{Connection, answer};
use super::state::Shared;
use crate::wire::gate::{Gate, Gated, OverTcp};
use crate::wire::listen::Listening;

/// What is served on every connection.
#[derive(Clone)]
pub(super) struct Service {
    pub shared: Arc<Shared>,
    pub acceptor: Option<TlsAcceptor>,
}

impl Service {
    /// Begins to serve, inside of a runtime.
    pub(super) fn listen(&self, socket: TcpSocket) -> io::Result<Listening> {
        let service = self.clone();
        Listening::start(socket, move |stream| serve(stream, service.clone()))
    }
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
        () = gate.over() => {}
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
