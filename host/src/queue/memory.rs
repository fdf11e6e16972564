//! A queue in memory: portions as they came, bounded by events.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use weir_event::{CHUNK_EVENTS_MAX, Document};

use super::{Item, Pushed, QueueLimits, Receipt, Settler, Taken};
use crate::ack::Ack;
use crate::config::OnFull;

/// What one chunk has, or still has.
struct Waiting {
    documents: VecDeque<Document>,
    ack: Arc<Ack>,
}

/// The queue.
pub struct MemoryQueue {
    slot: usize,
    inner: Mutex<Inner>,
    /// A batch may be ready.
    filled: Condvar,
    /// There may be room.
    freed: Condvar,
}

struct Inner {
    limits: QueueLimits,
    portions: VecDeque<Waiting>,
    events: usize,
    bytes: usize,
    /// When the oldest event of the next batch came.
    since: Option<Instant>,
    /// A lane waits for room: nothing more can come, so a batch need not wait either.
    held_up: bool,
    /// Whoever takes is to look up.
    woken: bool,
    closed: bool,
    aborted: bool,
}

impl MemoryQueue {
    /// A queue for the slot with this index.
    pub fn new(slot: usize, limits: QueueLimits) -> MemoryQueue {
        let inner = Inner {
            limits,
            portions: VecDeque::new(),
            events: 0,
            bytes: 0,
            since: None,
            held_up: false,
            woken: false,
            closed: false,
            aborted: false,
        };
        MemoryQueue {
            slot,
            inner: Mutex::new(inner),
            filled: Condvar::new(),
            freed: Condvar::new(),
        }
    }

    /// How many events it holds.
    pub fn events_max(&self) -> usize {
        self.lock().limits.events_max
    }

    /// Goes by these limits from now on.
    pub fn set(&self, limits: QueueLimits) {
        self.lock().limits = limits;
        self.filled.notify_all();
        self.freed.notify_all();
    }

    /// The wait in [`MemoryQueue::take`] that is under way, or the next one, ends with nothing taken.
    pub fn wake(&self) {
        self.lock().woken = true;
        self.filled.notify_all();
    }

