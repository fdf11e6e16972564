//! The checked configuration: what the rest of the host sees of `config.yaml`.
//!
//! [`Config::load`] reads a file, [`Config::parse`] a text. Both report every error at once, each
//! with its place ([`ConfigErrors`]). The steps, each a file of its own:
//!
//! ```text
//! text ─► tree (YAML with positions) ─► expand ($NAME) ─► check (all rules) ─► Config
//! ```
//!
//! It never reads anything but that one file, opens no plugin, resolves no secret, and logs nothing: a
//! value of the environment is in no error text. `app` and the commands call it; `route`, `queue`,
//! `deliver`, `source` and the plugin runtime take the parts they need.
//!
//! `fixtures` reads the self-tests of plugins with the same parts: `yaml`, `tree`, `fields` and `report`.
//!
//! Relative paths are relative to the folder of the configuration file, so that
//! `weir check -c some/dir/config.yaml` means the same wherever it is called.

mod check;
mod check_delivery;
mod check_http;
mod check_kubernetes;
mod check_layout;
mod check_leader;
mod check_route;
mod check_source;
mod check_uses;
pub(crate) mod dns_name;
mod error;
mod expand;
mod field_selector;
pub(crate) mod fields;
mod names;
pub(crate) mod plugin_config;
mod quantity;
pub(crate) mod report;
mod rule_pattern;
mod source;
pub(crate) mod tree;
pub(crate) mod yaml;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use serde_json::Value;
use weir_outbound::{Compression, Origin, Tls};
use weir_template::Layout;

pub use error::{ConfigError, ConfigErrors, ErrorKind, LoadError, Position};
pub use source::{
    Admin, Backlog, Checkpoint, EventsApi, Kubernetes, LeaderElection, Lookup, OnMissing, Repeat,
    Replay, ReplayPath, Source, Token,
};
pub use yaml::TEXT_MOST_BYTES;

/// Memory of a filter instance: ten times what a Rust or C filter takes, and enough for QuickJS.
pub const FILTER_MEMORY_DEFAULT_BYTES: usize = 32 << 20;
/// Memory of a sink instance: it holds a batch (5 MiB), the request made of it, and the answer.
pub const SINK_MEMORY_DEFAULT_BYTES: usize = 64 << 20;
/// Least memory of an instance: one page of wasm.
pub const MEMORY_LEAST_BYTES: usize = 64 << 10;
/// Most memory of an instance: all that a 32-bit wasm memory can address.
pub const MEMORY_MOST_BYTES: usize = 4 << 30;

/// Time of one call of a filter: a thousand times what one takes, so only a loop hits it.
pub const FILTER_TIME_DEFAULT: Duration = Duration::from_millis(100);
/// Time of one call of a sink: its own CPU time for a batch; waiting for HTTP does not count.
pub const SINK_TIME_DEFAULT: Duration = Duration::from_secs(1);
/// Least time of a call: the clock of the runtime ticks each few milliseconds.
pub const TIME_LEAST: Duration = Duration::from_millis(1);
/// Most time of a call: a longer one would never be noticed.
pub const TIME_MOST: Duration = Duration::from_secs(3600);

/// Events in a batch: about 600 kB of events, where the cost of a request no longer matters.
pub const BATCH_EVENTS_DEFAULT: usize = 500;
/// Most events in a batch.
pub const BATCH_EVENTS_MOST: usize = 100_000;
/// Bytes in a batch: Loki refuses more than 4 to 5 MiB by default, Elasticsearch advises 5 to 15.
pub const BATCH_BYTES_DEFAULT: usize = 5 << 20;
/// Least bytes of a batch: smaller than most single events makes no sense.
pub const BATCH_BYTES_LEAST: usize = 1 << 10;
/// Most bytes of a batch: it must fit an instance several times.
pub const BATCH_BYTES_MOST: usize = 1 << 30;
/// How long a batch waits for more events: short enough for a person who looks on.
pub const BATCH_AGE_DEFAULT: Duration = Duration::from_secs(1);
/// Most age of a batch.
pub const BATCH_AGE_MOST: Duration = Duration::from_secs(3600);

