//! What runs and can change while events flow: which generation the lanes go by, and the receivers.
//!
//! A change is planned first, which may fail and touches nothing that runs: queues are opened, threads of new receivers wait
//! at queues into which nothing comes. Then it is carried out, which cannot fail. The start is the first change.
//!
//! Nobody waits for a lane: each takes over its generation when its chunk is done, which a full queue may hold up. A queue
//! closes when the last lane has let go of its [`Door`]; its receiver's thread then ends when it is empty.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::retiring::{Retiring, TEND_EVERY, Tended};
use super::stages::{thread, to_lanes};
use super::{Live, Shared};
use crate::config::{self, Config};
use crate::deliver::{self, Change, DeadLetterError, DeadLetters, Delivery, Exchange, MayCall};
use crate::pipeline::{Door, ToLane};
use crate::prepare::{self, Before, FilterUse, Known, Prepared, Problem, SinkUse, StartError};
use crate::queue::{BatchLimits, DiskQueue, MemoryQueue, Queue, QueueLimits, Told};
use crate::shutdown::Phase;

/// How much of `shutdown.deadline` a queue on disk is emptied for; the rest is for the last call.
const DRAIN_SHARE: f64 = 0.6;

/// What runs.
pub(super) struct Running {
    shared: Arc<Shared>,
    may_call: MayCall,
    /// The names of the source's watches.
    watches: Vec<String>,
    lanes: Vec<ToLane>,
    /// All that are open: an abort ends the waits at them.
    queues: Arc<Mutex<Vec<Weak<Queue>>>>,
    before: Before,
    receivers: Vec<Receiver>,
    /// Removed, and not done yet.
    retiring: Vec<Retiring>,
    letters: BTreeMap<PathBuf, Weak<DeadLetters>>,
    /// Receivers whose queues outlive them: those that were removed, and after the end all.
    outliving: Vec<String>,
    has_ended: bool,
}

/// A receiver that runs.
struct Receiver {
    name: String,
    door: Arc<Door>,
    disk: Option<config::Disk>,
    exchange: Arc<Exchange>,
    thread: JoinHandle<()>,
}

/// A change that can be carried out.
pub(super) struct Plan {
    config: Config,
    filters: Vec<FilterUse>,
    receivers: Vec<Planned>,
    /// Keys that only a restart takes.
    pub(super) restart_needed: Vec<String>,
}

/// A receiver of a plan.
struct Planned {
    settings: deliver::Settings,
    limits: QueueLimits,
    de_dot: bool,
    known: Arc<Known>,
    what: What,
}

enum What {
    /// It is new, and waits for its first event.
    New(Receiver),
    /// It runs, and goes on with this sink.
    Runs(deliver::NewSink),
}

impl Running {
    /// Nothing yet, over these lanes.
    pub(super) fn new(
        shared: Arc<Shared>,
        may_call: MayCall,
        watches: Vec<String>,
        lanes: Vec<ToLane>,
    ) -> Running {
        let queues: Arc<Mutex<Vec<Weak<Queue>>>> = Arc::default();
        let aborting = Arc::clone(&queues);
        shared.shutdown.on_abort(move || {
            let queues = aborting.lock().unwrap_or_else(PoisonError::into_inner);
            let open = queues.iter().filter_map(Weak::upgrade);
            open.for_each(|queue| queue.abort());
        });
        Running {
            queues,
            shared,
            may_call,
            watches,
            lanes,
            before: Before::default(),
            receivers: Vec::new(),
            retiring: Vec::new(),
            letters: BTreeMap::new(),
            outliving: Vec::new(),
            has_ended: false,
        }
    }

    /// What the next configuration is compared with.
    pub(super) fn before(&self) -> &Before {
        &self.before
    }

