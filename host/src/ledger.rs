//! The ledger: every event is accounted for, each once, under the last that decided about it.
//!
//! ```text
//! received + emitted = routed + unrouted + duplicates + tooOld + all of filtered + all of errors.dropped
//! for each receiver: recovered + enqueued = delivered + dead + dropped + waiting
//! ```
//!
//! Lanes count in a [`Tally`] of their own and add it once a chunk; receivers count as they go. A source counts only
//! what it does not hand to a lane.
//!
//! Filters and receivers come and go while events flow. Each name has a slot and counts that are its own for ever: one that
//! comes back counts on, and one that is gone stays in the ledger with what it counted, so that the sums hold.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// Reasons for drops that one filter may have rows for; what comes after is counted under [`OTHER_REASONS`].
const REASONS_MAX: usize = 100;
/// The row for all reasons beyond [`REASONS_MAX`].
const OTHER_REASONS: &str = "(other reasons)";

/// What one lane counted since it last added to the ledger. Filters by slot.
#[derive(Debug, Default)]
pub struct Tally {
    /// Events read.
    pub received: u64,
    /// Events that filters added.
    pub emitted: u64,
    /// Events that reached a receiver.
    pub routed: u64,
    /// Events that no rule sent anywhere.
    pub unrouted: u64,
    /// Events that all receivers they would have reached had settled before the process started.
    pub duplicates: u64,
    /// Events that a filter dropped, by reason.
    pub filtered: BTreeMap<(usize, String), u64>,
    /// Failed calls after which the event went on.
    pub kept: BTreeMap<usize, u64>,
    /// Failed calls after which the event was dropped.
    pub dropped: BTreeMap<usize, u64>,
}

/// The ledger of a process.
#[derive(Debug, Default)]
pub struct Ledger {
    filters: Mutex<Slots<()>>,
    pipeline: Mutex<Tally>,
    malformed: AtomicU64,
    duplicates: AtomicU64,
    too_old: AtomicU64,
    receivers: Mutex<Slots<Arc<ReceiverCounts>>>,
}

/// All that ever were, by slot.
#[derive(Debug)]
struct Slots<T>(Vec<Slot<T>>);

impl<T> Default for Slots<T> {
    fn default() -> Slots<T> {
        Slots(Vec::new())
    }
}

#[derive(Debug)]
struct Slot<T> {
    name: String,
    /// The configuration that runs has it.
    is_current: bool,
    counts: T,
}

impl<T: Default> Slots<T> {
    /// The slot of a name, made at its first mention.
    fn of(&mut self, name: &str) -> usize {
        let known = self.0.iter().position(|slot| slot.name == name);
        known.unwrap_or_else(|| {
            self.0.push(Slot {
                name: name.to_owned(),
                is_current: false,
                counts: T::default(),
            });
            self.0.len() - 1
        })
    }

    fn current(&mut self, slots: &[usize]) {
        for (index, slot) in self.0.iter_mut().enumerate() {
            slot.is_current = slots.contains(&index);
        }
    }
}

/// What a receiver counts.
#[derive(Debug, Default)]
pub struct ReceiverCounts {
    /// What [`ReceiverCounts::recovered`] adds to: below 0 where an earlier queue of this process left events on the disk.
    before: AtomicI64,
    recovered: AtomicU64,
    enqueued: AtomicU64,
    delivered: AtomicU64,
    dead: AtomicU64,
    dropped: AtomicU64,
    retries: AtomicU64,
}

impl ReceiverCounts {
    /// A queue is being opened for it: [`ReceiverCounts::recovered`] is about that one from now on. What an earlier queue of
    /// this process left on the disk is waiting already, and is not counted twice when it is found there.
    pub fn opens_queue(&self) {
        let now = self.snapshot();
        let signed = |count| i64::try_from(count).unwrap_or(i64::MAX);
        let before = signed(now.recovered) - signed(now.waiting);
        self.before.store(before, Ordering::Relaxed);
    }

    /// Events that were in its queue on disk when it was opened, less what turned out to be delivered.
    pub fn recovered(&self, events: u64) {
        let before = self.before.load(Ordering::Relaxed);
        let recovered = events.saturating_add_signed(before);
        self.recovered.store(recovered, Ordering::Relaxed);
    }

