//! The only file that knows every part: puts the stages together, runs them, drains them, and says how
//! it went.
//!
//! ```text
//! source ─► lanes ─► queues ─► receivers        each arrow bounded, each box threads of its own
//! ```
//!
//! Draining goes the same way: the source ends, the lanes see the end of their chunks, the queues are
//! closed, the receivers empty them. A signal ends the source; its deadline ends everything.

mod announce;
mod frozen;
mod live;
mod observe;
mod reload;
mod retiring;
mod running;
mod stages;
mod supervise;
mod token;
mod view;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::sync::{Notify, oneshot};
use weir_kubernetes::connect::Access;
use weir_runtime::hex;
use weir_watch::Looks;

use crate::ack::Progress;
use crate::admin::{self, Admin};
use crate::config::{self, Config};
use crate::deliver::MayCall;
use crate::health::{Heartbeats, Readiness, Report as Health};
use crate::ledger::{Ledger, Snapshot};
use crate::output::StandardOutput;
use crate::plugins::{Loader, directories};
use crate::prepare::{Before, StartError, Ways, prepare};
use crate::receivers::Receivers;
use crate::shutdown::{Phase, Shutdown};
use crate::source::{Spread, kubernetes, replay};
use crate::status::Overview;
use crate::ways::http_client;
use announce::Announce;
use frozen::Frozen;
use live::Live;
use reload::Reloader;
use running::Running;
use stages::{start_lanes, thread};
use supervise::{Signals, supervise};
use view::View;

pub use token::admin_token;

/// More lanes than this only take each other's memory bandwidth.
const LANES_MAX: usize = 4;
/// Before what the system says.
const NO_THREAD: &str = "cannot start a thread";

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

/// What is run.
pub struct Job {
    /// The configuration.
    pub config: Config,
    /// Its file: it is watched, and taken again when it changes.
    pub file: PathBuf,
    /// The bytes of that file.
    pub text: Vec<u8>,
    /// Loads its plugins, also later.
    pub loader: Loader,
    /// How to reach the cluster.
    pub access: Access,
}

/// The running threads.
struct Stages {
    source: JoinHandle<Result<(), replay::ReplayError>>,
    /// Of a source that keeps positions.
    keeper: Option<kubernetes::Keeper>,
    lanes: Vec<JoinHandle<()>>,
    running: Arc<Mutex<Running>>,
    looks: Arc<Looks>,
}

/// What all threads share.
struct Shared {
    ledger: Arc<Ledger>,
    progress: Arc<Progress>,
    receivers: Arc<Receivers>,
    shutdown: Arc<Shutdown>,
    heartbeats: Arc<Heartbeats>,
    /// `shutdown.deadline`, in milliseconds: it may change.
    deadline_ms: AtomicU64,
}

impl Shared {
    fn set_deadline(&self, deadline: Duration) {
        let ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        self.deadline_ms.store(ms, Ordering::Relaxed);
    }

    fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms.load(Ordering::Relaxed))
    }
}

/// Runs a configuration until its source ends or a signal comes, and all is delivered or given up.
///
/// # Errors
/// When it cannot begin. Everything later is in the report.
pub fn run(job: Job) -> Result<Report, RunError> {
    let Job {
        config,
        file,
        text,
        mut loader,
        access,
    } = job;
    let shared = Arc::new(Shared {
        ledger: Arc::default(),
        progress: Progress::new(watches(&config.source).len()),
        receivers: Arc::default(),
        shutdown: Arc::new(Shutdown::default()),
        heartbeats: Arc::default(),
        deadline_ms: AtomicU64::new(0),
    });
    let begun = Instant::now();
    let token = admin_token(&config).map_err(RunError::Start)?;
    // Before plugins are compiled, which may take seconds: a probe should find somebody.
    let admin = config.admin.as_ref().map(bind).transpose()?;
    let output =
        StandardOutput::open(Arc::clone(&shared.shutdown)).map_err(system("standard output"))?;
    let lanes = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(LANES_MAX);
    let client = http_client().map_err(RunError::Environment)?;
    let ways = Ways {
        output: Arc::new(output),
        client: client.clone(),
        lanes,
    };
    let prepared =
        prepare(&config, &mut loader, &ways, &Before::default()).map_err(RunError::Start)?;
    shared.shutdown.on_abort(move || client.stop());
    let lanes = start_lanes(lanes, &shared).map_err(system(NO_THREAD))?;
    let frozen = Frozen::of(&config);
    let directories = directories(&config.plugins);
    let may_call = Arc::new(OnceLock::new());
    let names = watches(&config.source);
    let allowed = only_once_known(&may_call);
    let mut running = Running::new(Arc::clone(&shared), allowed, names, lanes.control);
    let (source_config, admin_config) = (source_parts(&config), config.admin.clone());
    let plan = running.plan(config, prepared).map_err(RunError::Start)?;
    running.apply(plan, &Arc::new(Live::of("start".to_owned(), begun)));
    let before = running.before().clone();
    let running = Arc::new(Mutex::new(running));
    // Before any thread reads events, so that no signal is missed.
    let (runtime, signals) = await_signals()?;
    let announce = Announce::default();
    let source = open_source(&source_config, access, &announce, &shared).map_err(|error| {
        shared.shutdown.advance(Phase::Aborting);
        RunError::Source(error)
    })?;
    // Set once, here.
    let _ = may_call.set(source.may_call(&source_config.source));
    let looks: Arc<Looks> = Arc::default();
    let view = Arc::new(View::new(Arc::clone(&looks)));
    view.runs(&file, &digest(&text), &before);
    let state = admin_state((admin_config.as_ref(), token), &source, &view, &shared);
    let reloader = Reloader {
        file,
        text,
        loader,
        ways,
        running: Arc::clone(&running),
        frozen,
        view,
        looks: Arc::clone(&looks),
        directories,
        announce,
    };
    // Never awaited: it may be compiling a plugin when the process ends.
    let reload = move || reloader.run();
    thread("weir-reload".into(), &shared.shutdown, reload).map_err(system(NO_THREAD))?;
    let spread = Spread::new(lanes.chunks, Arc::clone(&shared.progress));
    let (source, keeper) = start_source(source, &source_config.cluster_name, spread, &shared)
        .map_err(system(NO_THREAD))?;
    let stages = Stages {
        source,
        keeper,
        lanes: lanes.threads,
        running: Arc::clone(&running),
        looks: Arc::clone(&looks),
    };
    let (ended, end) = oneshot::channel();
    thread("weir-stages".into(), &shared.shutdown, move || {
        // Nobody listens any more where the process has given up waiting.
        let _ = ended.send(await_stages(stages));
    })
    .map_err(system(NO_THREAD))?;
    let supervised = supervise(signals, end, &shared, &looks);
    let clean = runtime.block_on(beside(admin, state, supervised));
    let ledger = shared.ledger.snapshot();
    let running = running.lock().unwrap_or_else(PoisonError::into_inner);
    let delivered = shared.progress.is_complete() && is_settled(&ledger, &running);
    Ok(Report {
        ledger,
        success: clean && delivered,
    })
}

