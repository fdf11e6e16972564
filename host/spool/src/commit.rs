//! Writing: threads queue frames in the pending batch; one of them writes it for all, with one sync.
//!
//! Whatever fails, the tail is cut back to what it was before (if the disk lets us), and given up: the next write
//! begins a new segment. So no byte is trusted that a failed sync may have left behind, and what it left is void, since a
//! segment ends where the name of the next one says.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::disk;
use crate::error::{self, SpoolError};
use crate::frame::{Frame, Kind};
use crate::segment::{self, Segment};
use crate::state::{Batch, State, Tail};

/// What was removed is on the disk after this time, once anything is asked of the queue.
const LAZY_SYNC: Duration = Duration::from_secs(1);
/// A queue that is empty begins a new segment, and so gives space back, when its last one has this size.
const EMPTY_TAIL_BYTES: u64 = 1 << 20;

/// The state, and who writes.
pub(crate) struct Shared {
    pub folder: PathBuf,
    pub segment_bytes: u64,
    state: Mutex<State>,
    written: Condvar,
}

/// Where a batch goes.
struct Plan {
    tail: Option<Arc<Tail>>,
    offset: u64,
    first: u64,
    bytes: Vec<u8>,
    sync: bool,
}

impl Shared {
    pub(crate) fn new(folder: &Path, segment_bytes: u64, state: State) -> Self {
        Self {
            folder: folder.to_owned(),
            segment_bytes,
            state: Mutex::new(state),
            written: Condvar::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when what is pending is on the disk, or could not be written.
    pub(crate) fn commit<'a>(&'a self, mut state: MutexGuard<'a, State>) -> Result<(), SpoolError> {
        let outcome = Arc::clone(&state.pending.outcome);
        loop {
            if let Some(outcome) = outcome.get() {
                if outcome.is_ok() {
                    // What was removed while this was written.
                    self.save_removed(state);
                }
                return outcome.clone();
            }
            state = if state.writing {
                self.written
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner)
            } else {
                self.write(state, true)
            };
        }
    }

    /// Has the files say what was removed, if nobody is about to write anyway. What fails is tried again with the next write.
    pub(crate) fn save_removed(&self, state: MutexGuard<'_, State>) {
        let idle = !state.writing && state.pending.bytes.is_empty();
        let unsynced = state
            .segments
            .back()
            .is_some_and(|last| last.end > state.synced);
        let due = state.synced_at.elapsed() >= LAZY_SYNC;
        if idle && (state.removed_unsaved || (unsynced && due)) {
            drop(self.write(state, due));
        }
    }

    /// Writes what is pending, and what was removed.
    fn write<'a>(&'a self, mut state: MutexGuard<'a, State>, sync: bool) -> MutexGuard<'a, State> {
        state.writing = true;
        let mut batch = std::mem::take(&mut state.pending);
        let plan = self.plan(&state, &mut batch, sync);
        let removed = state.removed;
        drop(state);
        let written = self.carry_out(&plan);
        let mut state = self.lock();
        match written {
            Ok(tail) => {
                written_well(&mut state, &plan, batch, tail);
                state.removed_unsaved = state.removed != removed;
            }
            Err(error) => failed(&mut state, &batch, &error),
        }
        state.writing = false;
        self.written.notify_all();
        state
    }

    fn plan(&self, state: &State, batch: &mut Batch, sync: bool) -> Plan {
        let end = state.segments.back().map_or(0, |last| last.end);
        let full = end >= self.segment_bytes || (state.records == 0 && end >= EMPTY_TAIL_BYTES);
        let tail = state.tail.clone().filter(|_| !full || batch.records == 0);
        let begins = tail.is_none();
        let mut bytes = if begins { state.preamble() } else { Vec::new() };
        if !begins && state.removed_unsaved {
            Frame::new(Kind::Removed, state.removed, 0).write(&mut bytes);
        }
        if bytes.is_empty() {
            bytes = std::mem::take(&mut batch.bytes);
        } else {
            bytes.append(&mut batch.bytes);
        }
        Plan {
            tail,
            offset: if begins { 0 } else { end },
            first: state.durable_next,
            bytes,
            sync,
        }
    }

    fn carry_out(&self, plan: &Plan) -> Result<Arc<Tail>, SpoolError> {
        let Some(tail) = &plan.tail else {
            return self.begin_segment(plan);
        };
        let written = disk::write_all_at(&tail.file, &plan.bytes, plan.offset)
            .map_err(error::disk("write", &tail.path))
            .and_then(|()| match plan.sync {
                true => disk::sync(&tail.file).map_err(error::disk("sync", &tail.path)),
                false => Ok(()),
            });
        if written.is_err() {
            // Where this fails too, the next segment's name says that it does not count.
            let _ = disk::cut(&tail.file, plan.offset);
        }
        written.map(|()| Arc::clone(tail))
    }

    /// A segment has its name only when its first group is on the disk.
    fn begin_segment(&self, plan: &Plan) -> Result<Arc<Tail>, SpoolError> {
        let path = segment::path(&self.folder, plan.first);
        let unfinished = path.with_extension("new");
        let begun = (|| {
            let file = disk::create(&unfinished).map_err(error::disk("create", &unfinished))?;
            disk::write_all_at(&file, &plan.bytes, 0).map_err(error::disk("write", &unfinished))?;
            disk::sync(&file).map_err(error::disk("sync", &unfinished))?;
            disk::rename(&unfinished, &path, &self.folder).map_err(error::disk("name", &path))?;
            Ok(file)
        })();
        if begun.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        begun.map(|file| Arc::new(Tail { file, path }))
    }
}

fn written_well(state: &mut State, plan: &Plan, batch: Batch, tail: Arc<Tail>) {
    if plan.tail.is_none() {
        // One that has no record was replaced. Nobody walks along such a one.
        if state
            .segments
            .back()
            .is_some_and(|last| last.first == plan.first)
        {
            state.segments.pop_back();
        }
        state.segments.push_back(Segment {
            first: plan.first,
            end: 0,
        });
        if state.head.0 == plan.first || state.segments.len() == 1 {
            state.head = (plan.first, segment::PREFIX_BYTES);
        }
        state.tail = Some(tail);
    }
    let end = plan.offset + plan.bytes.len() as u64;
    if let Some(last) = state.segments.back_mut() {
        last.end = end;
    }
    if plan.sync || plan.tail.is_none() {
        state.synced = end;
        state.synced_at = Instant::now();
    }
    state.durable_next += batch.records;
    state.records += batch.records;
    state.record_bytes += batch.record_bytes;
    state.held_bytes += batch.record_bytes;
    state.coming_bytes -= batch.record_bytes;
    for (watch, mark) in batch.marks {
        if state.marks_coming.get(&watch) == Some(&mark) {
            state.marks_coming.remove(&watch);
        }
        state.marks.insert(watch, mark);
    }
    state.discards.extend(batch.discards);
    let _ = batch.outcome.set(Ok(()));
}

/// What was queued behind the batch fails with it: its sequence numbers and marks count on those before.
fn failed(state: &mut State, batch: &Batch, error: &SpoolError) {
    let behind = std::mem::take(&mut state.pending);
    for batch in [batch, &behind] {
        state.coming_bytes -= batch.record_bytes;
        let _ = batch.outcome.set(Err(error.clone()));
    }
    state.marks_coming.clear();
    state.next = state.durable_next;
    state.tail = None;
    state.removed_unsaved = true;
}
