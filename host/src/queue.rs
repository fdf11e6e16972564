//! The bounded queue in front of each receiver, in memory.
//!
//! Lanes push portions (what one chunk has for this receiver), the receiver's thread takes events. With
//! `onFull: wait` a full queue holds up the lane, and so the source; with `dropOldest` it gives up the
//! oldest events, which are counted and settled.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use weir_event::{CHUNK_EVENTS_MAX, Document};

use crate::ack::Ack;
use crate::config::OnFull;

/// What one chunk has for one receiver.
pub struct Portion {
    documents: VecDeque<Document>,
    ack: Arc<Ack>,
}

/// Events taken for a batch, with whom to tell when they are settled.
#[derive(Default)]
pub struct Taken {
    /// The documents, in the order of the queue.
    pub documents: Vec<Document>,
    /// Whom to tell: each run is so many of the documents, in order.
    pub runs: Vec<Run>,
    /// Bytes of the documents.
    pub bytes: usize,
}

/// So many documents of one chunk.
pub struct Run {
    /// The chunk's acknowledgement.
    pub ack: Arc<Ack>,
    /// How many.
    pub events: usize,
}

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

/// The queue.
pub struct Queue {
    receiver: usize,
    events_max: usize,
    on_full: OnFull,
    batch: BatchLimits,
    inner: Mutex<Inner>,
    /// A batch may be ready.
    filled: Condvar,
    /// There may be room.
    freed: Condvar,
}

#[derive(Default)]
struct Inner {
    portions: VecDeque<Portion>,
    events: usize,
    bytes: usize,
    /// When the oldest event of the next batch came.
    since: Option<Instant>,
    /// A lane waits for room: nothing more can come, so a batch need not wait either.
    held_up: bool,
    closed: bool,
    aborted: bool,
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
}

impl Queue {
    /// A queue for the receiver with this index.
    pub fn new(receiver: usize, events_max: usize, on_full: OnFull, batch: BatchLimits) -> Queue {
        let (filled, freed) = (Condvar::new(), Condvar::new());
        Queue {
            receiver,
            events_max,
            on_full,
            batch,
            inner: Mutex::default(),
            filled,
            freed,
        }
    }

    /// How many events it holds.
    pub fn events_max(&self) -> usize {
        self.events_max
    }

