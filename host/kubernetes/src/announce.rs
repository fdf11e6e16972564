//! What people should know of weir itself, as Kubernetes Events about its own pod: where `kubectl describe pod` and
//! every tool that shows events show it.
//!
//! ```text
//! any thread ─► Announcements (16 wait, the oldest gives way) ─► Announcer, async ─► an Event of events.k8s.io/v1
//! ```
//!
//! What repeats within ten minutes is a series of one object, as the API wants it; there is at most one request a
//! second, after a burst of five. An announcement never holds up anything: what cannot be written is tried for about
//! a minute, then given up and logged. Nothing here decides what is worth announcing.

mod event;
mod pod;
mod queue;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::events::v1::Event;
use kube::Resource;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::Request;
use tokio::time::{Instant, sleep};

pub use event::{NOTE_BYTES_MAX, REPORTING_CONTROLLER};
pub use pod::OwnPod;
pub use queue::{Announcements, WAITING_MAX};

use crate::backoff::Backoff;
use crate::connect::Connection;
use crate::exchange::exchange;
use crate::failure::{Action, Failure};
use crate::limit::Limit;
use crate::report::Report;
use event::Names;
use queue::Waiting;

/// Requests a second in the long run.
const RATE: f64 = 1.0;
/// Requests at once, after a time without any.
const BURST: u32 = 5;
/// A repeat so long after the last one is a new object.
const SERIES_FOR: Duration = Duration::from_secs(600);
/// Objects that a repeat may still belong to.
const SERIES_MAX: usize = 64;
/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a request is tried: with the pauses below for half a minute to a minute, in which an API server restarts.
const TRIES: u32 = 6;
/// The first pause before another try.
const RETRY_FIRST: Duration = Duration::from_secs(2);
/// The longest pause before another try, but for what the server asks for.
const RETRY_MOST: Duration = Duration::from_secs(30);

/// How it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// For information: something works, again or anew.
    Normal,
    /// Somebody should look.
    Warning,
}

/// What people should know: that the state of something changed, never that a single event did something, because weir
/// reads its own announcements back.
///
/// It is the same as another one if all of it is: put nothing into the note that changes with each repeat, such as a
/// time or a counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// How it is meant.
    pub kind: Kind,
    /// Why, for machines and people, in UpperCamelCase, such as `PluginQuarantined`. 1 to 128 bytes.
    pub reason: &'static str,
    /// What was done or failed, for machines, in UpperCamelCase, such as `Reload`. 1 to 128 bytes.
    pub action: &'static str,
    /// The text for people, without any secret: who may read events may read it. More than [`NOTE_BYTES_MAX`] is cut.
    pub note: String,
}

/// Writes announcements, one after another.
pub struct Announcer {
    connection: Arc<Connection>,
    pod: OwnPod,
    names: Names,
    rate: Limit,
    /// What a repeat may belong to. The one that was repeated last is at the end.
    series: VecDeque<Series>,
    /// What of the log is due: what was given up, what had no place in the queue.
    given_up: Report,
    full: Report,
    /// The verb whose missing right was said, until it is granted.
    forbidden: Option<&'static str>,
}

/// An object that is there.
struct Series {
    of: Announcement,
    /// The object's.
    name: String,
    /// How often it was announced.
    count: i32,
    last: Instant,
}

impl Announcer {
    /// One for this pod. Nothing is sent yet. Within a runtime.
    pub fn new(connection: Arc<Connection>, pod: OwnPod) -> Self {
        Self {
            connection,
            pod,
            names: Names::default(),
            rate: Limit::new(RATE, BURST),
            series: VecDeque::new(),
            given_up: Report::default(),
            full: Report::default(),
            forbidden: None,
        }
    }

    /// Writes what is and will be announced, for ever. Dropping it is its end: what waits then is never written.
    pub async fn run(mut self, announcements: Announcements) {
        loop {
            announcements.some().await;
            // What waits meanwhile counts its repeats, and gives way to what is newer.
            self.place().await;
            let Some((waiting, left_out)) = announcements.take() else {
                continue;
            };
            self.left_out(left_out);
            self.write(waiting).await;
        }
    }

    async fn write(&mut self, waiting: Waiting) {
        let now = Instant::now();
        self.series.retain(|series| now < series.last + SERIES_FOR);
        let known = self
            .series
            .iter()
            .position(|series| series.of == waiting.announcement);
        let written = match known.and_then(|index| self.series.remove(index)) {
            Some(series) => self.repeat(series, waiting).await,
            None => self.create(waiting).await,
        };
        match written {
            Ok(()) => self.given_up.worked(),
            Err(failure) => self.fail(&failure),
        }
    }

