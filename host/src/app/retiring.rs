//! Receivers that were removed and still deliver what they have.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::config;
use crate::deliver::Exchange;
use crate::queue::Queue;

/// How often a receiver that was removed is looked after.
pub(super) const TEND_EVERY: Duration = Duration::from_millis(200);

/// A receiver that was removed: it delivers what it has.
pub(super) struct Retiring {
    pub(super) name: String,
    pub(super) slot: usize,
    pub(super) queue: Arc<Queue>,
    pub(super) disk: Option<config::Disk>,
    pub(super) exchange: Arc<Exchange>,
    pub(super) thread: JoinHandle<()>,
    /// When the rest is given up.
    pub(super) until: Instant,
}

/// What became of receivers that were removed.
pub(super) struct Tended {
    /// One has ended: what waited for that can be taken.
    pub(super) has_ended: bool,
    /// When to look after them again.
    pub(super) again: Option<Duration>,
}