    /// Puts a portion at the end; `counted` runs just before anybody can take it. A portion larger than the
    /// queue is let in when the queue is empty.
    pub fn push(&self, documents: Vec<Document>, ack: &Arc<Ack>, counted: impl FnOnce()) -> Pushed {
        let more = documents.len();
        let mut inner = self.lock();
        let mut dropped = 0;
        while !inner.aborted && inner.events > 0 && inner.events + more > self.events_max {
            match self.on_full {
                OnFull::Wait => {
                    inner.held_up = true;
                    self.filled.notify_one();
                    inner = self
                        .freed
                        .wait(inner)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                OnFull::DropOldest => {
                    let surplus = (inner.events + more - self.events_max).min(inner.events);
                    dropped += surplus;
                    self.drop_oldest(&mut inner, surplus);
                }
            }
        }
        if inner.aborted {
            return Pushed::Aborted;
        }
        inner.events += more;
        inner.bytes += documents
            .iter()
            .map(|document| document.as_str().len())
            .sum::<usize>();
        counted();
        let first = inner.since.is_none();
        inner.since.get_or_insert_with(Instant::now);
        inner.portions.push_back(Portion {
            documents: documents.into(),
            ack: Arc::clone(ack),
        });
        let wake = first || self.is_batch_full(&inner);
        drop(inner);
        if wake {
            self.filled.notify_one();
        }
        Pushed::Queued { dropped }
    }

    /// Waits for a batch: until there are enough events, or the first has waited for its age, or the queue
    /// was closed. `None` when it is closed and empty, or aborted.
    pub fn take(&self) -> Option<Taken> {
        let mut inner = self.lock();
        loop {
            if inner.aborted || (inner.closed && inner.events == 0) {
                return None;
            }
            let full = self.is_batch_full(&inner);
            let waited = inner.since.map(|since| since.elapsed());
            match waited {
                Some(waited) if full || inner.closed || waited >= self.batch.age => break,
                Some(waited) => {
                    let left = self.batch.age - waited;
                    inner = self
                        .filled
                        .wait_timeout(inner, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0;
                }
                None => {
                    inner = self
                        .filled
                        .wait(inner)
                        .unwrap_or_else(PoisonError::into_inner)
                }
            }
        }
        let taken = inner.take_batch(self.batch);
        drop(inner);
        self.freed.notify_all();
        Some(taken)
    }

    /// No more pushes: what is in the queue is still taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    /// Every wait ends now; what is in the queue stays unsettled.
    pub fn abort(&self) {
        self.lock().aborted = true;
        self.filled.notify_all();
        self.freed.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a batch has all that it can get: its events, its bytes, or as many as the queue has room for.
    fn is_batch_full(&self, inner: &Inner) -> bool {
        inner.events >= self.batch.events
            || inner.bytes >= self.batch.bytes
            || inner.held_up
            || inner.events + CHUNK_EVENTS_MAX > self.events_max
    }

    fn drop_oldest(&self, inner: &mut Inner, mut surplus: usize) {
        while surplus > 0 {
            let Some(portion) = inner.portions.front_mut() else {
                return;
            };
            let count = surplus.min(portion.documents.len());
            let bytes: usize = portion
                .documents
                .drain(..count)
                .map(|document| document.as_str().len())
                .sum();
            portion.ack.settle(self.receiver, count);
            if portion.documents.is_empty() {
                inner.portions.pop_front();
            }
            inner.events -= count;
            inner.bytes -= bytes;
            surplus -= count;
        }
    }
}

impl Inner {
    fn take_batch(&mut self, limits: BatchLimits) -> Taken {
        let mut taken = Taken {
            documents: Vec::with_capacity(limits.events.min(self.events)),
            ..Taken::default()
        };
        while let Some(portion) = self.portions.front_mut() {
            let before = taken.documents.len();
            while let Some(document) = portion.documents.front() {
                let fits = taken.bytes + document.as_str().len() <= limits.bytes
                    || taken.documents.is_empty();
                if taken.documents.len() >= limits.events || !fits {
                    break;
                }
                taken.bytes += document.as_str().len();
                taken.documents.extend(portion.documents.pop_front());
            }
            let events = taken.documents.len() - before;
            if events > 0 {
                taken.runs.push(Run {
                    ack: Arc::clone(&portion.ack),
                    events,
                });
            }
            if !portion.documents.is_empty() {
                break;
            }
            self.portions.pop_front();
        }
        self.events -= taken.documents.len();
        self.bytes -= taken.bytes;
        self.held_up = false;
        // What stays behind has waited too; its own time starts now, which is at most one age too late.
        self.since = (self.events > 0).then(Instant::now);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ack::Progress;

    const NO_WAIT: BatchLimits = BatchLimits {
        events: 3,
        bytes: usize::MAX,
        age: Duration::ZERO,
    };

    fn documents(count: usize) -> Vec<Document> {
        let event = r#"{"metadata":{"uid":"u"},"involvedObject":{}}"#;
        let fields = weir_event::Fields::scan(event).expect("an event");
        (0..count)
            .map(|_| Document::new(weir_event::EventRef::new(event, &fields)))
            .collect()
    }

    /// The `nth` chunk, of so many events; the first is 1, so that a position counts chunks.
    fn portion(progress: &Arc<Progress>, nth: u64, count: usize) -> (Vec<Document>, Arc<Ack>) {
        let ack = progress.start_chunk(0, nth);
        progress.seen(0, nth);
        ack.expect(0, count);
        (documents(count), Arc::new(ack))
    }

    fn settle(taken: &Taken) {
        taken
            .runs
            .iter()
            .for_each(|run| run.ack.settle(0, run.events));
    }

    #[test]
    fn batches_cross_portions_and_settle_their_chunks() {
        let progress = Progress::new(1, 1);
        let queue = Queue::new(0, 100, OnFull::Wait, NO_WAIT);
        for (nth, count) in [(1, 2), (2, 2), (3, 1)] {
            let (documents, ack) = portion(&progress, nth, count);
            assert_eq!(
                queue.push(documents, &ack, || ()),
                Pushed::Queued { dropped: 0 }
            );
        }
        let first = queue.take().expect("a batch");
        assert_eq!(
            first.runs.iter().map(|run| run.events).collect::<Vec<_>>(),
            [2, 1]
        );
        settle(&first);
        assert_eq!(progress.position(0, 0), Some(1));
        queue.close();
        let second = queue.take().expect("the rest");
        assert_eq!(second.documents.len(), 2);
        settle(&second);
        assert!(progress.is_complete() && queue.take().is_none());
    }

    #[test]
    fn the_oldest_are_dropped_and_settled_where_that_is_wanted() {
        let progress = Progress::new(1, 1);
        let queue = Queue::new(0, 4, OnFull::DropOldest, NO_WAIT);
        let (documents, ack) = portion(&progress, 1, 3);
        queue.push(documents, &ack, || ());
        let (documents, ack) = portion(&progress, 2, 3);
        assert_eq!(
            queue.push(documents, &ack, || ()),
            Pushed::Queued { dropped: 2 }
        );
        assert_eq!(progress.position(0, 0), Some(0));
        let (documents, ack) = portion(&progress, 3, 1);
        assert_eq!(
            queue.push(documents, &ack, || ()),
            Pushed::Queued { dropped: 1 }
        );
        assert_eq!(progress.position(0, 0), Some(1));
    }

    #[test]
    fn a_full_queue_holds_up_who_pushes_until_there_is_room() {
        let progress = Progress::new(1, 1);
        let queue = Arc::new(Queue::new(0, 3, OnFull::Wait, NO_WAIT));
        let (documents, ack) = portion(&progress, 1, 3);
        queue.push(documents, &ack, || ());
        let pushing = Arc::clone(&queue);
        let (documents, ack) = portion(&progress, 2, 1);
        let pusher = std::thread::spawn(move || pushing.push(documents, &ack, || ()));
        assert_eq!(queue.take().expect("a batch").documents.len(), 3);
        assert_eq!(
            pusher.join().expect("no panic"),
            Pushed::Queued { dropped: 0 }
        );
    }

    #[test]
    fn a_batch_does_not_wait_for_what_a_full_queue_keeps_out() {
        let progress = Progress::new(1, 1);
        let never = BatchLimits {
            events: 1000,
            age: Duration::from_secs(3600),
            ..NO_WAIT
        };
        let queue = Arc::new(Queue::new(0, 1000, OnFull::Wait, never));
        let (documents, ack) = portion(&progress, 1, 600);
        queue.push(documents, &ack, || ());
        let pushing = Arc::clone(&queue);
        let (documents, ack) = portion(&progress, 2, 600);
        let pusher = std::thread::spawn(move || pushing.push(documents, &ack, || ()));
        assert_eq!(queue.take().expect("a batch").documents.len(), 600);
        assert_eq!(
            pusher.join().expect("no panic"),
            Pushed::Queued { dropped: 0 }
        );
    }

    #[test]
    fn an_abort_ends_every_wait() {
        let progress = Progress::new(1, 1);
        let queue = Arc::new(Queue::new(0, 1, OnFull::Wait, NO_WAIT));
        let (documents, ack) = portion(&progress, 1, 1);
        queue.push(documents, &ack, || ());
        let pushing = Arc::clone(&queue);
        let (documents, ack) = portion(&progress, 2, 1);
        let pusher = std::thread::spawn(move || pushing.push(documents, &ack, || ()));
        queue.abort();
        assert_eq!(pusher.join().expect("no panic"), Pushed::Aborted);
        assert!(queue.take().is_none());
    }

    #[test]
    fn a_batch_holds_at_least_one_event_however_large() {
        let progress = Progress::new(1, 1);
        let limits = BatchLimits {
            bytes: 1,
            ..NO_WAIT
        };
        let queue = Queue::new(0, 10, OnFull::Wait, limits);
        let (documents, ack) = portion(&progress, 1, 2);
        queue.push(documents, &ack, || ());
        assert_eq!(queue.take().expect("a batch").documents.len(), 1);
    }
}
