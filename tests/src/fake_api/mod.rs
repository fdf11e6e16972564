//! A strict fake of the Kubernetes API server, for the real weir binary to talk to. It behaves as the recording of a
//! real one shows: revisions, lists and watches in both groups of events, compaction, selectors, permissions, leases.
//! On top of that it fails when a test says so, and remembers what it was asked.
//!
//! It shares nothing with weir or with kube, and refuses what a real server would refuse. What it does not know:
//! protobuf and YAML bodies, JSON patches and server-side apply, subresources, deleting collections, OpenAPI,
//! admission, managedFields of its own. It differs on purpose in one point: unknown fields of what is written are
//! always refused, as with `fieldValidation=Strict`. A label selector that cannot be read is refused in other words.
//! Its answers were held against those of a kube-apiserver 1.36.3, request by request.
//!
//! `let api = FakeApi::start(Options::default());` starts one in the background; dropping it ends it. Each test has
//! its own. Nothing happens in it by the clock but `timeoutSeconds` of a watch.
//!
//! - state: `store` (revisions), `journal`, `kinds`, `access` (who may what), `record` (requests), behind `state`
//! - a request: `serve` (connections) → `answer` → `list`, `watch`, `write`; with `query`, `target`, `selector`,
//!   `form`, `event` (the two forms of events), `status` (refusals), `validate`, `json`
//! - what goes wrong: `fault`, and below HTTP `gate` and `pipe` of `crate::wire`
//! - a test's side: `command`, `kubeconfig`

mod access;
mod answer;
mod command;
mod event;
mod fault;
mod form;
mod journal;
mod json;
mod kinds;
mod kubeconfig;
mod list;
mod query;
mod record;
mod selector;
mod serve;
mod spec;
mod state;
mod status;
mod store;
mod target;
mod validate;
mod watch;
mod write;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

pub use access::Rule;
pub use command::View;
pub use fault::{Always, Fault, Matches, Times, What};
pub use journal::Entry;
pub use kinds::Kind;
pub use kubeconfig::Credential;
pub use record::Request;
pub use spec::EventSpec;
pub use status::Status;
pub use store::Action;

use kubeconfig::TokenFiles;
use serve::Service;
use state::{Shared, State};

use crate::running::DEADLINE;
use crate::wire::listen::{Listening, reserve, reserve_again};
use crate::wire::tls::{Authority, Offer};

/// The user that may do everything, and is always there.
pub const ADMIN: &str = "admin";

/// Names in its certificate.
const NAMES: [&str; 3] = ["127.0.0.1", "localhost", "kubernetes.default.svc"];

/// How the server is.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Plain HTTP in place of HTTPS.
    pub plain: bool,
    /// HTTP/1.1 only; HTTP/2 is offered otherwise.
    pub http1_only: bool,
    /// A watch from an expired resourceVersion is refused with HTTP 410, in place of a line in the stream.
    pub expired_watch_is_status: bool,
    /// With a watch cache for events: [`FakeApi::bookmark`] works, and a reader is cut off cleanly when so many lines
    /// wait for it.
    pub watch_cache: Option<usize>,
}

/// A server that runs until it is dropped.
pub struct FakeApi {
    shared: Arc<Shared>,
    /// Its own threads: one, so that what happens in it happens in an order.
    runtime: Option<Runtime>,
    address: SocketAddr,
    service: Service,
    authority: Option<Authority>,
    listening: Option<Listening>,
    /// The port while it does not listen.
    reserved: Option<TcpSocket>,
    token_files: TokenFiles,
}

impl FakeApi {
    /// Starts one on a free port of 127.0.0.1. It listens before this returns.
    pub fn start(options: Options) -> FakeApi {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("fake-api")
            .enable_all()
            .build()
            .expect("the machine has a thread left");
        let authority = (!options.plain).then(|| Authority::new("fake-kubernetes-authority"));
        let offer = Offer {
            http1_only: options.http1_only,
            ..Offer::default()
        };
        let acceptor = authority
            .as_ref()
            .map(|authority| authority.acceptor(&NAMES, offer));
        let shared = Shared::new(State::new(options));
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let socket = reserve(any_port).expect("the machine has a port left");
        let mut api = FakeApi {
            shared: shared.clone(),
            runtime: Some(runtime),
            address: socket.local_addr().expect("it is bound"),
            service: Service { shared, acceptor },
            authority,
            listening: None,
            reserved: Some(socket),
            token_files: TokenFiles::default(),
        };
        api.add_user(ADMIN, [Rule::everything()]);
        for namespace in ["default", "kube-system"] {
            api.add_namespace(namespace);
        }
        api.start_listening();
        api
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
        let scheme = match self.authority {
            Some(_) => "https",
            None => "http",
        };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate of its authority; empty for plain HTTP.
    pub fn authority_pem(&self) -> String {
        self.authority
            .as_ref()
            .map(Authority::pem)
            .unwrap_or_default()
    }

    /// Goes down as a killed server: all connections break off and no watch is left, new ones are refused, the port
    /// stays ours. Objects stay too, as they are in etcd.
    pub fn stop_listening(&mut self) {
        let Some(listening) = self.listening.take() else {
            return;
        };
        let socket = self.runtime().block_on(async {
            listening.stop().await;
            reserve_again(self.address).await
        });
        // The streams end by themselves when their connections are gone.
        let gone = |state: &State| state.watches.is_empty() && state.connections.is_empty();
        assert!(
            self.shared.wait(DEADLINE, gone),
            "a stream outlived its connection"
        );
        self.reserved = Some(socket.expect("the port was ours"));
    }

    /// Comes back at the same address.
    pub fn start_listening(&mut self) {
        let Some(socket) = self.reserved.take() else {
            return;
        };
        let _inside = self.runtime().enter();
        let listening = self.service.listen(socket);
        self.listening = Some(listening.expect("the port is ours"));
    }
}

impl Drop for FakeApi {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