/// Events in a receiver's queue in memory: about 12 MB of recorded events.
pub const QUEUE_EVENTS_DEFAULT: usize = 10_000;
/// Most events in a queue in memory.
pub const QUEUE_EVENTS_MOST: usize = 10_000_000;

/// The first wait before a retry: a restarting sink's load balancer answers again after about that.
pub const RETRY_FIRST_DEFAULT: Duration = Duration::from_millis(500);
/// The longest wait between retries: an outage that ends is noticed within a minute.
pub const RETRY_MOST_DEFAULT: Duration = Duration::from_secs(60);
/// Most that either wait of a retry may be.
pub const RETRY_LIMIT: Duration = Duration::from_secs(86_400);

/// Least time after which a batch may be given up: less would be a wish for no retries.
pub const RETRY_FOR_LEAST: Duration = Duration::from_secs(1);
/// Most of that time.
pub const RETRY_FOR_MOST: Duration = Duration::from_secs(30 * 86_400);

/// What a queue on disk may take: a million recorded events, some hours of a busy cluster.
pub const DISK_BYTES_DEFAULT: u64 = 1 << 30;
/// Least of it: a few batches.
pub const DISK_BYTES_LEAST: u64 = 1 << 20;
/// Most of it.
pub const DISK_BYTES_MOST: u64 = 1 << 40;

/// Most of each time limit of HTTP.
pub const HTTP_TIME_MOST: Duration = Duration::from_secs(3600);
/// Least that an answer may be limited to.
pub const HTTP_RESPONSE_BYTES_LEAST: usize = 1 << 10;
/// Most that it may be.
pub const HTTP_RESPONSE_BYTES_MOST: usize = 256 << 20;

/// How long stopping may take: Kubernetes kills 30 s after it asked, and the rest is for writing down.
pub const SHUTDOWN_DEADLINE_DEFAULT: Duration = Duration::from_secs(25);
/// Most of the shutdown's deadline.
pub const SHUTDOWN_DEADLINE_MOST: Duration = Duration::from_secs(3600);

/// A checked configuration. All references in it (filters, receivers) are valid indices.
#[derive(Debug)]
pub struct Config {
    /// `logLevel`, `logFormat`.
    pub log: Log,
    /// `clusterName`: copied into each event. Default: "".
    pub cluster_name: String,
    /// `source`: where events come from.
    pub source: Source,
    /// `checkpoint`: where the position is kept. Only with `source.kubernetes`.
    pub checkpoint: Checkpoint,
    /// `admin`. Default: none.
    pub admin: Option<Admin>,
    /// `plugins`: where plugin files are.
    pub plugins: Plugins,
    /// `filters`: named uses of filter plugins, in the order of the file. Names are unique.
    pub filters: Vec<Filter>,
    /// `route`: the root of the tree. Default: an empty route, which sends nothing.
    pub route: Route,
    /// `receivers`, in the order of the file. Names are unique.
    pub receivers: Vec<Receiver>,
    /// `secrets`: what `${file:…}` may read.
    pub secrets: Secrets,
    /// `shutdown`: how weir stops.
    pub shutdown: Shutdown,
    /// The folder of the file: what relative paths in a plugin's own configuration are relative to, too.
    pub base: PathBuf,
    /// What is allowed but probably not meant, by position. To be shown, never fatal.
    pub warnings: Vec<ConfigError>,
}

/// What is logged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// `logLevel`: the least level that is shown. Default: info.
    pub level: LogLevel,
    /// `logFormat`. Default: json (KEE's is pretty).
    pub format: LogFormat,
}

/// The levels of `logLevel`. KEE's `warning`, `fatal` and `panic` are accepted as warn and error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// For who debugs weir or a plugin.
    Debug,
    /// Starts, stops, changes of plugins.
    Info,
    /// Something failed and was handled.
    Warn,
    /// Data was lost or a person is needed.
    Error,
}

/// The forms of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}

/// Where plugin files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugins {
    /// `directories`: a plugin in a later one wins. Already joined to the folder of the configuration.
    /// Empty (the default): `plugins/` beside the executable.
    pub directories: Vec<PathBuf>,
    /// `cache`: where compiled plugins are kept. Default (`None`): the user's cache folder.
    pub cache: Option<PathBuf>,
}