    /// Opens what a configuration needs beside its plugins.
    ///
    /// # Errors
    /// Everything that cannot be had; nothing that runs is touched. Nothing, after the end.
    pub(super) fn plan(
        &mut self,
        config: Config,
        prepared: Prepared,
    ) -> Result<Plan, Vec<StartError>> {
        let Prepared { filters, sinks } = prepared;
        if self.has_ended {
            return Err(Vec::new());
        }
        let (mut errors, mut receivers) = (Vec::new(), Vec::new());
        let mut restart_needed = Vec::new();
        for (index, used) in sinks.into_iter().enumerate() {
            let receiver = &config.receivers[index];
            let path = format!("receivers[{index}] ({})", receiver.name);
            if self.is_disk_changed(receiver) {
                restart_needed.push(format!("{path}.queue.disk"));
            }
            match self.plan_receiver(receiver, used, &config) {
                Ok(planned) => receivers.push(planned),
                Err(problem) => errors.push(StartError {
                    at: receiver.at,
                    path,
                    problem,
                }),
            }
        }
        if errors.is_empty() {
            Ok(Plan {
                config,
                filters,
                receivers,
                restart_needed,
            })
        } else {
            Err(errors)
        }
    }

    fn is_disk_changed(&self, receiver: &config::Receiver) -> bool {
        let running = self.receivers.iter().find(|of| of.name == receiver.name);
        running.is_some_and(|running| running.disk != receiver.queue.disk)
    }

    fn plan_receiver(
        &mut self,
        receiver: &config::Receiver,
        used: SinkUse,
        config: &Config,
    ) -> Result<Planned, Problem> {
        let dead_letters = self.dead_letters(receiver.dead_letters.as_deref());
        let dead_letters = dead_letters.map_err(|error| Problem::DeadLetters(error.to_string()))?;
        let (slot, counts) = self.shared.ledger.receiver(&receiver.name);
        let settings = deliver::Settings {
            counts,
            name: receiver.name.clone(),
            retry: receiver.retry,
            batch_events: receiver.batch.events,
            drain_for: config.shutdown.deadline.mul_f64(DRAIN_SHARE),
            layout: receiver.layout.clone(),
            dead_letters,
        };
        let config::Batch { events, bytes, age } = receiver.batch;
        let limits = QueueLimits {
            events_max: receiver.queue.events,
            on_full: receiver.queue.on_full,
            batch: BatchLimits { events, bytes, age },
        };
        let sink = match used.sink {
            prepare::NewSink::Same => deliver::NewSink::Same,
            prepare::NewSink::Fresh(sink) => deliver::NewSink::Fresh(sink),
            prepare::NewSink::Gone => deliver::NewSink::Gone,
        };
        let is_running = self.receivers.iter().any(|of| of.name == receiver.name);
        let what = match sink {
            sink if is_running => What::Runs(sink),
            deliver::NewSink::Fresh(sink) => {
                What::New(self.open(receiver, slot, *sink, settings.clone(), limits)?)
            }
            _ => unreachable!("a receiver that does not run has a sink of its own"),
        };
        Ok(Planned {
            settings,
            limits,
            de_dot: receiver.de_dot,
            known: used.known,
            what,
        })
    }

    /// Its queue, and its thread in front of it.
    fn open(
        &self,
        receiver: &config::Receiver,
        slot: usize,
        sink: weir_runtime::Sink,
        settings: deliver::Settings,
        limits: QueueLimits,
    ) -> Result<Receiver, Problem> {
        if self.retiring.iter().any(|of| of.slot == slot) {
            return Err(Problem::Draining);
        }
        if let Some(name) = self.has_disk(receiver.queue.disk.as_ref()) {
            return Err(Problem::DiskTaken(name));
        }
        let queue = Arc::new(self.open_queue(receiver, slot, limits)?);
        let exchange = Arc::new(Exchange::default());
        let counts = Arc::clone(&settings.counts);
        let name = format!("weir-to-{slot}");
        let Shared {
            shutdown,
            heartbeats,
            ..
        } = &*self.shared;
        let delivery = Delivery::new(
            settings,
            Arc::clone(&queue),
            sink,
            Arc::clone(&exchange),
            Arc::clone(shutdown),
        )
        .only_while(Arc::clone(&self.may_call))
        .beating(heartbeats.add(name.clone()));
        self.note_queue(&queue);
        let thread = thread(name, shutdown, move || delivery.run()).map_err(Problem::Thread)?;
        Ok(Receiver {
            name: receiver.name.clone(),
            door: Arc::new(Door {
                queue,
                slot,
                counts,
            }),
            disk: receiver.queue.disk.clone(),
            exchange,
            thread,
        })
    }

