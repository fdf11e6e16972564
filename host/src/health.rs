//! Whether this process is well: what the probes of Kubernetes ask.
//!
//! *Alive* means that no loop of weir is stuck in itself. A [`Heartbeat`] belongs to one loop; it beats with each
//! turn, and says where it waits for something outside: a sink, a full queue, the API server, more events, a
//! call of a plugin (which has limits of its own). None of these is a reason to kill the process; a loop that
//! neither moves nor waits for more than [`STUCK_AFTER`] is.
//!
//! *Ready* means that weir does its work, or stands by to: a [`Readiness`] says so of the source.
//!
//! Nothing here has a clock or a thread: a beat is an addition, and whoever asks brings the time. It never acts on what it
//! finds. `app` hands heartbeats to the loops; `admin` asks.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A loop that did not move and did not wait for so long is stuck. A turn between two waits takes milliseconds.
pub const STUCK_AFTER: Duration = Duration::from_secs(60);
/// So much of the time between two looks counts: a process that was stopped or frozen for minutes, and whose loops
/// go on now, must not be found stuck by the first look.
const BETWEEN_LOOKS_MOST: Duration = Duration::from_secs(15);

/// The heartbeats of a process.
#[derive(Debug, Default)]
pub struct Heartbeats {
    loops: Mutex<Vec<Watched>>,
}

/// One loop's heartbeat. Dropped when the loop ends: what has ended is not stuck.
#[derive(Debug)]
pub struct Heartbeat {
    pulse: Arc<Pulse>,
}

/// While it is there, the loop waits for something that is not its own.
#[derive(Debug)]
pub struct Waiting<'a> {
    pulse: &'a Pulse,
}

#[derive(Debug, Default)]
struct Pulse {
    /// Goes up with every turn, and with every begin and end of a wait: as long as it stays, so did the loop.
    beats: AtomicU64,
    /// Waits that are under way, one in the other.
    waits: AtomicU32,
}

/// What was seen of a loop at the last look.
#[derive(Debug)]
struct Watched {
    name: String,
    pulse: Weak<Pulse>,
    beats: u64,
    looked: Option<Instant>,
    /// How long it has been seen not to move.
    still: Duration,
}

impl Heartbeats {
    /// A heartbeat for a loop with this name, which is a part of weir: `weir-lane-0`.
    pub fn add(&self, name: impl Into<String>) -> Heartbeat {
        let pulse = Arc::new(Pulse::default());
        let watched = Watched {
            name: name.into(),
            pulse: Arc::downgrade(&pulse),
            beats: 0,
            looked: None,
            still: Duration::ZERO,
        };
        let mut loops = lock(&self.loops);
        // Nobody may ever look.
        loops.retain(|watched| watched.pulse.strong_count() > 0);
        loops.push(watched);
        drop(loops);
        Heartbeat { pulse }
    }

    /// The names of the loops that are stuck. Known from repeated looks only: one at least every 15 s finds a stuck loop in
    /// [`STUCK_AFTER`], rarer ones later, a single one never.
    pub fn stuck(&self, now: Instant) -> Vec<String> {
        let mut loops = lock(&self.loops);
        loops.retain(|watched| watched.pulse.strong_count() > 0);
        let stuck = loops
            .iter_mut()
            .filter_map(|watched| watched.is_stuck(now).then(|| watched.name.clone()));
        stuck.collect()
    }
}

impl Heartbeat {
    /// The loop has come round. Costs a few nanoseconds.
    pub fn beat(&self) {
        self.pulse.beats.fetch_add(1, Ordering::Relaxed);
    }

    /// From here on the loop waits, until what this gives is dropped.
    #[must_use = "the wait ends when this is dropped"]
    pub fn waiting(&self) -> Waiting<'_> {
        self.pulse.waits.fetch_add(1, Ordering::Relaxed);
        self.beat();
        Waiting { pulse: &self.pulse }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // First the beat, so that no look finds a loop that no longer waits and has not moved.
        self.pulse.beats.fetch_add(1, Ordering::Release);
        self.pulse.waits.fetch_sub(1, Ordering::Release);
    }
}

