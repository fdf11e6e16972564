//! A fake HTTP server for the tests of sinks: it listens on 127.0.0.1, fails as a test says, and remembers all that it
//! was asked. What it answers is up to its [`Handler`]: [`elasticsearch`], [`loki`] and [`webhook`] are as strict as the
//! real ones; a closure will do.
//!
//! Nothing happens in it by the clock: what is slow waits until the test releases it.
//!
//! - a request: `serve` (connections, faults) → the handler; `state` is shared by all connections
//! - a test's side: this file, `fault` (what goes wrong), `record` (what was asked)

pub mod elasticsearch;
mod fault;
pub mod loki;
mod record;
mod serve;
mod state;
pub mod webhook;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

pub use fault::{Fault, Times};
pub use record::{Reply, Request};

use fault::Rule;
use state::{Shared, State};

use crate::client::Client;
use crate::running::DEADLINE;
use crate::wire::listen::{Listening, reserve, reserve_again};
use crate::wire::tls::{Authority, Offer};

/// What a server answers. A closure is one.
pub trait Handler: Send + 'static {
    /// Answers a whole request. One after another, in the order of the journal.
    fn answer(&mut self, request: &Request) -> Reply;
}

impl<F: FnMut(&Request) -> Reply + Send + 'static> Handler for F {
    fn answer(&mut self, request: &Request) -> Reply {
        self(request)
    }
}

/// How the server is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// HTTPS, with a certificate of an authority of its own.
    pub tls: bool,
    /// Only who shows a certificate of that authority gets in.
    pub client_certificate: bool,
    /// HTTP/1.1 only. Otherwise HTTP/2 is offered too, by ALPN; without TLS it is taken from the first byte.
    pub http1_only: bool,
}

/// The certificate that the server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// For 127.0.0.1 and localhost, of the authority.
    Good,
    /// For `elsewhere.example`.
    OtherName,
    /// Of an authority that nobody trusts.
    OtherAuthority,
    /// Until 2020.
    Expired,
}

/// A certificate with its key, PEM both.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

/// A server that runs until it is dropped.
pub struct FakeHttp<H: Handler> {
    shared: Arc<Shared<H>>,
    options: Options,
    /// Its own threads: one, so that what happens in it happens in an order.
    runtime: Option<Runtime>,
    address: SocketAddr,
    authority: Option<Authority>,
    listening: Option<Listening>,
    /// The port while it does not listen.
    reserved: Option<TcpSocket>,
}

