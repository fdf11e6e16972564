//! A connection, with or without TLS, and the way of a request on it: recorded, failed, answered.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpSocket, TcpStream};

use super::Handler;
use super::fault::{self, Fault};
use super::record::{Reply, Request, unpack};
use super::state::Shared;
use crate::wire::gate::{Gate, Gated, OverTcp};
use crate::wire::listen::Listening;
use crate::wire::pipe::{Pipe, pipe};

/// What the server reads of a body, as it was sent.
const WIRE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Begins to serve, inside of a runtime.
pub(super) fn listen<H: Handler>(
    shared: &Arc<Shared<H>>,
    socket: TcpSocket,
) -> io::Result<Listening> {
    let shared = shared.clone();
    Listening::start(socket, move |stream| accept(stream, shared.clone()))
}

/// A connection, as its requests see it.
struct Connection<H: Handler> {
    shared: Arc<Shared<H>>,
    number: u64,
    gate: Arc<Gate>,
    peer: SocketAddr,
    has_certificate: bool,
}

/// One connection, from its first byte to its last.
async fn accept<H: Handler>(stream: TcpStream, shared: Arc<Shared<H>>) {
    let _ = stream.set_nodelay(true);
    let Ok(peer) = stream.peer_addr() else {
        return;
    };
    let Some(acceptor) = shared.look(|state| state.acceptor.clone()) else {
        return serve(stream, shared, peer, false).await;
    };
    // Who does not get through the handshake does not trust us, or we not him; nothing of it is recorded.
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let has_certificate = stream.get_ref().1.peer_certificates().is_some();
    serve(stream, shared, peer, has_certificate).await;
}

async fn serve<H: Handler, S: OverTcp + Send + 'static>(
    stream: S,
    shared: Arc<Shared<H>>,
    peer: SocketAddr,
    has_certificate: bool,
) {
    let gate = Gate::new();
    let (number, http1_only) = shared.change(|state| {
        state.connections_opened += 1;
        let number = state.connections_opened;
        state.connections.insert(number, gate.clone());
        (number, state.http1_only)
    });
    let connection = Arc::new(Connection {
        shared,
        number,
        gate: gate.clone(),
        peer,
        has_certificate,
    });
    // Also when the task is dropped.
    let _closed = Closed(connection.clone());
    let answers = service_fn(move |request| {
        let connection = connection.clone();
        async move { Ok::<_, Infallible>(connection.answer(request).await) }
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
struct Closed<H: Handler>(Arc<Connection<H>>);

impl<H: Handler> Drop for Closed<H> {
    fn drop(&mut self) {
        let number = self.0.number;
        self.0
            .shared
            .change(|state| state.connections.remove(&number));
    }
}

/// Counts a request as held, until it is dropped.
struct Held<'a, H: Handler>(&'a Shared<H>);

impl<H: Handler> Drop for Held<'_, H> {
    fn drop(&mut self) {
        self.0.change(|state| state.held -= 1);
    }
}

impl<H: Handler> Connection<H> {
    async fn answer(&self, request: http::Request<Incoming>) -> http::Response<Pipe> {
        let (head, body) = request.into_parts();
        let Ok(wire) = Limited::new(body, WIRE_BYTES_MAX).collect().await else {
            // Broken off in its middle, which nobody reads an answer to, or too long for this server.
            return self.respond(Reply::empty(413), None).await;
        };
        let mut request = self.request(&head, &wire.to_bytes());
        let fault = self.record(&mut request);
        match &fault {
            Some(Fault::Close) => {
                self.gate.close();
                std::future::pending().await
            }
            Some(Fault::Reset) => {
                self.gate.kill();
                std::future::pending().await
            }
            Some(Fault::Hold) => self.hold().await,
            _ => {}
        }
        let reply = self.shared.change(|state| {
            let reply = match (&fault, &request.broken) {
                (Some(Fault::Refuse(reply)), _) => reply.clone(),
                (_, Some(why)) => Reply::text(400, why.clone()),
                _ => state.handler.answer(&request),
            };
            state.journal[request.number].code = Some(reply.code);
            reply
        });
        match &fault {
            Some(Fault::LostAnswer) => {
                self.gate.kill();
                std::future::pending().await
            }
            Some(Fault::HoldAnswer) => self.hold().await,
            _ => {}
        }
        self.respond(reply, fault).await
    }

    fn request(&self, head: &http::request::Parts, wire: &[u8]) -> Request {
        let encoding = head.headers.get("content-encoding");
        let encoding = encoding.map_or("", |value| value.to_str().unwrap_or("?"));
        let (body, broken) = match unpack(encoding, wire) {
            Ok(body) => (body, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        Request {
            number: 0,
            connection: self.number,
            peer: self.peer,
            has_certificate: self.has_certificate,
            http_version: format!("{:?}", head.version),
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers.clone(),
            wire_bytes: wire.len(),
            body,
            broken,
            fault: None,
            code: None,
        }
    }

    /// Takes a request into the journal; finds out what goes wrong with it.
    fn record(&self, request: &mut Request) -> Option<Fault> {
        self.shared.change(|state| {
            request.number = state.journal.len();
            request.fault = fault::take(&mut state.rules, request);
            state.journal.push(request.clone());
            request.fault.clone()
        })
    }

    /// Waits until it is released.
    async fn hold(&self) {
        let released = self.shared.change(|state| {
            state.held += 1;
            state.released
        });
        let _held = Held(&*self.shared);
        self.shared.until(|state| state.released > released).await;
    }

    async fn respond(&self, reply: Reply, fault: Option<Fault>) -> http::Response<Pipe> {
        let mut head = http::Response::builder()
            .status(reply.code)
            .header("content-length", reply.body.len());
        if reply.code == 204 {
            head = http::Response::builder().status(reply.code);
        }
        for (name, value) in &reply.headers {
            head = head.header(name, value);
        }
        let (feed, pipe) = pipe(&self.gate);
        let (first, second) = reply.body.split_at(reply.body.len() / 2);
        feed.bytes(first.to_vec());
        match fault {
            Some(Fault::HalfAnswer) => feed.break_off(),
            Some(Fault::HoldBody) => {
                let second = second.to_vec();
                let shared = self.shared.clone();
                let released = shared.change(|state| {
                    state.held += 1;
                    state.released
                });
                tokio::spawn(async move {
                    let _held = Held(&*shared);
                    tokio::select! {
                        () = shared.until(|state| state.released > released) => feed.bytes(second),
                        () = feed.closed() => {}
                    }
                });
            }
            _ => feed.bytes(second.to_vec()),
        }
        head.body(pipe).expect("a test's reply is one of HTTP")
    }
}
