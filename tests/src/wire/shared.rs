//! What all connections of a fake share: its state behind one lock, and two ways to wait for a change of it, for tasks
//! and for the threads of tests.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// The state, shared.
pub(crate) struct Shared<S> {
    state: Mutex<S>,
    changed: Condvar,
    version: watch::Sender<u64>,
}

impl<S> Shared<S> {
    pub(crate) fn new(state: S) -> Arc<Shared<S>> {
        Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            version: watch::Sender::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, S> {
        // A test that panicked with the lock has failed; the others' ends should still be orderly.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&S) -> T) -> T {
        look(&self.lock())
    }

    /// Changes it, and wakes all who wait.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut S) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        self.version.send_modify(|version| *version += 1);
        result
    }

    /// Told of each change from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Waits in a thread until the state is so; whether it came to be within this time.
    pub(crate) fn wait(&self, time: Duration, is_so: impl Fn(&S) -> bool) -> bool {
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
    pub(crate) async fn until(&self, is_so: impl Fn(&S) -> bool) {
        let mut version = self.subscribe();
        // The sender lives as long as this does.
        let _ = version.wait_for(|_| self.look(&is_so)).await;
    }
}
