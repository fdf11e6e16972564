//! The thread that takes changes of plugins and configuration while events flow.
//!
//! ```text
//! notice (inotify) ┐                 ┌─ nothing changed
//! SIGHUP, POST     ├─► look ─► build ┼─ something is wrong: what ran goes on, the change is *pending*, and tried again
//! every 30 s       ┘                 └─ all is good: planned, carried out
//! ```
//!
//! A notice says nothing but "look again". What changed together is taken together: the configuration and all plugin files are
//! read as of one moment, every use that is not as it was is loaded, compiled in a child, set up and tested beside what runs, and
//! only when all of it is good anything is replaced. Two ConfigMaps can arrive minutes apart: then the first is pending until the
//! second is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use weir_watch::{Looks, Notices, PERIOD, Version, Why, is_sub_path};

use super::announce::Announce;
use super::frozen::Frozen;
use super::running::Running;
use super::view::{Done, Refused, View};
use super::{Live, digest};
use crate::config::{Config, TEXT_MOST_BYTES};
use crate::plugins::{Loader, directories};
use crate::prepare::{Before, NewSink, Prepared, StartError, Ways, prepare};
use crate::status::Overview;
use crate::telemetry;

/// A file must be gone for so long before it counts as removed: some tools remove it before they write it anew.
const GONE_AFTER: Duration = Duration::from_secs(2);
/// What changes while it is read is read again after this.
const PASSING_PAUSE: Duration = Duration::from_millis(200);
/// What changes for so long is no passing thing any more.
const PASSING_MOST: Duration = Duration::from_secs(10);

/// What the thread needs.
pub(super) struct Reloader {
    /// The configuration file, and its text as it runs.
    pub file: PathBuf,
    pub text: Vec<u8>,
    pub loader: Loader,
    pub ways: Ways,
    pub running: Arc<Mutex<Running>>,
    pub frozen: Frozen,
    pub view: Arc<View>,
    pub looks: Arc<Looks>,
    /// The plugin directories of the configuration that runs.
    pub directories: Vec<PathBuf>,
    /// Said to people elsewhere than in the log.
    pub announce: Announce,
}

/// Its state from look to look.
struct Looking {
    of: Reloader,
    notices: Notices,
    /// Files that running uses need and that are gone, with when that was first seen.
    gone: BTreeMap<String, Instant>,
    /// Since when every look finds something that changes just then.
    passing: Option<Instant>,
    /// Keys of receivers that only a restart takes.
    restart_needed: Vec<String>,
    /// Uses whose quarantine was announced.
    quarantined: BTreeSet<String>,
    /// Who is told when a look has decided.
    asked: Vec<Done>,
    next_look: Instant,
}

/// What came of a look.
enum Found {
    /// What runs is what the files say.
    Nothing,
    /// A change was taken: these.
    Taken(Vec<String>),
    /// A change is not taken.
    Refused {
        changed: Vec<String>,
        reasons: Vec<String>,
        restart_would_fail: bool,
    },
    /// It is changing right now, or may be: look again after this.
    Again(Duration),
}

impl Reloader {
    /// Takes changes until [`Looks::end`].
    pub(super) fn run(self) {
        let wake = Arc::clone(&self.looks);
        let mut looking = Looking {
            notices: Notices::new(move || wake.notice()),
            of: self,
            gone: BTreeMap::new(),
            passing: None,
            restart_needed: Vec::new(),
            quarantined: BTreeSet::new(),
            asked: Vec::new(),
            next_look: Instant::now(),
        };
        looking.watch(&[]);
        looking.say_what_never_changes();
        // What changed between the start and the first watch is seen by this look.
        looking.of.looks.ask();
        let mut timeout = PERIOD;
        loop {
            let why = looking.of.looks.next(timeout);
            if why == Why::Ended {
                return;
            }
            timeout = looking.turn(why);
        }
    }
}

impl Looking {
    /// Looks, where it is time to, and after receivers that were removed; gives when to come back at the latest.
    fn turn(&mut self, why: Why) -> Duration {
        let tended = self.running().tend();
        if why != Why::Periodic || tended.has_ended || Instant::now() >= self.next_look {
            let next = self.decide(why);
            self.next_look = Instant::now() + next;
        }
        self.announce_quarantine();
        // A receiver may have been removed just now.
        let again = self.running().tend().again;
        let left = self.next_look.saturating_duration_since(Instant::now());
        again.map_or(left, |again| left.min(again))
    }

    /// One look, and what follows from it; gives when the next is due.
    fn decide(&mut self, why: Why) -> Duration {
        self.asked.extend(self.of.view.asked());
        match self.look() {
            // Who asked is told when it is decided.
            Found::Again(after) => return after,
            Found::Nothing => self.settled(),
            Found::Taken(changed) => self.taken(&changed),
            Found::Refused {
                changed,
                reasons,
                restart_would_fail,
            } => self.refused(changed, reasons, restart_would_fail, why),
        }
        let asked = std::mem::take(&mut self.asked).into_iter();
        asked.for_each(|done| done(self.of.view.report()));
        PERIOD
    }

