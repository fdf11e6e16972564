//! What waits to be announced. Who announces never waits; what does not fit costs the oldest its place.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::Announcement;
use super::event::cut;

/// How many different announcements wait at the most.
pub const WAITING_MAX: usize = 16;

/// Where announcements are put, from any thread. Clones are the same one.
///
/// Where no [`Announcer`](super::Announcer) takes them, as outside of a cluster, the newest [`WAITING_MAX`] stay, and
/// that is all.
#[derive(Clone, Default)]
pub struct Announcements(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    came: Notify,
}

#[derive(Default)]
struct Queue {
    /// The oldest first.
    waiting: VecDeque<Waiting>,
    left_out: u64,
}

/// An announcement, with its repeats while it waited.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) announcement: Announcement,
    pub(super) times: i32,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

impl Announcements {
    /// Announces it soon, or not at all. Returns at once.
    pub fn announce(&self, mut announcement: Announcement) {
        cut(&mut announcement.note);
        self.queue().add(announcement, Timestamp::now());
        self.0.came.notify_one();
    }

    /// Waits until there is one. For one who waits.
    pub(super) async fn some(&self) {
        while self.queue().waiting.is_empty() {
            self.0.came.notified().await;
        }
    }

    /// The oldest, and how many were left out since the last call.
    pub(super) fn take(&self) -> Option<(Waiting, u64)> {
        let mut queue = self.queue();
        let waiting = queue.waiting.pop_front()?;
        Some((waiting, std::mem::take(&mut queue.left_out)))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn add(&mut self, announcement: Announcement, now: Timestamp) {
        let same = |waiting: &&mut Waiting| waiting.announcement == announcement;
        if let Some(waiting) = self.waiting.iter_mut().find(same) {
            waiting.times = waiting.times.saturating_add(1);
            waiting.last = now;
            return;
        }
        if self.waiting.len() == WAITING_MAX {
            self.waiting.pop_front();
            self.left_out += 1;
        }
        self.waiting.push_back(Waiting {
            announcement,
            times: 1,
            first: now,
            last: now,
        });
    }
}
