//! The queue on disk of one receiver (`queue.disk`): what waits for a sink outlives an outage of hours, a restart and
//! `kill -9` in it.
//!
//! It knows documents as text, and neither JSON nor Kubernetes. It starts no thread: each call does its own work in the
//! thread that makes it, and may wait for the disk. README.md beside it says why it is a log of our own, and what was measured.
//!
//! # Invariants
//!
//! 1. **Order.** A record has a sequence number; they begin with 1 and grow by one in the order of pushes. Reading is in that order.
//!    No clock has a say in it.
//! 2. **Durable.** When [`Spool::push`] returns [`Pushed::Kept`], the portion is on the disk (`fdatasync`).
//! 3. **Whole.** A portion is in the queue as a whole with its watch's mark, or not at all, whenever the process ends.
//! 4. **An error keeps nothing.** After an error the queue is as before, and the call may be made again. A sync that failed is never
//!    taken for success later: its file is given up, and the next push writes a new one. (If the process ends right after the
//!    error, a portion of that push may be found whole; never a part of it.)
//! 5. **Marks are never ahead.** A mark is on the disk only with, or after, the records that it speaks of. Marks only grow, but for
//!    [`Spool::restart_marks`], and for damage: then they go back to before what is lost, so that the host asks for it again.
//! 6. **Removed** records are never read again by this process. A later one reads again what was removed in the last moments: after
//!    `kill -9`, while a push was being written; after a loss of power, since the last push or the last second.
//! 7. **Nothing appears twice** but by 6 and what the caller pushes twice.
//! 8. **Bounded.** Frames that are not removed take at most `bytes_max` (a portion that is larger by itself is let in when the
//!    queue is empty). The files are larger by at most: one segment and one portion (removed, but their file still has other records),
//!    and for each segment the marks of all watches. A segment is a 64th of `bytes_max`, but 1 MiB to 64 MiB. A record takes
//!    40 bytes and its watch's name more than its document.
//! 9. **Space comes back** a segment at a time, when all of it is removed: within that call, or the next that removes. An empty queue
//!    keeps at most one segment, and the next removal after a push makes that 1 MiB at most.
//! 10. **Memory** is a few dozen bytes for each segment and each watch, nothing for a record, and for the time of a push its portion.
//! 11. **Damage is contained.** Each record has a checksum of its own. Opening checks every byte, keeps what can be read, and renames a
//!     damaged file (never deletes it). Of the very last portion all is lost if any of it is: it may never have been whole (3).
//!     No content of a file makes it panic or loop.
//! 12. **One owner.** A folder belongs to one `Spool`, by a lock that ends with the process.
//!
//! # Layout
//!
//! | file | what |
//! |---|---|
//! | `lock` | empty; locked (`flock`) by its owner |
//! | `<sequence>.log` | a segment: frames (`frame.rs` has their bytes) from that record on. It begins with all marks and what was removed, so that former segments can go. It ends where the name of the next one says |
//! | `<sequence>.new` | a segment that is being begun; void at a start |
//! | `<sequence>.salvaged` | the copy of what can be read of a damaged segment; takes its place when it is whole |
//! | `<sequence>.log.damaged-<seconds>` | a damaged segment, for people; weir never reads it again |

mod commit;
mod disk;
mod error;
mod frame;
mod put_aside;
mod reader;
mod recover;
mod scan;
mod segment;
mod state;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::commit::Shared;
pub use crate::error::SpoolError;
use crate::frame::{DOCUMENT_BYTES_MAX, Frame, Kind, WATCH_BYTES_MAX, record_bytes};
use crate::reader::Cursor;
use crate::state::{Mark, State, mark_frame};

/// A portion is copied before it is written; this bounds the copy.
const PORTION_BYTES_MAX: usize = 64 << 20;
/// A segment is this part of the queue's bound …
const SEGMENTS: u64 = 64;
/// … but neither so small that files are made all the time, nor so large that space comes back in an hour only.
const SEGMENT_BYTES: std::ops::RangeInclusive<u64> = (1 << 20)..=(64 << 20);
/// How many versions above its mark are told of one watch: the lowest.
const ABOVE_MAX: usize = 65_536;

