//! The only file that knows every part: puts the stages together, runs them, drains them, and says how
//! it went.
//!
//! ```text
//! source ─► lanes ─► queues ─► receivers        each arrow bounded, each box threads of its own
//! ```
//!
//! Draining goes the same way: the source ends, the lanes see the end of their chunks, the queues are
//! closed, the receivers empty them. A signal ends the source; its deadline ends everything.

mod observe;
mod stages;
mod supervise;
mod token;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{Notify, oneshot};
use weir_kubernetes::connect::Access;
use weir_runtime::Output;

use crate::ack::Progress;
use crate::admin::{self, Admin};
use crate::config::{self, Config};
use crate::deliver::MayCall;
use crate::health::{Heartbeats, Readiness, Report as Health};
use crate::ledger::{Ledger, Snapshot};
use crate::output::StandardOutput;
use crate::plugins::Loader;
use crate::prepare::{Prepared, StartError, prepare};
use crate::queue::Queue;
use crate::receivers::Receivers;
use crate::shutdown::Shutdown;
use crate::source::{Spread, kubernetes, replay};
use crate::status::Overview;
use crate::ways::http_client;
use stages::{open_queues, start_lanes, start_receivers, thread};
use supervise::{Signals, supervise};

pub use token::admin_token;

/// More lanes than this only take each other's memory bandwidth.
const LANES_MAX: usize = 4;

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
    /// The source cannot begin: no way to the cluster, for example. Exit code 2.
    Source(kubernetes::SourceError),
    /// The environment is wrong: exit code 2.
    Environment(String),
    /// The system refused something we need.
    System(String),
}

/// The running threads.
struct Stages {
    source: JoinHandle<Result<(), replay::ReplayError>>,
    /// Of a source that keeps positions.
    keeper: Option<kubernetes::Keeper>,
    lanes: Vec<JoinHandle<()>>,
    queues: Vec<Arc<Queue>>,
    receivers: Vec<JoinHandle<()>>,
}

/// What all threads share.
struct Shared {
    ledger: Arc<Ledger>,
    progress: Arc<Progress>,
    receivers: Arc<Receivers>,
    shutdown: Arc<Shutdown>,
    heartbeats: Arc<Heartbeats>,
}

/// Runs a configuration until its source ends or a signal comes, and all is delivered or given up.
///
/// # Errors
/// When it cannot begin. Everything later is in the report.
pub fn run(config: Config, loader: &mut Loader, access: Access) -> Result<Report, RunError> {
    let system = |what: &str, error: std::io::Error| RunError::System(format!("{what}: {error}"));
    let ledger = Ledger::new();
    let shared = Shared {
        receivers: Arc::new(name_slots(&config, &ledger)),
        ledger: Arc::new(ledger),
        progress: Progress::new(watches(&config.source).len()),
        shutdown: Arc::new(Shutdown::default()),
        heartbeats: Arc::default(),
    };
    let token = admin_token(&config).map_err(RunError::Start)?;
    // Before plugins are compiled, which may take seconds: a probe should find somebody.
    let admin = config.admin.as_ref().map(bind).transpose()?;
    let output = StandardOutput::open(Arc::clone(&shared.shutdown))
        .map_err(|error| system("standard output", error))?;
    let output: Arc<dyn Output> = Arc::new(output);
    let lanes = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(LANES_MAX);
    let client = http_client().map_err(RunError::Environment)?;
    let prepared = prepare(&config, loader, &output, &client, lanes).map_err(RunError::Start)?;
    shared.shutdown.on_abort(move || client.stop());
    let queues = open_queues(&config, &shared).map_err(RunError::Start)?;
    let receivers = shared.receivers.now();
    receivers
        .iter()
        .for_each(|(_, slot)| shared.progress.add(*slot));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| system("the runtime for signals", error))?;
    // Before any thread starts, so that no signal is missed.
    let signals = runtime
        .block_on(async { Signals::new() })
        .map_err(|error| system("signal handlers", error))?;
    let deadline = config.shutdown.deadline;
    let source = open_source(&config, access, &shared).map_err(RunError::Source)?;
    // What replaces plugins while events flow gives one.
    let overview: Option<Arc<dyn Overview>> = None;
    let state = admin::State {
        overview,
        token,
        ..admin_state(&config, &source, &shared)
    };
    let stages = start(config, prepared, lanes, source, &queues, &shared)
        .map_err(|error| system("cannot start a thread", error))?;
    let (ended, end) = oneshot::channel();
    thread("weir-stages".into(), &shared.shutdown, move || {
        // Nobody listens any more where the process has given up waiting.
        let _ = ended.send(await_stages(stages));
    })
    .map_err(|error| system("cannot start a thread", error))?;
    let supervised = supervise(signals, end, &shared.shutdown, deadline);
    let clean = runtime.block_on(beside(admin, state, supervised));
    let ledger = shared.ledger.snapshot();
    let delivered = shared.progress.is_complete() && is_settled(&ledger, &queues);
    Ok(Report {
        ledger,
        success: clean && delivered,
    })
}