    /// Events put into its queue.
    pub fn enqueued(&self, events: usize) {
        self.enqueued.fetch_add(events as u64, Ordering::Relaxed);
    }

    /// Events that the sink accepted.
    pub fn delivered(&self, events: usize) {
        self.delivered.fetch_add(events as u64, Ordering::Relaxed);
    }

    /// Events that the sink will never accept.
    pub fn dead(&self, events: usize) {
        self.dead.fetch_add(events as u64, Ordering::Relaxed);
    }

    /// Events that a full queue gave up.
    pub fn dropped(&self, events: usize) {
        self.dropped.fetch_add(events as u64, Ordering::Relaxed);
    }

    /// Calls of the sink that did not deliver all.
    pub fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    fn snapshot(&self) -> ReceiverLedger {
        let [delivered, dead, dropped, retries, enqueued, recovered] = [
            &self.delivered,
            &self.dead,
            &self.dropped,
            &self.retries,
            &self.enqueued,
            &self.recovered,
        ]
        .map(|count| count.load(Ordering::Relaxed));
        ReceiverLedger {
            recovered,
            enqueued,
            delivered,
            dead,
            dropped,
            waiting: (recovered + enqueued).saturating_sub(delivered + dead + dropped),
            retries,
        }
    }
}

/// The ledger as it is written: `--ledger FILE`, the last log line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Events read from the source.
    pub received: u64,
    /// Pieces of input that were no event.
    pub malformed: u64,
    /// Events that filters added.
    pub emitted: u64,
    /// Events that reached a receiver.
    pub routed: u64,
    /// Events that no rule sent anywhere.
    pub unrouted: u64,
    /// Events recognised as seen before.
    pub duplicates: u64,
    /// Events older than the configured age.
    pub too_old: u64,
    /// Events that filters dropped: filter → reason → count.
    pub filtered: BTreeMap<String, BTreeMap<String, u64>>,
    /// Failed filter calls: filter → what became of the events.
    pub errors: BTreeMap<String, Errors>,
    /// By receiver.
    pub receivers: BTreeMap<String, ReceiverLedger>,
}

/// What became of the events for which a filter failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Errors {
    /// They went on; they are counted elsewhere too.
    pub kept: u64,
    /// They ended there.
    pub dropped: u64,
}

/// The ledger of one receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReceiverLedger {
    /// What its queue on disk held at the start, less what its position says was delivered.
    pub recovered: u64,
    /// Put into its queue.
    pub enqueued: u64,
    /// Accepted by the sink.
    pub delivered: u64,
    /// Never to be accepted.
    pub dead: u64,
    /// Given up by a full queue.
    pub dropped: u64,
    /// In its queue or in the sink's hands.
    pub waiting: u64,
    /// Calls of the sink that did not deliver all.
    pub retries: u64,
}

impl Ledger {
    /// Without filters and receivers.
    pub fn new() -> Ledger {
        Ledger::default()
    }

    /// The slot of the filter with this name: the same for ever, whether it is current or not.
    pub fn filter(&self, name: &str) -> usize {
        lock(&self.filters).of(name)
    }

    /// The slot of the receiver with this name, and its counts: the same for ever, whether it is current or not.
    pub fn receiver(&self, name: &str) -> (usize, Arc<ReceiverCounts>) {
        let mut receivers = lock(&self.receivers);
        let slot = receivers.of(name);
        (slot, Arc::clone(&receivers.0[slot].counts))
    }

    /// Says which filters and receivers the configuration that runs has, by slot. Others are shown where they counted
    /// anything.
    pub fn current(&self, filters: &[usize], receivers: &[usize]) {
        lock(&self.filters).current(filters);
        lock(&self.receivers).current(receivers);
    }

    /// A piece of input was no event.
    pub fn malformed(&self) {
        self.malformed.fetch_add(1, Ordering::Relaxed);
    }

    /// The names of the current filters, in the order of their slots.
    pub fn filters(&self) -> Vec<String> {
        let filters = lock(&self.filters);
        let current = filters.0.iter().filter(|slot| slot.is_current);
        current.map(|slot| slot.name.clone()).collect()
    }