    fn look(&mut self) -> Found {
        let begun = Instant::now();
        self.watch(&[]);
        let (text, version) = match self.read_text() {
            Ok(read) => read,
            Err((passing, reason)) => {
                return self.wrong_now(vec!["configuration".into()], passing, vec![reason]);
            }
        };
        let is_text_new = text != self.of.text;
        let mut changed = Vec::new();
        if is_text_new {
            changed.push("configuration".to_owned());
        }
        let mut config = match Config::of(&self.of.file, &text) {
            Ok(config) => config,
            Err(error) => return refused(changed, error.items()),
        };
        self.watch(&directories(&config.plugins));
        let mut needed = self.of.frozen.keep(&mut config);
        let before = self.running().before().clone();
        let built = self
            .of
            .loader
            .look(&config.plugins)
            .map_err(|error| (error.is_passing(), vec![error.to_string()]))
            .and_then(|()| {
                prepare(&config, &mut self.of.loader, &self.of.ways, &before)
                    .map_err(|errors| self.wrong(&errors))
            });
        let catalogue = self.of.loader.catalogue();
        let is_torn = version.is_some_and(|version| catalogue.is_torn_from(&version));
        let prepared = match built {
            Ok(_) if is_torn => {
                let reason = "the configuration and the plugins are of two versions of a volume";
                return self.wrong_now(changed, true, vec![reason.to_owned()]);
            }
            Ok(prepared) => prepared,
            Err((passing, reasons)) => {
                let passing = passing || is_torn;
                if changed.is_empty() {
                    changed.push("plugins".to_owned());
                }
                return self.wrong_now(changed, passing, reasons);
            }
        };
        self.passing = None;
        let (uses, gone) = changes(&prepared, &before);
        if let Some(after) = self.not_yet_gone(&gone) {
            return Found::Again(after);
        }
        for plugin in &gone {
            tracing::error!(
                plugin,
                "its file is gone: onError decides about a filter's events, and a sink's wait; a restart would fail"
            );
        }
        changed.extend(uses);
        if changed.is_empty() {
            needed.extend(self.restart_needed.iter().cloned());
            self.say_restart(needed);
            return Found::Nothing;
        }
        self.take(config, prepared, (text, changed, needed), begun)
    }

    /// Plans and carries out what is good.
    fn take(
        &mut self,
        config: Config,
        prepared: Prepared,
        (text, changed, mut needed): (Vec<u8>, Vec<String>, Vec<String>),
        begun: Instant,
    ) -> Found {
        let warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
        let (level, folders) = (config.log, directories(&config.plugins));
        let running = Arc::clone(&self.of.running);
        let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = match running.plan(config, prepared) {
            Ok(plan) => plan,
            // The process ends: nothing is taken any more, and nothing is wrong.
            Err(errors) if errors.is_empty() => return Found::Again(PERIOD),
            Err(errors) => {
                let restart_would_fail = !errors.iter().all(StartError::is_of_what_runs);
                let (_, reasons) = self.wrong(&errors);
                return Found::Refused {
                    changed,
                    reasons,
                    restart_would_fail,
                };
            }
        };
        self.restart_needed.clone_from(&plan.restart_needed);
        needed.extend(plan.restart_needed.iter().cloned());
        let live = Live::of(changed.join(", "), begun);
        running.apply(plan, &Arc::new(live));
        let before = running.before().clone();
        drop(running);
        if text != self.of.text {
            warnings
                .iter()
                .for_each(|warning| tracing::warn!("{warning}"));
            telemetry::set_level(level.level);
        }
        self.of.text = text;
        self.of.directories = folders;
        self.show(&before);
        self.of.view.taken();
        self.say_restart(needed);
        Found::Taken(changed)
    }

    fn show(&self, before: &Before) -> bool {
        let text = digest(&self.of.text);
        self.of.view.runs(&self.of.file, &text, before)
    }

    /// What runs is what the files say.
    fn settled(&mut self) {
        let before = self.running().before().clone();
        if self.show(&before) {
            tracing::info!("the files say again what runs: nothing is pending any more");
            let note = "the files say again what runs".to_owned();
            self.of.announce.record("ChangeWithdrawn", note);
        }
    }

    fn taken(&mut self, changed: &[String]) {
        let changed = changed.join(", ");
        tracing::info!(changed, "a change was taken");
        let note = format!("changed: {changed}");
        self.of.announce.record("ChangeTaken", note);
    }

    fn refused(&mut self, changed: Vec<String>, reasons: Vec<String>, fails: bool, why: Why) {
        let shown = (changed.join(", "), reasons.join("; "));
        let news = self.of.view.refused(changed, reasons, fails);
        if news == Refused::Still && why != Why::Asked {
            return;
        }
        let (changed, reasons) = shown;
        let restart = if fails { "; a restart would fail" } else { "" };
        tracing::error!(
            changed,
            "a change is not taken, what ran before goes on{restart}: {reasons}"
        );
        let note = format!("what ran before goes on{restart}: {reasons}");
        self.of.announce.warn("ChangePending", note);
    }

