//! A lane: takes chunks, walks each event through the route tree and its filters, and queues it for the
//! receivers it reaches.
//!
//! In a route: `drop`, then `filters`, then `match`, then `routes`. A change that a filter makes is seen
//! by what follows on that route and below it, not by siblings. A lane has a thread and filter instances
//! of its own, because a filter's call blocks. Between two chunks it takes over the next generation of all that, where one came. Order is kept for what goes through one lane, and all
//! events of one involved object do.

mod filter;
mod generation;

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Receiver;
use weir_event::{Chunk, Document, EventRef, Fields, de_dot};
use weir_runtime::{Decision, EMITTED_EVENTS_MAX, OnError, Processed};

use crate::ack::Ack;
use crate::config::Route;
use crate::health::Heartbeat;
use crate::ledger::{Ledger, Tally};
use crate::queue::{Portion, Pushed};
use crate::route;
use crate::shutdown::{Phase, Shutdown};

pub use filter::LaneFilter;
pub use generation::{Control, Door, Generation, NewFilter, Outlet, ToLane, control};

/// How long `onError: hold` waits before it tries the plugin again: first, and at most.
const HOLD_FIRST: Duration = Duration::from_millis(100);
const HOLD_MOST: Duration = Duration::from_secs(30);
/// Said of events that nobody will take.
const NO_ROOM: &str =
    "events are given up: their receiver was removed, and its full queue has no room for them";

/// One lane.
pub struct Lane {
    route: Arc<Route>,
    /// By the configuration's index.
    filters: Vec<LaneFilter>,
    outlets: Vec<Outlet>,
    control: Control,
    /// Came while an event was held; taken over after the chunk.
    next: Option<Generation>,
    /// For each receiver, what the chunk at hand has for it.
    outgoing: Vec<Portion>,
    /// The version of the event at hand; 0 where it has none.
    version: u64,
    ledger: Arc<Ledger>,
    tally: Tally,
    /// For each receiver, whether it had settled the event at hand before the process started.
    settled: Vec<bool>,
    /// Events that filters may still emit for the one that was read: what is emitted may be emitted from.
    emits_left: usize,
    shutdown: Arc<Shutdown>,
    heartbeat: Option<Heartbeat>,
}

/// The process ends while an event waits; it was not decided about and will come again.
struct Aborted;

/// An event at one point of its way: as it was read, or as the last filter left it.
struct Current<'a> {
    event: EventRef<'a>,
    /// What receivers share, made when the first of them is reached.
    document: OnceCell<Document>,
}

impl<'a> Current<'a> {
    fn new(event: EventRef<'a>) -> Current<'a> {
        Current {
            event,
            document: OnceCell::new(),
        }
    }
}

/// What became of an event so far: the last decision, unless it reached a receiver.
#[derive(Default)]
struct Fate {
    routed: bool,
    /// It would have reached a receiver that had settled it before the process started.
    repeated: bool,
    dropped: Option<DroppedBy>,
}

enum DroppedBy {
    Filter(usize, String),
    Error(usize),
}

impl Lane {
    /// A lane without routes, which takes over the generations that come through `control`: the first before its first chunk.
    pub fn new(control: Control, ledger: Arc<Ledger>, shutdown: Arc<Shutdown>) -> Lane {
        Lane {
            route: Arc::default(),
            filters: Vec::new(),
            outlets: Vec::new(),
            control,
            next: None,
            outgoing: Vec::new(),
            version: 0,
            ledger,
            tally: Tally::default(),
            settled: Vec::new(),
            emits_left: 0,
            shutdown,
            heartbeat: None,
        }
    }

    /// With a heartbeat.
    pub fn beating(self, heartbeat: Heartbeat) -> Lane {
        let heartbeat = Some(heartbeat);
        Lane { heartbeat, ..self }
    }

