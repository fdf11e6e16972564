//! A lane: takes chunks, walks each event through the route tree and its filters, and queues it for the
//! receivers it reaches.
//!
//! In a route: `drop`, then `filters`, then `match`, then `routes`. A change that a filter makes is seen
//! by what follows on that route and below it, not by siblings. A lane has a thread and filter instances
//! of its own, because a filter's call blocks. Order is kept for what goes through one lane, and all
//! events of one involved object do.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use weir_event::{Chunk, Document, EventRef, Fields, de_dot};
use weir_runtime::{Decision, EMITTED_EVENTS_MAX, Failure, Filter, LogLimit, OnError, Processed};

use crate::ack::Ack;
use crate::config::Route;
use crate::health::Heartbeat;
use crate::ledger::{Ledger, ReceiverCounts, Tally};
use crate::queue::{Portion, Pushed, Queue};
use crate::route;
use crate::shutdown::{Phase, Shutdown};

/// Log lines a second about one filter's failures in one lane.
const FAILURE_LINES_A_SECOND_MAX: u32 = 5;
/// How long `onError: hold` waits before it tries the plugin again: first, and at most.
const HOLD_FIRST: Duration = Duration::from_millis(100);
const HOLD_MOST: Duration = Duration::from_secs(30);

/// Where a lane's events go.
pub struct Outlet {
    /// The receiver's slot.
    pub slot: usize,
    /// What it counts.
    pub counts: Arc<ReceiverCounts>,
    /// The receiver's queue.
    pub queue: Arc<Queue>,
    /// Whether its documents have their keys' dots replaced.
    pub de_dot: bool,
}

/// A filter of the configuration in one lane.
pub struct LaneFilter {
    slot: usize,
    filter: Filter,
    on_error: OnError,
    failures: LogLimit,
}

impl LaneFilter {
    /// With its slot in the ledger, and what `onError` says for it.
    pub fn new(slot: usize, filter: Filter, on_error: OnError) -> LaneFilter {
        LaneFilter {
            slot,
            filter,
            on_error,
            failures: LogLimit::new(FAILURE_LINES_A_SECOND_MAX),
        }
    }
}

/// One lane.
pub struct Lane {
    route: Arc<Route>,
    /// By the configuration's index.
    filters: Vec<LaneFilter>,
    outlets: Vec<Outlet>,
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
    /// A lane over these routes, with filters and outlets by the configuration's indices.
    pub fn new(
        route: Arc<Route>,
        filters: Vec<LaneFilter>,
        outlets: Vec<Outlet>,
        ledger: Arc<Ledger>,
        shutdown: Arc<Shutdown>,
    ) -> Lane {
        let outgoing = outlets.iter().map(|_| Portion::default()).collect();
        let settled = vec![false; outlets.len()];
        Lane {
            route,
            filters,
            outlets,
            outgoing,
            version: 0,
            ledger,
            tally: Tally::default(),
            settled,
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
    pub fn run(mut self, chunks: &crossbeam_channel::Receiver<(Chunk, Ack)>) {
        loop {
            let waiting = self.heartbeat.as_ref().map(Heartbeat::waiting);
            let next = chunks.recv();
            drop(waiting);
            let Ok((chunk, ack)) = next else {
                return;
            };
            if self.chunk(&chunk, ack).is_err() {
                // Nothing of the chunk is in a queue, so nothing of it is counted or acknowledged.
                return;
            }
            self.ledger.add(&mut self.tally);
        }
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
                Some(slot) => self.letter(slot, event),
                None => self.event(&route, event)?,
            }
        }
        self.settled.fill(false);
        self.flush(&Arc::new(ack))
    }

    /// After a restart receivers are not all at the same place: which of them had this event before. One without a
    /// readable version is nobody's.
    fn note_settled(&mut self, ack: &Ack) {
        for (outlet, settled) in self.outlets.iter().zip(&mut self.settled) {
            *settled = self.version > 0 && ack.had(outlet.slot, self.version);
        }
    }

    /// Sends a dead letter to its receiver, if there still is one.
    fn letter(&mut self, slot: usize, event: EventRef<'_>) {
        match self.outlets.iter().position(|outlet| outlet.slot == slot) {
            Some(receiver) => {
                self.send(receiver, &Current::new(event));
                self.tally.routed += 1;
            }
            None => self.tally.unrouted += 1,
        }
    }

    /// Queues what the chunk has for each receiver, in pieces that a queue has room for.
    fn flush(&mut self, ack: &Arc<Ack>) -> Result<(), Aborted> {
        let portions = self.outlets.iter().zip(&self.outgoing);
        let expected = portions.map(|(outlet, portion)| (outlet.slot, portion.documents.len()));
        ack.expect_all(&expected.collect::<Vec<_>>());
        let mut any_queued = false;
        for (outlet, portion) in self.outlets.iter().zip(&mut self.outgoing) {
            let (queue, counts) = (&outlet.queue, &outlet.counts);
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
                    // Neither queued nor settled: it is asked for again.
                    Pushed::Left => any_queued = true,
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
                let slot = self.filters[filter].slot;
                *self.tally.filtered.entry((slot, reason)).or_default() += 1;
            }
            Fate {
                dropped: Some(DroppedBy::Error(filter)),
                ..
            } => {
                let slot = self.filters[filter].slot;
                *self.tally.dropped.entry(slot).or_default() += 1;
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
        let Processed { decision, emitted } = match self.process(filter, current.event)? {
            Ok(processed) => processed,
            Err(OnError::Drop) => {
                fate.dropped = Some(DroppedBy::Error(filter));
                return Ok(());
            }
            Err(_) => {
                let slot = self.filters[filter].slot;
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
            Decision::Drop(reason) => fate.dropped = Some(DroppedBy::Filter(filter, reason)),
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

    /// Asks the plugin; `Err` is what `onError` says where it failed.
    fn process(
        &mut self,
        filter: usize,
        event: EventRef<'_>,
    ) -> Result<Result<Processed, OnError>, Aborted> {
        // A plugin's call has limits of its own, and holding an event back is meant to.
        let _waiting = self.heartbeat.as_ref().map(Heartbeat::waiting);
        let lane = &mut self.filters[filter];
        let mut pause = HOLD_FIRST;
        loop {
            let failure = match lane.filter.process_within(event, self.emits_left) {
                Ok(processed) => return Ok(Ok(processed)),
                Err(failure) => failure,
            };
            lane.report(&failure, event);
            if lane.on_error != OnError::Hold {
                return Ok(Err(lane.on_error));
            }
            if self.shutdown.wait(pause, Phase::Aborting) == Phase::Aborting {
                return Err(Aborted);
            }
            pause = (pause * 2).min(HOLD_MOST);
        }
    }
}

impl LaneFilter {
    fn report(&self, failure: &Failure, event: EventRef<'_>) {
        let Some(left_out) = self.failures.admit() else {
            return;
        };
        let plugin = self.filter.plugin();
        let then = match self.on_error {
            OnError::Keep => "the event went on unchanged",
            OnError::Drop => "the event was dropped",
            OnError::Hold => "the event waits",
        };
        tracing::warn!(
            filter = self.filter.of().name,
            plugin = plugin.name,
            file = %plugin.path.display(),
            class = failure.label(),
            event = event.id(),
            left_out,
            "{failure}; {then}"
        );
    }
}
