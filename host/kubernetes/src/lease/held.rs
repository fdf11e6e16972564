//! The holder: renews the lease, with the position in it, until it is lost or released.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep, sleep_until};

use super::record::Record;
use super::status::Status;
use super::store::{Store, is_changed};
use super::{Settings, failed, jittered};
use crate::failure::Failure;
use crate::random::Random;
use crate::report::Report;

/// The shortest wait after a failure: near the deadline tries come closer, but no closer than this.
const FAILURE_WAIT_LEAST: Duration = Duration::from_millis(200);
/// How often a release is tried: a connection may break, or somebody change a label at the same time.
const RELEASE_TRIES: u32 = 4;
/// How long a release may take in all: the shutdown has a deadline, too, and others take over without it.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(5);

/// The lease, held by this process for as long as [`Status::holds`] says so.
///
/// Dropping it neither renews nor releases: others wait until its duration is over.
pub struct Held {
    settings: Settings,
    store: Store,
    status: Arc<Status>,
    random: Random,
    clock: fn() -> Timestamp,
    /// As it was last seen; the next write is decided on it.
    record: Record,
    /// What was in the annotation when the lease was acquired.
    position: Option<String>,
    until: Instant,
    /// When the next renewal is sent.
    due: Instant,
    /// Of the position's size.
    oversize: Report,
}

/// Why the lease is not held any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// No renewal worked for so long that others may take it soon.
    #[error("the lease could not be renewed before its deadline")]
    Deadline {
        /// Why the last request failed, if one did.
        #[source]
        failure: Option<Failure>,
    },
    /// It belongs to somebody else, or (`None`) was given up in our name.
    #[error("the lease is held by {}", by.as_deref().unwrap_or("nobody"))]
    Taken {
        /// Who holds it.
        by: Option<String>,
    },
}

impl Lost {
    /// A fixed word for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Deadline { .. } => "deadline",
            Self::Taken { .. } => "taken",
        }
    }
}

impl Held {
    pub(super) fn new(
        settings: Settings,
        store: Store,
        status: Arc<Status>,
        mut random: Random,
        clock: fn() -> Timestamp,
        record: Record,
        until: Instant,
    ) -> Self {
        Self {
            position: record.position().map(str::to_owned),
            due: Instant::now() + jittered(settings.retry_period, &mut random),
            settings,
            store,
            status,
            random,
            clock,
            record,
            until,
            oversize: Report::default(),
        }
    }

    /// The position that the holder before left, from when the lease was acquired; `None`: there is none.
    pub fn position(&self) -> Option<&str> {
        self.position.as_deref()
    }