    /// Takes chunks until there are no more, or the process aborts.
    pub fn run(mut self, chunks: &Receiver<(Chunk, Ack)>) {
        while let Some((chunk, ack)) = self.next_chunk(chunks) {
            if self.chunk(&chunk, ack).is_err() {
                // Nothing of the chunk is in a queue, so nothing of it is counted or acknowledged.
                return;
            }
            self.ledger.add(&mut self.tally);
        }
    }

    /// The next chunk; before it, generations are taken over.
    fn next_chunk(&mut self, chunks: &Receiver<(Chunk, Ack)>) -> Option<(Chunk, Ack)> {
        loop {
            self.look_for_next();
            if let Some(next) = self.next.take() {
                self.take_over(next);
            }
            let _waiting = self.heartbeat.as_ref().map(Heartbeat::waiting);
            crossbeam_channel::select! {
                recv(chunks) -> chunk => return chunk.ok(),
                recv(self.control.wake) -> woken => {
                    if woken.is_err() {
                        // Nothing changes any more.
                        self.control.wake = crossbeam_channel::never();
                    }
                }
            }
        }
    }

    fn look_for_next(&mut self) {
        if let Some(next) = self.control.take() {
            self.next = Some(next.after(self.next.take()));
        }
    }

    fn take_over(&mut self, next: Generation) {
        let Generation {
            route,
            filters,
            outlets,
            live,
        } = next;
        let mut before = std::mem::take(&mut self.filters);
        let filters = filters.into_iter().filter_map(|filter| match filter {
            NewFilter::Fresh(filter) => Some(*filter),
            NewFilter::Same { slot, on_error } => {
                let at = before.iter().position(|filter| filter.slot == slot);
                let filter = at.map(|at| before.swap_remove(at));
                debug_assert!(filter.is_some(), "what goes on was there");
                filter.map(|filter| filter.with(on_error))
            }
        });
        self.filters = filters.collect();
        self.route = route;
        self.outgoing.clear();
        self.outgoing.resize_with(outlets.len(), Portion::default);
        self.settled = vec![false; outlets.len()];
        self.outlets = outlets;
        drop(live);
    }

    fn chunk(&mut self, chunk: &Chunk, ack: Ack) -> Result<(), Aborted> {
        let route = Arc::clone(&self.route);
        for event in chunk.iter() {
            if let Some(heartbeat) = &self.heartbeat {
                heartbeat.beat();
            }
            self.tally.received += 1;
            self.emits_left = EMITTED_EVENTS_MAX;
            self.version = match ack.has_versions() {
                true => event.resource_version().parse().unwrap_or(0),
                false => 0,
            };
            if ack.repeats() {
                self.note_settled(&ack);
            }
            match ack.only() {
                Some(slot) => self.replay(slot, event),
                None => self.event(&route, event)?,
            }
        }
        self.settled.fill(false);
        self.flush(&Arc::new(ack))
    }

    /// To one receiver alone; where that was removed meanwhile, to nobody.
    fn replay(&mut self, slot: usize, event: EventRef<'_>) {
        let is_it = |outlet: &Outlet| outlet.door.slot == slot;
        match self.outlets.iter().position(is_it) {
            Some(receiver) => {
                self.send(receiver, &Current::new(event));
                self.tally.routed += 1;
            }
            None => self.tally.unrouted += 1,
        }
    }

    /// After a restart receivers are not all at the same place: which of them had this event before. One without a
    /// readable version is nobody's.
    fn note_settled(&mut self, ack: &Ack) {
        for (outlet, settled) in self.outlets.iter().zip(&mut self.settled) {
            *settled = self.version > 0 && ack.had(outlet.door.slot, self.version);
        }
    }

