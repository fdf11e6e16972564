//! How far each receiver is in each watch, with receivers that come and go.
//!
//! Two locks. The list of receivers is written by [`Progress::add`] and [`Progress::retire`] only; whoever starts a chunk
//! or passes one on reads it, so that a receiver is added before or after that, not in between. Which watches were resumed is
//! the other: who has it tells queues on disk of a watch. That is never done under the lock of the list: they come back
//! to it ([`Progress::hold`]).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock, Weak};

use super::place::{Place, lock, read, write};
use super::{Ack, Has, Stored};

/// How far each receiver is in each watch.
pub struct Progress {
    started: AtomicU64,
    watches: Vec<Watch>,
    /// By slot.
    receivers: RwLock<Vec<Receiver>>,
    /// Which watches were resumed.
    resumed: Mutex<Vec<bool>>,
}

/// One receiver.
#[derive(Default)]
struct Receiver {
    /// By watch; none where it is not active.
    places: Vec<Place>,
    /// What it keeps of its own; that knows us, too.
    stored: Option<Weak<dyn Stored>>,
}

/// One watch.
#[derive(Debug, Default)]
struct Watch {
    /// The last version that was seen; what came before it was handed on.
    seen: AtomicU64,
    /// The server's newest version when the watch began.
    newest: AtomicU64,
    /// Where the receiver with least of it was when it was resumed; 0 where none had anything.
    resumed_at: AtomicU64,
    /// A position means something: the watch has begun.
    begun: AtomicBool,
    /// The chunks that no lane has passed on: number → lowest version. They may go to a receiver that is added now.
    pipeline: Mutex<BTreeMap<u64, u64>>,
}