    /// Until when the lease is held if it is not renewed again.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// What others may know; the same as the elector's.
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status)
    }

    /// Renews the lease each `retry_period`, with what `position` gives just then (`None`: the annotation stays as
    /// it is). Returns when the lease is lost, at the renew deadline at the latest; then [`Status::holds`] is false.
    ///
    /// May be dropped and called again: while draining, or to release.
    pub async fn renew_loop(&mut self, position: impl Fn() -> Option<String>) -> Lost {
        let mut report = Report::default();
        let mut last = None;
        loop {
            sleep_until(self.due.min(self.until)).await;
            if Instant::now() >= self.until {
                return self.lost(Lost::Deadline { failure: last });
            }
            match self.renew(position()).await {
                Ok(()) if Instant::now() >= self.until => {
                    return self.lost(Lost::Deadline { failure: last });
                }
                Ok(()) => {
                    report.worked();
                    last = None;
                }
                Err(Problem::Lost(lost)) => return self.lost(lost),
                Err(Problem::Failed(failure)) => {
                    self.status.failed(&failure);
                    failed(&mut report, &failure, true);
                    self.due = self.next_try(failure.retry_after());
                    last = Some(failure);
                }
            }
        }
    }

    /// Gives the lease up, with the last position in it, so that another takes it at once. To be called when all
    /// that the leader does has ended, also after the lease was lost. From the call on, [`Status::holds`] is false.
    /// Answers whether it was still ours. Takes 5 s at the most.
    ///
    /// # Errors
    ///
    /// The lease could not be read or written; others take it when its duration is over.
    pub async fn release(mut self, position: Option<String>) -> Result<bool, Failure> {
        self.status.stopped();
        let deadline = Instant::now() + RELEASE_TIMEOUT;
        let mut tries = 0;
        while self.record.holder() == Some(self.settings.identity.as_str()) {
            tries += 1;
            match self.try_release(position.as_deref(), deadline).await {
                Ok(()) => {
                    self.status.follows(None);
                    tracing::info!(
                        lease = self.settings.name,
                        namespace = self.settings.namespace,
                        "the lease is released"
                    );
                    return Ok(true);
                }
                Err(failure) if tries == RELEASE_TRIES => return Err(failure),
                // It may have been done all the same, or somebody changed a label: look.
                Err(failure) if !is_changed(&failure) => sleep(FAILURE_WAIT_LEAST).await,
                Err(_) => {}
            }
            if let Ok(found) = self.read_for_release(deadline).await {
                self.record = found.unwrap_or_else(|| self.store.empty());
            }
        }
        // Nobody holds it, after a try of ours: that was it.
        Ok(tries > 0 && self.record.holder().is_none())
    }

    async fn try_release(&mut self, position: Option<&str>, until: Instant) -> Result<(), Failure> {
        self.set_position(position);
        let mut record = self.record.clone();
        record.release((self.clock)());
        let deadline = until.min(Instant::now() + self.settings.request_timeout());
        self.store.write(&record, deadline).await.map(drop)
    }

    async fn read_for_release(&self, until: Instant) -> Result<Option<Record>, Failure> {
        let deadline = until.min(Instant::now() + self.settings.request_timeout());
        self.store.read(deadline).await
    }

    /// One renewal. A conflict is looked into: it may be a label that was changed, or our own write whose answer
    /// was lost.
    async fn renew(&mut self, position: Option<String>) -> Result<(), Problem> {
        let timeout = self.settings.request_timeout();
        let deadline = self.until.min(Instant::now() + timeout);
        let mut record = self.prepared(position.as_deref());
        let sent = Instant::now();
        match self.store.write(&record, deadline).await {
            Ok(written) => {
                self.renewed(written, sent);
                return Ok(());
            }
            Err(failure) if !is_changed(&failure) => return Err(Problem::Failed(failure)),
            Err(_) => {}
        }
        match self.store.read(deadline).await.map_err(Problem::Failed)? {
            Some(found) if found.holder() == Some(self.settings.identity.as_str()) => {
                self.record = found;
            }
            Some(found) => {
                let by = found.holder().map(str::to_owned);
                self.record = found;
                return Err(Problem::Lost(Lost::Taken { by }));
            }
            // Somebody deleted it. Others wait for us as if it were there, those that saw it.
            None => {
                tracing::warn!("the lease was deleted: this process creates it again");
                let position = self.record.position().map(str::to_owned);
                self.record = self.store.empty();
                self.set_position(position.as_deref());
            }
        }
        record = self.prepared(position.as_deref());
        let sent = Instant::now();
        let written = self.store.write(&record, deadline).await;
        self.renewed(written.map_err(Problem::Failed)?, sent);
        Ok(())
    }

    fn renewed(&mut self, written: Record, sent: Instant) {
        self.record = written;
        self.due = sent + jittered(self.settings.retry_period, &mut self.random);
        // A late answer does not bring a lease back that was lost already.
        if Instant::now() < self.until {
            self.until = sent + self.settings.renew_deadline;
            self.status.renewed(self.until);
        }
    }

    /// The record to write: ours, from now on, with the position.
    fn prepared(&mut self, position: Option<&str>) -> Record {
        self.set_position(position);
        let mut record = self.record.clone();
        record.take(
            &self.settings.identity,
            self.settings.duration,
            (self.clock)(),
        );
        record
    }

    fn set_position(&mut self, position: Option<&str>) {
        let Some(position) = position else { return };
        if let Err(error) = self.record.set_position(position) {
            self.status.oversize();
            if let Some(left_out) = self.oversize.due("oversize") {
                tracing::error!(%error, left_out, "the position is not stored");
            }
        }
    }

    /// As the server asks, but early enough to try again before the deadline.
    fn next_try(&mut self, asked: Option<Duration>) -> Instant {
        let now = Instant::now();
        let period = self.settings.retry_period;
        let wait = jittered(period.max(asked.unwrap_or_default()), &mut self.random)
            .min(self.until.saturating_duration_since(now) / 2)
            .max(FAILURE_WAIT_LEAST.min(period));
        now + wait
    }

    fn lost(&self, lost: Lost) -> Lost {
        match &lost {
            Lost::Deadline { failure } => {
                self.status.lost(None);
                tracing::error!(
                    lease = self.settings.name,
                    namespace = self.settings.namespace,
                    failure = failure.as_ref().map(tracing::field::display),
                    "the lease could not be renewed in time: this process stops leading"
                );
            }
            Lost::Taken { by } => {
                self.status.lost(by.as_deref());
                tracing::error!(
                    lease = self.settings.name,
                    namespace = self.settings.namespace,
                    leader = by.as_deref().unwrap_or("nobody"),
                    "the lease belongs to another: this process stops leading"
                );
            }
        }
        lost
    }
}

/// Why a renewal did not work.
enum Problem {
    /// It may work the next time.
    Failed(Failure),
    Lost(Lost),
}
