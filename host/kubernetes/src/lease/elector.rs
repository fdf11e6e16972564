//! The candidate: looks at the lease until it may be taken, and takes it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep, sleep_until};

use super::held::Held;
use super::observed::{Decision, Observed};
use super::record::Record;
use super::status::Status;
use super::store::{Store, is_changed};
use super::{Settings, failed, jittered};
use crate::backoff::Backoff;
use crate::exchange::Clients;
use crate::failure::Failure;
use crate::random::Random;
use crate::report::Report;

/// The longest wait after failures: a standby must notice soon that the API server is back.
const BACKOFF_MOST: Duration = Duration::from_secs(5);
/// The longest wait after somebody else wrote first: enough for the writers to come apart.
const CONFLICT_WAIT_MOST: Duration = Duration::from_millis(200);

/// A candidate for the lease.
pub struct Elector {
    settings: Settings,
    store: Store,
    status: Arc<Status>,
    random: Random,
    /// What is written as the time; only people read it.
    clock: fn() -> Timestamp,
}

/// What one look led to.
enum Step {
    Held(Box<Held>),
    /// Look again then.
    At(Instant),
    /// Somebody wrote between our look and our write.
    Again,
}

impl Elector {
    /// A candidate that has not looked yet. `clients` gives the client of the moment, for each request.
    pub fn new(clients: Clients, settings: Settings) -> Self {
        let store = Store::new(clients, settings.namespace.clone(), settings.name.clone());
        Self {
            status: Arc::new(Status::new(settings.identity.clone())),
            store,
            settings,
            random: Random::new(),
            clock: Timestamp::now,
        }
    }

    /// The same random waits each time, and another wall clock.
    #[cfg(test)]
    pub(crate) fn for_test(mut self, seed: u64, clock: fn() -> Timestamp) -> Self {
        self.random = Random::seeded(seed);
        self.clock = clock;
        self
    }

    /// What others may know. It stays the same for the life of the elector.
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status)
    }

    /// Waits until this process holds the lease: for ever, through all failures, which are logged.
    ///
    /// After a lease was lost it may be called again, once all that the leader did has ended. Dropping it halfway is
    /// allowed; then the lease may have been taken, and others wait for its duration.
    pub async fn acquire(&mut self) -> Held {
        let mut observed = Observed::default();
        let mut report = Report::default();
        let mut backoff = Backoff::new(
            self.settings.retry_period,
            BACKOFF_MOST.max(self.settings.retry_period),
        );
        loop {
            match self.step(&mut observed).await {
                Ok(Step::Held(held)) => return *held,
                Ok(Step::At(when)) => {
                    report.worked();
                    backoff.reset();
                    sleep_until(when).await;
                }
                Ok(Step::Again) => {
                    sleep(CONFLICT_WAIT_MOST.mul_f64(self.random.fraction())).await;
                }
                Err(failure) => {
                    self.status.failed(&failure);
                    failed(&mut report, &failure, false);
                    sleep(backoff.next(failure.retry_after())).await;
                }
            }
        }
    }

    /// One look, and one write if it may be taken.
    async fn step(&mut self, observed: &mut Observed) -> Result<Step, Failure> {
        let timeout = self.settings.request_timeout();
        let found = self.store.read(Instant::now() + timeout).await?;
        let now = Instant::now();
        let me = &self.settings.identity;
        match observed.look(found.as_ref(), me, self.settings.duration, now) {
            Decision::Wait { leader, until } => {
                self.follow(&leader);
                let poll = now + jittered(self.settings.retry_period, &mut self.random);
                Ok(Step::At(poll.min(until)))
            }
            Decision::Take => self.take(found, now + timeout).await,
        }
    }

    /// Writes this process into the lease.
    async fn take(&mut self, found: Option<Record>, deadline: Instant) -> Result<Step, Failure> {
        let mut record = found.unwrap_or_else(|| self.store.empty());
        let before = record.holder().map(str::to_owned);
        let Settings {
            identity,
            duration,
            renew_deadline,
            ..
        } = &self.settings;
        record.take(identity, *duration, (self.clock)());
        // Before the request: the server may store it at any time from now on.
        let sent = Instant::now();
        let until = sent + *renew_deadline;
        match self.store.write(&record, deadline).await {
            // This process was not run for long: the lease may be taken by another soon.
            Ok(_) if Instant::now() >= until => Ok(Step::Again),
            Ok(record) => {
                self.status.acquired(until);
                tracing::info!(
                    lease = self.settings.name,
                    namespace = self.settings.namespace,
                    %identity,
                    before = before.as_deref().unwrap_or("nobody"),
                    transitions = record.transitions(),
                    "leading: this process holds the lease"
                );
                Ok(Step::Held(Box::new(self.held(record, until))))
            }
            Err(failure) if is_changed(&failure) => Ok(Step::Again),
            Err(failure) => Err(failure),
        }
    }

    fn held(&mut self, record: Record, until: Instant) -> Held {
        Held::new(
            self.settings.clone(),
            self.store.clone(),
            Arc::clone(&self.status),
            Random::seeded(self.random.number()),
            self.clock,
            record,
            until,
        )
    }

    fn follow(&self, leader: &str) {
        if !self.status.follows(Some(leader)) {
            tracing::info!(
                lease = self.settings.name,
                namespace = self.settings.namespace,
                identity = self.settings.identity,
                leader,
                "standby: another process holds the lease"
            );
        }
    }
}
