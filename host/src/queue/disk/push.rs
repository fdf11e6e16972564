//! Putting portions on the disk: whole, with their watch's mark, and held up where there is no room.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use weir_spool::{Entry, SpoolError};

use super::{DISK_PAUSE, DiskQueue};
use crate::ack::Ack;
use crate::config::OnFull;
use crate::queue::{Portion, Pushed};

/// Bytes of documents that are written together.
const PIECE_BYTES_MAX: usize = 16 << 20;

/// A mark, and in which epoch it was one.
#[derive(Clone, Copy)]
struct Mark {
    version: u64,
    epoch: u64,
}

impl DiskQueue {
    /// Puts a portion on the disk, and settles it; `counted` runs just before anybody can take it. One that is larger
    /// than the bound is let in when the queue is empty.
    pub(in crate::queue) fn push(
        &self,
        portion: &Portion,
        ack: &Arc<Ack>,
        counted: impl FnOnce(),
    ) -> Pushed {
        let entries: Vec<Entry<'_>> = portion
            .documents
            .iter()
            .zip(&portion.versions)
            .map(|(document, version)| Entry {
                version: *version,
                document: document.as_str(),
            })
            .collect();
        let mark = self.begin_push(ack);
        // Whoever takes sees it as soon as the disk has it.
        counted();
        let written = self.write_all(&entries, &self.watches[ack.watch()], mark);
        let mut inner = self.lock();
        inner.pushing -= 1;
        let dropped = match written {
            Ok(dropped) => dropped,
            Err(why) => return why,
        };
        inner.since.get_or_insert_with(Instant::now);
        drop(inner);
        // What is held is held already: from here on the position is the queue's affair.
        ack.settle(self.slot, entries.len());
        self.filled.notify_one();
        Pushed::Queued { dropped }
    }

    /// From now on the queue is not empty: the position stays where it is until what comes is delivered.
    fn begin_push(&self, ack: &Ack) -> Mark {
        let epoch = *read(&self.epoch);
        let version = ack.mark(self.slot);
        let mut inner = self.lock();
        inner.pushing += 1;
        let watch = &mut inner.watches[ack.watch()];
        if !watch.held {
            watch.held = true;
            self.progress.hold(self.slot, ack.watch(), version);
        }
        Mark { version, epoch }
    }

    /// In pieces that the disk takes at once: what filters emit can be much.
    fn write_all(&self, entries: &[Entry<'_>], watch: &str, mark: Mark) -> Result<usize, Pushed> {
        let (mut rest, mut dropped) = (entries, 0);
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |entry: &&Entry<'_>| {
                bytes += entry.document.len();
                bytes <= PIECE_BYTES_MAX
            };
            let count = rest.iter().take_while(fits).count().max(1);
            let (piece, after) = rest.split_at(count);
            dropped += self.write(piece, watch, mark)?;
            rest = after;
        }
        Ok(dropped)
    }

    /// Until the disk has it, or nobody will make room for it. Gives how many older events were given up.
    fn write(&self, entries: &[Entry<'_>], watch: &str, mark: Mark) -> Result<usize, Pushed> {
        let mut dropped = 0;
        let mut tried = false;
        loop {
            let drops_oldest = {
                let inner = self.lock();
                if inner.aborted {
                    return Err(Pushed::Aborted);
                }
                if inner.left && tried {
                    return Err(Pushed::Left);
                }
                inner.limits.on_full == OnFull::DropOldest
            };
            tried = true;
            match self.try_write(entries, watch, mark) {
                Ok(weir_spool::Pushed::Kept) => return Ok(dropped),
                Ok(weir_spool::Pushed::Full) if drops_oldest => {
                    dropped += self.drop_oldest(entries.len() as u64);
                }
                Ok(weir_spool::Pushed::Full) => self.wait_for_room(),
                Err(error) => {
                    self.complain(&error, "events wait in memory, and the source with them");
                    self.wait_for_room();
                }
            }
        }
    }

    /// Versions do not begin anew between looking at the mark and writing it.
    fn try_write(
        &self,
        entries: &[Entry<'_>],
        watch: &str,
        mark: Mark,
    ) -> Result<weir_spool::Pushed, SpoolError> {
        let epoch = read(&self.epoch);
        let version = if *epoch == mark.epoch {
            mark.version
        } else {
            0
        };
        self.spool.push(entries, watch, version)
    }

    /// Waits until something has left, or for a while: room may come from elsewhere, too.
    pub(super) fn wait_for_room(&self) {
        let mut inner = self.lock();
        if inner.aborted || inner.left {
            return;
        }
        inner.held_up = true;
        self.filled.notify_one();
        let woken = self.freed.wait_timeout(inner, DISK_PAUSE);
        drop(woken.unwrap_or_else(PoisonError::into_inner));
    }

    /// Drops so many from the front that nobody is delivering; gives how many there were. What is being delivered stands
    /// before them, and leaves the disk with them.
    fn drop_oldest(&self, events: u64) -> usize {
        let mut inner = self.lock();
        match self.spool.drop_oldest(inner.out_on_disk + events) {
            Ok(gone) => {
                let dropped = gone.saturating_sub(inner.out_on_disk);
                inner.out_on_disk = inner.out_on_disk.saturating_sub(gone);
                inner.left(dropped);
                drop(inner);
                if gone == 0 {
                    // All that takes room is being written by other lanes.
                    self.wait_for_room();
                }
                usize::try_from(dropped).unwrap_or(usize::MAX)
            }
            Err(error) => {
                drop(inner);
                self.complain(&error, "the oldest events could not be dropped");
                self.wait_for_room();
                0
            }
        }
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}