impl Watch {
    /// Where a receiver begins that is added now: behind what was seen. While nothing was, what is kept of others may still be
    /// asked for again, and is the new one's, too.
    fn late(&self) -> u64 {
        let resumed = self.resumed_at.load(Ordering::Acquire);
        match self.seen.load(Ordering::Acquire) {
            0 if resumed > 0 => resumed,
            0 => self.newest.load(Ordering::Acquire),
            seen => seen,
        }
    }
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let receivers = read(&self.receivers);
        let places = receivers.iter().map(|receiver| &receiver.places);
        out.debug_struct("Progress")
            .field("watches", &self.watches)
            .field("receivers", &places.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Progress {
    /// For so many watches, all from version 0, without a receiver.
    pub fn new(watches: usize) -> Arc<Progress> {
        Arc::new(Progress {
            started: AtomicU64::new(0),
            watches: (0..watches).map(|_| Watch::default()).collect(),
            receivers: RwLock::default(),
            resumed: Mutex::new(vec![false; watches]),
        })
    }

    /// Says what the receiver with this slot keeps of its own. Before it is added.
    pub fn stores(&self, slot: usize, stored: Weak<dyn Stored>) {
        let mut receivers = write(&self.receivers);
        at(&mut receivers, slot).stored = Some(stored);
    }

    /// Adds the receiver with this slot, before its first event; does nothing where it is active already.
    ///
    /// It begins now: with the chunks that no lane has passed on yet, and what comes after them. It has no position before
    /// this returns. Where a watch is still to be resumed, its turn comes with the others.
    pub fn add(&self, slot: usize) {
        let resumed = lock(&self.resumed);
        let stored = {
            let mut receivers = write(&self.receivers);
            let receiver = at(&mut receivers, slot);
            if !receiver.places.is_empty() {
                return;
            }
            let watches = self.watches.iter().zip(&*resumed);
            let place = |(watch, resumed): (&Watch, &bool)| {
                Place::new(lock(&watch.pipeline).clone(), !resumed)
            };
            receiver.places = watches.map(place).collect();
            receiver.stored.clone()
        };
        for (watch, _) in resumed.iter().enumerate().filter(|(_, resumed)| **resumed) {
            self.begin_late(slot, watch, stored.as_ref());
        }
    }

    /// A receiver begins in a watch that was resumed without it. What its queue on disk has of before is delivered, and says
    /// nothing of what comes: that was not read before.
    fn begin_late(&self, slot: usize, watch: usize, stored: Option<&Weak<dyn Stored>>) {
        let stored = stored.and_then(Weak::upgrade);
        let mark = stored
            .as_ref()
            .and_then(|stored| stored.resume(watch, None).all_up_to);
        let of = &self.watches[watch];
        if !of.begun.load(Ordering::Acquire) {
            self.at_place(slot, watch, Place::told);
            return;
        }
        let now = self.at_place(slot, watch, |place| {
            let now = place.mark(of.late());
            place.begin_at(now);
            now
        });
        if let (Some(stored), Some(mark), Some(now)) = (stored, mark, now)
            && mark > now
        {
            // Its marks are of versions that are no more.
            stored.restart(watch);
        }
        self.at_place(slot, watch, Place::told);
    }

    /// Says that the receiver with this slot has settled all that it ever will: it gets no part of new chunks, it has no
    /// position, and what is still open for it is forgotten. What it keeps of its own is finished before. It may be added
    /// again, and then begins anew.
    pub fn retire(&self, slot: usize) {
        if let Some(receiver) = write(&self.receivers).get_mut(slot) {
            *receiver = Receiver::default();
        }
    }

    /// Says where each receiver was in a watch before the process started, by slot; gives up to where the one that has least
    /// has everything, in its queue or behind it; `None` where none has anything. Once for a watch, before any chunk of it.
    pub fn resume_watch(
        &self,
        watch: usize,
        position: impl Fn(usize) -> Option<u64>,
    ) -> Option<u64> {
        let mut resumed = lock(&self.resumed);
        resumed[watch] = true;
        let receivers: Vec<_> = {
            let receivers = read(&self.receivers);
            let active = receivers.iter().enumerate();
            let active = active.filter(|(_, receiver)| !receiver.places.is_empty());
            active
                .map(|(slot, receiver)| (slot, receiver.stored.clone()))
                .collect()
        };
        let mut begins = None;
        for (slot, stored) in receivers {
            let position = position(slot);
            let has = match stored.as_ref().and_then(Weak::upgrade) {
                Some(stored) => stored.resume(watch, position),
                None => Has {
                    all_up_to: position,
                    ..Has::default()
                },
            };
            begins = [begins, has.all_up_to].into_iter().flatten().min();
            self.at_place(slot, watch, |place| place.resume(position, has));
        }
        let at = &self.watches[watch].resumed_at;
        at.store(begins.unwrap_or(0), Ordering::Release);
        begins
    }

    /// Holds a receiver's position at this version at most, until told otherwise; `u64::MAX` holds nothing.
    pub fn hold(&self, slot: usize, watch: usize, version: u64) {
        self.at_place(slot, watch, |place| place.hold(version));
    }

    /// Everything of a watch up to this version is settled as far as acknowledgements say, whatever holds the position; 0
    /// for a receiver that is not active.
    pub fn mark(&self, slot: usize, watch: usize) -> u64 {
        let seen = self.watches[watch].seen.load(Ordering::Acquire);
        self.at_place(slot, watch, |place| place.mark(seen))
            .unwrap_or(0)
    }

    /// The acknowledgement for the next chunk of a watch, whose first and lowest event has this version. No event
    /// that is pushed later may have a lower one.
    pub fn start_chunk(self: &Arc<Progress>, watch: usize, lowest: u64) -> Ack {
        let chunk = self.started.fetch_add(1, Ordering::Relaxed);
        let receivers = read(&self.receivers);
        lock(&self.watches[watch].pipeline).insert(chunk, lowest);
        let places = receivers
            .iter()
            .filter_map(|receiver| receiver.places.get(watch));
        let highest = places.map(|place| place.start(chunk, lowest)).max();
        Ack {
            chunk,
            watch,
            repeats: highest.is_some_and(|highest| lowest <= highest && highest > 0),
            has_versions: lowest > 0,
            only: None,
            pending: OnceLock::new(),
            progress: Arc::clone(self),
        }
    }

    /// A lane has passed a chunk on to those receivers that it is for: for the others it is settled.
    pub(super) fn passed_on(&self, watch: usize, chunk: u64, is_for: impl Fn(usize) -> bool) {
        let receivers = read(&self.receivers);
        for (slot, receiver) in receivers.iter().enumerate() {
            if let Some(place) = receiver.places.get(watch)
                && !is_for(slot)
            {
                place.acknowledge(chunk);
            }
        }
        lock(&self.watches[watch].pipeline).remove(&chunk);
    }

    /// Says that the watch has begun with a position: the server is at this version, from now on positions mean something,
    /// and receivers that have none begin there.
    pub fn began(&self, watch: usize, newest: u64) {
        let _nobody_is_added = lock(&self.resumed);
        let of = &self.watches[watch];
        of.newest.store(newest, Ordering::Release);
        let receivers = read(&self.receivers);
        let places = receivers
            .iter()
            .filter_map(|receiver| receiver.places.get(watch));
        places
            .filter(|place| place.is_new())
            .for_each(|place| place.begin_at(newest));
        of.begun.store(true, Ordering::Release);
    }

    /// Says that everything of a watch up to this version was handed on; then it has begun, too.
    pub fn seen(&self, watch: usize, version: u64) {
        let of = &self.watches[watch];
        of.seen.fetch_max(version, Ordering::AcqRel);
        of.begun.store(true, Ordering::Release);
    }

    /// Says that the versions of a watch begin anew (another cluster, or one that was restored): positions are 0
    /// until what is under way is settled, for it cannot be asked for again by its version.
    pub fn restart(&self, watch: usize) {
        let _nobody_is_added = lock(&self.resumed);
        let stored: Vec<_> = {
            let of = &self.watches[watch];
            let receivers = read(&self.receivers);
            of.seen.store(0, Ordering::Release);
            of.newest.store(0, Ordering::Release);
            of.resumed_at.store(0, Ordering::Release);
            let places = receivers
                .iter()
                .filter_map(|receiver| receiver.places.get(watch));
            places.for_each(Place::restart);
            lock(&of.pipeline)
                .values_mut()
                .for_each(|lowest| *lowest = 1);
            let active = receivers
                .iter()
                .filter(|receiver| !receiver.places.is_empty());
            active
                .filter_map(|receiver| receiver.stored.clone())
                .collect()
        };
        stored
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|stored| stored.restart(watch));
    }

    /// Whether the lanes have passed on everything, and every receiver settled everything.
    pub fn is_complete(&self) -> bool {
        let receivers = read(&self.receivers);
        let mut places = receivers.iter().flat_map(|receiver| &receiver.places);
        places.all(Place::is_complete)
            && self
                .watches
                .iter()
                .all(|watch| lock(&watch.pipeline).is_empty())
    }

    /// The position of a receiver in a watch: it has settled all up to this version. `None` where the watch
    /// has not begun, or the receiver is not active: what was known before holds.
    pub fn position(&self, slot: usize, watch: usize) -> Option<u64> {
        let of = &self.watches[watch];
        if !of.begun.load(Ordering::Acquire) {
            return None;
        }
        let seen = of.seen.load(Ordering::Acquire);
        self.at_place(slot, watch, |place| place.position(seen))?
    }

    pub(super) fn had(&self, slot: usize, watch: usize, version: u64) -> bool {
        self.at_place(slot, watch, |place| place.had(version))
            .unwrap_or(false)
    }

    pub(super) fn acknowledge(&self, slot: usize, watch: usize, chunk: u64) {
        self.at_place(slot, watch, |place| place.acknowledge(chunk));
    }

    /// Does something with the place of an active receiver in a watch.
    fn at_place<T>(&self, slot: usize, watch: usize, with: impl FnOnce(&Place) -> T) -> Option<T> {
        let receivers = read(&self.receivers);
        receivers.get(slot)?.places.get(watch).map(with)
    }
}

/// The receiver with this slot, which may be its first mention.
fn at(receivers: &mut Vec<Receiver>, slot: usize) -> &mut Receiver {
    if receivers.len() <= slot {
        receivers.resize_with(slot + 1, Receiver::default);
    }
    &mut receivers[slot]
}
