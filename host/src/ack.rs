//! Acknowledgements: the only thing that travels back towards the source.
//!
//! One [`Ack`] goes with a chunk of events. A receiver has acknowledged a chunk when every event of it
//! that was routed to that receiver was accepted, or given up on purpose and counted. Never on the mere
//! attempt: what was not settled when the process ends comes again.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The acknowledgement of one chunk.
#[derive(Debug)]
pub struct Ack {
    chunk: u64,
    /// For each receiver, how many of the chunk's events are not settled; one more while the pipeline works on it.
    pending: Box<[AtomicU32]>,
    progress: Arc<Progress>,
}

impl Ack {
    /// Says how many of the chunk's events go to a receiver. Called once for each receiver, before any of them is
    /// settled.
    pub fn expect(&self, receiver: usize, events: usize) {
        let events =
            u32::try_from(events).expect("a chunk and what filters emit for it are bounded");
        if events == 0 {
            self.progress.acknowledge(receiver, self.chunk);
        } else {
            self.pending[receiver].store(events, Ordering::Release);
        }
    }

    /// Says that so many of them are settled.
    pub fn settle(&self, receiver: usize, events: usize) {
        let events = u32::try_from(events).expect("no more than were expected");
        let before = self.pending[receiver].fetch_sub(events, Ordering::AcqRel);
        debug_assert!(before >= events, "settled more events than were expected");
        if before == events {
            self.progress.acknowledge(receiver, self.chunk);
        }
    }
}

/// How far each receiver is: every chunk up to here is acknowledged.
#[derive(Debug)]
pub struct Progress {
    started: AtomicU64,
    receivers: Vec<Mutex<Position>>,
}

/// A receiver's position: chunks 0..`next` are acknowledged, and those of `ahead`.
#[derive(Debug, Default)]
struct Position {
    next: u64,
    ahead: std::collections::BTreeSet<u64>,
}

impl Progress {
    /// For so many receivers.
    pub fn new(receivers: usize) -> Arc<Progress> {
        let receivers = (0..receivers).map(|_| Mutex::default()).collect();
        Arc::new(Progress {
            started: AtomicU64::new(0),
            receivers,
        })
    }

    /// The acknowledgement for the next chunk.
    pub fn start_chunk(self: &Arc<Progress>) -> Ack {
        Ack {
            chunk: self.started.fetch_add(1, Ordering::Relaxed),
            pending: self.receivers.iter().map(|_| AtomicU32::new(0)).collect(),
            progress: Arc::clone(self),
        }
    }

    /// Whether every receiver acknowledged every chunk.
    pub fn is_complete(&self) -> bool {
        let started = self.started.load(Ordering::Acquire);
        (0..self.receivers.len()).all(|receiver| self.position(receiver) == started)
    }

    /// Chunks that this receiver acknowledged without a gap.
    pub fn position(&self, receiver: usize) -> u64 {
        self.receivers[receiver]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next
    }

    fn acknowledge(&self, receiver: usize, chunk: u64) {
        let mut position = self.receivers[receiver]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        position.ahead.insert(chunk);
        while position.ahead.first() == Some(&position.next) {
            position.ahead.pop_first();
            position.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_moves_over_chunks_without_a_gap_only() {
        let progress = Progress::new(2);
        let (first, second) = (progress.start_chunk(), progress.start_chunk());
        first.expect(0, 2);
        first.expect(1, 0);
        second.expect(0, 1);
        second.expect(1, 1);
        assert_eq!((progress.position(0), progress.position(1)), (0, 1));
        second.settle(0, 1);
        assert_eq!(progress.position(0), 0, "the first chunk is not settled");
        first.settle(0, 1);
        assert_eq!(
            progress.position(0),
            0,
            "one of its two events is not settled"
        );
        first.settle(0, 1);
        assert_eq!(progress.position(0), 2);
        assert!(!progress.is_complete());
        second.settle(1, 1);
        assert!(progress.is_complete());
    }
}