    /// Puts a portion at the end; `counted` runs just before anybody can take it. A portion larger than the
    /// queue is let in when the queue is empty.
    pub fn push(&self, documents: Vec<Document>, ack: &Arc<Ack>, counted: impl FnOnce()) -> Pushed {
        let more = documents.len();
        let mut inner = self.lock();
        let mut dropped = 0;
        while !inner.aborted && inner.events > 0 && inner.events + more > inner.limits.events_max {
            match inner.limits.on_full {
                OnFull::Wait => {
                    inner.held_up = true;
                    self.filled.notify_one();
                    inner = self
                        .freed
                        .wait(inner)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                OnFull::DropOldest => {
                    let surplus = (inner.events + more - inner.limits.events_max).min(inner.events);
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
        inner.portions.push_back(Waiting {
            documents: documents.into(),
            ack: Arc::clone(ack),
        });
        let wake = first || inner.is_batch_full();
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
            if std::mem::take(&mut inner.woken) {
                return Some(Taken::default());
            }
            let (full, age) = (inner.is_batch_full(), inner.limits.batch.age);
            let waited = inner.since.map(|since| since.elapsed());
            match waited {
                Some(waited) if full || inner.closed || waited >= age => break,
                Some(waited) => {
                    let left = age - waited;
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
        let taken = inner.take_batch(self.slot);
        drop(inner);
        self.freed.notify_all();
        Some(taken)
    }

    /// Takes what there is, at most a batch.
    pub fn take_now(&self) -> Option<Taken> {
        let mut inner = self.lock();
        if inner.aborted || inner.events == 0 {
            return None;
        }
        let taken = inner.take_batch(self.slot);
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
            portion.ack.settle(self.slot, count);
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
    /// Whether a batch has all that it can get: its events, its bytes, or as many as the queue has room for.
    fn is_batch_full(&self) -> bool {
        let QueueLimits {
            events_max, batch, ..
        } = self.limits;
        self.events >= batch.events
            || self.bytes >= batch.bytes
            || self.held_up
            || self.events + CHUNK_EVENTS_MAX > events_max
    }

    fn take_batch(&mut self, slot: usize) -> Taken {
        let limits = self.limits.batch;
        let mut items = Vec::with_capacity(limits.events.min(self.events));
        let mut settlers = Vec::new();
        let mut bytes = 0;
        while let Some(portion) = self.portions.front_mut() {
            let before = items.len();
            while let Some(document) = portion.documents.front() {
                let fits = bytes + document.as_str().len() <= limits.bytes || items.is_empty();
                if items.len() >= limits.events || !fits {
                    break;
                }
                bytes += document.as_str().len();
                let (settler, index) = (settlers.len(), items.len() - before);
                items.extend(portion.documents.pop_front().map(|document| Item {
                    document,
                    failed_since: None,
                    settler,
                    index,
                }));
            }
            if items.len() > before {
                settlers.push(Settler::Chunk {
                    ack: Arc::clone(&portion.ack),
                    slot,
                });
            }
            if !portion.documents.is_empty() {
                break;
            }
            self.portions.pop_front();
        }
        self.events -= items.len();
        self.bytes -= bytes;
        self.held_up = false;
        // What stays behind has waited too; its own time starts now, which is at most one age too late.
        self.since = (self.events > 0).then(Instant::now);
        let receipt = Receipt { settlers };
        Taken { items, receipt }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ack::Progress;
    use crate::queue::BatchLimits;
    use std::time::Duration;

    const NO_WAIT: BatchLimits = BatchLimits {
        events: 3,
        bytes: usize::MAX,
        age: Duration::ZERO,
    };

    fn queue(events_max: usize, on_full: OnFull, batch: BatchLimits) -> MemoryQueue {
        let limits = QueueLimits {
            events_max,
            on_full,
            batch,
        };
        MemoryQueue::new(0, limits)
    }

    fn documents(count: usize) -> Vec<Document> {
        let event = r#"{"metadata":{"uid":"u"},"involvedObject":{}}"#;
        let fields = weir_event::Fields::scan(event).expect("an event");
        (0..count)
            .map(|_| Document::new(weir_event::EventRef::new(event, &fields)))
            .collect()
    }

    fn one_receiver() -> Arc<Progress> {
        let progress = Progress::new(1);
        progress.add(0);
        progress
    }

    /// The `nth` chunk, of so many events; the first is 1, so that a position counts chunks.
    fn portion(progress: &Arc<Progress>, nth: u64, count: usize) -> (Vec<Document>, Arc<Ack>) {
        let ack = progress.start_chunk(0, nth);
        progress.seen(0, nth);
        ack.expect_all(&[(0, count)]);
        (documents(count), Arc::new(ack))
    }

    /// Pushes the `nth` chunk on a thread of its own, which may have to wait for room.
    fn push_beside(
        queue: &Arc<MemoryQueue>,
        progress: &Arc<Progress>,
        nth: u64,
        count: usize,
    ) -> std::thread::JoinHandle<Pushed> {
        let queue = Arc::clone(queue);
        let (documents, ack) = portion(progress, nth, count);
        std::thread::spawn(move || queue.push(documents, &ack, || ()))
    }

    fn settle(taken: &Taken) {
        taken
            .items
            .iter()
            .for_each(|item| taken.receipt.settle(item));
    }

    #[test]
    fn batches_cross_portions_and_settle_their_chunks() {
        let progress = one_receiver();
        let queue = queue(100, OnFull::Wait, NO_WAIT);
        for (nth, count) in [(1, 2), (2, 2), (3, 1)] {
            let (documents, ack) = portion(&progress, nth, count);
            assert_eq!(
                queue.push(documents, &ack, || ()),
                Pushed::Queued { dropped: 0 }
            );
        }
        let first = queue.take().expect("a batch");
        let settlers: Vec<usize> = first.items.iter().map(|item| item.settler).collect();
        assert_eq!(settlers, [0, 0, 1]);
        settle(&first);
        assert_eq!(progress.position(0, 0), Some(1));
        queue.close();
        let second = queue.take().expect("the rest");
        assert_eq!(second.items.len(), 2);
        settle(&second);
        assert!(progress.is_complete() && queue.take().is_none());
    }

    #[test]
    fn the_oldest_are_dropped_and_settled_where_that_is_wanted() {
        let progress = one_receiver();
        let queue = queue(4, OnFull::DropOldest, NO_WAIT);
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
        let progress = one_receiver();
        let queue = Arc::new(queue(3, OnFull::Wait, NO_WAIT));
        let (documents, ack) = portion(&progress, 1, 3);
        queue.push(documents, &ack, || ());
        let pusher = push_beside(&queue, &progress, 2, 1);
        assert_eq!(queue.take().expect("a batch").items.len(), 3);
        assert_eq!(
            pusher.join().expect("no panic"),
            Pushed::Queued { dropped: 0 }
        );
    }

    #[test]
    fn a_batch_does_not_wait_for_what_a_full_queue_keeps_out() {
        let progress = one_receiver();
        let never = BatchLimits {
            events: 1000,
            age: Duration::from_secs(3600),
            ..NO_WAIT
        };
        let queue = Arc::new(queue(1000, OnFull::Wait, never));
        let (documents, ack) = portion(&progress, 1, 600);
        queue.push(documents, &ack, || ());
        let pusher = push_beside(&queue, &progress, 2, 600);
        assert_eq!(queue.take().expect("a batch").items.len(), 600);
        assert_eq!(
            pusher.join().expect("no panic"),
            Pushed::Queued { dropped: 0 }
        );
    }

    #[test]
    fn limits_change_while_a_lane_waits_for_room() {
        let progress = one_receiver();
        let queue = Arc::new(queue(1, OnFull::Wait, NO_WAIT));
        let (documents, ack) = portion(&progress, 1, 1);
        queue.push(documents, &ack, || ());
        let pusher = push_beside(&queue, &progress, 2, 1);
        let limits = QueueLimits {
            events_max: 2,
            on_full: OnFull::Wait,
            batch: NO_WAIT,
        };
        queue.set(limits);
        assert_eq!(
            pusher.join().expect("no panic"),
            Pushed::Queued { dropped: 0 }
        );
    }

    #[test]
    fn who_is_woken_takes_nothing() {
        let queue = Arc::new(queue(1, OnFull::Wait, NO_WAIT));
        let taking = Arc::clone(&queue);
        let taker = std::thread::spawn(move || taking.take().expect("not closed").items.len());
        queue.wake();
        assert_eq!(taker.join().expect("no panic"), 0);
    }

    #[test]
    fn an_abort_ends_every_wait() {
        let progress = one_receiver();
        let queue = Arc::new(queue(1, OnFull::Wait, NO_WAIT));
        let (documents, ack) = portion(&progress, 1, 1);
        queue.push(documents, &ack, || ());
        let pusher = push_beside(&queue, &progress, 2, 1);
        queue.abort();
        assert_eq!(pusher.join().expect("no panic"), Pushed::Aborted);
        assert!(queue.take().is_none());
    }

    #[test]
    fn a_batch_holds_at_least_one_event_however_large() {
        let progress = one_receiver();
        let limits = BatchLimits {
            bytes: 1,
            ..NO_WAIT
        };
        let queue = queue(10, OnFull::Wait, limits);
        let (documents, ack) = portion(&progress, 1, 2);
        queue.push(documents, &ack, || ());
        assert_eq!(queue.take().expect("a batch").items.len(), 1);
    }
}
