//! Acknowledgements: the only thing that travels back towards the source.
//!
//! One [`Ack`] goes with a chunk of events of one watch. A receiver has acknowledged a chunk when every event of
//! it that was routed to that receiver was accepted, or given up on purpose and counted. Never on the mere
//! attempt: what was not settled when the process ends comes again.
//!
//! From that come positions, one for each receiver and watch: every event up to there is settled. Versions
//! are those of the watch (resourceVersions of a Kubernetes cluster); events of one watch come in their
//! order, so a position is just below the lowest version of the chunks that are not settled, and with none under
//! way it is the last version that was seen. A source without positions has one watch and the version 0.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The acknowledgement of one chunk.
#[derive(Debug)]
pub struct Ack {
    chunk: u64,
    watch: usize,
    /// Some receiver has events of this chunk behind it, from before a restart.
    repeats: bool,
    /// For each receiver, how many of the chunk's events are not settled; one more while the pipeline works on it.
    pending: Box<[AtomicU32]>,
    progress: Arc<Progress>,
}

impl Ack {
    /// Says how many of the chunk's events go to a receiver. Called once for each receiver, before any of them is
    /// settled.
    pub fn expect(&self, receiver: usize, events: usize) {
        let events =
            u32::try_from(events).expect("a chunk and what filters emit for it are bounded");
        if events == 0 {
            self.progress.acknowledge(receiver, self.watch, self.chunk);
        } else {
            self.pending[receiver].store(events, Ordering::Release);
        }
    }

    /// Says that so many of them are settled.
    pub fn settle(&self, receiver: usize, events: usize) {
        let events = u32::try_from(events).expect("no more than were expected");
        let before = self.pending[receiver].fetch_sub(events, Ordering::AcqRel);
        debug_assert!(before >= events, "settled more events than were expected");
        if before == events {
            self.progress.acknowledge(receiver, self.watch, self.chunk);
        }
    }

    /// The watch that its events are of.
    pub fn watch(&self) -> usize {
        self.watch
    }

    /// Whether any receiver may have settled any event of this chunk before a restart: only then is
    /// [`Ack::floor`] worth asking for each event.
    pub fn repeats(&self) -> bool {
        self.repeats
    }

    /// The version up to which this receiver had settled all events of the chunk's watch when the process
    /// started: it does not get them again.
    pub fn floor(&self, receiver: usize) -> u64 {
        self.progress.watches[self.watch].floors[receiver].load(Ordering::Relaxed)
    }
}

/// How far each receiver is in each watch.
#[derive(Debug)]
pub struct Progress {
    started: AtomicU64,
    watches: Vec<Watch>,
}

/// One watch.
#[derive(Debug)]
struct Watch {
    /// The last version that was seen; what came before it was handed on.
    seen: AtomicU64,
    /// For each receiver, where it was when the process started.
    floors: Vec<AtomicU64>,
    /// A position means something: the watch has begun.
    begun: AtomicBool,
    /// For each receiver, the chunks that are not settled: number → lowest version.
    open: Vec<Mutex<BTreeMap<u64, u64>>>,
}

impl Progress {
    /// For so many receivers and watches, all from version 0.
    pub fn new(receivers: usize, watches: usize) -> Arc<Progress> {
        let watch = |_| Watch {
            seen: AtomicU64::new(0),
            floors: (0..receivers).map(|_| AtomicU64::new(0)).collect(),
            begun: AtomicBool::new(false),
            open: (0..receivers).map(|_| Mutex::default()).collect(),
        };
        Arc::new(Progress {
            started: AtomicU64::new(0),
            watches: (0..watches).map(watch).collect(),
        })
    }

    /// Says where a receiver was in a watch before the process started. Before any chunk of the watch.
    pub fn resume(&self, receiver: usize, watch: usize, position: u64) {
        self.watches[watch].floors[receiver].store(position, Ordering::Relaxed);
    }

    /// The acknowledgement for the next chunk of a watch, whose first and lowest event has this version. No event
    /// that is pushed later may have a lower one.
    pub fn start_chunk(self: &Arc<Progress>, watch: usize, lowest: u64) -> Ack {
        let chunk = self.started.fetch_add(1, Ordering::Relaxed);
        let of = &self.watches[watch];
        for open in &of.open {
            lock(open).insert(chunk, lowest);
        }
        let floor_highest = of
            .floors
            .iter()
            .map(|floor| floor.load(Ordering::Relaxed))
            .max();
        Ack {
            chunk,
            watch,
            repeats: floor_highest.is_some_and(|floor| lowest <= floor && floor > 0),
            pending: of.open.iter().map(|_| AtomicU32::new(0)).collect(),
            progress: Arc::clone(self),
        }
    }

