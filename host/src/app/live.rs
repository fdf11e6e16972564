//! How long a change takes until everything goes by it.

use std::time::Instant;

/// Dropped when everything goes by a change: the lanes, and the sinks that are new in it.
pub(super) struct Live {
    changed: String,
    begun: Instant,
}

impl Live {
    /// With what changed, and when that was noticed.
    pub(super) fn of(changed: String, begun: Instant) -> Live {
        Live { changed, begun }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(changed = self.changed, ms, "live");
    }
}
