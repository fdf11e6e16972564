//! A queue on disk at a start, and when versions begin anew.

use weir_spool::Recovered;

use super::DiskQueue;
use crate::ack::{Has, Stored};
use crate::config::Disk;

impl Stored for DiskQueue {
    fn resume(&self, watch: usize, position: Option<u64>) -> Has {
        let name = self.watches[watch].as_str();
        if let Some(position) = position {
            match self.spool.discard_settled(name, position) {
                Ok(0) => {}
                Ok(events) => {
                    tracing::info!(
                        receiver = self.name,
                        events,
                        "queue.disk: the position says that these are delivered"
                    );
                    let mut inner = self.lock();
                    inner.unread = inner.unread.saturating_sub(events);
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
            self.progress
                .hold(self.receiver, watch, position.unwrap_or(0));
        }
        drop(inner);
        self.filled.notify_all();
        Has {
            all_up_to: position.max(mark.filter(|mark| *mark > 0)),
            above: self.recovered.above.get(name).cloned().unwrap_or_default(),
        }
    }

    fn restart(&self, watch: usize) {
        if let Err(error) = self.spool.restart_marks(&self.watches[watch]) {
            self.complain(
                &error,
                "events of the new versions may be missed after a restart",
            );
        }
        let mut inner = self.lock();
        let waiting = self.spool.len();
        if waiting > 0 || inner.pushing > 0 {
            inner.watches[watch].stale = waiting;
            inner.watches[watch].held = true;
            self.progress.hold(self.receiver, watch, 0);
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
