//! What the lookups did, for the metrics. Counting never blocks.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of an [`Enricher`](super::Enricher); all but `entries` and `bytes` only grow.
#[derive(Debug, Default)]
pub struct Counters {
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) forbidden: AtomicU64,
    pub(super) late: AtomicU64,
    pub(super) stale: AtomicU64,
    pub(super) without: AtomicU64,
    pub(super) entries: AtomicU64,
    pub(super) bytes: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Lookups that were answered from memory, "there is no such object" and "that is switched off" too.
    pub hits: u64,
    /// Lookups that needed a request, one of their own or one that another lookup had started.
    pub misses: u64,
    /// Requests that were sent, those of discovery too.
    pub requests: u64,
    /// Requests that brought nothing that can be used: no connection, no answer in time, a status that is
    /// neither 200, 403 nor 404, a reply that cannot be read.
    pub failures: u64,
    /// Requests that were answered with 403.
    pub forbidden: u64,
    /// Requests that were not sent because the rate limit had no place for them before the event's deadline.
    pub late: u64,
    /// Lookups that could not be made in time, and were answered with what had been found before.
    pub stale: u64,
    /// Events that went on without something that was to be looked up and could not be.
    pub without: u64,
    /// Objects that are remembered now.
    pub entries: u64,
    /// What they take in memory now, in bytes, about.
    pub bytes: u64,
}

impl Counters {
    /// Their values now.
    pub fn snapshot(&self) -> Snapshot {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Snapshot {
            hits: value(&self.hits),
            misses: value(&self.misses),
            requests: value(&self.requests),
            failures: value(&self.failures),
            forbidden: value(&self.forbidden),
            late: value(&self.late),
            stale: value(&self.stale),
            without: value(&self.without),
            entries: value(&self.entries),
            bytes: value(&self.bytes),
        }
    }

    pub(super) fn set_cache(&self, entries: usize, bytes: usize) {
        self.entries.store(entries as u64, Ordering::Relaxed);
        self.bytes.store(bytes as u64, Ordering::Relaxed);
    }
}

pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}
