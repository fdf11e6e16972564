//! One use of a plugin: a filter or a receiver of the configuration. What its instances share, and what
//! outlives each of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Level;

use crate::error::Fault;
use crate::limits::Limits;
use crate::logs::PluginLog;
use crate::outbound::{NoOutbound, Outbound};
use crate::output::{NoOutput, Output};
use crate::secrets::Secrets;
use crate::state::State;
use crate::ways::{Files, NoFiles, NoTemplates, Templates};

/// Counters of its own that a plugin may have.
const COUNTERS_MAX: usize = 100;
/// Bytes of a counter's name.
const COUNTER_NAME_BYTES_MAX: usize = 64;

/// What all instances of one use share.
pub struct Use {
    /// The filter's or receiver's name.
    pub name: String,
    /// Its configuration as JSON text, secrets as placeholders.
    pub config: String,
    /// What it may use.
    pub limits: Limits,
    pub(crate) state: State,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) log: PluginLog,
    pub(crate) outbound: Arc<dyn Outbound>,
    pub(crate) output: Arc<dyn Output>,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) templates: Arc<dyn Templates>,
    counters: Mutex<BTreeMap<String, u64>>,
    retries: AtomicU64,
}

impl Use {
    /// A use that may log, count and keep state, and has no way out.
    pub fn new(name: &str, plugin: &str, config: String, limits: Limits) -> Use {
        Use {
            name: name.to_owned(),
            config,
            limits,
            state: State::default(),
            secrets: Arc::default(),
            log: PluginLog::new(name, plugin),
            outbound: Arc::new(NoOutbound),
            output: Arc::new(NoOutput),
            files: Arc::new(NoFiles),
            templates: Arc::new(NoTemplates),
            counters: Mutex::default(),
            retries: AtomicU64::new(0),
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

    /// The plugin's own counters.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        self.counters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How often an event was tried again in a fresh instance after a fault.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// A fault that the second try may hide must be seen all the same.
    pub(crate) fn note_retry(&self, fault: &Fault) {
        self.retries.fetch_add(1, Ordering::Relaxed);
        self.log.line(
            Level::WARN,
            &format!("trying the event again in a fresh instance: {fault}"),
        );
    }

    /// Adds to a counter. A name that is too long or one too many is not counted, and said once in the log.
    pub(crate) fn count(&self, name: &str, by: u32) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sum) = counters.get_mut(name) {
            *sum = sum.saturating_add(u64::from(by));
        } else if counters.len() < COUNTERS_MAX && name.len() <= COUNTER_NAME_BYTES_MAX {
            counters.insert(name.to_owned(), u64::from(by));
        } else {
            drop(counters);
            self.log
                .say_once("a counter was refused: expected at most 100 names of at most 64 bytes");
        }
    }
}
