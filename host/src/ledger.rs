//! The ledger: every event is accounted for, each once, under the last that decided about it.
//!
//! ```text
//! received + emitted = routed + unrouted + duplicates + tooOld + all of filtered + all of errors.dropped
//! for each receiver: recovered + enqueued = delivered + dead + dropped + waiting
//! ```
//!
//! Lanes count in a [`Tally`] of their own and add it once a chunk; receivers count as they go. A source counts only
//! what it does not hand to a lane.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Reasons for drops that one filter may have rows for; what comes after is counted under [`OTHER_REASONS`].
const REASONS_MAX: usize = 100;
/// The row for all reasons beyond [`REASONS_MAX`].
const OTHER_REASONS: &str = "(other reasons)";

/// What one lane counted since it last added to the ledger. Filters by index.
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
#[derive(Debug)]
pub struct Ledger {
    filters: Vec<String>,
    pipeline: Mutex<Tally>,
    malformed: AtomicU64,
    duplicates: AtomicU64,
    too_old: AtomicU64,
    receivers: Vec<ReceiverCounts>,
}

/// What a receiver counts.
#[derive(Debug)]
pub struct ReceiverCounts {
    name: String,
    recovered: AtomicU64,
    enqueued: AtomicU64,
    delivered: AtomicU64,
    dead: AtomicU64,
    dropped: AtomicU64,
    retries: AtomicU64,
}

impl ReceiverCounts {
    /// Events of an earlier run in its queue on disk.
    pub fn recovered(&self, events: u64) {
        self.recovered.store(events, Ordering::Relaxed);
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
    /// For these filters and receivers, in the order of their indices.
    pub fn new(filters: Vec<String>, receivers: Vec<String>) -> Ledger {
        let receivers = receivers
            .into_iter()
            .map(|name| ReceiverCounts {
                name,
                recovered: AtomicU64::new(0),
                enqueued: AtomicU64::new(0),
                delivered: AtomicU64::new(0),
                dead: AtomicU64::new(0),
                dropped: AtomicU64::new(0),
                retries: AtomicU64::new(0),
            })
            .collect();
        Ledger {
            filters,
            pipeline: Mutex::default(),
            malformed: AtomicU64::new(0),
            duplicates: AtomicU64::new(0),
            too_old: AtomicU64::new(0),
            receivers,
        }
    }

    /// The counts of the receiver with this index.
    pub fn receiver(&self, index: usize) -> &ReceiverCounts {
        &self.receivers[index]
    }

    /// A piece of input was no event.
    pub fn malformed(&self) {
        self.malformed.fetch_add(1, Ordering::Relaxed);
    }

    /// The names of the filters, in the order of their indices.
    pub fn filters(&self) -> &[String] {
        &self.filters
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
        let mut sum = self.pipeline.lock().unwrap_or_else(PoisonError::into_inner);
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
        let sum = self.pipeline.lock().unwrap_or_else(PoisonError::into_inner);
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
            let reasons = snapshot
                .filtered
                .entry(self.filters[*filter].clone())
                .or_default();
            reasons.insert(reason.clone(), *count);
        }
        for (filter, kept) in &sum.kept {
            snapshot
                .errors
                .entry(self.filters[*filter].clone())
                .or_default()
                .kept = *kept;
        }
        for (filter, dropped) in &sum.dropped {
            snapshot
                .errors
                .entry(self.filters[*filter].clone())
                .or_default()
                .dropped = *dropped;
        }
        drop(sum);
        // Read once, so that the first sum holds in every snapshot.
        let [duplicates, too_old] =
            [&self.duplicates, &self.too_old].map(|count| count.load(Ordering::Relaxed));
        snapshot.received += duplicates + too_old;
        snapshot.duplicates += duplicates;
        snapshot.too_old += too_old;
        snapshot.receivers = self
            .receivers
            .iter()
            .map(|receiver| (receiver.name.clone(), receiver.snapshot()))
            .collect();
        snapshot
    }
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
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn sums_hold_or_are_seen_not_to() {
        let ledger = Ledger::new(vec!["quiet".into()], vec!["out".into()]);
        let mut tally = Tally {
            received: 5,
            emitted: 1,
            routed: 3,
            unrouted: 1,
            ..Tally::default()
        };
        tally.filtered.insert((0, "noise".into()), 1);
        tally.dropped.insert(0, 1);
        tally.kept.insert(0, 2);
        ledger.add(&mut tally);
        assert_eq!(tally.received, 0);
        ledger.receiver(0).enqueued(3);
        ledger.receiver(0).delivered(1);
        ledger.receiver(0).dead(1);
        let snapshot = ledger.snapshot();
        assert!(snapshot.is_balanced(), "{snapshot:?}");
        assert_eq!((snapshot.waiting(), snapshot.errors["quiet"].kept), (1, 2));
        assert!(
            !Snapshot {
                received: 6,
                ..snapshot
            }
            .is_balanced()
        );
    }

    #[test]
    fn what_the_source_leaves_out_was_received() {
        let ledger = Arc::new(Ledger::new(vec![], vec![]));
        let source = Arc::clone(&ledger);
        let counting = std::thread::spawn(move || {
            for turn in 0..1000 {
                source.left_out(turn % 2, 1);
            }
        });
        while !counting.is_finished() {
            let mut tally = Tally {
                received: 1,
                unrouted: 1,
                ..Tally::default()
            };
            ledger.add(&mut tally);
            let snapshot = ledger.snapshot();
            assert!(snapshot.is_balanced(), "in the middle: {snapshot:?}");
        }
        counting.join().expect("no panic");
        let snapshot = ledger.snapshot();
        assert_eq!((snapshot.duplicates, snapshot.too_old), (500, 1000));
        assert_eq!(snapshot.received, 1500 + snapshot.unrouted);
        assert!(snapshot.is_balanced());
    }

    #[test]
    fn reasons_have_a_bounded_number_of_rows() {
        let ledger = Ledger::new(vec!["a".into(), "b".into()], vec![]);
        for index in 0..300 {
            let mut tally = Tally {
                received: 2,
                ..Tally::default()
            };
            tally.filtered.insert((0, format!("reason {index}")), 1);
            tally.filtered.insert((1, "always the same".into()), 1);
            ledger.add(&mut tally);
        }
        let snapshot = ledger.snapshot();
        assert_eq!(snapshot.filtered["a"].len(), REASONS_MAX + 1);
        assert_eq!(snapshot.filtered["a"][OTHER_REASONS], 200);
        assert_eq!(snapshot.filtered["b"]["always the same"], 300);
        assert!(snapshot.is_balanced());
    }
}