/// A document to queue.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The resourceVersion of the event that it came from; 0 for what has none.
    pub version: u64,
    /// JSON text, 1 byte to 16 MiB.
    pub document: &'a str,
}

/// A document in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number in the queue.
    pub sequence: u64,
    /// The resourceVersion of the event that it came from; 0 for what has none.
    pub version: u64,
    /// Its watch's mark with the portion that brought it.
    pub below: u64,
    /// The watch.
    pub watch: Arc<str>,
    /// JSON text.
    pub document: String,
}

/// What became of a portion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Pushed {
    /// It is on the disk.
    Kept,
    /// There is no room; nothing was written, and the mark is as it was.
    Full,
}

/// What a queue held when it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Records that wait.
    pub records: u64,
    /// The size of their frames: documents, names and 40 bytes each.
    pub bytes: u64,
    /// The mark of each watch that was ever pushed or saved.
    pub marks: BTreeMap<String, u64>,
    /// Versions of records that wait and are above their watch's mark, where there are any. They are few, as many as the lanes
    /// had under way, but after damage; of each watch the lowest 65 536 are told.
    pub above: BTreeMap<String, BTreeSet<u64>>,
    /// Bytes at the end that belonged to no whole portion, and were cut off. It is what a push leaves that did not return; a file that
    /// somebody cut looks the same.
    pub unfinished_bytes: u64,
    /// What was damaged.
    pub damage: Option<Damage>,
}

/// What could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Damage {
    /// Records that are missing, by the sequence numbers around them. At the end of the queue there may be more.
    pub records_lost: u64,
    /// Bytes that could not be used.
    pub bytes: u64,
    /// Where the damaged files are now. Empty where a whole file is missing.
    pub files: Vec<PathBuf>,
}

/// The queue on disk of one receiver. All calls may be made from any thread.
pub struct Spool {
    shared: Shared,
    bytes_max: u64,
    /// Whoever reads or removes.
    reader: Mutex<Cursor>,
    /// Held until the end; never written.
    lock: File,
}

impl Spool {
    /// Opens the queue in a folder, which is made (for its owner only) if it is missing. Reads all of it: some 1 GB a second, if the disk
    /// is as fast.
    ///
    /// `bytes_max` bounds what waits, see invariant 8. If more waits already, it stays, and pushes are refused until there is room.
    ///
    /// # Errors
    /// [`SpoolError::Locked`], [`SpoolError::NewerFormat`], or [`SpoolError::Disk`]. Damage is no error.
    pub fn open(path: &Path, bytes_max: u64) -> Result<(Self, Recovered), SpoolError> {
        let lock = lock(path)?;
        let (state, recovered) = recover::recover(path)?;
        let least = *SEGMENT_BYTES.start();
        let segment_bytes = (bytes_max / SEGMENTS).clamp(least, *SEGMENT_BYTES.end());
        let spool = Self {
            shared: Shared::new(path, segment_bytes, state),
            bytes_max,
            reader: Mutex::default(),
            lock,
        };
        if recovered.damage.is_some() {
            // What was told once is known from now on: a new segment says so.
            spool.shared.commit(spool.shared.lock())?;
        }
        Ok((spool, recovered))
    }

