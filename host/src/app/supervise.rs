//! Waiting for the end: signals, the deadline for stopping, threads that do not notice.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, oneshot};

use crate::shutdown::{Phase, Shutdown};

/// After an abort, threads have this long to notice; then the process ends without them.
const ABORT_GRACE: Duration = Duration::from_secs(2);

/// The signals that end a run.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Signals> {
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

/// Waits for the end; a first signal drains, a second one or the deadline aborts. Where the process aborts by
/// itself, its threads have as long to notice as after a signal.
pub(super) async fn supervise(
    mut signals: Signals,
    mut end: oneshot::Receiver<bool>,
    shutdown: &Shutdown,
    deadline: Duration,
) -> bool {
    let aborted = Arc::new(Notify::new());
    let notify = Arc::clone(&aborted);
    shutdown.on_abort(move || notify.notify_one());
    tokio::select! {
        clean = &mut end => return clean.unwrap_or(false),
        () = aborted.notified() => return give_up(end).await,
        name = signals.next() => {
            let deadline_s = deadline.as_secs();
            tracing::info!(signal = name, deadline_s, "stopping: delivering what was read");
            shutdown.advance(Phase::Draining);
        }
    }
    tokio::select! {
        clean = &mut end => return clean.unwrap_or(false),
        () = aborted.notified() => {}
        () = tokio::time::sleep(deadline) => tracing::error!("the deadline for stopping has passed"),
        name = signals.next() => tracing::warn!(signal = name, "stopping at once"),
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
