//! A queue on disk: what waits in it outlives an outage of its sink, a restart, `kill -9`.
//!
//! An event is acknowledged when the disk has it, so that a million of them cost no memory; the receiver's position is
//! held (`Progress::hold`) at what was delivered, because a pod that moves loses its disk. Each record carries its watch's
//! *mark* at the time of its push: all of that watch up to the mark was settled or is in front of it. So when a record
//! is delivered, so is everything up to its mark, and the position may move there.
//!
//! At a start the receiver has all up to the newer of its position and the last mark, and the records that lie above it;
//! what its position passed in the meantime (another replica delivered it) is discarded.

mod push;
mod resume;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use weir_event::{Document, EventRef, Fields};
use weir_runtime::LogLimit;
use weir_spool::{Record, Recovered, Spool, SpoolError};

use super::{Item, QueueLimits, Receipt, Settler, Taken};
use crate::ack::{Progress, Stored};
use crate::config::Disk;

/// How long a disk that failed is left alone.
const DISK_PAUSE: Duration = Duration::from_secs(1);
/// Log lines a second about one queue's disk.
const FAILURE_LINES_A_SECOND_MAX: u32 = 1;

/// The queue.
pub struct DiskQueue {
    slot: usize,
    name: String,
    /// The names of the source's watches, by index.
    watches: Vec<String>,
    spool: Spool,
    recovered: Recovered,
    progress: Arc<Progress>,
    told: Told,
    /// How often versions began anew: a mark of before means nothing after.
    epoch: RwLock<u64>,
    inner: Mutex<Inner>,
    /// A batch may be ready.
    filled: Condvar,
    /// There may be room.
    freed: Condvar,
    failures: LogLimit,
}

/// Who is told what a queue on disk finds.
pub struct Told {
    /// How many events of an earlier run wait, at first and when some turn out to be delivered.
    pub recovered: Box<dyn Fn(u64) + Send + Sync>,
    /// A file was damaged while it was in use: only a new start can put it aside.
    pub damaged: Box<dyn Fn() + Send + Sync>,
}

struct Inner {
    limits: QueueLimits,
    /// Watches whose positions are not known yet; nothing is delivered before.
    to_resume: usize,
    /// The last record that was taken.
    read_through: u64,
    /// How many of those that were taken are still on the disk: of a queue that drops its oldest they may have left it.
    out_on_disk: u64,
    /// When the oldest event of the next batch came; none where it waited at the start.
    since: Option<Instant>,
    /// What was taken and has not left the disk, in its order, and how many left before them.
    out: VecDeque<OutRecord>,
    out_before: usize,
    /// Lanes that are pushing.
    pushing: usize,
    /// Nobody takes any more.
    left: bool,
    /// A lane waits for room.
    held_up: bool,
    /// For each watch, whether its position is held, and how many of the next records to leave say nothing of it: they were
    /// there when its versions began anew.
    watches: Vec<WatchState>,
    /// How many of the next records to leave were there at the start.
    recovered: u64,
    /// Whoever takes is to look up.
    woken: bool,
    closed: bool,
    aborted: bool,
}

#[derive(Clone, Default)]
struct WatchState {
    held: bool,
    stale: u64,
}

struct OutRecord {
    sequence: u64,
    watch: Option<usize>,
    below: u64,
    settled: bool,
}

impl DiskQueue {
    /// Opens the queue of the receiver with this slot and name, over a source with these watches.
    ///
    /// # Errors
    /// When the folder cannot be used, or another process has it.
    pub fn open(
        (slot, name): (usize, &str),
        disk: &Disk,
        limits: QueueLimits,
        watches: Vec<String>,
        progress: &Arc<Progress>,
        told: Told,
    ) -> Result<Arc<DiskQueue>, SpoolError> {
        let (spool, recovered) = Spool::open(&disk.path, disk.bytes)?;
        resume::tell(name, disk, &recovered);
        (told.recovered)(recovered.records);
        let inner = Inner {
            limits,
            to_resume: watches.len(),
            read_through: 0,
            out_on_disk: 0,
            since: None,
            out: VecDeque::new(),
            out_before: 0,
            pushing: 0,
            left: false,
            held_up: false,
            watches: vec![WatchState::default(); watches.len()],
            recovered: recovered.records,
            woken: false,
            closed: false,
            aborted: false,
        };
        let queue = Arc::new(DiskQueue {
            slot,
            name: name.to_owned(),
            watches,
            spool,
            recovered,
            progress: Arc::clone(progress),
            told,
            epoch: RwLock::new(0),
            inner: Mutex::new(inner),
            filled: Condvar::new(),
            freed: Condvar::new(),
            failures: LogLimit::new(FAILURE_LINES_A_SECOND_MAX),
        });
        let stored: Arc<dyn Stored> = queue.clone();
        progress.stores(slot, Arc::downgrade(&stored));
        Ok(queue)
    }