    /// Queues a portion of one watch, in this order, and returns when it is on the disk. Pushes of several threads share a sync.
    ///
    /// `mark` promises: every event of the watch with a version up to it is in this queue (this portion included), was delivered
    /// from it, or does not concern this receiver. A mark below the watch's own changes nothing. An empty portion saves the mark.
    ///
    /// # Errors
    /// [`SpoolError::Size`] beyond 64 MiB a portion, 16 MiB a document, 1024 bytes a name; [`SpoolError::Disk`]. Nothing is kept then.
    pub fn push(
        &self,
        portion: &[Entry<'_>],
        watch: &str,
        mark: u64,
    ) -> Result<Pushed, SpoolError> {
        check_watch(watch)?;
        if portion.is_empty() {
            return self.save_marks(&[(watch, mark)]).map(|()| Pushed::Kept);
        }
        let bytes = check_portion(portion, watch)?;
        let mut state = self.shared.lock();
        let empty = state.records == 0 && state.coming_bytes == 0;
        let full = state.held_bytes + state.coming_bytes + bytes > self.bytes_max;
        if full && !empty {
            return Ok(Pushed::Full);
        }
        queue(&mut state, portion, watch, mark, bytes);
        self.shared.commit(state).map(|()| Pushed::Kept)
    }

    /// Saves marks of watches that had nothing to queue: now and then, and at a shutdown. Returns when they are on the disk, and
    /// does nothing if none of them grew.
    ///
    /// # Errors
    /// As [`Spool::push`]; then none of them is saved.
    pub fn save_marks(&self, marks: &[(&str, u64)]) -> Result<(), SpoolError> {
        for (watch, _) in marks {
            check_watch(watch)?;
        }
        let mut state = self.shared.lock();
        let mut grown: BTreeMap<&str, Mark> = BTreeMap::new();
        for (watch, mark) in marks {
            let known = grown.get(watch).copied();
            let known = known.unwrap_or_else(|| state.mark_coming(watch));
            if *mark > known.mark {
                grown.insert(
                    watch,
                    Mark {
                        mark: *mark,
                        ..known
                    },
                );
            }
        }
        let coming = |(watch, _): &(&str, u64)| state.marks_coming.contains_key(*watch);
        if grown.is_empty() && !marks.iter().any(coming) {
            self.shared.save_removed(state);
            return Ok(());
        }
        let count = grown.len();
        for (index, (watch, mark)) in grown.into_iter().enumerate() {
            set_mark(&mut state, watch, mark, index + 1 == count);
        }
        self.shared.commit(state)
    }

    /// The versions of a watch began anew (a restored etcd, another cluster): its mark becomes 0, and the versions of what waits say nothing
    /// any more: they are in no `above`, and no [`Spool::discard_settled`] concerns them.
    ///
    /// # Errors
    /// As [`Spool::push`].
    pub fn restart_marks(&self, watch: &str) -> Result<(), SpoolError> {
        check_watch(watch)?;
        let mut state = self.shared.lock();
        let mark = Mark {
            mark: 0,
            since: state.next,
        };
        set_mark(&mut state, watch, mark, true);
        self.shared.commit(state)
    }

    /// Records after a sequence number, in order: at most `events_max`, with documents of at most `bytes_max`, but at least one
    /// if there is any. Empty at the end of the queue. Reading on where the last read ended is the fast case.
    ///
    /// # Errors
    /// [`SpoolError::Disk`], and [`SpoolError::Damaged`] if a file changed since it was opened.
    pub fn read(
        &self,
        after: u64,
        events_max: usize,
        bytes_max: u64,
    ) -> Result<Vec<Record>, SpoolError> {
        self.reader()
            .read(&self.shared, after, events_max, bytes_max)
    }

    /// Everything up to a sequence number is delivered; how many records that removed. It is written at once and synced
    /// with the next push, or with the first call a second later: a machine that loses power before has these delivered again.
    ///
    /// # Errors
    /// As [`Spool::read`]; then nothing is removed. A disk that is full is none: space is what this brings.
    pub fn remove_through(&self, sequence: u64) -> Result<u64, SpoolError> {
        self.reader().remove_through(&self.shared, sequence)
    }

    /// Removes the oldest records; how many there were.
    ///
    /// # Errors
    /// As [`Spool::remove_through`].
    pub fn drop_oldest(&self, events: u64) -> Result<u64, SpoolError> {
        self.reader().drop_oldest(&self.shared, events)
    }

    /// Removes all records of a watch with a version up to this one (not those without a version): they are settled elsewhere, by another
    /// replica. How many there were. Reads all that waits; their space comes back only with that of the records around them.
    ///
    /// # Errors
    /// As [`Spool::push`] and [`Spool::read`]; then nothing is removed.
    pub fn discard_settled(&self, watch: &str, version: u64) -> Result<u64, SpoolError> {
        check_watch(watch)?;
        self.reader().discard(&self.shared, watch, version)
    }

    /// How many records wait. Costs nothing.
    pub fn len(&self) -> u64 {
        self.shared.lock().records
    }

    /// Whether none waits. Costs nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The size of the frames that wait: documents, names and 40 bytes each. Costs nothing.
    pub fn bytes(&self) -> u64 {
        self.shared.lock().record_bytes
    }

    fn reader(&self) -> MutexGuard<'_, Cursor> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Spool {
    /// Writes what was removed, if the disk lets it.
    fn drop(&mut self) {
        self.shared.save_removed(self.shared.lock());
        // A child that is being started just now has the file open too; closing it would leave the lock to that.
        let _ = self.lock.unlock();
    }
}

impl fmt::Debug for Spool {
    /// Without any document.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        formatter
            .debug_struct("Spool")
            .field("folder", &self.shared.folder)
            .field("records", &state.records)
            .field("bytes", &state.record_bytes)
            .finish_non_exhaustive()
    }
}

