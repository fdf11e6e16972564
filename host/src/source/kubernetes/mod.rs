//! The events of a Kubernetes cluster: runs the watches of `weir-kubernetes` and feeds the lanes from them.
//!
//! ```text
//! thread weir-kubernetes (async):   [lease] ─► kept positions ─► a watch for each namespace ─► messages
//!                                      └────────── saves positions, renews the lease ◄── Progress ─┐
//! thread weir-source (blocks):      messages ─► Spread ─► lanes … receivers ─────────────────────────┘
//! ```
//!
//! The order of stopping: the watches end, the stages drain, then [`Keeper::finish`] saves the last positions and gives
//! the lease back. A leader whose lease is lost aborts the process before another may begin.

mod capture;
mod intake;
mod keep;
mod plan;

use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use weir_kubernetes::announce::{Announcements, Announcer, OwnPod};
use weir_kubernetes::connect::{Access, Connection};
use weir_kubernetes::failure::Failure;
use weir_kubernetes::lease::{Elector, Lost};
use weir_kubernetes::lookup::Enricher;
use weir_kubernetes::watch::{Message, Surroundings, Watch};

use crate::ack::Progress;
use crate::config::{self, Checkpoint};
use crate::health::Heartbeat;
use crate::ledger::Ledger;
use crate::position::PositionError;
use crate::receivers::Receivers;
use crate::shutdown::{Phase, Shutdown};

pub use capture::capture;
pub use intake::Intake;
pub use keep::CheckpointStatus;
pub use plan::watch_names;

use keep::{Keeping, Kept, Store};

/// Messages of up to 64 KiB that wait for the lanes, for all watches together.
const MESSAGES_WAITING_MAX: usize = 16;

/// How often the async thread shows that it is not blocked.
const BEAT_EVERY: Duration = Duration::from_secs(5);
/// How often certificates and other files of a kubeconfig are read again, whatever happens.
const RENEW_EVERY: Duration = Duration::from_secs(300);

/// Why the source ended, or did not begin.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The API server will never accept what it is asked, or cannot be reached at all.
    #[error("source.kubernetes: {0}")]
    Failure(#[from] Failure),
    /// What was kept cannot be used.
    #[error("checkpoint: {0}")]
    Position(#[from] PositionError),
    /// The lease went to another, or could not be renewed in time.
    #[error(
        "source.kubernetes.leaderElection: {0}; stopping at once, so that no two deliver: what was not acknowledged is delivered by who leads next"
    )]
    LeaseLost(#[from] Lost),
    /// The system refused a thread or a runtime.
    #[error("cannot start the thread for Kubernetes: {0}")]
    System(#[from] std::io::Error),
}

/// What the source needs.
pub struct Parts {
    /// `source.kubernetes`.
    pub config: config::Kubernetes,
    /// `clusterName`.
    pub cluster_name: String,
    /// `checkpoint`.
    pub checkpoint: Checkpoint,
    /// The receivers, as they come and go.
    pub receivers: Arc<Receivers>,
    /// How to reach the cluster.
    pub access: Access,
    /// What is said as events about our own pod.
    pub announcements: Announcements,
    /// Counts what is read and not handed on.
    pub ledger: Arc<Ledger>,
    /// With as many watches as [`watch_names`] gives.
    pub progress: Arc<Progress>,
    /// Tells when to stop.
    pub shutdown: Arc<Shutdown>,
    /// Of the async thread.
    pub heartbeat: Arc<Heartbeat>,
}

/// What probes and metrics show of the source. Everything in it is filled as it comes to be.
#[derive(Default)]
pub struct Status {
    /// The watches; none before this replica leads.
    pub watches: OnceLock<Vec<Arc<weir_kubernetes::status::WatchStatus>>>,
    /// Who leads; none without leader election.
    pub leader: OnceLock<Arc<weir_kubernetes::lease::Status>>,
    /// The lookups' counters; none without lookups.
    pub lookups: OnceLock<Arc<weir_kubernetes::lookup::Counters>>,
    /// Saved positions.
    pub checkpoint: CheckpointStatus,
}

/// The thread that keeps positions and the lease.
pub struct Keeper {
    settled: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), SourceError>>,
}

