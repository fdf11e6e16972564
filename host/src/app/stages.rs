//! The queues, receivers and lanes of a configuration: opened and started.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::Sender;
use weir_event::Chunk;
use weir_runtime::CALLER_STACK_BYTES;
use weir_spool::SpoolError;

use super::{Shared, watches};
use crate::ack::Ack;
use crate::config::{self, Config};
use crate::deliver::{self, DeadLetterError, DeadLetters, Delivery, MayCall};
use crate::pipeline::{Lane, LaneFilter, Outlet};
use crate::prepare::{FilterUse, Problem, SinkUse, StartError};
use crate::queue::{BatchLimits, DiskQueue, MemoryQueue, Queue, Told};
use crate::shutdown::{Phase, Shutdown};
use crate::source::CHUNKS_WAITING_MAX;

/// How much of `shutdown.deadline` a queue on disk is emptied for; the rest is for the last call.
const DRAIN_SHARE: f64 = 0.6;

/// The queues of all receivers, and where their dead letters go, by the configuration's indices.
pub(super) struct Queues {
    names: Vec<String>,
    pub(super) queues: Vec<Arc<Queue>>,
    pub(super) dead_letters: Vec<Option<Arc<DeadLetters>>>,
}

impl Queues {
    /// Of the receiver with this name.
    pub(super) fn of(&self, name: &str) -> Option<&Queue> {
        let index = self.names.iter().position(|of| of == name)?;
        Some(&self.queues[index])
    }
}

/// Opens what is on disk; all problems are found at once.
pub(super) fn open_queues(config: &Config, shared: &Shared) -> Result<Queues, Vec<StartError>> {
    let mut errors = Vec::new();
    let mut opened = Queues {
        names: Vec::new(),
        queues: Vec::new(),
        dead_letters: Vec::new(),
    };
    let mut letters: BTreeMap<&Path, Arc<DeadLetters>> = BTreeMap::new();
    for (index, receiver) in config.receivers.iter().enumerate() {
        let mut note = |problem| {
            errors.push(StartError {
                at: receiver.at,
                path: format!("receivers[{index}] ({})", receiver.name),
                problem,
            });
        };
        match open_queue(receiver, config, shared) {
            Ok(queue) => opened.queues.push(Arc::new(queue)),
            Err(error) => note(Problem::Disk(error)),
        }
        let dead = receiver.dead_letters.as_deref().map(|path| {
            if let Some(shared) = letters.get(path) {
                return Ok(Arc::clone(shared));
            }
            let opened = Arc::new(DeadLetters::open(path)?);
            letters.insert(path, Arc::clone(&opened));
            Ok::<_, DeadLetterError>(opened)
        });
        match dead.transpose() {
            Ok(dead) => opened.dead_letters.push(dead),
            Err(error) => note(Problem::DeadLetters(error.to_string())),
        }
        opened.names.push(receiver.name.clone());
    }
    if errors.is_empty() {
        Ok(opened)
    } else {
        Err(errors)
    }
}

fn open_queue(
    receiver: &config::Receiver,
    config: &Config,
    shared: &Shared,
) -> Result<Queue, SpoolError> {
    let config::Batch { events, bytes, age } = receiver.batch;
    let limits = BatchLimits { events, bytes, age };
    let (on_full, queue) = (receiver.queue.on_full, &receiver.queue);
    let (slot, counts) = shared.ledger.receiver(&receiver.name);
    counts.opens_queue();
    let Some(disk) = &queue.disk else {
        let queue = MemoryQueue::new(slot, queue.events, on_full, limits);
        return Ok(Queue::Memory(queue));
    };
    let watches = watches(&config.source);
    let shutdown = Arc::clone(&shared.shutdown);
    let told = Told {
        recovered: Box::new(move |events| counts.recovered(events)),
        damaged: Box::new(move || shutdown.advance(Phase::Aborting)),
    };
    let of = (slot, receiver.name.as_str());
    let progress = &shared.progress;
    let queue = DiskQueue::open(of, disk, on_full, limits, watches, progress, told)?;
    Ok(Queue::Disk(queue))
}

