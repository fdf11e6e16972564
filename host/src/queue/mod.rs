//! The bounded queue in front of each receiver: in memory, or on disk.
//!
//! Lanes push portions (what one chunk has for this receiver), the receiver's thread takes events and settles them. With
//! `onFull: wait` a full queue holds up the lane, and so the source; with `dropOldest` it gives up the oldest
//! events, which are counted and settled.

mod disk;
mod memory;

use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_event::Document;

use crate::ack::Ack;
use crate::config::OnFull;

pub use disk::{DiskQueue, Told};
pub use memory::MemoryQueue;

/// Bounds of a batch.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// At most so many events.
    pub events: usize,
    /// At most so many bytes, but at least one event.
    pub bytes: usize,
    /// How long the first event of a batch waits for more.
    pub age: Duration,
}

/// What a queue goes by. It may change while events flow.
#[derive(Clone, Copy, Debug)]
pub struct QueueLimits {
    /// Events that a queue in memory holds.
    pub events_max: usize,
    /// What happens when it is full.
    pub on_full: OnFull,
    /// Bounds of a batch.
    pub batch: BatchLimits,
}

/// What one chunk has for one receiver.
#[derive(Default)]
pub struct Portion {
    /// In their order.
    pub documents: Vec<Document>,
    /// For each of them, the resourceVersion of the event that was read; 0 for what has none.
    pub versions: Vec<u64>,
}

impl Portion {
    /// Adds one.
    pub fn push(&mut self, document: Document, version: u64) {
        self.documents.push(document);
        self.versions.push(version);
    }

    /// Keeps so many; gives the others.
    #[must_use]
    pub fn split_off(&mut self, events: usize) -> Portion {
        let at = events.min(self.documents.len());
        Portion {
            documents: self.documents.split_off(at),
            versions: self.versions.split_off(at),
        }
    }
}

/// What became of a push.
#[derive(Debug, PartialEq, Eq)]
pub enum Pushed {
    /// All is in the queue, and so many older events were given up for it.
    Queued {
        /// Events dropped from the front.
        dropped: usize,
    },
    /// The process ends; nothing was queued.
    Aborted,
    /// The process drains, there is no room, and nobody takes any more: nothing was queued or settled.
    Left,
}

/// An event that was taken.
pub struct Item {
    /// The event.
    pub document: Document,
    /// When a call for it first failed.
    pub failed_since: Option<Instant>,
    /// Who is told of it, in its receipt.
    settler: usize,
    /// Which of that one's it is.
    index: usize,
}

/// Events taken for a batch, in the order of the queue, with the way to settle them.
#[derive(Default)]
pub struct Taken {
    /// The events.
    pub items: Vec<Item>,
    /// Who is told of each.
    pub receipt: Receipt,
}

impl Taken {
    /// Adds what was taken later.
    pub fn join(&mut self, later: Taken) {
        let settlers = self.receipt.settlers.len();
        self.receipt.settlers.extend(later.receipt.settlers);
        let moved = later.items.into_iter().map(|item| Item {
            settler: item.settler + settlers,
            ..item
        });
        self.items.extend(moved);
    }
}

/// Who is told that events are settled. Nobody is told of what is dropped with it: that comes again.
#[derive(Default)]
pub struct Receipt {
    settlers: Vec<Settler>,
}

/// So many events of one origin.
enum Settler {
    /// Of one chunk, for the receiver with this slot.
    Chunk { ack: Arc<Ack>, slot: usize },
    /// Of a queue on disk.
    Disk(Arc<DiskQueue>),
}

impl Receipt {
    /// Says that an event is settled: accepted, or given up on purpose and counted. Once for each; [`Receipt::flush`]
    /// follows.
    pub fn settle(&self, item: &Item) {
        match &self.settlers[item.settler] {
            Settler::Chunk { ack, slot } => ack.settle(*slot, 1),
            Settler::Disk(queue) => queue.settle(item.index),
        }
    }
}

impl Receipt {
    /// Has a queue on disk forget what is settled. After each call of the sink, not after each event.
    pub fn flush(&self) {
        if let Some(Settler::Disk(queue)) = self.settlers.first() {
            queue.forget_settled();
        }
    }
}

/// A receiver's queue.
pub enum Queue {
    /// What is in it is lost with the process, and asked for again.
    Memory(MemoryQueue),
    /// What is in it outlives the process.
    Disk(Arc<DiskQueue>),
}

impl Queue {
    /// How many events a push may bring.
    pub fn events_max(&self) -> usize {
        match self {
            Queue::Memory(queue) => queue.events_max(),
            Queue::Disk(_) => usize::MAX,
        }
    }

    /// Whether what is in it outlives the process.
    pub fn outlives(&self) -> bool {
        matches!(self, Queue::Disk(_))
    }

    /// Puts a portion at the end; `counted` runs just before anybody can take it.
    pub fn push(&self, portion: Portion, ack: &Arc<Ack>, counted: impl FnOnce()) -> Pushed {
        match self {
            Queue::Memory(queue) => queue.push(portion.documents, ack, counted),
            Queue::Disk(queue) => queue.push(&portion, ack, counted),
        }
    }

    /// Goes by these limits from now on.
    pub fn set(&self, limits: QueueLimits) {
        match self {
            Queue::Memory(queue) => queue.set(limits),
            Queue::Disk(queue) => queue.set(limits),
        }
    }

    /// The wait in [`Queue::take`] that is under way, or the next one, ends with nothing taken.
    pub fn wake(&self) {
        match self {
            Queue::Memory(queue) => queue.wake(),
            Queue::Disk(queue) => queue.wake(),
        }
    }

    /// Waits for a batch: until there are enough events, or the first has waited for its age, or the queue was closed; or until
    /// it is woken, with nothing taken. `None` when it is closed and empty, or aborted.
    pub fn take(&self) -> Option<Taken> {
        match self {
            Queue::Memory(queue) => queue.take(),
            Queue::Disk(queue) => queue.take(),
        }
    }

    /// Takes what there is, at most a batch, without waiting.
    pub fn take_now(&self) -> Option<Taken> {
        match self {
            Queue::Memory(queue) => queue.take_now(),
            Queue::Disk(queue) => queue.take_now(),
        }
    }

    /// No more pushes: what is in the queue is still taken.
    pub fn close(&self) {
        match self {
            Queue::Memory(queue) => queue.close(),
            Queue::Disk(queue) => queue.close(),
        }
    }

    /// Every wait ends now; what is in the queue stays unsettled.
    pub fn abort(&self) {
        match self {
            Queue::Memory(queue) => queue.abort(),
            Queue::Disk(queue) => queue.abort(),
        }
    }

    /// Nobody takes any more: what is in it is left to the next start, and who pushes does not wait for room.
    pub fn leave(&self) {
        if let Queue::Disk(queue) = self {
            queue.leave();
        }
    }

    /// All pushes are done: notes how far a queue on disk has everything, for the next start.
    pub fn finish(&self) {
        if let Queue::Disk(queue) = self {
            queue.finish();
        }
    }
}