impl Keeper {
    /// Says that all is delivered that will be; saves the positions and gives the lease back.
    ///
    /// # Errors
    /// With why the source ended, if that was not because it was told to.
    pub fn finish(self) -> Result<(), SourceError> {
        // Where the thread has ended already, it says why below.
        let _ = self.settled.send(());
        self.thread
            .join()
            .unwrap_or_else(|_| Err(std::io::Error::other("the thread panicked").into()))
    }
}

/// Reads the credentials and starts to watch.
///
/// # Errors
/// When there are no credentials, or the system refuses a thread. All that the server says is dealt with later.
pub fn start(
    parts: Parts,
    spawn: impl FnOnce(
        Box<dyn FnOnce() -> Result<(), SourceError> + Send>,
    ) -> std::io::Result<JoinHandle<Result<(), SourceError>>>,
) -> Result<(Intake, Keeper, Arc<Status>), SourceError> {
    let status = Arc::new(Status::default());
    let (out, messages) = mpsc::channel(MESSAGES_WAITING_MAX);
    let (settled, all_settled) = oneshot::channel();
    let (opened, open) = std::sync::mpsc::sync_channel(1);
    let intake = Intake::new(messages, Arc::clone(&parts.progress));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let of_thread = Arc::clone(&status);
    let thread = spawn(Box::new(move || {
        runtime.block_on(async {
            let connection = match Connection::open(parts.access.clone()).await {
                Ok(connection) => connection,
                Err(failure) => {
                    // `start` waits for it.
                    let _ = opened.send(Err(failure));
                    return Ok(());
                }
            };
            let _ = opened.send(Ok(()));
            let source = Source {
                parts,
                connection,
                status: of_thread,
            };
            source.run(out, all_settled).await
        })
    }))?;
    match open.recv() {
        Ok(Ok(())) => Ok((intake, Keeper { settled, thread }, status)),
        Ok(Err(failure)) => Err(failure.into()),
        Err(_) => Err(std::io::Error::other("the thread ended before it began").into()),
    }
}

/// The async side.
struct Source {
    parts: Parts,
    connection: Arc<Connection>,
    status: Arc<Status>,
}

impl Source {
    async fn run(
        self,
        out: mpsc::Sender<Message>,
        settled: oneshot::Receiver<()>,
    ) -> Result<(), SourceError> {
        let mut phase = follow(&self.parts.shutdown);
        // Dropped with this task, which ends it.
        let mut renewing = JoinSet::new();
        let heartbeat = Arc::clone(&self.parts.heartbeat);
        renewing.spawn(async move {
            loop {
                // Nothing on this thread may block it for long.
                heartbeat.beat();
                tokio::time::sleep(BEAT_EVERY).await;
            }
        });
        renewing.spawn(renew_now_and_then(Arc::clone(&self.connection)));
        // A standby has something to say, too.
        if let Some(pod) = OwnPod::from_environment(|name| std::env::var(name).ok()) {
            let announcer = Announcer::new(Arc::clone(&self.connection), pod);
            renewing.spawn(announcer.run(self.parts.announcements.clone()));
        }
        let begun = tokio::select! {
            begun = self.begin() => said(begun)?,
            () = reaches(&mut phase, Phase::Draining) => return Ok(()),
        };
        let Begun { mut keeping, kept } = begun;
        let first_kept = |watch| keeping.first_kept(watch);
        let mut watches = self.start_watches(&kept, first_kept, &out);
        // The channel ends with the last watch.
        drop(out);
        let ended = {
            let mut keep = std::pin::pin!(keeping.run(&kept, &self.parts.progress, &self.status));
            let ended = tokio::select! {
                lost = &mut keep => return self.lost(lost),
                () = reaches(&mut phase, Phase::Draining) => Ok(()),
                ended = mistake(&mut watches) => Err(SourceError::from(ended)),
            };
            let ended = said(ended);
            watches.shutdown().await;
            tokio::select! {
                lost = &mut keep => return self.lost(lost),
                _ = settled => {}
                () = reaches(&mut phase, Phase::Aborting) => {}
            }
            ended
        };
        // While a sink may still be called nobody else may lead.
        let quiet = *phase.borrow() < Phase::Aborting;
        keeping
            .end(&kept, &self.parts.progress, &self.status, quiet)
            .await;
        ended
    }

