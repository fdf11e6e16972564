//! What a use of a plugin keeps while its plugin and configuration change: its state, its counters, how its calls went.
//!
//! Successive [`Use`](crate::Use)s of the same filter or receiver share one. Counts never go back. Times, memory and quarantine are a
//! version's own, and so in its `Use`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::error::Failure;
use crate::state::State;

/// Counters of its own that a plugin may have.
const COUNTERS_MAX: usize = 100;
/// Bytes of a counter's name.
const COUNTER_NAME_BYTES_MAX: usize = 64;
/// Instances that count apart from each other; more share.
const SHARDS: usize = 8;
/// The last failure is worded anew no more often: a plugin may fail for each event.
const WORDED_EVERY: Duration = Duration::from_millis(100);

/// What outlives the versions of a use.
#[derive(Default)]
pub struct Standing {
    pub(crate) state: State,
    counters: Mutex<BTreeMap<String, u64>>,
    calls: [Shard; SHARDS],
    next_shard: AtomicUsize,
    faults: AtomicU64,
    errors: AtomicU64,
    retries: AtomicU64,
    replaced: AtomicU64,
    last: Mutex<Option<LastFailure>>,
}

/// Calls of one instance, on a cache line of its own: lanes count at once.
#[derive(Default)]
#[repr(align(64))]
struct Shard(AtomicU64);

/// The last call that failed.
#[derive(Clone, Debug)]
pub struct LastFailure {
    /// When.
    pub at: SystemTime,
    /// How, bounded and safe for a log line.
    pub text: String,
}

/// How the calls of a use went.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    /// Calls since the process started; an event that was tried twice counts twice.
    pub calls: u64,
    /// Those that broke.
    pub faults: u64,
    /// Those that answered an error.
    pub errors: u64,
    /// Events that were tried again in a fresh instance.
    pub retries: u64,
    /// Instances that a fresh one replaced between two calls: they held nearly all memory that they may.
    pub replaced: u64,
    /// The plugin's own processor time, of one call in two and in a hundred; zero where none was measured.
    pub median: Duration,
    /// As `median`, of the slowest in a hundred.
    pub p99: Duration,
    /// Bytes of memory of its largest instance.
    pub memory_bytes: u64,
    /// The last call that failed.
    pub last: Option<LastFailure>,
}

impl Standing {
    /// The plugin's own counters.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        lock(&self.counters).clone()
    }

    /// How its calls went, without what is measured of the version that runs.
    pub(crate) fn calls(&self) -> Calls {
        let counts = [&self.faults, &self.errors, &self.retries, &self.replaced];
        let [faults, errors, retries, replaced] = counts.map(|count| count.load(Ordering::Relaxed));
        Calls {
            calls: self.count_calls(),
            faults,
            errors,
            retries,
            replaced,
            last: lock(&self.last).clone(),
            ..Calls::default()
        }
    }

    /// Takes over what another one kept: its state and its counters.
    pub(crate) fn absorb(&self, other: &Standing) {
        self.state.absorb(&other.state, Instant::now());
        for (name, sum) in std::mem::take(&mut *lock(&other.counters)) {
            self.count(&name, u32::try_from(sum).unwrap_or(u32::MAX));
        }
    }

    /// Where an instance counts its calls.
    pub(crate) fn shard(&self) -> usize {
        self.next_shard.fetch_add(1, Ordering::Relaxed) % SHARDS
    }

    /// A call of the instance that counts in this shard.
    pub(crate) fn called(&self, shard: usize) {
        self.calls[shard].0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_calls(&self) -> u64 {
        let shards = self.calls.iter();
        shards.map(|shard| shard.0.load(Ordering::Relaxed)).sum()
    }

    /// A call failed. What a second try may hide must be seen all the same.
    pub(crate) fn failed(&self, failure: &Failure) {
        let count = match failure {
            Failure::Answered { .. } => &self.errors,
            Failure::Fault(_) => &self.faults,
        };
        count.fetch_add(1, Ordering::Relaxed);
        let mut last = lock(&self.last);
        let now = SystemTime::now();
        let age = last
            .as_ref()
            .and_then(|last| now.duration_since(last.at).ok());
        if age.is_none_or(|age| age >= WORDED_EVERY) {
            let text = failure.to_string();
            *last = Some(LastFailure { at: now, text });
        }
    }

    pub(crate) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// An instance was replaced between two calls. Gives how many were before.
    pub(crate) fn replaced(&self) -> u64 {
        self.replaced.fetch_add(1, Ordering::Relaxed)
    }

    /// Adds to a counter. `false` where its name is too long or one too many: it is not counted.
    pub(crate) fn count(&self, name: &str, by: u32) -> bool {
        let mut counters = lock(&self.counters);
        if let Some(sum) = counters.get_mut(name) {
            *sum = sum.saturating_add(u64::from(by));
            return true;
        }
        let fits = counters.len() < COUNTERS_MAX && name.len() <= COUNTER_NAME_BYTES_MAX;
        if fits {
            counters.insert(name.to_owned(), u64::from(by));
        }
        fits
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