    async fn create(&mut self, waiting: Waiting) -> Result<(), Failure> {
        if self.pod.wants_uid() {
            self.pod.ask_for_uid(&self.connection.client()).await;
        }
        let name = self.names.next(self.pod.name(), waiting.first);
        let event = event::event(&self.pod, &name, &waiting);
        let body = serde_json::to_vec(&event).expect("an Event has only keys that are text");
        let requests = self.requests();
        let request = || requests.create(&PostParams::default(), body.clone());
        match self.ask("create", request).await {
            // The name is of this one alone: it was written by a try whose answer was lost.
            Ok(()) | Err(Failure::AlreadyExists { .. }) => {
                self.remember(waiting.announcement, name, waiting.times);
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    /// Says how often in all, so that it can be said twice.
    async fn repeat(&mut self, series: Series, waiting: Waiting) -> Result<(), Failure> {
        let count = series.count.saturating_add(waiting.times);
        let patch = event::series(count, waiting.last);
        let (requests, parameters) = (self.requests(), PatchParams::default());
        let request = || requests.patch(&series.name, &parameters, &Patch::Merge(&patch));
        let written = self.ask("patch", request).await;
        if let Err(Failure::NotFound { .. }) = written {
            // It expired, or somebody deleted it.
            return self.create(waiting).await;
        }
        // Also where it was given up: the next one says it with its own.
        self.remember(series.of, series.name, count);
        written
    }

    fn remember(&mut self, of: Announcement, name: String, count: i32) {
        if self.series.len() == SERIES_MAX {
            self.series.pop_front();
        }
        self.series.push_back(Series {
            of,
            name,
            count,
            last: Instant::now(),
        });
    }

    fn requests(&self) -> Request {
        Request::new(Event::url_path(&(), Some(self.pod.namespace())))
    }

    /// Asks until it is done, can never be, or was tried often enough.
    async fn ask(
        &mut self,
        verb: &'static str,
        request: impl Fn() -> Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<(), Failure> {
        let action = Action {
            verb,
            group: "events.k8s.io",
            resource: "events",
            namespace: Some(self.pod.namespace().to_owned()),
            // Its name means nothing to anybody, and RBAC is not about it.
            name: None,
        };
        let mut backoff = Backoff::new(RETRY_FIRST, RETRY_MOST);
        loop {
            let client = self.connection.client();
            let deadline = Instant::now() + REQUEST_TIMEOUT;
            let Err(failure) = exchange(&client, request(), &action, deadline).await else {
                if self.forbidden == Some(verb) {
                    self.forbidden = None;
                }
                return Ok(());
            };
            if is_final(&failure) || backoff.attempts() + 1 == TRIES {
                return Err(failure);
            }
            sleep(backoff.next(failure.retry_after())).await;
            self.place().await;
        }
    }

    /// Waits until another request may be sent.
    async fn place(&self) {
        // Who waits alone waits for one interval at the most.
        let deadline = Instant::now() + Duration::from_secs(60);
        let granted = self.rate.wait(deadline).await;
        debug_assert!(granted, "nobody else uses this limit");
    }

    fn fail(&mut self, failure: &Failure) {
        if matches!(failure, Failure::Forbidden { .. }) {
            // Nothing is wrong with weir, and some do not want it: once is enough.
            if self.is_first_refusal(failure.action().verb) {
                tracing::info!("what happens to weir is not announced as Events: {failure}");
            }
            return;
        }
        if let Some(left_out) = self.given_up.due(failure.label()) {
            let class = failure.label();
            tracing::warn!(class, left_out, "an announcement is given up: {failure}");
        }
    }

    fn is_first_refusal(&mut self, verb: &'static str) -> bool {
        self.forbidden.replace(verb) != Some(verb)
    }

    fn left_out(&mut self, count: u64) {
        if count > 0
            && let Some(times_before) = self.full.due("full")
        {
            tracing::warn!(
                count,
                times_before,
                "announcements are left out: more came than could be written"
            );
        }
    }
}

/// It will fail in the same way at once, and after a minute.
fn is_final(failure: &Failure) -> bool {
    match failure {
        Failure::Forbidden { .. } | Failure::NotFound { .. } | Failure::AlreadyExists { .. } => {
            true
        }
        failure => failure.is_permanent_mistake(),
    }
}