    /// Queues what the chunk has for each receiver, in pieces that a queue has room for.
    fn flush(&mut self, ack: &Arc<Ack>) -> Result<(), Aborted> {
        let outgoing = self.outlets.iter().zip(&self.outgoing);
        let expected: Vec<(usize, usize)> = outgoing
            .map(|(outlet, portion)| (outlet.door.slot, portion.documents.len()))
            .collect();
        ack.expect_all(&expected);
        let mut any_queued = false;
        for (receiver, portion) in self.outgoing.iter_mut().enumerate() {
            let Door {
                queue,
                counts,
                slot,
            } = &*self.outlets[receiver].door;
            let mut rest = std::mem::take(portion);
            while !rest.documents.is_empty() {
                let after = rest.split_off(queue.events_max());
                let events = rest.documents.len();
                let _waiting = self.heartbeat.as_ref().map(Heartbeat::waiting);
                // Counted before it can be delivered: a ledger read meanwhile never shows more delivered.
                let mut counted = false;
                let count = || {
                    counted = true;
                    counts.enqueued(events);
                };
                match queue.push(rest, ack, count) {
                    Pushed::Queued { dropped } => {
                        counts.dropped(dropped);
                        any_queued = true;
                    }
                    // Neither queued nor settled: it is asked for again, unless its receiver was removed.
                    Pushed::Left => {
                        any_queued = true;
                        if self.shutdown.phase() < Phase::Draining {
                            counts.dropped(events);
                            ack.settle(*slot, events);
                            tracing::error!(slot, events, "{}", NO_ROOM);
                        }
                    }
                    Pushed::Aborted if any_queued && !counted => counts.enqueued(events), // it stays waiting
                    Pushed::Aborted if any_queued => {}
                    Pushed::Aborted => return Err(Aborted),
                }
                rest = after;
            }
        }
        Ok(())
    }

    fn event(&mut self, route: &Route, event: EventRef<'_>) -> Result<(), Aborted> {
        let mut fate = Fate::default();
        self.enter(route, &Current::new(event), &mut fate)?;
        self.settle(fate);
        Ok(())
    }

    /// Counts an event under the last that decided about it.
    fn settle(&mut self, fate: Fate) {
        match fate {
            Fate { routed: true, .. } => self.tally.routed += 1,
            Fate {
                dropped: Some(DroppedBy::Filter(filter, reason)),
                ..
            } => {
                *self.tally.filtered.entry((filter, reason)).or_default() += 1;
            }
            Fate {
                dropped: Some(DroppedBy::Error(filter)),
                ..
            } => {
                *self.tally.dropped.entry(filter).or_default() += 1;
            }
            Fate { repeated: true, .. } => self.tally.duplicates += 1,
            Fate { dropped: None, .. } => self.tally.unrouted += 1,
        }
    }

    fn enter(
        &mut self,
        route: &Route,
        current: &Current<'_>,
        fate: &mut Fate,
    ) -> Result<(), Aborted> {
        if route::any(&route.drop, current.event) {
            fate.dropped = None;
            return Ok(());
        }
        self.filter(route, 0, current, fate)
    }

    /// Runs the route's filters from `next` on, then its rules.
    fn filter(
        &mut self,
        route: &Route,
        next: usize,
        current: &Current<'_>,
        fate: &mut Fate,
    ) -> Result<(), Aborted> {
        let Some(&filter) = route.filters.get(next) else {
            return self.rules(route, current, fate);
        };
        let slot = self.filters[filter].slot;
        let Processed { decision, emitted } = match self.process(filter, current.event)? {
            Ok(processed) => processed,
            Err(OnError::Drop) => {
                fate.dropped = Some(DroppedBy::Error(slot));
                return Ok(());
            }
            Err(_) => {
                *self.tally.kept.entry(slot).or_default() += 1;
                return self.filter(route, next + 1, current, fate);
            }
        };
        self.emits_left -= emitted.len();
        match decision {
            Decision::Keep => self.filter(route, next + 1, current, fate)?,
            Decision::Change(document, fields) => {
                let changed = Current::new(EventRef::new(&document, &fields));
                self.filter(route, next + 1, &changed, fate)?;
            }
            Decision::Drop(reason) => fate.dropped = Some(DroppedBy::Filter(slot, reason)),
        }
        self.emitted(route, next + 1, &emitted)
    }

