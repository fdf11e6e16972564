//! One receiver in one watch: what of it is settled, and what its position may say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::Has;

/// `Progress::hold`: there is something undelivered, and nothing is known of where.
pub const POSITION_UNKNOWN: u64 = u64::MAX - 1;

/// Nothing holds the position.
const FREE: u64 = u64::MAX;

/// A receiver that was just added was not told of the watch yet: its position says nothing.
const NOT_TOLD: u64 = u64::MAX - 2;

/// One receiver in one watch.
#[derive(Debug)]
pub(super) struct Place {
    /// Up to where it had everything when it began.
    floor: AtomicU64,
    /// What it had beyond its floor.
    above: RwLock<BTreeSet<u64>>,
    /// Its position when it began: it never falls behind that.
    least: AtomicU64,
    /// What its position may not pass: undelivered events in a queue on disk.
    held: AtomicU64,
    /// It has nothing of before: it begins where the watch does.
    is_new: AtomicBool,
    /// The chunks that are not settled: number → lowest version.
    open: Mutex<BTreeMap<u64, u64>>,
}

impl Place {
    /// Of a receiver to which these chunks may go; `told` where nothing is to be resumed at once.
    pub(super) fn new(open: BTreeMap<u64, u64>, told: bool) -> Place {
        Place {
            floor: AtomicU64::new(0),
            above: RwLock::default(),
            least: AtomicU64::new(0),
            held: AtomicU64::new(if told { FREE } else { NOT_TOLD }),
            is_new: AtomicBool::new(true),
            open: Mutex::new(open),
        }
    }

    /// A chunk starts; gives the highest version that the receiver had when it began.
    pub(super) fn start(&self, chunk: u64, lowest: u64) -> u64 {
        lock(&self.open).insert(chunk, lowest);
        let above = read(&self.above).last().copied().unwrap_or(0);
        self.floor.load(Ordering::Relaxed).max(above)
    }

    /// A chunk is settled.
    pub(super) fn acknowledge(&self, chunk: u64) {
        lock(&self.open).remove(&chunk);
    }

    /// Whether every chunk is settled.
    pub(super) fn is_complete(&self) -> bool {
        lock(&self.open).is_empty()
    }

    /// As [`super::Ack::had`].
    pub(super) fn had(&self, version: u64) -> bool {
        version <= self.floor.load(Ordering::Relaxed) || read(&self.above).contains(&version)
    }

    /// It was at this position, and has that.
    pub(super) fn resume(&self, position: Option<u64>, has: Has) {
        let is_new = has.all_up_to.is_none();
        self.is_new.store(is_new, Ordering::Relaxed);
        self.least.store(position.unwrap_or(0), Ordering::Relaxed);
        self.floor
            .store(has.all_up_to.unwrap_or(0), Ordering::Relaxed);
        *write(&self.above) = has.above;
    }

    /// Whether it has nothing of before the watch began.
    pub(super) fn is_new(&self) -> bool {
        self.is_new.load(Ordering::Relaxed)
    }

    /// It begins at this version.
    pub(super) fn begin_at(&self, version: u64) {
        self.floor.store(version, Ordering::Relaxed);
        let is_free = [FREE, NOT_TOLD].contains(&self.held.load(Ordering::Acquire));
        // Events of before in its queue on disk are not delivered; a position of 0 would have all receivers begin anew.
        let least = if is_free { version } else { version.min(1) };
        self.least.store(least, Ordering::Relaxed);
    }

    /// It was told of the watch: its position says something, unless its queue on disk holds it.
    pub(super) fn told(&self) {
        let order = (Ordering::AcqRel, Ordering::Relaxed);
        // Where it is held the queue has said so.
        let _ = self.held.compare_exchange(NOT_TOLD, FREE, order.0, order.1);
    }

    /// As [`super::Progress::hold`].
    pub(super) fn hold(&self, version: u64) {
        self.held.store(version, Ordering::Release);
    }

    /// As [`super::Progress::restart`].
    pub(super) fn restart(&self) {
        self.floor.store(0, Ordering::Relaxed);
        self.least.store(0, Ordering::Relaxed);
        write(&self.above).clear();
        lock(&self.open).values_mut().for_each(|lowest| *lowest = 1);
    }

    /// As [`super::Progress::mark`]. What was `seen` is looked at first: a chunk that starts after this has a higher
    /// version, or is open.
    pub(super) fn mark(&self, seen: u64) -> u64 {
        let lowest = lock(&self.open).values().min().copied();
        let settled = lowest.map_or(seen, |lowest| seen.min(lowest.saturating_sub(1)));
        settled.max(self.floor.load(Ordering::Relaxed))
    }

    /// As [`super::Progress::position`], of a watch that has begun.
    pub(super) fn position(&self, seen: u64) -> Option<u64> {
        // First the mark: what is held is held before it is settled.
        let settled = self.mark(seen);
        let held = self.held.load(Ordering::Acquire);
        if [POSITION_UNKNOWN, NOT_TOLD].contains(&held) {
            return None;
        }
        let settled = settled.min(held);
        Some(settled.max(self.least.load(Ordering::Relaxed)))
    }
}

pub(super) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
