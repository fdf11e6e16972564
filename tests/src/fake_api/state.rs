//! What the server knows, shared by all connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Options;
use super::access::Access;
use super::fault::Fault;
use super::kinds::{self, Kind};
use super::record::Request;
use super::store::Store;
use crate::wire::gate::Gate;
use crate::wire::shared;

/// Everything that the server knows.
pub(super) struct State {
    pub options: Options,
    pub kinds: Vec<Kind>,
    pub store: Store,
    pub access: Access,
    pub faults: Vec<Fault>,
    pub requests: Vec<Request>,
    /// Numbers of the watches that are open.
    pub watches: Vec<u64>,
    pub watches_opened: u64,
    /// How often all watches were broken off, and ended.
    pub watches_cut: u64,
    pub watches_ended: u64,
    /// How often what hangs was released.
    pub released: u64,
    /// Connections that are open, by number.
    pub connections: BTreeMap<u64, Arc<Gate>>,
    pub connections_opened: u64,
}

/// The state, shared.
pub(super) type Shared = shared::Shared<State>;

impl State {
    pub(super) fn new(options: Options) -> State {
        State {
            options,
            kinds: kinds::usual(),
            store: Store::new(),
            access: Access::default(),
            faults: Vec::new(),
            requests: Vec::new(),
            watches: Vec::new(),
            watches_opened: 0,
            watches_cut: 0,
            watches_ended: 0,
            released: 0,
            connections: BTreeMap::new(),
            connections_opened: 0,
        }
    }
}