    /// Says that the watch has begun: from now on its positions mean something.
    pub fn begin(&self, watch: usize) {
        self.watches[watch].begun.store(true, Ordering::Release);
    }

    /// Says that everything of a watch up to this version was handed on; then it has begun, too.
    pub fn seen(&self, watch: usize, version: u64) {
        self.watches[watch]
            .seen
            .fetch_max(version, Ordering::AcqRel);
        self.begin(watch);
    }

    /// Says that the versions of a watch begin anew (another cluster, or one that was restored): positions are 0
    /// until what is under way is settled, for it cannot be asked for again by its version.
    pub fn restart(&self, watch: usize) {
        let watch = &self.watches[watch];
        watch.seen.store(0, Ordering::Release);
        watch
            .floors
            .iter()
            .for_each(|floor| floor.store(0, Ordering::Relaxed));
        for open in &watch.open {
            lock(open).values_mut().for_each(|lowest| *lowest = 1);
        }
    }

    /// Whether every receiver settled everything.
    pub fn is_complete(&self) -> bool {
        let open = self.watches.iter().flat_map(|watch| &watch.open);
        open.into_iter().all(|open| lock(open).is_empty())
    }

    /// The position of a receiver in a watch: it has settled all up to this version. `None` where the watch
    /// has not begun: what was known before holds.
    pub fn position(&self, receiver: usize, watch: usize) -> Option<u64> {
        let watch = &self.watches[watch];
        if !watch.begun.load(Ordering::Acquire) {
            return None;
        }
        // First what was seen: a chunk that starts after this has a higher version, or is in the map below.
        let seen = watch.seen.load(Ordering::Acquire);
        let lowest = lock(&watch.open[receiver]).values().min().copied();
        let settled = lowest.map_or(seen, |lowest| seen.min(lowest.saturating_sub(1)));
        Some(settled.max(watch.floors[receiver].load(Ordering::Relaxed)))
    }

    fn acknowledge(&self, receiver: usize, watch: usize, chunk: u64) {
        lock(&self.watches[watch].open[receiver]).remove(&chunk);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_just_below_what_is_not_settled() {
        let progress = Progress::new(2, 1);
        assert_eq!(progress.position(0, 0), None, "nothing is known yet");
        let (first, second) = (progress.start_chunk(0, 10), progress.start_chunk(0, 12));
        progress.seen(0, 15);
        first.expect(0, 2);
        first.expect(1, 0);
        second.expect(0, 1);
        second.expect(1, 1);
        assert_eq!(
            (progress.position(0, 0), progress.position(1, 0)),
            (Some(9), Some(11))
        );
        second.settle(0, 1);
        assert_eq!(progress.position(0, 0), Some(9), "the first is not settled");
        first.settle(0, 1);
        assert_eq!(
            progress.position(0, 0),
            Some(9),
            "one of its two is not settled"
        );
        first.settle(0, 1);
        assert_eq!(
            progress.position(0, 0),
            Some(15),
            "with none under way, the last seen"
        );
        assert!(!progress.is_complete());
        second.settle(1, 1);
        assert!(progress.is_complete());
    }

    #[test]
    fn watches_have_positions_of_their_own() {
        let progress = Progress::new(1, 2);
        let ack = progress.start_chunk(1, 5);
        progress.seen(0, 7);
        progress.seen(1, 8);
        assert_eq!(
            (progress.position(0, 0), progress.position(0, 1)),
            (Some(7), Some(4))
        );
        ack.expect(0, 0);
        assert_eq!(progress.position(0, 1), Some(8));
    }

    #[test]
    fn a_receiver_never_falls_behind_where_it_was() {
        let progress = Progress::new(2, 1);
        progress.resume(0, 0, 100);
        progress.resume(1, 0, 40);
        let ack = progress.start_chunk(0, 41);
        progress.seen(0, 45);
        assert!(ack.repeats());
        assert_eq!((ack.floor(0), ack.floor(1)), (100, 40));
        assert_eq!(
            (progress.position(0, 0), progress.position(1, 0)),
            (Some(100), Some(40))
        );
        let later = progress.start_chunk(0, 101);
        assert!(!later.repeats());
    }

    #[test]
    fn what_was_under_way_when_versions_began_anew_holds_the_position_at_nothing() {
        let progress = Progress::new(1, 1);
        progress.resume(0, 0, 900);
        let old = progress.start_chunk(0, 1000);
        old.expect(0, 1);
        progress.seen(0, 1000);
        progress.restart(0);
        progress.start_chunk(0, 20).expect(0, 0);
        progress.seen(0, 30);
        assert_eq!(progress.position(0, 0), Some(0));
        old.settle(0, 1);
        assert_eq!(progress.position(0, 0), Some(30));
    }
}
