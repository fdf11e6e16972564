//! Acknowledgements: the only thing that travels back towards the source.
//!
//! One [`Ack`] goes with a chunk of events. A receiver has acknowledged a chunk when every event of it
//! that was routed to that receiver was accepted, or given up on purpose and counted. Never on the mere
//! attempt: what was not settled when the process ends comes again.

use std::collections::BTreeMap;
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

/// A receiver's position: chunks 0..`next` are acknowledged, and those of `ahead`: ranges, first → end, that
/// never touch. So it grows with the chunks that are not settled, not with those that are.
#[derive(Debug, Default)]
struct Position {
    next: u64,
    ahead: BTreeMap<u64, u64>,
}

impl Position {
    fn acknowledge(&mut self, chunk: u64) {
        let end = self.ahead.remove(&(chunk + 1)).unwrap_or(chunk + 1);
        let before = self.ahead.range_mut(..chunk).next_back();
        match before {
            _ if chunk == self.next => self.next = end,
            Some((_, touching)) if *touching == chunk => *touching = end,
            _ => {
                self.ahead.insert(chunk, end);
            }
        }
    }
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
        position.acknowledge(chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_ahead_of_a_gap_take_no_room_each() {
        // Every order of the chunks 1 to 6, while 0 is missing.
        for turn in 0..720 {
            let mut chunks = [1, 2, 3, 4, 5, 6];
            let mut rest = turn;
            for at in 0..chunks.len() {
                let from = at + rest % (chunks.len() - at);
                rest /= chunks.len() - at;
                chunks.swap(at, from);
            }
            let mut position = Position::default();
            chunks.iter().for_each(|chunk| position.acknowledge(*chunk));
            assert_eq!((position.next, position.ahead.len()), (0, 1), "{chunks:?}");
            position.acknowledge(0);
            assert_eq!((position.next, position.ahead.len()), (7, 0), "{chunks:?}");
        }
    }

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