    fn say_restart(&self, keys: Vec<String>) {
        let shown = keys.join(", ");
        if self.of.view.needs_restart(keys) && !shown.is_empty() {
            tracing::warn!(
                keys = shown,
                "changed in the file, and taken only by a restart"
            );
        }
    }

    /// How long to wait until what is gone counts as removed; none where nothing is, or long enough.
    fn not_yet_gone(&mut self, gone: &[String]) -> Option<Duration> {
        let now = Instant::now();
        self.gone.retain(|name, _| gone.contains(name));
        let left = gone.iter().map(|name| {
            let since = *self.gone.entry(name.clone()).or_insert(now);
            GONE_AFTER.saturating_sub(now - since)
        });
        left.max().filter(|left| !left.is_zero())
    }

    /// The text of the configuration, and the version of the volume that it is of; or whether it is likely to be otherwise in a
    /// moment, and why it cannot be had.
    fn read_text(&self) -> Result<(Vec<u8>, Option<Version>), (bool, String)> {
        let metadata = std::fs::metadata(&self.of.file);
        if metadata.is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
            // A pipe was read once, at the start.
            return Ok((self.of.text.clone(), None));
        }
        let read = weir_watch::read_file(&self.of.file, TEXT_MOST_BYTES as u64);
        read.map(|contents| (contents.bytes, contents.version))
            .map_err(|error| (error.is_passing(), error.to_string()))
    }

    /// Something is wrong; what is likely to be otherwise in a moment is looked at again first.
    fn wrong_now(&mut self, changed: Vec<String>, passing: bool, reasons: Vec<String>) -> Found {
        let now = Instant::now();
        let since = *self.passing.get_or_insert(now);
        if passing && now - since < PASSING_MOST {
            return Found::Again(PASSING_PAUSE);
        }
        self.passing = None;
        refused(changed, reasons)
    }

    /// A use that is quarantined is announced once, until it is free again.
    fn announce_quarantine(&mut self) {
        let before = self.running().before().clone();
        let mut still = BTreeSet::new();
        for known in before.filters.iter().chain(&before.sinks) {
            let quarantine = &known.of.quarantine;
            let Some(quarantined) = quarantine.now(Instant::now()) else {
                continue;
            };
            if !self.quarantined.contains(&known.name) {
                let (name, plugin) = (&known.name, known.plugin.label());
                let reason = quarantined.reason;
                let note = format!("{name}: {plugin} breaks too often: {reason}");
                self.of.announce.warn("PluginQuarantined", note);
            }
            still.insert(known.name.clone());
        }
        self.quarantined = still;
    }

    /// Watches what the running configuration and `more` name.
    fn watch(&mut self, more: &[PathBuf]) {
        let mut folders = self.of.directories.clone();
        folders.extend(
            more.iter()
                .filter(|folder| !folders.contains(folder))
                .cloned()
                .collect::<Vec<_>>(),
        );
        for warning in self
            .notices
            .watch(&folders, std::slice::from_ref(&self.of.file))
        {
            tracing::warn!("{warning}");
        }
    }

    fn say_what_never_changes(&self) {
        let all = self.of.directories.iter().chain([&self.of.file]);
        for path in all.filter(|path| is_sub_path(path)) {
            tracing::warn!(
                path = %path.display(),
                "is mounted with subPath, and such a mount never changes: mount the volume's folder to have changes taken"
            );
        }
    }

    fn wrong(&self, errors: &[StartError]) -> (bool, Vec<String>) {
        let is_passing = errors.iter().all(StartError::is_passing);
        let text = |error: &StartError| error.in_file(&self.of.file);
        (is_passing, errors.iter().map(text).collect())
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Running> {
        self.of
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(changed: Vec<String>, reasons: Vec<String>) -> Found {
    Found::Refused {
        changed,
        reasons,
        restart_would_fail: true,
    }
}

/// Which uses are not as they were, for people; and the plugins of those whose file is newly gone.
fn changes(prepared: &Prepared, before: &Before) -> (Vec<String>, Vec<String>) {
    let (mut changed, mut gone) = (Vec::new(), Vec::new());
    for used in &prepared.filters {
        if used.instances.is_some() {
            changed.push(format!("filter {}", used.known.name));
        }
    }
    for used in &prepared.sinks {
        if !matches!(used.sink, NewSink::Same) {
            changed.push(format!("receiver {}", used.known.name));
        }
    }
    let filters = prepared.filters.iter().map(|used| &used.known);
    let sinks = prepared.sinks.iter().map(|used| &used.known);
    let (filters, sinks): (Vec<_>, Vec<_>) = (filters.collect(), sinks.collect());
    for (now, before) in [(&filters, &before.filters), (&sinks, &before.sinks)] {
        for known in now.iter().filter(|known| known.is_gone) {
            let was = before.iter().find(|before| before.name == known.name);
            if was.is_some_and(|was| !was.is_gone) {
                gone.push(known.plugin.name.clone());
            }
        }
    }
    // Fewer of them, or in another order, is a change of the configuration, which is found by its text.
    (changed, gone)
}