impl<H: Handler> FakeHttp<H> {
    /// Starts one on a free port of 127.0.0.1. It listens before this returns.
    pub fn start(options: Options, handler: H) -> FakeHttp<H> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("fake-http")
            .enable_all()
            .build()
            .expect("the machine has a thread left");
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let socket = reserve(any_port).expect("the machine has a port left");
        let mut fake = FakeHttp {
            shared: Shared::new(State::new(handler, options.http1_only)),
            options,
            runtime: Some(runtime),
            address: socket.local_addr().expect("it is bound"),
            authority: options.tls.then(|| Authority::new("fake-authority")),
            listening: None,
            reserved: Some(socket),
        };
        fake.show(Certificate::Good);
        fake.start_listening();
        fake
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is taken by drop only")
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, without a slash at the end.
    pub fn url(&self) -> String {
        let scheme = if self.options.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate of its authority (PEM); empty for plain HTTP.
    pub fn authority_pem(&self) -> String {
        let pem = self.authority.as_ref().map(Authority::pem);
        pem.unwrap_or_default()
    }

    /// A certificate that lets a client in.
    pub fn identity(&self) -> Identity {
        let authority = self.authority.as_ref().expect("certificates need TLS");
        let client = authority.client("client");
        Identity {
            certificate: client.pem,
            key: client.key_pem,
        }
    }

    /// A client that trusts it, and shows a certificate where that is needed.
    pub fn client(&self) -> Client {
        if !self.options.tls {
            return Client::plain(self.address);
        }
        let identity = self.options.client_certificate.then(|| self.identity());
        let identity = identity.as_ref();
        let identity = identity.map(|it| (it.certificate.as_str(), it.key.as_str()));
        Client::tls(self.address, &self.authority_pem(), identity)
    }

    /// Has it show this certificate on connections from now on; does nothing for plain HTTP.
    pub fn show(&self, certificate: Certificate) {
        let Some(authority) = &self.authority else {
            return;
        };
        let offer = Offer {
            http1_only: self.options.http1_only,
            client_needs_certificate: self.options.client_certificate,
            expired: certificate == Certificate::Expired,
        };
        let good = ["127.0.0.1", "localhost"];
        let acceptor = match certificate {
            Certificate::Good | Certificate::Expired => authority.acceptor(&good, offer),
            Certificate::OtherName => authority.acceptor(&["elsewhere.example"], offer),
            Certificate::OtherAuthority => {
                Authority::new("nobodys-authority").acceptor(&good, offer)
            }
        };
        self.shared.change(|state| state.acceptor = Some(acceptor));
    }

    /// Adds a fault; where several fit a request, the first that was added.
    pub fn fail(&self, times: Times, fault: Fault) {
        self.fail_if(times, fault, |_| true);
    }

    /// Adds a fault for requests that are so.
    pub fn fail_if(
        &self,
        times: Times,
        fault: Fault,
        is_so: impl Fn(&Request) -> bool + Send + Sync + 'static,
    ) {
        let rule = Rule::new(times, fault, is_so);
        self.shared.change(|state| state.rules.push(rule));
    }

    /// Takes all faults off that have not happened.
    pub fn heal(&self) {
        self.shared.change(|state| state.rules.clear());
    }

    /// Releases all that is held now.
    pub fn release(&self) {
        self.shared.change(|state| state.released += 1);
    }

    /// Waits until so many requests are held at once.
    pub fn wait_held(&self, count: usize) {
        let so = self.shared.wait(DEADLINE, |state| state.held >= count);
        assert!(so, "{count} requests were never held: {}", self.summary());
    }

    /// Breaks all connections off, also idle ones; it still listens.
    pub fn cut_connections(&self) {
        self.shared.change(|state| {
            state.connections.values().for_each(|gate| gate.kill());
        });
    }

    /// How many connections were opened so far, with TLS only those that got through the handshake.
    pub fn connections_opened(&self) -> u64 {
        self.shared.look(|state| state.connections_opened)
    }

    /// Goes down as a killed server: all connections break off, new ones are refused, the port stays ours.
    pub fn stop_listening(&mut self) {
        let Some(listening) = self.listening.take() else {
            return;
        };
        let socket = self.runtime().block_on(async {
            listening.stop().await;
            reserve_again(self.address).await
        });
        self.reserved = Some(socket.expect("the port was ours"));
    }

    /// Comes back at the same address.
    pub fn start_listening(&mut self) {
        let Some(socket) = self.reserved.take() else {
            return;
        };
        let _inside = self.runtime().enter();
        let listening = serve::listen(&self.shared, socket);
        self.listening = Some(listening.expect("the port is ours"));
    }

    /// All requests so far, in the order in which they were whole.
    pub fn journal(&self) -> Vec<Request> {
        self.shared.look(|state| state.journal.clone())
    }

    /// Waits until the journal is so, and gives it. Fails with `what` and what was asked instead.
    pub fn wait_for(&self, what: &str, is_so: impl Fn(&[Request]) -> bool) -> Vec<Request> {
        let so = self.shared.wait(DEADLINE, |state| is_so(&state.journal));
        assert!(so, "never {what}: {}", self.summary());
        self.journal()
    }

    /// Looks at the handler.
    pub fn look<T>(&self, look: impl FnOnce(&H) -> T) -> T {
        self.shared.look(|state| look(&state.handler))
    }

    /// Changes the handler.
    pub fn change<T>(&self, change: impl FnOnce(&mut H) -> T) -> T {
        self.shared.change(|state| change(&mut state.handler))
    }

    /// Waits until the handler is so. Fails with `what` and what was asked instead.
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&H) -> bool) {
        let so = self.shared.wait(DEADLINE, |state| is_so(&state.handler));
        assert!(so, "never {what}: {}", self.summary());
    }

    /// The last requests, for people.
    fn summary(&self) -> String {
        let journal = self.journal();
        let last = journal.iter().rev().take(20).rev();
        let lines: Vec<String> = last.map(Request::line).collect();
        format!(
            "{} requests, the last:\n{}",
            journal.len(),
            lines.join("\n")
        )
    }
}

impl<H: Handler> Drop for FakeHttp<H> {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
