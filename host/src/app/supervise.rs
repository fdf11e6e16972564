//! Waiting for the end: signals, the deadline for stopping, threads that do not notice.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, oneshot};
use weir_watch::Looks;

use super::Shared;
use crate::shutdown::Phase;

/// After an abort, threads have this long to notice; then the process ends without them.
const ABORT_GRACE: Duration = Duration::from_secs(2);

/// The signals that end a run, or have the files looked at.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next signal that ends a run. SIGHUP has the files looked at.
    async fn next(&mut self, looks: &Looks) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.hangup.recv() => looks.ask(),
            }
        }
    }
}

/// Waits for the end; a first signal drains, a second one or the deadline aborts. Where the process aborts by
/// itself, its threads have as long to notice as after a signal.
pub(super) async fn supervise(
    mut signals: Signals,
    mut end: oneshot::Receiver<bool>,
    shared: &Shared,
    looks: &Looks,
) -> bool {
    let shutdown = &shared.shutdown;
    let aborted = Arc::new(Notify::new());
    let notify = Arc::clone(&aborted);
    shutdown.on_abort(move || notify.notify_one());
    tokio::select! {
        clean = &mut end => return clean.unwrap_or(false),
        () = aborted.notified() => return give_up(end).await,
        name = signals.next(looks) => {
            let deadline_s = shared.deadline().as_secs();
            tracing::info!(signal = name, deadline_s, "stopping: delivering what was read");
            shutdown.advance(Phase::Draining);
        }
    }
    tokio::select! {
        clean = &mut end => return clean.unwrap_or(false),
        () = aborted.notified() => {}
        () = tokio::time::sleep(shared.deadline()) => tracing::error!("the deadline for stopping has passed"),
        name = signals.next(looks) => tracing::warn!(signal = name, "stopping at once"),
    }
    shutdown.advance(Phase::Aborting);
    give_up(end).await
}

async fn give_up(end: oneshot::Receiver<bool>) -> bool {
    if tokio::time::timeout(ABORT_GRACE, end).await.is_err() {
        tracing::warn!("a thread did not notice in time that the process ends");
    }
    false
}
