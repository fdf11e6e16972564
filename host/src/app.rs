//! The only file that knows every part: puts the stages together, runs them, drains them, and says how
//! it went.
//!
//! ```text
//! source ─► lanes ─► queues ─► receivers        each arrow bounded, each box threads of its own
//! ```
//!
//! Draining goes the same way: the source ends, the lanes see the end of their chunks, the queues are
//! closed, the receivers empty them. A signal ends the source; its deadline ends everything.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use weir_event::Chunk;
use weir_runtime::{CALLER_STACK_BYTES, Output};

use crate::ack::{Ack, Progress};
use crate::config::{self, Config};
use crate::deliver::Delivery;
use crate::ledger::{Ledger, Snapshot};
use crate::output::StandardOutput;
use crate::pipeline::{Lane, LaneFilter, Outlet};
use crate::plugins::Loader;
use crate::prepare::{Prepared, Problem, StartError, prepare};
use crate::queue::{BatchLimits, Queue};
use crate::shutdown::{Phase, Shutdown};
use crate::source::{CHUNKS_WAITING_MAX, Spread, replay};

/// More lanes than this only take each other's memory bandwidth.
const LANES_MAX: usize = 4;
/// After an abort, threads have this long to notice; then the process ends without them.
const ABORT_GRACE: Duration = Duration::from_secs(2);

/// How a run ended.
#[derive(Debug)]
pub struct Report {
    /// The ledger.
    pub ledger: Snapshot,
    /// Everything that was read was delivered, and nothing failed.
    pub success: bool,
}

/// Why a run did not begin, or could not be finished.
#[derive(Debug)]
pub enum RunError {
    /// The configuration does not work out: exit code 2.
    Start(Vec<StartError>),
    /// The system refused something we need.
    System(String),
}

/// The running threads.
struct Stages {
    source: JoinHandle<Result<(), replay::ReplayError>>,
    lanes: Vec<JoinHandle<()>>,
    queues: Vec<Arc<Queue>>,
    receivers: Vec<JoinHandle<()>>,
}

/// Runs a configuration until its source ends or a signal comes, and all is delivered or given up.
///
/// # Errors
/// When it cannot begin. Everything later is in the report.
pub fn run(config: Config, loader: &mut Loader) -> Result<Report, RunError> {
    let system = |what: &str, error: std::io::Error| RunError::System(format!("{what}: {error}"));
    let shutdown = Arc::new(Shutdown::default());
    let output = StandardOutput::open(Arc::clone(&shutdown))
        .map_err(|error| system("standard output", error))?;
    let output: Arc<dyn Output> = Arc::new(output);
    let prepared = prepare(&config, loader, &output).map_err(RunError::Start)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| system("the runtime for signals", error))?;
    // Before any thread starts, so that no signal is missed.
    let signals = runtime
        .block_on(async { Signals::new() })
        .map_err(|error| system("signal handlers", error))?;
    let ledger = Arc::new(Ledger::new(
        config
            .filters
            .iter()
            .map(|filter| filter.name.clone())
            .collect(),
        config
            .receivers
            .iter()
            .map(|receiver| receiver.name.clone())
            .collect(),
    ));
    let progress = Progress::new(config.receivers.len());
    let deadline = config.shutdown.deadline;
    let stages = start(config, prepared, &ledger, &progress, &shutdown)?;
    let (ended, end) = oneshot::channel();
    let awaiting = Arc::clone(&shutdown);
    let supervisor = std::thread::Builder::new()
        .name("weir-stages".into())
        .spawn(move || {
            // Nobody listens any more where the process has given up waiting.
            let _ = ended.send(await_stages(stages, &awaiting));
        });
    supervisor.map_err(|error| system("a thread", error))?;
    let clean = runtime.block_on(supervise(signals, end, &shutdown, deadline));
    let snapshot = ledger.snapshot();
    let success =
        clean && progress.is_complete() && snapshot.waiting() == 0 && snapshot.dead() == 0;
    Ok(Report {
        ledger: snapshot,
        success,
    })
}

