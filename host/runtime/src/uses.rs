//! One use of a plugin: a filter or a receiver of the configuration. What its instances share, and what
//! outlives each of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tracing::Level;

use crate::error::{Failure, Fault};
use crate::instance::mebibytes;
use crate::limits::Limits;
use crate::logs::{PluginLog, Recorder};
use crate::outbound::{NoOutbound, Outbound};
use crate::output::{NoOutput, Output};
use crate::quarantine::Quarantine;
use crate::secrets::Secrets;
use crate::standing::{Calls, Standing};
use crate::times::Times;
use crate::ways::{Files, NoFiles, NoTemplates, Templates};

/// A filter is slow where half of its calls take longer: it cannot do a thousand events a second in a lane.
const SLOW_MEDIAN: Duration = Duration::from_millis(1);

/// What all instances of one use share.
pub struct Use {
    /// The filter's or receiver's name.
    pub name: String,
    /// Its configuration as JSON text, secrets as placeholders.
    pub config: String,
    /// What it may use.
    pub limits: Limits,
    /// What it keeps over its versions.
    pub standing: Arc<Standing>,
    /// Whether this version may be called, and its faults of late.
    pub quarantine: Quarantine,
    pub(crate) times: Times,
    memory_bytes: AtomicU64,
    /// This version runs: until then what it keeps is kept beside what the one that runs keeps.
    is_live: AtomicBool,
    aside: Standing,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) log: PluginLog,
    pub(crate) outbound: Arc<dyn Outbound>,
    pub(crate) output: Arc<dyn Output>,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) templates: Arc<dyn Templates>,
}

impl Use {
    /// A use that may log, count and keep state, and has no way out.
    pub fn new(name: &str, plugin: &str, config: String, limits: Limits) -> Use {
        Use {
            name: name.to_owned(),
            config,
            limits,
            standing: Arc::default(),
            quarantine: Quarantine::default(),
            times: Times::default(),
            memory_bytes: AtomicU64::new(0),
            is_live: AtomicBool::new(true),
            aside: Standing::default(),
            secrets: Arc::default(),
            log: PluginLog::new(name, plugin),
            outbound: Arc::new(NoOutbound),
            output: Arc::new(NoOutput),
            files: Arc::new(NoFiles),
            templates: Arc::new(NoTemplates),
        }
    }

    /// That goes on where an earlier version of the same use ends, from [`Use::go_live`] on: what it puts into the state and
    /// counts before, in `setup`, the one that runs does not see.
    #[must_use]
    pub fn continuing(mut self, standing: Arc<Standing>) -> Use {
        self.standing = standing;
        self.is_live = AtomicBool::new(false);
        self
    }

    /// Whose log lines somebody gets who wants to see all of them: a test. They are not in weir's own log.
    #[must_use]
    pub fn recorded(mut self, recorder: Arc<Recorder>) -> Use {
        self.log = PluginLog::recorded(recorder);
        self
    }

    /// This version runs from now on. More than once is as once.
    pub fn go_live(&self) {
        if !self.is_live.swap(true, Ordering::AcqRel) {
            self.standing.absorb(&self.aside);
        }
    }

    /// With the secrets that its configuration's placeholders stand for.
    #[must_use]
    pub fn with_secrets(mut self, secrets: Arc<Secrets>) -> Use {
        self.secrets = secrets;
        self
    }

    /// With a standard output to write to: sinks.
    #[must_use]
    pub fn with_output(mut self, output: Arc<dyn Output>) -> Use {
        self.output = output;
        self
    }

    /// With a file to append to: sinks.
    #[must_use]
    pub fn with_files(mut self, files: Arc<dyn Files>) -> Use {
        self.files = files;
        self
    }

    /// With somebody who renders templates: sinks.
    #[must_use]
    pub fn with_templates(mut self, templates: Arc<dyn Templates>) -> Use {
        self.templates = templates;
        self
    }