/// The slots of what a configuration names, which are the current ones from now on.
fn name_slots(config: &Config, ledger: &Ledger) -> Receivers {
    let filters = config.filters.iter();
    let filters: Vec<usize> = filters.map(|filter| ledger.filter(&filter.name)).collect();
    let receivers = config.receivers.iter().map(|receiver| {
        let (slot, _) = ledger.receiver(&receiver.name);
        (receiver.name.clone(), slot)
    });
    let receivers: Vec<(String, usize)> = receivers.collect();
    let slots: Vec<usize> = receivers.iter().map(|(_, slot)| *slot).collect();
    ledger.current(&filters, &slots);
    Receivers::new(receivers)
}

/// Whether everything was delivered, or waits where it outlives this process.
fn is_settled(ledger: &Snapshot, queues: &stages::Queues) -> bool {
    let waiting = ledger
        .receivers
        .iter()
        .filter(|(_, counts)| counts.waiting > 0);
    let outlives = |name: &String| queues.of(name).is_some_and(|queue| queue.outlives());
    waiting.into_iter().all(|(name, _)| outlives(name)) && ledger.dead() == 0
}

fn bind(config: &config::Admin) -> Result<Admin, RunError> {
    let failed = |error: std::io::Error| RunError::System(format!("admin.listen: {error}"));
    let admin = Admin::bind(config.listen).map_err(failed)?;
    let address = admin.address().map_err(failed)?;
    tracing::info!(%address, "probes and metrics: /livez, /readyz, /metrics");
    Ok(admin)
}

/// What probes and metrics are made of.
fn admin_state(config: &Config, source: &Opened, shared: &Shared) -> admin::State {
    let observed = match source {
        Opened::Replay(_) => None,
        Opened::Kubernetes { status, .. } => Some(observe::Observed {
            status: Arc::clone(status),
            progress: Arc::clone(&shared.progress),
            receivers: Arc::clone(&shared.receivers),
        }),
    };
    let observed = observed.map(Arc::new);
    let readiness: Box<dyn Readiness> = match &observed {
        Some(observed) => Box::new(Arc::clone(observed)),
        None => Box::new(Health {
            ready: true,
            reasons: Vec::new(),
            details: serde_json::json!({"source": {"kind": "replay"}}),
        }),
    };
    let admin = config.admin.as_ref();
    admin::State {
        ledger: Arc::clone(&shared.ledger),
        heartbeats: Arc::clone(&shared.heartbeats),
        readiness,
        kubernetes: observed.map(|observed| Box::new(move || observed.figures()) as _),
        metrics_name_prefix: admin
            .map_or_else(String::new, |admin| admin.metrics_name_prefix.clone()),
        shutdown: Arc::clone(&shared.shutdown),
        overview: None,
        token: None,
    }
}

/// Answers probes for as long as `supervised` takes; gives what that gives.
async fn beside<T>(
    admin: Option<Admin>,
    state: admin::State,
    supervised: impl Future<Output = T>,
) -> T {
    let Some(admin) = admin else {
        return supervised.await;
    };
    let ended = Notify::new();
    let supervised = async {
        let done = supervised.await;
        ended.notify_one();
        done
    };
    let (done, served) = tokio::join!(supervised, admin.serve(state, ended.notified()));
    if let Err(error) = served {
        tracing::error!("probes and metrics were not answered: {error}");
    }
    done
}

/// The watches of a source, each with positions of its own.
fn watches(source: &config::Source) -> Vec<String> {
    match source {
        config::Source::Replay(_) => vec![String::new()],
        config::Source::Kubernetes(kubernetes) => kubernetes::watch_names(kubernetes),
    }
}

/// A source that is ready to be read.
enum Opened {
    Replay(config::Replay),
    Kubernetes {
        intake: Box<kubernetes::Intake>,
        keeper: kubernetes::Keeper,
        status: Arc<kubernetes::Status>,
    },
}