fn start(
    config: Config,
    prepared: Prepared,
    ledger: &Arc<Ledger>,
    progress: &Arc<Progress>,
    shutdown: &Arc<Shutdown>,
) -> Result<Stages, RunError> {
    let queues: Vec<Arc<Queue>> = config.receivers.iter().enumerate().map(new_queue).collect();
    let aborting = queues.clone();
    shutdown.on_abort(move || aborting.iter().for_each(|queue| queue.abort()));
    let mut receivers = Vec::new();
    for (index, (used, receiver)) in prepared
        .sinks
        .into_iter()
        .zip(&config.receivers)
        .enumerate()
    {
        let queue = Arc::clone(&queues[index]);
        let (ledger, shutdown) = (Arc::clone(ledger), Arc::clone(shutdown));
        let delivery = Delivery::new(
            index,
            &receiver.name,
            queue,
            used.sink,
            receiver.retry,
            ledger,
            shutdown,
        );
        receivers.push(thread(format!("weir-to-{index}"), move || delivery.run())?);
    }
    let lane_count = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(LANES_MAX);
    let route = Arc::new(config.route);
    let mut lanes = Vec::new();
    let mut senders = Vec::new();
    for index in 0..lane_count {
        let mut filters = Vec::new();
        for (at, used) in prepared.filters.iter().enumerate() {
            let instance = used
                .instance()
                .map_err(|failure| refused(&config.filters[at], at, used, failure))?;
            filters.push(LaneFilter::new(instance, used.on_error));
        }
        let outlets = queues
            .iter()
            .zip(&config.receivers)
            .map(|(queue, receiver)| Outlet {
                queue: Arc::clone(queue),
                de_dot: receiver.de_dot,
            });
        let (ledger, shutdown) = (Arc::clone(ledger), Arc::clone(shutdown));
        let lane = Lane::new(
            Arc::clone(&route),
            filters,
            outlets.collect(),
            ledger,
            shutdown,
        );
        let (sender, chunks) = crossbeam_channel::bounded::<(Chunk, Ack)>(CHUNKS_WAITING_MAX);
        senders.push(sender);
        lanes.push(thread(format!("weir-lane-{index}"), move || {
            lane.run(&chunks)
        })?);
    }
    let config::Source::Replay(replay) = config.source;
    let spread = Spread::new(senders, Arc::clone(progress));
    let (ledger, shutdown) = (Arc::clone(ledger), Arc::clone(shutdown));
    let source = replay::Source::new(replay, &config.cluster_name, spread, ledger, shutdown);
    let source = thread("weir-source".into(), move || source.run())?;
    Ok(Stages {
        source,
        lanes,
        queues,
        receivers,
    })
}

fn new_queue((index, receiver): (usize, &config::Receiver)) -> Arc<Queue> {
    let config::Batch { events, bytes, age } = receiver.batch;
    let limits = BatchLimits { events, bytes, age };
    Arc::new(Queue::new(
        index,
        receiver.queue.events,
        receiver.queue.on_full,
        limits,
    ))
}

fn refused(
    filter: &config::Filter,
    index: usize,
    used: &crate::prepare::FilterUse,
    failure: weir_runtime::Failure,
) -> RunError {
    let path = format!("filters[{index}] ({})", filter.name);
    let problem = Problem::Setup {
        plugin: used.plugin.label(),
        failure,
    };
    RunError::Start(vec![StartError {
        at: filter.at,
        path,
        problem,
    }])
}

fn thread<T: Send + 'static>(
    name: String,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, RunError> {
    let builder = std::thread::Builder::new()
        .name(name)
        .stack_size(CALLER_STACK_BYTES);
    builder
        .spawn(run)
        .map_err(|error| RunError::System(format!("cannot start a thread: {error}")))
}

/// Awaits the stages in the order of the flow; gives whether all ended as they should.
fn await_stages(stages: Stages, shutdown: &Shutdown) -> bool {
    let mut clean = match stages.source.join() {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::error!("{error}; what was read before is delivered");
            false
        }
        Err(_) => panicked("the source", shutdown),
    };
    for lane in stages.lanes {
        clean &= lane.join().is_ok() || panicked("a lane", shutdown);
    }
    stages.queues.iter().for_each(|queue| queue.close());
    for receiver in stages.receivers {
        clean &= receiver.join().is_ok() || panicked("a receiver", shutdown);
    }
    clean
}

/// A bug of ours; its message is on standard error already. Without that thread nothing can go on.
fn panicked(what: &str, shutdown: &Shutdown) -> bool {
    tracing::error!("{what} panicked: this is a bug in weir; stopping");
    shutdown.advance(Phase::Aborting);
    false
}

/// The signals that end a run.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Waits for the end; a first signal drains, a second one or the deadline aborts.
async fn supervise(
    mut signals: Signals,
    mut end: oneshot::Receiver<bool>,
    shutdown: &Shutdown,
    deadline: Duration,
) -> bool {
    tokio::select! {
        clean = &mut end => return clean.unwrap_or(false),
        name = signals.next() => {
            tracing::info!(signal = name, deadline_s = deadline.as_secs(), "stopping: delivering what was read");
            shutdown.advance(Phase::Draining);
        }
    }
    tokio::select! {
        clean = &mut end => return clean.unwrap_or(false),
        () = tokio::time::sleep(deadline) => tracing::error!("the deadline for stopping has passed"),
        name = signals.next() => tracing::warn!(signal = name, "stopping at once"),
    }
    shutdown.advance(Phase::Aborting);
    let _ = tokio::time::timeout(ABORT_GRACE, end).await;
    false
}

/// Writes the ledger as JSON.
///
/// # Errors
/// When it cannot be written.
pub fn write_ledger(path: &Path, ledger: &Snapshot) -> std::io::Result<()> {
    let mut text = serde_json::to_string_pretty(ledger)?;
    text.push('\n');
    std::fs::write(path, text)
}
