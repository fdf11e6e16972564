//! What runs, as those who look on see it: filled by the thread that takes changes, read by the admin listener.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use jiff::Timestamp;
use weir_watch::Looks;

use crate::prepare::{Before, Known};
use crate::status::{ConfigFile, LastError, Overview, Pending, Quarantine, Report, Time, Use};

/// Called with the report when the look that was asked for is done.
pub(super) type Done = Box<dyn FnOnce(Report) + Send>;

/// The one view of a process.
pub(super) struct View {
    looks: Arc<Looks>,
    seen: Mutex<Seen>,
    waiting: Mutex<Vec<Done>>,
}

/// What the thread that takes changes says.
#[derive(Default)]
struct Seen {
    config: ConfigFile,
    pending: Option<Pending>,
    restart_needed: Vec<String>,
    taken: u64,
    refused: u64,
    uses: Before,
}

/// A change that was not taken, and whether it is the same as at the last look.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It was found now, or there is something else wrong with it.
    Anew,
    /// Nothing has changed about it.
    Still,
}

impl View {
    pub(super) fn new(looks: Arc<Looks>) -> View {
        View {
            looks,
            seen: Mutex::default(),
            waiting: Mutex::default(),
        }
    }

    /// What runs from now on. Gives whether a change was pending.
    pub(super) fn runs(&self, file: &Path, digest: &str, uses: &Before) -> bool {
        let mut seen = self.seen();
        if seen.config.digest != digest {
            seen.config = ConfigFile {
                file: file.display().to_string(),
                digest: digest.to_owned(),
                since: rfc3339(SystemTime::now()),
            };
        }
        seen.uses = uses.clone();
        seen.pending.take().is_some()
    }

    /// A change was taken.
    pub(super) fn taken(&self) {
        self.seen().taken += 1;
    }

    /// What is in the files and only a restart takes. Gives whether that is news.
    pub(super) fn needs_restart(&self, keys: Vec<String>) -> bool {
        let mut seen = self.seen();
        let is_news = seen.restart_needed != keys;
        seen.restart_needed = keys;
        is_news
    }

    /// A change was not taken.
    pub(super) fn refused(
        &self,
        changed: Vec<String>,
        reasons: Vec<String>,
        restart_would_fail: bool,
    ) -> Refused {
        let mut seen = self.seen();
        let before = seen.pending.take();
        let is_same = before
            .as_ref()
            .is_some_and(|before| before.reasons == reasons && before.changed == changed);
        seen.pending = Some(Pending {
            since: before.map_or_else(|| rfc3339(SystemTime::now()), |before| before.since),
            changed,
            reasons,
            restart_would_fail,
        });
        if is_same {
            return Refused::Still;
        }
        seen.refused += 1;
        Refused::Anew
    }

    /// Who asked for a look before it begins is told when it is done.
    pub(super) fn asked(&self) -> Vec<Done> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *waiting)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Overview for View {
    fn report(&self) -> Report {
        let seen = self.seen();
        let filters = seen.uses.filters.iter().map(|known| shown(known, "filter"));
        let sinks = seen.uses.sinks.iter().map(|known| shown(known, "receiver"));
        Report {
            config: seen.config.clone(),
            pending: seen.pending.clone(),
            restart_needed: seen.restart_needed.clone(),
            taken: seen.taken,
            refused: seen.refused,
            uses: filters.chain(sinks).collect(),
        }
    }

    fn reload(&self, done: Done) {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(done);
        self.looks.ask();
    }
}

fn shown(known: &Known, role: &str) -> Use {
    let (plugin, of) = (&known.plugin, &known.of);
    let calls = of.calls();
    let quarantine = of.quarantine.now(Instant::now());
    let state = match &quarantine {
        _ if known.is_gone => "removed",
        Some(_) => "quarantined",
        None => "running",
    };
    Use {
        name: known.name.clone(),
        role: role.to_owned(),
        state: state.to_owned(),
        plugin: plugin.name.clone(),
        version: plugin.description.version.clone(),
        digest: plugin.digest.clone(),
        file: plugin.path.display().to_string(),
        world: plugin.kind.world().to_owned(),
        since: rfc3339(known.since),
        calls: calls.calls,
        faults: calls.faults,
        errors: calls.errors,
        retries: calls.retries,
        replaced: calls.replaced,
        time: Time {
            p50: calls.median.as_secs_f64(),
            p99: calls.p99.as_secs_f64(),
        },
        slow: of.is_slow(role == "filter"),
        memory_bytes: calls.memory_bytes,
        last_error: calls.last.map(|last| LastError {
            at: rfc3339(last.at),
            text: last.text,
        }),
        quarantine: quarantine.map(|quarantine| Quarantine {
            seconds_left: quarantine.left.as_secs_f64(),
            times: quarantine.times,
            reason: quarantine.reason,
        }),
        counters: of.standing.counters(),
    }
}

/// To the second.
fn rfc3339(time: SystemTime) -> String {
    let seconds = Timestamp::try_from(time).map(Timestamp::as_second);
    let whole = seconds.and_then(Timestamp::from_second);
    whole.map_or_else(|_| String::new(), |time| time.to_string())
}