    /// With a way to make HTTP requests.
    #[must_use]
    pub fn with_outbound(mut self, outbound: Arc<dyn Outbound>) -> Use {
        self.outbound = outbound;
        self
    }

    /// How its calls went.
    pub fn calls(&self) -> Calls {
        Calls {
            median: self.times.quantile(0.5),
            p99: self.times.quantile(0.99),
            memory_bytes: self.memory_bytes.load(Ordering::Relaxed),
            ..self.standing.calls()
        }
    }

    /// Whether its calls are slow, though within their limit: half of a filter's take more than a millisecond, or one in a
    /// hundred more than half of what it may take.
    pub fn is_slow(&self, is_filter: bool) -> bool {
        let median = self.times.quantile(0.5);
        let slow_median = is_filter && median > SLOW_MEDIAN;
        slow_median || self.times.quantile(0.99) > self.limits.time / 2
    }

    pub(crate) fn used_memory(&self, bytes: usize) {
        self.memory_bytes.fetch_max(bytes as u64, Ordering::Relaxed);
    }

    /// Empties the state: for a bench, which shows the same events again and again.
    pub fn forget_state(&self) {
        self.standing.state.clear();
    }

    /// A call failed.
    pub(crate) fn note_failure(&self, failure: &Failure) {
        if let Failure::Fault(fault) = failure {
            let took = fault.took(self.limits);
            let text = || fault.to_string();
            let calls = self.standing.count_calls();
            self.quarantine.lost(Instant::now(), calls, took, text);
        }
        self.standing.failed(failure);
    }

    /// An event faulted for good: its second try did, too.
    pub(crate) fn gave_up(&self, fault: &Fault) {
        let text = || fault.to_string();
        let calls = self.standing.count_calls();
        self.quarantine.faulted(Instant::now(), calls, text);
    }

    /// A fault that the second try may hide must be seen all the same.
    pub(crate) fn note_retry(&self, fault: &Fault) {
        self.standing.retried();
        self.log.line(
            Level::WARN,
            &format!("trying the event again in a fresh instance: {fault}"),
        );
    }

    /// An instance held so much memory after a call that a fresh one makes the next.
    pub(crate) fn note_replaced(&self, bytes: usize) {
        if self.standing.replaced() > 0 {
            return;
        }
        let most = mebibytes(self.limits.memory_bytes);
        self.log.line(
            Level::INFO,
            &format!(
                "a fresh instance makes the next call: this one came to hold {} MiB of {most} (limits.memory). Said this \
                 once; weir_plugin_replaced_total counts",
                bytes >> 20
            ),
        );
    }

    /// Adds to a counter. A name that is too long or one too many is not counted, and said once in the log.
    pub(crate) fn count(&self, name: &str, by: u32) {
        let to = self.aside().unwrap_or(&self.standing);
        if !to.count(name, by) {
            self.log
                .say_once("a counter was refused: expected at most 100 names of at most 64 bytes");
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        let now = Instant::now();
        let aside = self.aside().and_then(|aside| aside.state.get(key, now));
        aside.or_else(|| self.standing.state.get(key, now))
    }

    pub(crate) fn put(&self, key: &str, value: Vec<u8>, ttl_ms: u32) {
        let to = self.aside().unwrap_or(&self.standing);
        to.state.put(key, value, ttl_ms, Instant::now());
    }

    pub(crate) fn add(&self, key: &str, by: i32, ttl_ms: u32) -> i64 {
        let now = Instant::now();
        let Some(aside) = self.aside() else {
            return self.standing.state.add(key, by, ttl_ms, now);
        };
        if aside.state.get(key, now).is_none()
            && let Some(value) = self.standing.state.get(key, now)
        {
            aside.state.put(key, value, ttl_ms, now);
        }
        aside.state.add(key, by, ttl_ms, now)
    }

    fn aside(&self) -> Option<&Standing> {
        (!self.is_live.load(Ordering::Acquire)).then_some(&self.aside)
    }
}