    /// Events that wait in it.
    pub fn waiting(&self) -> u64 {
        self.spool.len()
    }

    /// As [`super::Queue::take`].
    pub(super) fn take(self: &Arc<Self>) -> Option<Taken> {
        loop {
            let mut inner = self.await_batch()?;
            if std::mem::take(&mut inner.woken) {
                return Some(Taken::default());
            }
            match self.read(&mut inner) {
                Ok(Some(taken)) => return Some(taken),
                Ok(None) => {}
                Err(error) => {
                    drop(inner);
                    self.unreadable(&error);
                }
            }
            self.wait_for_room();
        }
    }

    /// As [`super::Queue::take_now`].
    pub(super) fn take_now(self: &Arc<Self>) -> Option<Taken> {
        let mut inner = self.lock();
        if inner.aborted || inner.to_resume > 0 || self.unread(&inner) == 0 {
            return None;
        }
        // What cannot be read now is complained about by the next `take`.
        self.read(&mut inner).ok()?
    }

    fn unreadable(&self, error: &SpoolError) {
        if let SpoolError::Damaged { .. } = error {
            self.complain(error, "stopping: the next start puts it aside and goes on");
            (self.told.damaged)();
        } else {
            self.complain(error, "it will be tried again");
        }
    }

    /// Waits for a batch. `None` where there will be none.
    fn await_batch(&self) -> Option<MutexGuard<'_, Inner>> {
        let mut inner = self.lock();
        loop {
            let (resumed, unread) = (inner.to_resume == 0, self.unread(&inner));
            if inner.aborted || (inner.closed && (unread == 0 || !resumed)) {
                return None;
            }
            let left = match inner.since {
                _ if inner.woken => Some(Duration::ZERO),
                _ if unread == 0 || !resumed => None,
                Some(since) if !(inner.closed || self.is_batch_full(&inner, unread)) => {
                    Some(inner.limits.batch.age.saturating_sub(since.elapsed()))
                }
                _ => Some(Duration::ZERO),
            };
            inner = match left {
                Some(Duration::ZERO) => return Some(inner),
                Some(left) => {
                    let woken = self.filled.wait_timeout(inner, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let woken = self.filled.wait(inner);
                    woken.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }

    /// Records that were not taken.
    fn unread(&self, inner: &Inner) -> u64 {
        self.spool.len().saturating_sub(inner.out_on_disk)
    }

    /// Whether a batch has all that it can get. How many bytes wait is not known for each batch: those are bounded when it
    /// is read.
    fn is_batch_full(&self, inner: &Inner, unread: u64) -> bool {
        unread >= inner.limits.batch.events as u64
            || inner.held_up
            || self.spool.bytes() >= inner.limits.batch.bytes as u64
    }

    /// Reads a batch. Nobody drops what is being read: that is done under the same lock.
    fn read(self: &Arc<Self>, inner: &mut Inner) -> Result<Option<Taken>, SpoolError> {
        let batch = inner.limits.batch;
        let (events, bytes) = (batch.events, batch.bytes as u64);
        let records = self.spool.read(inner.read_through, events, bytes)?;
        if records.is_empty() {
            return Ok(None);
        }
        let items = records.into_iter().map(|record| self.item(inner, &record));
        let items = items.collect();
        inner.held_up = false;
        inner.since = (self.unread(inner) > 0).then(Instant::now);
        let settlers = vec![Settler::Disk(Arc::clone(self))];
        let receipt = Receipt { settlers };
        Ok(Some(Taken { items, receipt }))
    }

    fn item(&self, inner: &mut Inner, record: &Record) -> Item {
        inner.read_through = record.sequence;
        inner.out_on_disk += 1;
        let index = inner.out_before + inner.out.len();
        let of = |name: &String| **name == *record.watch;
        inner.out.push_back(OutRecord {
            sequence: record.sequence,
            watch: self.watches.iter().position(of),
            below: record.below,
            settled: false,
        });
        // Only what a reader made of an event was ever put there, so its fields can be read.
        let fields = Fields::scan(&record.document).unwrap_or_default();
        Item {
            document: Document::new(EventRef::new(&record.document, &fields)),
            failed_since: None,
            settler: 0,
            index,
        }
    }

    /// Notes that an event is settled.
    pub(super) fn settle(&self, index: usize) {
        let mut inner = self.lock();
        let at = index.checked_sub(inner.out_before);
        if let Some(record) = at.and_then(|at| inner.out.get_mut(at)) {
            record.settled = true;
        }
    }

    /// Removes from the disk what is settled, up to the first that is not.
    pub(super) fn forget_settled(&self) {
        let mut inner = self.lock();
        let settled = |record: &&OutRecord| record.settled;
        let count = inner.out.iter().take_while(settled).count();
        let Some(last) = count.checked_sub(1).map(|last| inner.out[last].sequence) else {
            return;
        };
        match self.spool.remove_through(last) {
            Ok(gone) => inner.out_on_disk = inner.out_on_disk.saturating_sub(gone),
            Err(error) => {
                self.complain(
                    &error,
                    "delivered events may be delivered again after a restart",
                );
            }
        }
        let settled: Vec<OutRecord> = inner.out.drain(..count).collect();
        inner.out_before += count;
        for record in settled {
            self.move_position(&mut inner, &record);
            inner.left(1);
        }
        if self.spool.is_empty() && inner.pushing == 0 {
            for (watch, state) in inner.watches.iter_mut().enumerate() {
                state.held = false;
                self.progress.hold(self.slot, watch, u64::MAX);
            }
        }
        drop(inner);
        self.freed.notify_all();
    }

    /// Everything of its watch up to the record's mark is delivered, unless the mark is of versions that are no more.
    fn move_position(&self, inner: &mut Inner, record: &OutRecord) {
        let Some(watch) = record.watch else {
            return;
        };
        let mark_at_start = self.recovered.marks.get(&self.watches[watch]);
        let stale = inner.watches[watch].stale > 0
            || (inner.recovered > 0 && mark_at_start.is_none_or(|mark| record.below > *mark));
        if !stale {
            self.progress.hold(self.slot, watch, record.below);
        }
    }

    /// As [`super::Queue::set`]; how much of the disk it may take does not change.
    pub(super) fn set(&self, limits: QueueLimits) {
        self.lock().limits = limits;
        self.filled.notify_all();
        self.freed.notify_all();
    }

    /// As [`super::Queue::wake`].
    pub(super) fn wake(&self) {
        self.lock().woken = true;
        self.filled.notify_all();
    }

    /// As [`super::Queue::close`].
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    /// As [`super::Queue::abort`].
    pub(super) fn abort(&self) {
        self.lock().aborted = true;
        self.filled.notify_all();
        self.freed.notify_all();
    }

    /// As [`super::Queue::leave`].
    pub(super) fn leave(&self) {
        self.lock().left = true;
        self.freed.notify_all();
    }

    /// As [`super::Queue::finish`].
    pub(super) fn finish(&self) {
        let marks: Vec<(&str, u64)> = self
            .watches
            .iter()
            .enumerate()
            .map(|(watch, name)| (name.as_str(), self.progress.mark(self.slot, watch)))
            .collect();
        if let Err(error) = self.spool.save_marks(&marks) {
            self.complain(&error, "some events may be queued twice after a restart");
        }
    }

    fn complain(&self, error: &SpoolError, then: &str) {
        if let Some(left_out) = self.failures.admit() {
            tracing::error!(
                receiver = self.name,
                left_out,
                "queue.disk: {error}; {then}"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// So many records have left the queue.
    fn left(&mut self, records: u64) {
        self.recovered = self.recovered.saturating_sub(records);
        for watch in &mut self.watches {
            watch.stale = watch.stale.saturating_sub(records);
        }
    }
}

#[cfg(test)]
mod tests;