    /// Emitted events go on behind the filter that emitted them, as events of their own.
    fn emitted(&mut self, route: &Route, next: usize, documents: &[String]) -> Result<(), Aborted> {
        for document in documents {
            let fields = Fields::scan(document)
                .expect("the runtime reads an emitted event before it takes it");
            let mut fate = Fate::default();
            self.tally.emitted += 1;
            let current = Current::new(EventRef::new(document, &fields));
            self.filter(route, next, &current, &mut fate)?;
            self.settle(fate);
        }
        Ok(())
    }

    fn rules(
        &mut self,
        route: &Route,
        current: &Current<'_>,
        fate: &mut Fate,
    ) -> Result<(), Aborted> {
        let mut all = true;
        for rule in &route.matches {
            if !route::matches(rule, current.event) {
                all = false;
            } else if let Some(receiver) = rule.receiver {
                if self.settled[receiver] {
                    fate.repeated = true;
                } else {
                    self.send(receiver, current);
                    fate.routed = true;
                }
            }
        }
        if all {
            for child in &route.routes {
                self.enter(child, current, fate)?;
            }
        }
        Ok(())
    }

    fn send(&mut self, receiver: usize, current: &Current<'_>) {
        let plain = || Document::new(current.event);
        let document = match self.outlets[receiver]
            .de_dot
            .then(|| de_dot(current.event.document()))
            .flatten()
        {
            Some(text) => match Fields::scan(&text) {
                Ok(fields) => Document::new(EventRef::new(&text, &fields)),
                Err(_) => plain(),
            },
            None => current.document.get_or_init(plain).clone(),
        };
        self.outgoing[receiver].push(document, self.version);
    }

    /// Asks the plugin; `Err` is what `onError` says where it failed. An event that is held goes on with the next generation's
    /// plugin, as soon as that is there.
    fn process(
        &mut self,
        filter: usize,
        event: EventRef<'_>,
    ) -> Result<Result<Processed, OnError>, Aborted> {
        // A plugin's call has limits of its own, and holding an event back is meant to.
        let heartbeat = self.heartbeat.take();
        let waiting = heartbeat.as_ref().map(Heartbeat::waiting);
        let answer = self.process_or_hold(filter, event);
        drop(waiting);
        self.heartbeat = heartbeat;
        answer
    }

    fn process_or_hold(
        &mut self,
        filter: usize,
        event: EventRef<'_>,
    ) -> Result<Result<Processed, OnError>, Aborted> {
        let mut pause = HOLD_FIRST;
        loop {
            let emits_left = self.emits_left;
            let Some((used, on_error)) = self.in_use(filter) else {
                return Ok(Ok(Processed::unchanged()));
            };
            let left = match used.ask(event, emits_left, on_error) {
                Ok(processed) => return Ok(Ok(processed)),
                Err(_) if on_error != OnError::Hold => return Ok(Err(on_error)),
                Err(left) => left,
            };
            let changed = || self.control.is_there();
            let pausing = pause.max(left);
            let phase = self.shutdown.wait_unless(pausing, Phase::Aborting, changed);
            if phase == Phase::Aborting {
                return Err(Aborted);
            }
            if changed() {
                self.look_for_next();
                pause = HOLD_FIRST;
            } else {
                pause = (pause * 2).min(HOLD_MOST);
            }
        }
    }

    /// The filter that is asked: the next generation's, once that is there; none where that has none.
    fn in_use(&mut self, filter: usize) -> Option<(&mut LaneFilter, OnError)> {
        let used = &mut self.filters[filter];
        let slot = used.slot;
        let Some(next) = &mut self.next else {
            let on_error = used.on_error;
            return Some((used, on_error));
        };
        let next = next.filters.iter_mut().find(|next| next.slot() == slot)?;
        Some(match next {
            NewFilter::Same { on_error, .. } => (used, *on_error),
            NewFilter::Fresh(fresh) => {
                let on_error = fresh.on_error;
                (fresh, on_error)
            }
        })
    }
}
