//! What all connections share: the state behind one lock, and two ways to wait for a change of it, for tasks and for
//! the threads of tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Options;
use super::access::Access;
use super::fault::Fault;
use super::gate::Gate;
use super::kinds::{self, Kind};
use super::record::Request;
use super::store::Store;

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
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    version: watch::Sender<u64>,
}

impl Shared {
    pub(super) fn new(options: Options) -> Arc<Shared> {
        let state = State {
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
        };
        Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            version: watch::Sender::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked with the lock has failed; the others' ends should still be orderly.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    /// Changes it, and wakes all who wait.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        self.version.send_modify(|version| *version += 1);
        result
    }

    /// Told of each change from now on.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Waits in a thread until the state is so; whether it came to be within this time.
    pub(super) fn wait(&self, time: Duration, is_so: impl Fn(&State) -> bool) -> bool {
        let deadline = Instant::now() + time;
        let mut state = self.lock();
        while !is_so(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Waits in a task until the state is so.
    pub(super) async fn until(&self, is_so: impl Fn(&State) -> bool) {
        let mut version = self.subscribe();
        // The sender lives as long as this does.
        let _ = version.wait_for(|_| self.look(&is_so)).await;
    }
}
