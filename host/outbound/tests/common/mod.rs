//! A server that answers with whatever bytes a test wants, with TLS or without, and a client for it.
//!
//! Each connection has a thread, which ends when the client closes it, after 30 s at the latest.

// Each test file uses its own part of this.
#![allow(dead_code)]

pub mod certificates;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use weir_outbound::{
    Client, Endpoint, Hider, NoSecrets, Options, Origin, Request, Response, Reveal, SendError,
    Settings,
};

const WAIT_MAX: Duration = Duration::from_secs(30);

/// What a server does with a request.
pub enum Reply {
    /// Writes these bytes, and waits for the next request.
    Bytes(Vec<u8>),
    /// Writes these bytes, then closes the connection.
    Last(Vec<u8>),
    /// Writes these bytes, then resets the connection.
    Reset(Vec<u8>),
    /// Writes these bytes, then nothing for as long as the client waits.
    Hang(Vec<u8>),
}

/// An answer with this status, these header lines and this body.
pub fn answer(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Text\r\n{headers}content-length: {length}\r\n\r\n");
    Reply::Bytes([head.as_bytes(), body].concat())
}

pub fn ok(body: impl AsRef<[u8]>) -> Reply {
    answer(200, "", body)
}

type Handler = dyn Fn(&str) -> Reply + Send + Sync;
type TlsOfNext = dyn Fn() -> Option<Arc<rustls::ServerConfig>> + Send + Sync;

pub struct Server {
    pub address: SocketAddr,
    /// Heads and bodies as they came.
    pub requests: Receiver<String>,
    pub connections: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
}

impl Server {
    pub fn new(handler: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Server {
        Server::with(Arc::new(handler), Arc::new(|| None))
    }

    pub fn tls(
        config: Arc<rustls::ServerConfig>,
        handler: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Server {
        Server::with(Arc::new(handler), Arc::new(move || Some(config.clone())))
    }

    fn with(handler: Arc<Handler>, tls: Arc<TlsOfNext>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, requests) = channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let ended = Arc::new(AtomicBool::new(false));
        let (counter, end) = (connections.clone(), ended.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::Acquire) {
                    return;
                }
                counter.fetch_add(1, Ordering::AcqRel);
                let (handler, seen, tls) = (handler.clone(), seen.clone(), tls());
                std::thread::spawn(move || connection(stream.unwrap(), tls, &*handler, &seen));
            }
        });
        Server {
            address,
            requests,
            connections,
            ended,
        }
    }

    pub fn http(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn https(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    pub fn next(&self) -> String {
        self.requests.recv_timeout(WAIT_MAX).unwrap()
    }

    pub fn is_unasked(&self) -> bool {
        self.requests.try_recv().is_err()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        // Wakes it, if it is still there.
        drop(TcpStream::connect(self.address));
    }
}

fn connection(
    stream: TcpStream,
    tls: Option<Arc<rustls::ServerConfig>>,
    handler: &Handler,
    seen: &Sender<String>,
) {
    stream.set_read_timeout(Some(WAIT_MAX)).unwrap();
    stream.set_nodelay(true).unwrap();
    let raw = stream.try_clone().unwrap();
    match tls {
        None => serve(stream, &raw, handler, seen),
        Some(config) => {
            let session = rustls::ServerConnection::new(config).unwrap();
            serve(
                rustls::StreamOwned::new(session, stream),
                &raw,
                handler,
                seen,
            );
        }
    }
}

fn serve(mut stream: impl Read + Write, raw: &TcpStream, handler: &Handler, seen: &Sender<String>) {
    while let Some(request) = read_request(&mut stream) {
        let reply = handler(&request);
        // The test may be over.
        let _ = seen.send(request);
        let (bytes, goes_on) = match &reply {
            Reply::Bytes(bytes) => (bytes, true),
            Reply::Last(bytes) | Reply::Reset(bytes) | Reply::Hang(bytes) => (bytes, false),
        };
        if stream
            .write_all(bytes)
            .and_then(|()| stream.flush())
            .is_err()
        {
            return;
        }
        match reply {
            Reply::Hang(_) => {
                let _ = stream.read(&mut [0]);
            }
            Reply::Reset(_) => {
                rustix::net::sockopt::set_socket_linger(raw, Some(Duration::ZERO)).unwrap();
            }
            Reply::Bytes(_) | Reply::Last(_) => {}
        }
        if !goes_on {
            return;
        }
    }
}

/// Head and body; none when the client closed the connection.
pub fn read_request(stream: &mut impl Read) -> Option<String> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        request.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let length = head
        .split_once("content-length: ")
        .map_or(0, |(_, rest)| rest.lines().next().unwrap().parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    request.extend(body);
    Some(String::from_utf8_lossy(&request).into_owned())
}

pub fn origin(address: &str) -> Origin {
    Origin::parse(address).unwrap()
}

/// A client that looks at files before each request, in an environment without proxies.
pub fn client() -> Client {
    client_in(&|_| None)
}

pub fn client_in(environment: &dyn Fn(&str) -> Option<String>) -> Client {
    let options = Options {
        environment,
        files_checked_every: Duration::ZERO,
    };
    Client::new(&options).unwrap()
}

/// May reach that server, with secrets.
pub fn granted(server: &str) -> Settings {
    Settings {
        granted: vec![origin(server)],
        ..Settings::default()
    }
}

pub fn endpoint(settings: Settings) -> Endpoint {
    client().endpoint(settings).unwrap()
}

pub fn request(method: &str, url: impl Into<String>) -> Request {
    Request {
        method: method.to_owned(),
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: None,
    }
}

pub fn get(endpoint: &Endpoint, url: impl Into<String>) -> Result<Response, SendError> {
    endpoint.send(request("GET", url))
}

/// The text of the error that a request ends with.
pub fn error(endpoint: &Endpoint, url: impl Into<String>) -> String {
    match get(endpoint, url) {
        Ok(response) => panic!("an answer: {response:?}"),
        Err(error) => error.to_string(),
    }
}

pub fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

pub fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let mut headers = response.headers.iter();
    let found = headers.find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

/// Secrets by placeholder.
pub struct Secrets(Vec<(String, String)>, Hider);

impl Secrets {
    pub fn of(secrets: &[(&str, &str)]) -> Arc<dyn Reveal> {
        let hider = Hider::new(secrets.iter().copied()).unwrap();
        let owned = |(one, other): &(&str, &str)| (one.to_string(), other.to_string());
        Arc::new(Secrets(secrets.iter().map(owned).collect(), hider))
    }
}

impl Reveal for Secrets {
    fn reveal(&self, text: &str, bytes_max: usize) -> Option<String> {
        let known = self.0.iter();
        let text = known.fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        NoSecrets.reveal(&text, bytes_max)
    }

    fn hide(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.1.hide(bytes)
    }
}