    /// An abort that is under way ends the waits at this one, too.
    fn note_queue(&self, queue: &Arc<Queue>) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(queue));
        if self.shared.shutdown.phase() == Phase::Aborting {
            queue.abort();
        }
    }

    /// The receiver whose queue is in this folder.
    fn has_disk(&self, disk: Option<&config::Disk>) -> Option<String> {
        let path = &disk?.path;
        let is_it = |of: &&Option<config::Disk>| of.as_ref().is_some_and(|disk| disk.path == *path);
        let running = self.receivers.iter().map(|of| (&of.name, &of.disk));
        let retiring = self.retiring.iter().map(|of| (&of.name, &of.disk));
        let mut all = running.chain(retiring);
        all.find(|(_, disk)| is_it(disk))
            .map(|(name, _)| name.clone())
    }

    fn open_queue(
        &self,
        receiver: &config::Receiver,
        slot: usize,
        limits: QueueLimits,
    ) -> Result<Queue, Problem> {
        let Some(disk) = &receiver.queue.disk else {
            return Ok(Queue::Memory(MemoryQueue::new(slot, limits)));
        };
        let (_, counts) = self.shared.ledger.receiver(&receiver.name);
        counts.opens_queue();
        let shutdown = Arc::clone(&self.shared.shutdown);
        let told = Told {
            recovered: Box::new(move |events| counts.recovered(events)),
            damaged: Box::new(move || shutdown.advance(Phase::Aborting)),
        };
        let of = (slot, receiver.name.as_str());
        let progress = &self.shared.progress;
        let queue = DiskQueue::open(of, disk, limits, self.watches.clone(), progress, told)?;
        Ok(Queue::Disk(queue))
    }

    /// Receivers may share a file.
    fn dead_letters(
        &mut self,
        path: Option<&Path>,
    ) -> Result<Option<Arc<DeadLetters>>, DeadLetterError> {
        let Some(path) = path else {
            return Ok(None);
        };
        if let Some(open) = self.letters.get(path).and_then(Weak::upgrade) {
            return Ok(Some(open));
        }
        let opened = Arc::new(DeadLetters::open(path)?);
        self.letters
            .insert(path.to_path_buf(), Arc::downgrade(&opened));
        Ok(Some(opened))
    }

    /// Carries a plan out. `live` is dropped when everything goes by it.
    pub(super) fn apply(&mut self, plan: Plan, live: &Arc<Live>) {
        let Plan {
            config,
            filters,
            receivers,
            ..
        } = plan;
        let slots = filters
            .iter()
            .map(|used| self.shared.ledger.filter(&used.known.name))
            .collect::<Vec<_>>();
        self.say_current(&slots, &receivers);
        self.shared.set_deadline(config.shutdown.deadline);
        let mut before = Before::default();
        let (mut running, mut outlets) = (Vec::new(), Vec::new());
        for planned in receivers {
            let receiver = match planned.what {
                What::New(receiver) => {
                    // After it was named, and before any lane can send it something.
                    self.shared.progress.add(receiver.door.slot);
                    receiver
                }
                What::Runs(sink) => self.change(planned.settings, planned.limits, sink, live),
            };
            outlets.push((Arc::clone(&receiver.door), planned.de_dot));
            running.push(receiver);
            before.sinks.push(planned.known);
        }
        let removed = std::mem::replace(&mut self.receivers, running);
        let deadline = config.shutdown.deadline;
        let retiring = removed
            .into_iter()
            .map(|receiver| receiver.retire(deadline));
        self.retiring.extend(retiring);
        before.filters = filters.iter().map(|used| Arc::clone(&used.known)).collect();
        let uses = before.filters.iter().chain(&before.sinks);
        uses.for_each(|known| known.of.go_live());
        to_lanes(&self.lanes, &config.route, filters, &slots, &outlets, live);
        // A lane that holds an event looks whether there is something better.
        self.shared.shutdown.nudge();
        self.before = before;
    }

    /// A receiver that goes on, changed.
    fn change(
        &mut self,
        settings: deliver::Settings,
        limits: QueueLimits,
        sink: deliver::NewSink,
        live: &Arc<Live>,
    ) -> Receiver {
        let is_it = |of: &Receiver| of.name == settings.name;
        let at = self.receivers.iter().position(is_it);
        let receiver = self
            .receivers
            .swap_remove(at.expect("it runs, says the plan"));
        receiver.door.queue.set(limits);
        let live = match sink {
            deliver::NewSink::Fresh(_) => Some(Arc::clone(live) as _),
            deliver::NewSink::Same | deliver::NewSink::Gone => None,
        };
        let change = Change {
            settings,
            sink,
            live,
        };
        let queue = &receiver.door.queue;
        receiver.exchange.put(change, queue, &self.shared.shutdown);
        receiver
    }

    /// Who counts, and whose positions are kept: also those of receivers that are removed, as long as they deliver.
    fn say_current(&self, filters: &[usize], planned: &[Planned]) {
        let slot = |planned: &Planned| self.shared.ledger.receiver(&planned.settings.name).0;
        let slots: Vec<usize> = planned.iter().map(slot).collect();
        self.shared.ledger.current(filters, &slots);
        let planned = planned.iter().map(|planned| planned.settings.name.clone());
        let mut names: Vec<(String, usize)> = planned.zip(slots).collect();
        let running = self.receivers.iter().map(|of| (&of.name, of.door.slot));
        let retiring = self.retiring.iter().map(|of| (&of.name, of.slot));
        for (name, slot) in running.chain(retiring) {
            if !names.iter().any(|(_, named)| *named == slot) {
                names.push((name.clone(), slot));
            }
        }
        self.shared.receivers.replace(names);
    }

    /// Looks after receivers that were removed.
    pub(super) fn tend(&mut self) -> Tended {
        let now = Instant::now();
        let (done, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.retiring)
            .into_iter()
            .partition(|retiring| retiring.thread.is_finished());
        self.retiring = rest;
        let has_ended = !done.is_empty();
        for retiring in done {
            retiring.queue.finish();
            let names = self.shared.receivers.now();
            let names = names.iter().filter(|(_, slot)| *slot != retiring.slot);
            self.shared.receivers.replace(names.cloned());
            self.shared.progress.retire(retiring.slot);
            if retiring.queue.outlives() {
                self.outliving.push(retiring.name.clone());
            }
            tracing::info!(
                receiver = retiring.name,
                "the receiver that was removed has ended"
            );
        }
        for retiring in &self.retiring {
            if now >= retiring.until {
                let (exchange, shutdown) = (&retiring.exchange, &self.shared.shutdown);
                exchange.give_up(&retiring.queue, shutdown);
            }
        }
        Tended {
            has_ended,
            again: (!self.retiring.is_empty()).then_some(TEND_EVERY),
        }
    }

    /// The source has ended and the lanes with it: no change any more. Gives the receivers' queues and threads; the
    /// queues close.
    pub(super) fn end(&mut self) -> (Vec<Arc<Queue>>, Vec<JoinHandle<()>>) {
        let (mut queues, mut threads) = (Vec::new(), Vec::new());
        let receivers = std::mem::take(&mut self.receivers).into_iter();
        let running = receivers.map(|receiver| {
            let queue = Arc::clone(&receiver.door.queue);
            (receiver.name, queue, receiver.thread)
        });
        let retiring = std::mem::take(&mut self.retiring).into_iter();
        let retiring = retiring.map(|of| (of.name, of.queue, of.thread));
        for (name, queue, thread) in running.chain(retiring) {
            if queue.outlives() {
                self.outliving.push(name);
            }
            queues.push(queue);
            threads.push(thread);
        }
        self.has_ended = true;
        self.lanes.clear();
        (queues, threads)
    }

    /// After the end: whether what waits for this receiver outlives the process.
    pub(super) fn outlives(&self, receiver: &str) -> bool {
        self.outliving.iter().any(|name| name == receiver)
    }
}

impl Receiver {
    fn retire(self, deadline: Duration) -> Retiring {
        tracing::info!(
            receiver = self.name,
            "removed: it delivers what it has, and ends"
        );
        Retiring {
            name: self.name,
            slot: self.door.slot,
            queue: Arc::clone(&self.door.queue),
            disk: self.disk,
            exchange: self.exchange,
            thread: self.thread,
            until: Instant::now() + deadline,
        }
    }
}
