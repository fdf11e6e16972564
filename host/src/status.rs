//! What runs, as it is shown: `GET /plugins`, `weir plugin list --admin`, metrics.
//!
//! Plain data and the one trait through which `admin` asks for it; `app` fills it, [`show`] makes text of it.

pub mod show;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The plugins and the configuration of a running process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The configuration that runs.
    pub config: ConfigFile,
    /// A change that was found and is not taken; none where what runs is what the files say.
    pub pending: Option<Pending>,
    /// Keys that were changed in the file and only a restart takes: `source`, `admin`, …
    pub restart_needed: Vec<String>,
    /// Changes that were taken since the start.
    pub taken: u64,
    /// Changes that were not, each counted once.
    pub refused: u64,
    /// Each use of a plugin: the filters, then the receivers, in the order of the file.
    pub uses: Vec<Use>,
}

/// The configuration file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigFile {
    /// Where it is.
    pub file: String,
    /// SHA-256 of what runs, in hex.
    pub digest: String,
    /// Since when it runs, RFC 3339.
    pub since: String,
}

/// A change that cannot be taken as it is: what ran before goes on, and it is tried again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// Since when, RFC 3339.
    pub since: String,
    /// What changed: `config`, `plugin drop-reasons`.
    pub changed: Vec<String>,
    /// Everything that is wrong with it.
    pub reasons: Vec<String>,
    /// A process that starts now would not come up.
    pub restart_would_fail: bool,
}

/// One use of a plugin: a filter, or the sink of a receiver.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Use {
    /// Its name in the configuration.
    pub name: String,
    /// `filter` or `receiver`.
    pub role: String,
    /// `running`, `quarantined`, or `removed`: its file is gone.
    pub state: String,
    /// The plugin's name: the stem of its file.
    pub plugin: String,
    /// The version that the plugin gives itself; empty where it gives none.
    pub version: String,
    /// SHA-256 of the file, in hex.
    pub digest: String,
    /// The file.
    pub file: String,
    /// `filter`, `sink` or `sink-probe`.
    pub world: String,
    /// Since when this version runs here, RFC 3339.
    pub since: String,
    /// Calls since the process started.
    pub calls: u64,
    /// Calls that broke.
    pub faults: u64,
    /// Calls that answered an error.
    pub errors: u64,
    /// Events that were tried again in a fresh instance.
    pub retries: u64,
    /// Instances that a fresh one replaced between two calls: they held nearly all memory that they may.
    pub replaced: u64,
    /// The plugin's own processor time in a call.
    pub time: Time,
    /// Its calls are slow, though within its limits: see `docs/plugins.md`.
    pub slow: bool,
    /// Bytes of memory of its largest instance.
    pub memory_bytes: u64,
    /// The last call that failed; none where none did.
    pub last_error: Option<LastError>,
    /// Why it is not called now; none where it is.
    pub quarantine: Option<Quarantine>,
    /// The plugin's own counters.
    pub counters: BTreeMap<String, u64>,
}

/// Seconds of processor time of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Time {
    /// Half of the calls took no longer.
    pub p50: f64,
    /// 99 of 100 calls took no longer.
    pub p99: f64,
}

/// A call that failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastError {
    /// When, RFC 3339.
    pub at: String,
    /// How.
    pub text: String,
}

/// A use whose plugin is not called for a while.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quarantine {
    /// Seconds until it is tried again.
    pub seconds_left: f64,
    /// How many times in a row: each lasts longer.
    pub times: u32,
    /// Why.
    pub reason: String,
}

/// Who knows what runs.
pub trait Overview: Send + Sync {
    /// What runs now. It must not wait.
    fn report(&self) -> Report;

    /// Has the files looked at now, as after SIGHUP; `done` gets the report when that was done. It must not wait itself.
    fn reload(&self, done: Box<dyn FnOnce(Report) + Send>);
}
