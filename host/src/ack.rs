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
//!
//! For a receiver with a queue on disk an event is settled here when the disk has it, so that what waits there costs no
//! memory. Its position is then held down by the queue ([`Progress::hold`]) to what was delivered; what it skips after a
//! restart is what it or its queue has ([`Stored`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};

/// The acknowledgement of one chunk.
#[derive(Debug)]
pub struct Ack {
    chunk: u64,
    watch: usize,
    /// Some receiver has events of this chunk behind it, from before a restart.
    repeats: bool,
    has_versions: bool,
    /// Its events go to this receiver alone, past routes and filters.
    only: Option<usize>,
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

    /// Its events go to this receiver alone, past routes and filters: they have been through them.
    #[must_use]
    pub fn only_for(self, receiver: Option<usize>) -> Ack {
        Ack {
            only: receiver,
            ..self
        }
    }

    /// The one receiver of its events, where that is decided.
    pub fn only(&self) -> Option<usize> {
        self.only
    }

    /// Whether its events have versions that mean something.
    pub fn has_versions(&self) -> bool {
        self.has_versions
    }

    /// The watch that its events are of.
    pub fn watch(&self) -> usize {
        self.watch
    }

    /// Whether any receiver may have settled any event of this chunk before a restart: only then is
    /// [`Ack::had`] worth asking for each event.
    pub fn repeats(&self) -> bool {
        self.repeats
    }

    /// Whether this receiver had an event of the chunk's watch with this version when the process started: it was
    /// settled, or is in the receiver's queue on disk. It does not get it again.
    pub fn had(&self, receiver: usize, version: u64) -> bool {
        let watch = &self.progress.watches[self.watch];
        version <= watch.floors[receiver].load(Ordering::Relaxed)
            || read(&watch.above[receiver]).contains(&version)
    }

    /// What a queue on disk may note with the events of this chunk that it takes: all of the chunk's watch up to this
    /// version was settled or is in that queue.
    pub fn mark(&self, receiver: usize) -> u64 {
        self.progress.mark(receiver, self.watch)
    }
}

/// What a receiver keeps of its own beside its position: a queue on disk.
pub trait Stored: Send + Sync {
    /// A watch begins; `position` is what was kept for this receiver. Called for each watch, before any of its chunks.
    fn resume(&self, watch: usize, position: Option<u64>) -> Has;
    /// The versions of a watch begin anew.
    fn restart(&self, watch: usize);
}

/// [`Progress::hold`]: there is something undelivered, and nothing is known of where.
pub const POSITION_UNKNOWN: u64 = u64::MAX - 1;

/// What a receiver has of a watch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Has {
    /// All up to this version, if it had any; never below its position.
    pub all_up_to: Option<u64>,
    /// Versions above that.
    pub above: BTreeSet<u64>,
}

/// How far each receiver is in each watch.
pub struct Progress {
    started: AtomicU64,
    watches: Vec<Watch>,
    /// For each receiver, what it keeps of its own; that knows us, too.
    stored: Vec<OnceLock<Weak<dyn Stored>>>,
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Progress")
            .field("watches", &self.watches)
            .finish_non_exhaustive()
    }
}

/// One watch.
#[derive(Debug)]
struct Watch {
    /// The last version that was seen; what came before it was handed on.
    seen: AtomicU64,
    /// For each receiver, up to where it had everything when the process started.
    floors: Vec<AtomicU64>,
    /// For each receiver, what it had beyond its floor.
    above: Vec<RwLock<BTreeSet<u64>>>,
    /// For each receiver, its position when the process started: it never falls behind that.
    least: Vec<AtomicU64>,
    /// For each receiver, what its position may not pass: undelivered events in a queue on disk.
    held: Vec<AtomicU64>,
    /// A position means something: the watch has begun.
    begun: AtomicBool,
    /// For each receiver, the chunks that are not settled: number → lowest version.
    open: Vec<Mutex<BTreeMap<u64, u64>>>,
}

impl Progress {
    /// For so many receivers and watches, all from version 0.
    pub fn new(receivers: usize, watches: usize) -> Arc<Progress> {
        let all = |value| (0..receivers).map(|_| AtomicU64::new(value)).collect();
        let watch = |_| Watch {
            seen: AtomicU64::new(0),
            floors: all(0),
            above: (0..receivers).map(|_| RwLock::default()).collect(),
            least: all(0),
            held: all(u64::MAX),
            begun: AtomicBool::new(false),
            open: (0..receivers).map(|_| Mutex::default()).collect(),
        };
        Arc::new(Progress {
            started: AtomicU64::new(0),
            watches: (0..watches).map(watch).collect(),
            stored: (0..receivers).map(|_| OnceLock::new()).collect(),
        })
    }

    /// Says what a receiver keeps of its own. Before anything is resumed.
    pub fn stores(&self, receiver: usize, stored: Weak<dyn Stored>) {
        // It is said once.
        let _ = self.stored[receiver].set(stored);
    }

    /// Says where a receiver was in a watch before the process started; gives up to where it has everything, which may be
    /// further. Before any chunk of the watch.
    pub fn resume(&self, receiver: usize, watch: usize, position: Option<u64>) -> Option<u64> {
        let has = match self.stored[receiver].get().and_then(Weak::upgrade) {
            Some(stored) => stored.resume(watch, position),
            None => Has {
                all_up_to: position,
                ..Has::default()
            },
        };
        let watch = &self.watches[watch];
        watch.least[receiver].store(position.unwrap_or(0), Ordering::Relaxed);
        watch.floors[receiver].store(has.all_up_to.unwrap_or(0), Ordering::Relaxed);
        *write(&watch.above[receiver]) = has.above;
        has.all_up_to
    }