impl Opened {
    /// Whether sinks may be called: with leader election, by who leads. The renew deadline ends that, whatever else is
    /// slow to notice.
    fn may_call(&self, config: &Config) -> MayCall {
        match (self, &config.source) {
            (Opened::Kubernetes { status, .. }, config::Source::Kubernetes(kubernetes))
                if kubernetes.leader_election.is_some() =>
            {
                let status = Arc::clone(status);
                Arc::new(move || status.leader.get().is_some_and(|leader| leader.holds()))
            }
            _ => Arc::new(|| true),
        }
    }
}

/// Opens the source, where that can fail: a cluster without credentials is better known before anything runs.
fn open_source(
    config: &Config,
    access: Access,
    shared: &Shared,
) -> Result<Opened, kubernetes::SourceError> {
    let kubernetes = match &config.source {
        config::Source::Replay(replay) => return Ok(Opened::Replay(replay.clone())),
        config::Source::Kubernetes(kubernetes) => kubernetes,
    };
    let parts = kubernetes::Parts {
        config: (**kubernetes).clone(),
        cluster_name: config.cluster_name.clone(),
        checkpoint: config.checkpoint.clone(),
        receivers: Arc::clone(&shared.receivers),
        access,
        ledger: Arc::clone(&shared.ledger),
        progress: Arc::clone(&shared.progress),
        shutdown: Arc::clone(&shared.shutdown),
        heartbeat: Arc::new(shared.heartbeats.add("weir-kubernetes")),
    };
    let spawn = |run| thread("weir-kubernetes".into(), &shared.shutdown, run);
    let (intake, keeper, status) = kubernetes::start(parts, spawn)?;
    Ok(Opened::Kubernetes {
        intake: Box::new(intake),
        keeper,
        status,
    })
}

fn start(
    config: Config,
    prepared: Prepared,
    lanes: usize,
    source: Opened,
    queues: &stages::Queues,
    shared: &Shared,
) -> std::io::Result<Stages> {
    let dead_letters = &queues.dead_letters;
    let queues = queues.queues.clone();
    let aborting = queues.clone();
    shared
        .shutdown
        .on_abort(move || aborting.iter().for_each(|queue| queue.abort()));
    let may_call = source.may_call(&config);
    let receivers = start_receivers(
        &config,
        prepared.sinks,
        (&queues, dead_letters),
        &may_call,
        shared,
    )?;
    let (lanes, senders) = start_lanes(&config, prepared.filters, lanes, &queues, shared)?;
    let spread = Spread::new(senders, Arc::clone(&shared.progress));
    let (source, keeper) = start_source(source, &config, spread, shared)?;
    Ok(Stages {
        source,
        keeper,
        lanes,
        queues,
        receivers,
    })
}

type Started = (
    JoinHandle<Result<(), replay::ReplayError>>,
    Option<kubernetes::Keeper>,
);

fn start_source(
    source: Opened,
    config: &Config,
    spread: Spread,
    shared: &Shared,
) -> std::io::Result<Started> {
    let name = "weir-source".into();
    match source {
        Opened::Replay(replay) => {
            let (ledger, shutdown) = (Arc::clone(&shared.ledger), Arc::clone(&shared.shutdown));
            // A file has no positions.
            shared.progress.resume_watch(0, |_| None);
            let names = Arc::clone(&shared.receivers);
            let cluster_name = &config.cluster_name;
            let source = replay::Source::new(replay, cluster_name, spread, names, ledger, shutdown);
            let source = thread(name, &shared.shutdown, move || source.run())?;
            Ok((source, None))
        }
        Opened::Kubernetes { intake, keeper, .. } => {
            let source = thread(name, &shared.shutdown, move || {
                intake.run(spread);
                Ok(())
            })?;
            Ok((source, Some(keeper)))
        }
    }
}

/// Awaits the stages in the order of the flow; gives whether all ended as they should.
fn await_stages(stages: Stages) -> bool {
    let mut clean = match stages.source.join() {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::error!("{error}; what was read before is being delivered");
            false
        }
        Err(_) => false,
    };
    for lane in stages.lanes {
        clean &= lane.join().is_ok();
    }
    stages.queues.iter().for_each(|queue| queue.close());
    for receiver in stages.receivers {
        clean &= receiver.join().is_ok();
    }
    stages.queues.iter().for_each(|queue| queue.finish());
    if let Some(keeper) = stages.keeper {
        // It said what was wrong when it happened.
        clean &= keeper.finish().is_ok();
    }
    clean
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