/// What the system refused, for [`RunError::System`].
fn system(what: &str) -> impl Fn(std::io::Error) -> RunError + '_ {
    move |error| RunError::System(format!("{what}: {error}"))
}

/// Where signals are waited for, with their handlers in place.
fn await_signals() -> Result<(tokio::runtime::Runtime, Signals), RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(system("the runtime for signals"))?;
    let signals = runtime
        .block_on(async { Signals::new() })
        .map_err(system("signal handlers"))?;
    Ok((runtime, signals))
}

/// Whether everything was delivered, or waits where it outlives this process.
fn is_settled(ledger: &Snapshot, running: &Running) -> bool {
    let waiting = ledger
        .receivers
        .iter()
        .filter(|(_, counts)| counts.waiting > 0);
    waiting.into_iter().all(|(name, _)| running.outlives(name)) && ledger.dead() == 0
}

/// SHA-256, in hex.
fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn bind(config: &config::Admin) -> Result<Admin, RunError> {
    let failed = |error: std::io::Error| RunError::System(format!("admin.listen: {error}"));
    let admin = Admin::bind(config.listen).map_err(failed)?;
    let address = admin.address().map_err(failed)?;
    tracing::info!(%address, "probes and metrics: /livez, /readyz, /metrics");
    Ok(admin)
}

/// What probes and metrics are made of.
fn admin_state(
    (admin, token): (Option<&config::Admin>, Option<admin::Token>),
    source: &Opened,
    view: &Arc<View>,
    shared: &Shared,
) -> admin::State {
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
    let overview: Arc<dyn Overview> = Arc::clone(view) as _;
    admin::State {
        overview: Some(overview),
        token,
        ledger: Arc::clone(&shared.ledger),
        heartbeats: Arc::clone(&shared.heartbeats),
        readiness,
        kubernetes: observed.map(|observed| Box::new(move || observed.figures()) as _),
        metrics_name_prefix: admin
            .map_or_else(String::new, |admin| admin.metrics_name_prefix.clone()),
        shutdown: Arc::clone(&shared.shutdown),
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
    fn may_call(&self, source: &config::Source) -> MayCall {
        match (self, source) {
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

/// Sinks may be called as soon as it is known when they may.
fn only_once_known(may_call: &Arc<OnceLock<MayCall>>) -> MayCall {
    let may_call = Arc::clone(may_call);
    Arc::new(move || may_call.get().is_none_or(|may_call| may_call()))
}

/// What the source needs of a configuration.
struct SourceParts {
    source: config::Source,
    cluster_name: String,
    checkpoint: config::Checkpoint,
}

fn source_parts(config: &Config) -> SourceParts {
    SourceParts {
        source: config.source.clone(),
        cluster_name: config.cluster_name.clone(),
        checkpoint: config.checkpoint.clone(),
    }
}

/// Opens the source, where that can fail: a cluster without credentials is better known before anything runs.
fn open_source(
    config: &SourceParts,
    access: Access,
    announce: &Announce,
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
        announcements: announce.0.clone(),
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

type Started = (
    JoinHandle<Result<(), replay::ReplayError>>,
    Option<kubernetes::Keeper>,
);

fn start_source(
    source: Opened,
    cluster_name: &str,
    spread: Spread,
    shared: &Shared,
) -> std::io::Result<Started> {
    let name = "weir-source".into();
    match source {
        Opened::Replay(replay) => {
            let (ledger, shutdown) = (Arc::clone(&shared.ledger), Arc::clone(&shared.shutdown));
            let receivers = Arc::clone(&shared.receivers);
            // A file has no positions.
            shared.progress.resume_watch(0, |_| None);
            let source =
                replay::Source::new(replay, cluster_name, spread, receivers, ledger, shutdown);
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
    // A change that comes now would only hold up the end.
    stages.looks.end();
    for lane in stages.lanes {
        clean &= lane.join().is_ok();
    }
    let (queues, receivers) = stages
        .running
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .end();
    for receiver in receivers {
        clean &= receiver.join().is_ok();
    }
    queues.iter().for_each(|queue| queue.finish());
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