/// One named use of a filter plugin.
#[derive(Clone)]
pub struct Filter {
    /// `name`: unique among filters; 1 to 253 of `A-Z a-z 0-9 . _ -`, first a letter or digit.
    pub name: String,
    /// `plugin`: the stem of the plugin's file, `quiet` for `quiet.wasm`. Same characters as a name.
    pub plugin: String,
    /// `config`: given to the plugin as JSON, secrets (`${env:X}`, `${file:/p}`) not yet resolved.
    /// Default: `{}`.
    pub config: Value,
    /// `onError`: what happens to an event whose call failed. Default (`None`): what the plugin declares,
    /// else keep.
    pub on_error: Option<OnError>,
    /// `limits`. Default: 32 MiB, 100 ms.
    pub limits: Limits,
    /// `allow`: origins (`https://host:port`) for HTTP beyond those that `config` names. Default: none.
    pub allow: Vec<Origin>,
    /// Where the use stands in the file.
    pub at: Position,
}

/// What happens to an event whose filter call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// It goes on unchanged.
    Keep,
    /// It is dropped and counted.
    Drop,
    /// It waits until the plugin works.
    Hold,
}

/// What one plugin instance may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `memory`: bytes of wasm memory; from 64 KiB to 4 GiB.
    pub memory_bytes: usize,
    /// `time`: the plugin's own CPU time for one call; from 1 ms to 1 h.
    pub time: Duration,
}

/// One node of the route tree. Evaluated in this order: `drop`, `filters`, `match`, `routes`.
#[derive(Debug, Clone, Default)]
pub struct Route {
    /// `drop`: if any of these matches, this route and what is under it is left. Their `receiver` is `None`.
    pub drop: Vec<Rule>,
    /// `filters`: indices into [`Config::filters`], in the order they run.
    pub filters: Vec<usize>,
    /// `match`: each that matches and has a receiver sends; `routes` run if all matched.
    pub matches: Vec<Rule>,
    /// `routes`: the children; all that apply run.
    pub routes: Vec<Route>,
    /// Where the route stands in the file; line 0 if the file has no `route`.
    pub at: Position,
}

/// Conditions, ANDed; one that is not there (or is "" in the file) matches anything.
///
/// The patterns have the meaning of Go's `regexp.MatchString`: unanchored, RE2 syntax, ASCII classes.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    /// `labels` of the involved object: each key must exist and its value match.
    pub labels: Vec<(String, Regex)>,
    /// `annotations` of the involved object: as `labels`.
    pub annotations: Vec<(String, Regex)>,
    /// `message` of the event.
    pub message: Option<Regex>,
    /// `apiVersion` (or `apiversion`) of the involved object.
    pub api_version: Option<Regex>,
    /// `kind` of the involved object.
    pub kind: Option<Regex>,
    /// `namespace` of the event.
    pub namespace: Option<Regex>,
    /// `reason` of the event.
    pub reason: Option<Regex>,
    /// `type` of the event.
    pub type_: Option<Regex>,
    /// `component`: the event's `source.component`.
    pub component: Option<Regex>,
    /// `host`: the event's `source.host`.
    pub host: Option<Regex>,
    /// `minCount` (or `mincount`): the event's count must be at least this. 0 or less in the file: `None`.
    pub min_count: Option<i64>,
    /// `receiver`: index into [`Config::receivers`] of what a matching event is sent to.
    pub receiver: Option<usize>,
    /// Where the rule stands in the file.
    pub at: Position,
}