pub(super) fn start_receivers(
    config: &Config,
    sinks: Vec<SinkUse>,
    (queues, dead_letters): (&[Arc<Queue>], &[Option<Arc<DeadLetters>>]),
    may_call: &MayCall,
    shared: &Shared,
) -> std::io::Result<Vec<JoinHandle<()>>> {
    let start = |(index, used): (usize, SinkUse)| {
        let receiver = &config.receivers[index];
        let settings = deliver::Settings {
            counts: shared.ledger.receiver(&receiver.name).1,
            name: receiver.name.clone(),
            retry: receiver.retry,
            batch_events: receiver.batch.events,
            drain_for: config.shutdown.deadline.mul_f64(DRAIN_SHARE),
            layout: receiver.layout.clone(),
            dead_letters: dead_letters[index].clone(),
        };
        let delivery = Delivery::new(
            settings,
            Arc::clone(&queues[index]),
            used.sink,
            Arc::clone(&shared.shutdown),
        )
        .only_while(Arc::clone(may_call))
        .beating(shared.heartbeats.add(format!("weir-to-{index}")));
        thread(format!("weir-to-{index}"), &shared.shutdown, move || {
            delivery.run()
        })
    };
    sinks.into_iter().enumerate().map(start).collect()
}

pub(super) type Lanes = (Vec<JoinHandle<()>>, Vec<Sender<(Chunk, Ack)>>);

pub(super) fn start_lanes(
    config: &Config,
    mut filters: Vec<FilterUse>,
    count: usize,
    queues: &[Arc<Queue>],
    shared: &Shared,
) -> std::io::Result<Lanes> {
    let route = Arc::new(config.route.clone());
    let outlet = |(queue, receiver): (&Arc<Queue>, &config::Receiver)| {
        let (slot, counts) = shared.ledger.receiver(&receiver.name);
        Outlet {
            slot,
            counts,
            queue: Arc::clone(queue),
            de_dot: receiver.de_dot,
        }
    };
    let (mut lanes, mut senders) = (Vec::new(), Vec::new());
    for index in 0..count {
        let of_lane = |(used, filter): (&mut FilterUse, &config::Filter)| {
            let instance = used.instances.pop().expect("prepared one for each lane");
            let slot = shared.ledger.filter(&filter.name);
            LaneFilter::new(slot, instance, used.on_error)
        };
        let lane = Lane::new(
            Arc::clone(&route),
            filters
                .iter_mut()
                .zip(&config.filters)
                .map(of_lane)
                .collect(),
            queues.iter().zip(&config.receivers).map(outlet).collect(),
            Arc::clone(&shared.ledger),
            Arc::clone(&shared.shutdown),
        )
        .beating(shared.heartbeats.add(format!("weir-lane-{index}")));
        let (sender, chunks) = crossbeam_channel::bounded(CHUNKS_WAITING_MAX);
        senders.push(sender);
        lanes.push(thread(
            format!("weir-lane-{index}"),
            &shared.shutdown,
            move || lane.run(&chunks),
        )?);
    }
    Ok((lanes, senders))
}

/// A thread that may call plugins. Its panic aborts the process: without it nothing can go on.
pub(super) fn thread<T: Send + 'static>(
    name: String,
    shutdown: &Arc<Shutdown>,
    run: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<JoinHandle<T>> {
    let sentinel = Sentinel(Arc::clone(shutdown));
    let builder = std::thread::Builder::new()
        .name(name)
        .stack_size(CALLER_STACK_BYTES);
    builder.spawn(move || {
        let _sentinel = sentinel;
        run()
    })
}

/// Dropped by a panic, it ends every wait of the process. The panic's message is on standard error already.
struct Sentinel(Arc<Shutdown>);

impl Drop for Sentinel {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let thread = std::thread::current();
            tracing::error!(
                thread = thread.name(),
                "a thread panicked: this is a bug in weir; stopping"
            );
            self.0.advance(Phase::Aborting);
        }
    }
}