/// Makes the folder, and locks it.
fn lock(folder: &Path) -> Result<File, SpoolError> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).map_err(error::disk("create", parent))?;
    }
    let made = DirBuilder::new().mode(0o700).create(folder);
    match made {
        Err(error) if !folder.is_dir() => return Err(error::disk("create", folder)(error)),
        _ => {}
    }
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    let file = options.open(&path).map_err(error::disk("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SpoolError::Locked {
            path: folder.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(error::disk("lock", &path)(error)),
    }
}

fn check_watch(watch: &str) -> Result<(), SpoolError> {
    check_size("a watch's name", watch.len(), 0, WATCH_BYTES_MAX)
}

/// The size of a portion's frames.
fn check_portion(portion: &[Entry<'_>], watch: &str) -> Result<u64, SpoolError> {
    let mut bytes = 0;
    for entry in portion {
        check_size("a document", entry.document.len(), 1, DOCUMENT_BYTES_MAX)?;
        bytes += record_bytes(watch, entry.document);
    }
    let size = usize::try_from(bytes).unwrap_or(usize::MAX);
    check_size("a portion", size, 1, PORTION_BYTES_MAX)?;
    Ok(bytes)
}

fn check_size(
    what: &'static str,
    bytes: usize,
    least: usize,
    most: usize,
) -> Result<(), SpoolError> {
    if (least..=most).contains(&bytes) {
        return Ok(());
    }
    Err(SpoolError::Size {
        what,
        bytes,
        least,
        most,
    })
}

/// Has a portion written with what is pending.
fn queue(state: &mut State, portion: &[Entry<'_>], watch: &str, mark: u64, bytes: u64) {
    let known = state.mark_coming(watch);
    let below = known.mark.max(mark);
    for (index, entry) in portion.iter().enumerate() {
        let frame = Frame {
            kind: Kind::Record,
            last: index + 1 == portion.len(),
            sequence: state.next,
            version: entry.version,
            below,
            watch,
            document: entry.document,
        };
        frame.write(&mut state.pending.bytes);
        state.next += 1;
    }
    state.pending.records += portion.len() as u64;
    state.pending.record_bytes += bytes;
    state.coming_bytes += bytes;
    state.set_mark(
        watch,
        Mark {
            mark: below,
            ..known
        },
    );
}

/// Has a mark written with what is pending, in a frame of its own.
fn set_mark(state: &mut State, watch: &str, mark: Mark, last: bool) {
    mark_frame(watch, mark, last).write(&mut state.pending.bytes);
    state.set_mark(watch, mark);
}