    /// Says that a receiver without a position begins at this version.
    pub fn begin_at(&self, receiver: usize, watch: usize, version: u64) {
        let watch = &self.watches[watch];
        watch.least[receiver].store(version, Ordering::Relaxed);
        watch.floors[receiver].store(version, Ordering::Relaxed);
    }

    /// Holds a receiver's position at this version at most, until told otherwise; `u64::MAX` holds nothing.
    pub fn hold(&self, receiver: usize, watch: usize, version: u64) {
        self.watches[watch].held[receiver].store(version, Ordering::Release);
    }

    /// Everything of a watch up to this version is settled as far as acknowledgements say, whatever holds the position.
    pub fn mark(&self, receiver: usize, watch: usize) -> u64 {
        let watch = &self.watches[watch];
        // First what was seen: a chunk that starts after this has a higher version, or is in the map below.
        let seen = watch.seen.load(Ordering::Acquire);
        let lowest = lock(&watch.open[receiver]).values().min().copied();
        let settled = lowest.map_or(seen, |lowest| seen.min(lowest.saturating_sub(1)));
        settled.max(watch.floors[receiver].load(Ordering::Relaxed))
    }

    /// The acknowledgement for the next chunk of a watch, whose first and lowest event has this version. No event
    /// that is pushed later may have a lower one.
    pub fn start_chunk(self: &Arc<Progress>, watch: usize, lowest: u64) -> Ack {
        let chunk = self.started.fetch_add(1, Ordering::Relaxed);
        let of = &self.watches[watch];
        for open in &of.open {
            lock(open).insert(chunk, lowest);
        }
        let floors = of.floors.iter().map(|floor| floor.load(Ordering::Relaxed));
        let above = of
            .above
            .iter()
            .filter_map(|above| read(above).last().copied());
        let highest = floors.chain(above).max();
        Ack {
            chunk,
            watch,
            repeats: highest.is_some_and(|highest| lowest <= highest && highest > 0),
            has_versions: lowest > 0,
            only: None,
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
        let of = &self.watches[watch];
        of.seen.store(0, Ordering::Release);
        of.floors
            .iter()
            .chain(&of.least)
            .for_each(|floor| floor.store(0, Ordering::Relaxed));
        of.above.iter().for_each(|above| write(above).clear());
        for open in &of.open {
            lock(open).values_mut().for_each(|lowest| *lowest = 1);
        }
        let stored = self.stored.iter().filter_map(OnceLock::get);
        stored
            .filter_map(Weak::upgrade)
            .for_each(|stored| stored.restart(watch));
    }

    /// Whether every receiver settled everything.
    pub fn is_complete(&self) -> bool {
        let open = self.watches.iter().flat_map(|watch| &watch.open);
        open.into_iter().all(|open| lock(open).is_empty())
    }

    /// The position of a receiver in a watch: it has settled all up to this version. `None` where the watch
    /// has not begun: what was known before holds.
    pub fn position(&self, receiver: usize, watch: usize) -> Option<u64> {
        let of = &self.watches[watch];
        if !of.begun.load(Ordering::Acquire) {
            return None;
        }
        // First the mark: what is held is held before it is settled.
        let settled = self.mark(receiver, watch);
        let held = of.held[receiver].load(Ordering::Acquire);
        if held == POSITION_UNKNOWN {
            return None;
        }
        let settled = settled.min(held);
        Some(settled.max(of.least[receiver].load(Ordering::Relaxed)))
    }

    fn acknowledge(&self, receiver: usize, watch: usize, chunk: u64) {
        lock(&self.watches[watch].open[receiver]).remove(&chunk);
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
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
        progress.resume(0, 0, Some(100));
        progress.resume(1, 0, Some(40));
        let ack = progress.start_chunk(0, 41);
        progress.seen(0, 45);
        assert!(ack.repeats());
        assert!(ack.had(0, 100) && !ack.had(0, 101) && ack.had(1, 40) && !ack.had(1, 41));
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
        progress.resume(0, 0, Some(900));
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

    /// A queue on disk: has all up to a mark, and some above it.
    struct Queue;

    impl Stored for Queue {
        fn resume(&self, _watch: usize, position: Option<u64>) -> Has {
            Has {
                all_up_to: position.max(Some(60)),
                above: BTreeSet::from([63]),
            }
        }
        fn restart(&self, _watch: usize) {}
    }

    #[test]
    fn what_a_queue_on_disk_has_is_skipped_and_holds_the_position() {
        let progress = Progress::new(2, 1);
        let queue: Arc<dyn Stored> = Arc::new(Queue);
        progress.stores(0, Arc::downgrade(&queue));
        assert_eq!(progress.resume(0, 0, Some(40)), Some(60));
        assert_eq!(progress.resume(1, 0, Some(50)), Some(50));
        progress.hold(0, 0, 40);
        let ack = progress.start_chunk(0, 61);
        progress.seen(0, 70);
        assert!(ack.repeats(), "there are versions above the mark");
        let had: Vec<u64> = (59..=65).filter(|version| ack.had(0, *version)).collect();
        assert_eq!(had, [59, 60, 63]);
        assert!(!ack.had(1, 60));
        ack.expect(0, 2);
        ack.expect(1, 0);
        assert_eq!((ack.mark(0), progress.position(0, 0)), (60, Some(40)));
        ack.settle(0, 2);
        assert_eq!(
            (progress.mark(0, 0), progress.position(0, 0)),
            (70, Some(40))
        );
        progress.hold(0, 0, 60);
        assert_eq!(
            progress.position(0, 0),
            Some(60),
            "some of it was delivered"
        );
        progress.hold(0, 0, u64::MAX);
        assert_eq!(progress.position(0, 0), Some(70), "all of it was");
    }
}
