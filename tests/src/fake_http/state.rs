//! What the server knows, shared by all connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;

use super::fault::Rule;
use super::record::Request;
use crate::wire::gate::Gate;
use crate::wire::shared;

/// Everything that the server knows.
pub(super) struct State<H> {
    pub handler: H,
    pub rules: Vec<Rule>,
    pub journal: Vec<Request>,
    /// How often what is held was released.
    pub released: u64,
    /// Requests that are held now.
    pub held: usize,
    /// Connections that are open, by number.
    pub connections: BTreeMap<u64, Arc<Gate>>,
    pub connections_opened: u64,
    /// None for plain HTTP.
    pub acceptor: Option<TlsAcceptor>,
    pub http1_only: bool,
}

/// The state, shared.
pub(super) type Shared<H> = shared::Shared<State<H>>;

impl<H> State<H> {
    pub(super) fn new(handler: H, http1_only: bool) -> State<H> {
        State {
            handler,
            rules: Vec::new(),
            journal: Vec::new(),
            released: 0,
            held: 0,
            connections: BTreeMap::new(),
            connections_opened: 0,
            acceptor: None,
            http1_only,
        }
    }
}
