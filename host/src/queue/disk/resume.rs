//! A queue on disk at a start, and when versions begin anew.

use std::sync::PoisonError;

use weir_spool::Recovered;

use super::DiskQueue;
use crate::ack::{Has, POSITION_UNKNOWN, Stored};
use crate::config::Disk;

impl DiskQueue {
    /// Whether there may be records of a watch up to a position. There are none where the first record of the queue is of that
    /// watch and says so: the usual start, which must not take long.
    fn may_hold_settled(&self, name: &str, position: u64) -> bool {
        let first = self.spool.read(0, 1, 1);
        let first = first.ok().and_then(|records| records.into_iter().next());
        first.is_none_or(|first| *first.watch != *name || first.below < position)
    }
}

impl Stored for DiskQueue {
    fn resume(&self, watch: usize, position: Option<u64>) -> Has {
        let name = self.watches[watch].as_str();
        if let Some(position) = position.filter(|position| self.may_hold_settled(name, *position)) {
            match self.spool.discard_settled(name, position) {
                Ok(0) => {}
                Ok(events) => {
                    tracing::info!(
                        receiver = self.name,
                        events,
                        "queue.disk: the position says that these are delivered"
                    );
                    let mut inner = self.lock();
                    inner.left(events);
                    (self.told.recovered)(inner.recovered);
                }
                Err(error) => self.complain(&error, "events may be delivered again"),
            }
        }
        let mark = self.recovered.marks.get(name).copied();
        let mut inner = self.lock();
        inner.to_resume = inner.to_resume.saturating_sub(1);
        if !self.spool.is_empty() {
            inner.watches[watch].held = true;
            let held = position.unwrap_or(POSITION_UNKNOWN);
            self.progress.hold(self.slot, watch, held);
        }
        drop(inner);
        self.filled.notify_all();
        Has {
            all_up_to: position.max(mark.filter(|mark| *mark > 0)),
            above: self.recovered.above.get(name).cloned().unwrap_or_default(),
        }
    }

    fn restart(&self, watch: usize) {
        // Whoever pushes from here on has no mark of before.
        let mut epoch = self.epoch.write().unwrap_or_else(PoisonError::into_inner);
        *epoch += 1;
        while let Err(error) = self.spool.restart_marks(&self.watches[watch]) {
            self.complain(
                &error,
                "the source waits: versions began anew, and that must be noted first",
            );
            self.wait_for_room();
            let inner = self.lock();
            if inner.aborted || inner.left {
                return;
            }
        }
        drop(epoch);
        let mut inner = self.lock();
        let waiting = self.spool.len();
        if waiting > 0 || inner.pushing > 0 {
            inner.watches[watch].stale = waiting;
            inner.watches[watch].held = true;
            self.progress.hold(self.slot, watch, 0);
        }
    }
}

/// What was there, for who reads the log after an incident.
pub(super) fn tell(name: &str, disk: &Disk, recovered: &Recovered) {
    let path = disk.path.display();
    if recovered.records > 0 {
        let events = recovered.records;
        tracing::info!(receiver = name, %path, events, "queue.disk: events of an earlier run wait");
    }
    if recovered.unfinished_bytes > 0 {
        let bytes = recovered.unfinished_bytes;
        tracing::info!(receiver = name, %path, bytes, "queue.disk: an unfinished write was cut off");
    }
    if let Some(damage) = &recovered.damage {
        tracing::error!(
            receiver = name,
            %path,
            events = damage.records_lost,
            bytes = damage.bytes,
            put_aside = ?damage.files,
            "queue.disk: some of it is damaged and was put aside; what the source still has of it is asked for again"
        );
    }
}
