//! Acknowledgements: the only thing that travels back towards the source.
//!
//! One [`Ack`] goes with a chunk of events of one watch. A receiver has acknowledged a chunk when every event of
//! it that was routed to that receiver was accepted, or given up on purpose and counted. Never on the mere
//! attempt: what was not settled when the process ends comes again.
//!
//! From that come positions, one for each receiver and watch: every event up to there is settled ([`Progress`]). Versions
//! are those of the watch (resourceVersions of a Kubernetes cluster); events of one watch come in their
//! order, so a position is just below the lowest version of the chunks that are not settled, and with none under
//! way it is the last version that was seen. A source without positions has one watch and the version 0.
//!
//! A receiver has a *slot*, a small number that is its name's for the life of the process. Receivers come and go while
//! events flow: one that comes begins with the chunks that no lane has passed on yet.
//!
//! For a receiver with a queue on disk an event is settled here when the disk has it, so that what waits there costs no
//! memory. Its position is then held down by the queue ([`Progress::hold`]) to what was delivered; what it skips after a
//! restart is what it or its queue has ([`Stored`]).

mod place;
mod progress;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

pub use place::POSITION_UNKNOWN;
pub use progress::Progress;

/// The acknowledgement of one chunk.
#[derive(Debug)]
pub struct Ack {
    chunk: u64,
    watch: usize,
    /// Some receiver has events of this chunk behind it, from before a restart.
    repeats: bool,
    has_versions: bool,
    /// Its events go to the receiver with this slot alone, past routes and filters.
    only: Option<usize>,
    /// By slot, how many of the chunk's events are not settled. Set when the pipeline is through with it: a receiver may be
    /// added before.
    pending: OnceLock<Box<[AtomicU32]>>,
    progress: Arc<Progress>,
}

impl Ack {
    /// Says how many of the chunk's events go to which receivers (slot, events); none go to the others. Once, before any of
    /// them is settled: from here on the pipeline is through with the chunk.
    pub fn expect_all(&self, expected: &[(usize, usize)]) {
        let slots = expected.iter().map(|(slot, _)| slot + 1).max().unwrap_or(0);
        let mut pending: Box<[AtomicU32]> = (0..slots).map(|_| AtomicU32::new(0)).collect();
        for (slot, events) in expected {
            *pending[*slot].get_mut() +=
                u32::try_from(*events).expect("a chunk and what filters emit for it are bounded");
        }
        let is_first = self.pending.set(pending).is_ok();
        debug_assert!(is_first, "said twice");
        self.progress.passed_on(self.watch, self.chunk, |slot| {
            self.pending(slot)
                .is_some_and(|pending| pending.load(Ordering::Acquire) > 0)
        });
    }

    fn pending(&self, slot: usize) -> Option<&AtomicU32> {
        self.pending.get()?.get(slot)
    }

    /// Says that so many of them are settled.
    pub fn settle(&self, slot: usize, events: usize) {
        let Some(pending) = self.pending(slot) else {
            return;
        };
        let events = u32::try_from(events).expect("no more than were expected");
        let before = pending.fetch_sub(events, Ordering::AcqRel);
        debug_assert!(before >= events, "settled more events than were expected");
        if before == events {
            self.progress.acknowledge(slot, self.watch, self.chunk);
        }
    }

    /// Its events go to the receiver with this slot alone, past routes and filters: they have been through them.
    #[must_use]
    pub fn only_for(self, slot: Option<usize>) -> Ack {
        Ack { only: slot, ..self }
    }

    /// The slot of the one receiver of its events, where that is decided.
    pub fn only(&self) -> Option<usize> {
        self.only
    }

    /// Whether its events have versions that mean something.
    pub fn has_versions(&self) -> bool {
        self.has_versions
    }

    /// The watch that its events are of.
    pub fn watch(&self) -> usize {
        self.watch
    }

    /// Whether any receiver may have settled any event of this chunk before a restart: only then is
    /// [`Ack::had`] worth asking for each event.
    pub fn repeats(&self) -> bool {
        self.repeats
    }

    /// Whether this receiver had an event of the chunk's watch with this version when it began: it was
    /// settled, or is in the receiver's queue on disk. It does not get it again.
    pub fn had(&self, slot: usize, version: u64) -> bool {
        self.progress.had(slot, self.watch, version)
    }

    /// What a queue on disk may note with the events of this chunk that it takes: all of the chunk's watch up to this
    /// version was settled or is in that queue.
    pub fn mark(&self, slot: usize) -> u64 {
        self.progress.mark(slot, self.watch)
    }
}

/// What a receiver keeps of its own beside its position: a queue on disk.
pub trait Stored: Send + Sync {
    /// A watch begins; `position` is what was kept for this receiver. Called for each watch, before it gets any of its
    /// chunks: when all receivers are told, or when this one is added to a watch that has begun.
    fn resume(&self, watch: usize, position: Option<u64>) -> Has;
    /// The versions of a watch begin anew.
    fn restart(&self, watch: usize);
}

/// What a receiver has of a watch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Has {
    /// All up to this version, if it had any; never below its position.
    pub all_up_to: Option<u64>,
    /// Versions above that.
    pub above: BTreeSet<u64>,
}

#[cfg(test)]
mod tests;