/// One destination: a use of a sink plugin, with its queue.
#[derive(Clone)]
pub struct Receiver {
    /// `name`: unique among receivers; 1 to 253 of `A-Z a-z 0-9 . _ -`, first a letter or digit.
    pub name: String,
    /// The key that is no key of the host: the stem of the sink plugin's file.
    pub plugin: String,
    /// That key's value without the host's own keys, as JSON for the plugin, secrets not yet resolved.
    pub config: Value,
    /// `deDot` in the sink's block: `.` becomes `_` in the keys of labels and annotations. Default: false.
    pub de_dot: bool,
    /// `batch`.
    pub batch: Batch,
    /// `queue`.
    pub queue: Queue,
    /// `retry`.
    pub retry: Retry,
    /// `layout`, here or in the sink's block: what is sent for each event. Default (`None`): the event.
    pub layout: Option<Arc<Layout>>,
    /// `deadLetters.path`: the file for events that will never be delivered. Default (`None`): they are logged.
    pub dead_letters: Option<PathBuf>,
    /// `limits`. Default: 64 MiB, 1 s.
    pub limits: Limits,
    /// `http`, and `tls` in the sink's block.
    pub http: Http,
    /// Where the receiver stands in the file.
    pub at: Position,
}

/// When a batch is handed to the sink: at the first of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// `events`: from 1 to 100 000. Default: 500.
    pub events: usize,
    /// `bytes` of the events' documents: from 1 KiB to 1 GiB. Default: 5 MiB. A larger event goes alone.
    pub bytes: usize,
    /// `age` of the oldest event in it: up to 1 h; 0 hands over what is there. Default: 1 s.
    pub age: Duration,
}

/// The queue of a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// `events`: from `batch.events` to 10 000 000. Default: 10 000, or `batch.events` where that is more.
    pub events: usize,
    /// `onFull`. Default: wait.
    pub on_full: OnFull,
    /// `disk`: where it is kept instead of in memory. Default: none.
    pub disk: Option<Disk>,
}

/// A queue on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// `path`: a folder for this queue alone. It is made where it is missing.
    pub path: PathBuf,
    /// `bytes`: what waits may take; from 1 MiB to 1 TiB. Default: 1 GiB.
    pub bytes: u64,
}

/// How plugins of one use speak HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// `timeout` of a request and its answer; from 1 ms to 1 h. Default: 30 s.
    pub timeout: Duration,
    /// `connectTimeout`: name lookup, TCP, proxy and TLS. Default: 10 s.
    pub connect_timeout: Duration,
    /// `readTimeout`: between two pieces of an answer. Default: 30 s.
    pub read_timeout: Duration,
    /// `compression` of request bodies. Default: none.
    pub compression: Compression,
    /// `responseBytes`: what an answer may have, unpacked; from 1 KiB to 256 MiB. Default: 16 MiB.
    pub response_bytes: usize,
    /// `tls`.
    pub tls: Tls,
    /// `allow`: origins (`https://host:port`) beyond those that the plugin's configuration names. Default: none.
    pub allow: Vec<Origin>,
}

impl Default for Http {
    fn default() -> Http {
        Http {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            compression: Compression::None,
            response_bytes: 16 << 20,
            tls: Tls::default(),
            allow: Vec::new(),
        }
    }
}

/// What happens when a queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFull {
    /// The source is held up, and with it every receiver.
    Wait,
    /// The oldest event of the queue is dropped and counted.
    DropOldest,
}

/// How a failed batch is tried again, waiting longer each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// `first` wait: from 1 ms to 24 h. Default: 500 ms, or `most` where that is less.
    pub first: Duration,
    /// `most`: the longest wait, at least `first`. Default: 1 min, or `first` where that is more.
    pub most: Duration,
    /// `for`: how long a batch is tried before it goes to the dead letters; from 1 s to 30 days. Default (`None`): for ever.
    pub limit: Option<Duration>,
}

/// What secrets may be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    /// `directories`: `${file:/p}` may only name files below these. Default: none, so no file.
    pub directories: Vec<PathBuf>,
}

/// How weir stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shutdown {
    /// `deadline`: how long the stages may drain after the signal; from 0 to 1 h. Default: 25 s.
    pub deadline: Duration,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self {
            deadline: SHUTDOWN_DEADLINE_DEFAULT,
        }
    }
}

// By hand: a plugin's configuration may hold a password, and a `{:?}` ends up in logs.
impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter")
            .field("name", &self.name)
            .field("plugin", &self.plugin)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("name", &self.name)
            .field("plugin", &self.plugin)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