    /// The source read so many events that it hands to no lane: seen before, or older than the configured age.
    /// They count as received too; what a lane gets, the lane counts.
    pub fn left_out(&self, duplicates: usize, too_old: usize) {
        self.duplicates
            .fetch_add(duplicates as u64, Ordering::Relaxed);
        self.too_old.fetch_add(too_old as u64, Ordering::Relaxed);
    }

    /// Adds what a lane counted, and empties its tally.
    pub fn add(&self, tally: &mut Tally) {
        let tally = std::mem::take(tally);
        let mut sum = lock(&self.pipeline);
        sum.received += tally.received;
        sum.emitted += tally.emitted;
        sum.routed += tally.routed;
        sum.unrouted += tally.unrouted;
        sum.duplicates += tally.duplicates;
        for ((filter, reason), count) in tally.filtered {
            let row = row(&sum.filtered, filter, reason);
            *sum.filtered.entry(row).or_default() += count;
        }
        tally
            .kept
            .into_iter()
            .for_each(|(filter, count)| *sum.kept.entry(filter).or_default() += count);
        tally
            .dropped
            .into_iter()
            .for_each(|(filter, count)| *sum.dropped.entry(filter).or_default() += count);
    }

    /// The ledger now. While events flow, its sums may be off by what is between two counters.
    pub fn snapshot(&self) -> Snapshot {
        let sum = lock(&self.pipeline);
        let filters = lock(&self.filters);
        let name = |filter: &usize| filters.0[*filter].name.clone();
        let mut snapshot = Snapshot {
            received: sum.received,
            malformed: self.malformed.load(Ordering::Relaxed),
            emitted: sum.emitted,
            routed: sum.routed,
            unrouted: sum.unrouted,
            duplicates: sum.duplicates,
            ..Snapshot::default()
        };
        for ((filter, reason), count) in &sum.filtered {
            let reasons = snapshot.filtered.entry(name(filter)).or_default();
            reasons.insert(reason.clone(), *count);
        }
        for (filter, kept) in &sum.kept {
            snapshot.errors.entry(name(filter)).or_default().kept = *kept;
        }
        for (filter, dropped) in &sum.dropped {
            snapshot.errors.entry(name(filter)).or_default().dropped = *dropped;
        }
        drop((sum, filters));
        // Read once, so that the first sum holds in every snapshot.
        let [duplicates, too_old] =
            [&self.duplicates, &self.too_old].map(|count| count.load(Ordering::Relaxed));
        snapshot.received += duplicates + too_old;
        snapshot.duplicates += duplicates;
        snapshot.too_old += too_old;
        let receivers = lock(&self.receivers);
        let rows = receivers
            .0
            .iter()
            .map(|slot| (slot, slot.counts.snapshot()));
        snapshot.receivers = rows
            .filter(|(slot, counts)| slot.is_current || *counts != ReceiverLedger::default())
            .map(|(slot, counts)| (slot.name.clone(), counts))
            .collect();
        snapshot
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The row that a drop counts under: its own, while there is room for one more.
fn row(rows: &BTreeMap<(usize, String), u64>, filter: usize, reason: String) -> (usize, String) {
    let own = (filter, reason);
    if rows.contains_key(&own) {
        return own;
    }
    let count = rows
        .range((filter, String::new())..(filter + 1, String::new()))
        .count();
    if count < REASONS_MAX {
        own
    } else {
        (filter, OTHER_REASONS.to_owned())
    }
}

impl Snapshot {
    /// Whether both sums hold.
    pub fn is_balanced(&self) -> bool {
        let filtered: u64 = self.filtered.values().flat_map(BTreeMap::values).sum();
        let dropped: u64 = self.errors.values().map(|errors| errors.dropped).sum();
        let decided =
            self.routed + self.unrouted + self.duplicates + self.too_old + filtered + dropped;
        let receivers = self.receivers.values().all(|receiver| {
            receiver.recovered + receiver.enqueued
                == receiver.delivered + receiver.dead + receiver.dropped + receiver.waiting
        });
        self.received + self.emitted == decided && receivers
    }

    /// Events that are in a queue or a sink's hands.
    pub fn waiting(&self) -> u64 {
        self.receivers
            .values()
            .map(|receiver| receiver.waiting)
            .sum()
    }

    /// Events that no sink will ever accept.
    pub fn dead(&self) -> u64 {
        self.receivers.values().map(|receiver| receiver.dead).sum()
    }
}

#[cfg(test)]
mod tests;