    fn lost(&self, error: SourceError) -> Result<(), SourceError> {
        let error = said(Err(error));
        self.parts.shutdown.advance(Phase::Aborting);
        error
    }

    /// Takes the lease where there is one, and reads the positions.
    async fn begin(&self) -> Result<Begun, SourceError> {
        let store = match &self.parts.config.leader_election {
            Some(election) => {
                let settings = plan::lease(election, self.connection.namespace());
                let mut elector = Elector::new(self.connection.clients(), settings);
                let _ = self.status.leader.set(elector.status());
                Store::Lease(Box::new(elector.acquire().await))
            }
            None => Store::of(&self.parts.checkpoint, &self.connection),
        };
        let mut keeping = Keeping::new(store);
        let kept = keeping
            .load(&self.parts.receivers, &watch_names(&self.parts.config))
            .await?;
        Ok(Begun { keeping, kept })
    }

    fn start_watches(
        &self,
        kept: &Kept,
        first_kept: impl Fn(usize) -> Option<watch::Receiver<bool>>,
        out: &mpsc::Sender<Message>,
    ) -> JoinSet<Result<(), Failure>> {
        let enricher = self.enricher();
        let accounts = Arc::new(plan::Counting::new(Arc::clone(&self.parts.ledger)));
        let (mut watches, mut statuses) = (JoinSet::new(), Vec::new());
        for (index, name) in watch_names(&self.parts.config).iter().enumerate() {
            let begins = kept.resume(index, &self.parts.progress);
            let status = Arc::new(kept.watch_status(index, name));
            statuses.push(Arc::clone(&status));
            let surroundings = Surroundings {
                connection: Arc::clone(&self.connection),
                out: out.clone(),
                accounts: Arc::clone(&accounts) as _,
                status,
                enricher: enricher.clone(),
                kept: first_kept(index),
            };
            let settings = plan::watch(&self.parts.config, name, begins, &self.parts.cluster_name);
            watches.spawn(Watch::new(index, settings, surroundings).run());
        }
        // Nobody else sets it.
        let _ = self.status.watches.set(statuses);
        watches
    }

    fn enricher(&self) -> Option<Arc<Enricher>> {
        let lookup = self.parts.config.lookup.as_ref()?;
        let counters = Arc::default();
        let _ = self.status.lookups.set(Arc::clone(&counters));
        let connection = Arc::clone(&self.connection);
        let enricher = Enricher::new(move || connection.client(), plan::lookup(lookup), counters);
        Some(Arc::new(enricher))
    }
}

/// A watch renews the connection when it fails. Who only asks now and then (a standby, a lookup) would go on with the
/// credentials of the start.
async fn renew_now_and_then(connection: Arc<Connection>) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        if let Err(failure) = connection.renew(connection.generation()).await {
            tracing::warn!("the credentials are not read again: {failure}");
        }
    }
}

/// Errors are said when they happen: delivering what was read before may take long.
fn said<T>(result: Result<T, SourceError>) -> Result<T, SourceError> {
    if let Err(error) = &result {
        tracing::error!("{error}");
    }
    result
}

/// The first watch that ends because the server will never accept what it asks.
async fn mistake(watches: &mut JoinSet<Result<(), Failure>>) -> Failure {
    loop {
        match watches.join_next().await {
            Some(Ok(Err(failure))) => return failure,
            Some(_) => {}
            // All ended because nobody takes what they bring: the process stops, and says why elsewhere.
            None => std::future::pending().await,
        }
    }
}

/// What is there when the watches begin.
struct Begun {
    keeping: Keeping,
    kept: Kept,
}

/// The phase of the process, for async code.
fn follow(shutdown: &Shutdown) -> watch::Receiver<Phase> {
    let (sender, receiver) = watch::channel(shutdown.phase());
    let sender = Arc::new(sender);
    for phase in [Phase::Draining, Phase::Aborting] {
        let sender = Arc::clone(&sender);
        shutdown.on(phase, move || {
            sender.send_modify(|now| *now = phase.max(*now));
        });
    }
    receiver
}

async fn reaches(phase: &mut watch::Receiver<Phase>, until: Phase) {
    // The sender lives as long as the process.
    if phase.wait_for(|now| *now >= until).await.is_err() {
        std::future::pending::<()>().await;
    }
}
