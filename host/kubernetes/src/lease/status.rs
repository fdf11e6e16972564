//! What others may know of the election: `/readyz`, `/metrics`, and who must stop when the lease is lost.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::failure::Failure;

/// Shared by the elector, what it holds, and who looks on. Every method is quick and may be called from any thread.
#[derive(Debug)]
pub struct Status {
    identity: String,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    leader: Option<String>,
    held_until: Option<Instant>,
    failure: Option<Failure>,
    counts: Counts,
}

/// How often things happened since the start.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// The lease was acquired by this process.
    pub acquired: u64,
    /// The lease was renewed by this process.
    pub renewed: u64,
    /// The lease was lost: not renewed in time, or taken by another.
    pub lost: u64,
    /// Requests that failed, conflicts left out.
    pub failed: u64,
    /// Renewals that went without the newest position, because it was too large for the annotation.
    pub oversize: u64,
}

/// The state at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Who holds the lease, as last seen; `None`: not known yet, or nobody.
    pub leader: Option<String>,
    /// This process holds it.
    pub leading: bool,
    /// Until when it does without a further renewal.
    pub held_until: Option<Instant>,
    /// Why the last request failed; `None` after one that worked.
    pub failure: Option<Failure>,
    /// Since the start.
    pub counts: Counts,
}

impl Status {
    pub(crate) fn new(identity: String) -> Self {
        Self {
            identity,
            inner: Mutex::default(),
        }
    }

    /// This process's name in the lease.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// This process holds the lease now. Before each call that only the leader may make: ask this.
    pub fn holds(&self) -> bool {
        self.lock().holds(Instant::now())
    }

    /// Until when the lease is held if it is not renewed again; `None` if it is not held. With each renewal it
    /// grows; once it has passed, or after a release, it never comes back without a new acquisition.
    pub fn held_until(&self) -> Option<Instant> {
        let inner = self.lock();
        inner.held_until.filter(|_| inner.holds(Instant::now()))
    }

    /// Everything.
    pub fn snapshot(&self) -> Snapshot {
        let inner = self.lock();
        let leading = inner.holds(Instant::now());
        Snapshot {
            leader: inner.leader.clone(),
            leading,
            held_until: inner.held_until.filter(|_| leading),
            failure: inner.failure.clone(),
            counts: inner.counts,
        }
    }

    pub(crate) fn acquired(&self, until: Instant) {
        let mut inner = self.lock();
        inner.leader = Some(self.identity.clone());
        inner.held_until = Some(until);
        inner.failure = None;
        inner.counts.acquired += 1;
    }

    pub(crate) fn renewed(&self, until: Instant) {
        let mut inner = self.lock();
        inner.held_until = Some(until);
        inner.failure = None;
        inner.counts.renewed += 1;
    }

    /// The lease was lost; who holds it now, if that is known.
    pub(crate) fn lost(&self, leader: Option<&str>) {
        let mut inner = self.lock();
        inner.held_until = None;
        inner.leader = leader.map(str::to_owned);
        inner.counts.lost += 1;
    }

    /// From now on this process does not hold it any more, because it says so itself.
    pub(crate) fn stopped(&self) {
        self.lock().held_until = None;
    }

    /// Somebody else leads, or (`None`) nobody. Whether it did before.
    pub(crate) fn follows(&self, leader: Option<&str>) -> bool {
        let mut inner = self.lock();
        inner.failure = None;
        let same = inner.leader.as_deref() == leader;
        inner.leader = leader.map(str::to_owned);
        same
    }

    pub(crate) fn failed(&self, failure: &Failure) {
        let mut inner = self.lock();
        inner.failure = Some(failure.clone());
        inner.counts.failed += 1;
    }

    pub(crate) fn oversize(&self) {
        self.lock().counts.oversize += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn holds(&self, now: Instant) -> bool {
        self.held_until.is_some_and(|until| now < until)
    }
}