impl Watched {
    fn is_stuck(&mut self, now: Instant) -> bool {
        let Some(pulse) = self.pulse.upgrade() else {
            return false;
        };
        // The reverse of the order in which the end of a wait writes.
        let waits = pulse.waits.load(Ordering::Acquire) > 0;
        let beats = pulse.beats.load(Ordering::Acquire);
        let since = self.looked.replace(now).map_or(Duration::ZERO, |looked| {
            now.saturating_duration_since(looked)
        });
        if waits || beats != self.beats {
            self.still = Duration::ZERO;
        } else {
            self.still += since.min(BETWEEN_LOOKS_MOST);
        }
        self.beats = beats;
        self.still >= STUCK_AFTER
    }
}

/// Says whether the source does its work, or stands by to.
pub trait Readiness: Send + Sync {
    /// How it is now. Called on the thread that answers all probes, for each of them: it must not wait.
    fn report(&self) -> Report;
}

/// What a [`Readiness`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Connected, or standby.
    pub ready: bool,
    /// Why it is not, for people; or what should be known though it is. A few short lines.
    pub reasons: Vec<String>,
    /// An object whose members stand beside `ready` and `reasons` in the answer: `{"source": {…}, "leader": {…}}`.
    pub details: Value,
}

/// A source that is always as it is: a replay.
impl Readiness for Report {
    fn report(&self) -> Report {
        self.clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks every 10 s, as a kubelet does; `between` is what the loop does before each look.
    fn found_after(
        heartbeats: &Heartbeats,
        looks: u64,
        mut between: impl FnMut(u64),
    ) -> Option<u64> {
        let start = Instant::now();
        (0..=looks).find(|look| {
            between(*look);
            !heartbeats
                .stuck(start + Duration::from_secs(10 * look))
                .is_empty()
        })
    }

    #[test]
    fn a_loop_that_neither_moves_nor_waits_is_stuck_after_a_minute() {
        let heartbeats = Heartbeats::default();
        let (moving, _stuck) = (heartbeats.add("moving"), heartbeats.add("stuck"));
        assert_eq!(found_after(&heartbeats, 100, |_| moving.beat()), Some(6));
        moving.beat();
        assert_eq!(heartbeats.stuck(Instant::now()), ["stuck"]);
    }

    #[test]
    fn a_loop_that_moves_or_waits_or_has_ended_is_not() {
        let heartbeats = Heartbeats::default();
        let slow = heartbeats.add("a turn takes 50 s");
        let turn = |look| {
            if look % 5 == 0 {
                slow.beat();
            }
        };
        assert_eq!(found_after(&heartbeats, 1000, turn), None);
        drop(slow);
        let waits = heartbeats.add("waits for a sink");
        let outer = waits.waiting();
        drop(waits.waiting());
        assert_eq!(
            found_after(&heartbeats, 1000, |_| ()),
            None,
            "the outer wait goes on"
        );
        drop(outer);
        assert_eq!(
            found_after(&heartbeats, 5, |_| ()),
            None,
            "its minute begins when the wait ends"
        );
        drop(waits);
        assert_eq!(found_after(&heartbeats, 1000, |_| ()), None);
    }

    #[test]
    fn a_process_that_was_frozen_is_not_stuck() {
        let heartbeats = Heartbeats::default();
        let _loop = heartbeats.add("frozen");
        let start = Instant::now();
        assert!(heartbeats.stuck(start).is_empty());
        let thawed = start + Duration::from_secs(3600);
        assert!(heartbeats.stuck(thawed).is_empty());
        let later = |seconds| thawed + Duration::from_secs(seconds);
        assert!(heartbeats.stuck(later(15)).is_empty());
        assert!(heartbeats.stuck(later(44)).is_empty());
        assert_eq!(heartbeats.stuck(later(60)), ["frozen"]);
    }
}
