//! The checked configuration of what events come from, and of what goes with it: where the position is kept, and
//! the listener for probes. Part of [`super::Config`]; it only holds, [`super::check_source`] and
//! [`super::check_kubernetes`] build it.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::Position;

/// Where events come from: exactly one.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// `source.replay`: events as NDJSON.
    Replay(Replay),
    /// `source.kubernetes`, and what is there without a `source`: the events of a cluster.
    Kubernetes(Box<Kubernetes>),
}

/// The events of a cluster, as its API server gives them.
#[derive(Debug, Clone, PartialEq)]
pub struct Kubernetes {
    /// `api`: the form that is asked for. Default: v1.
    pub api: EventsApi,
    /// `namespaces` (or KEE's `namespace`, one): those that are watched, each with a watch of its own and no
    /// more rights than that needs. Default: none, which is all, with one watch. Unique, valid names.
    pub namespaces: Vec<String>,
    /// `excludeNamespaces`: whose events the server leaves out. Only without `namespaces`.
    pub exclude_namespaces: Vec<String>,
    /// `fieldSelector`, as kubectl takes it: `type=Warning,involvedObject.kind!=Node`. Default: "". The server
    /// knows which fields there are, and they differ between the two APIs.
    pub field_selector: String,
    /// `labelSelector`, as kubectl takes it, over the labels of the event itself. Default: "".
    pub label_selector: String,
    /// `backlog`: what of the events that the cluster still has is read at the very first start. Default: 5m.
    pub backlog: Backlog,
    /// `gapEvents`: also make an event of what may have been missed, not only a log line and a metric.
    /// Default: false.
    pub gap_events: bool,
    /// KEE's `maxEventAgeSeconds` (or `throttlePeriod`): older events are counted and left out. The age is
    /// that of lastTimestamp, else eventTime, when it is read. At most 2^32 - 1 s. Default and 0: no limit.
    pub max_age: Option<Duration>,
    /// `leaderElection`. Default: none; then there must be one replica.
    pub leader_election: Option<LeaderElection>,
    /// `lookup`. `None` with `omitLookup: true`, or with all of its parts off.
    pub lookup: Option<Lookup>,
    /// Where it stands in the file; line 0 without a `source`.
    pub at: Position,
}

/// The two APIs that serve the same events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventsApi {
    /// `v1`: the older form, which every cluster has.
    Core,
    /// `events.k8s.io/v1`.
    EventsV1,
}

/// What is read of the events that were there before the first start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backlog {
    /// `all` that the cluster still has: an hour, by default.
    All,
    /// `none`.
    None,
    /// What was last seen within this time: from 1 s to 30 days.
    Within(Duration),
}

/// One active replica of several, by a Lease of coordination.k8s.io/v1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaderElection {
    /// `leaseName` (or KEE's `leaderElectionID`). Default: weir; with KEE's key block:
    /// kubernetes-event-exporter.
    pub lease_name: String,
    /// `leaseNamespace`. Default (`None`): the pod's, else that of the kubeconfig's context, else default.
    pub lease_namespace: Option<String>,
    /// `leaseDuration`: how long a standby waits before it takes a lease that is not renewed. Whole seconds, from
    /// 5 s to 1 h. Default: 15 s.
    pub lease_duration: Duration,
    /// `renewDeadline`: after so long without a renewal the leader stops. At least 3 s less than
    /// `leaseDuration`, so that its last calls end first. From 1 s. Default: 10 s.
    pub renew_deadline: Duration,
    /// `retryPeriod`: how often the lease is renewed, or looked at; less than `renewDeadline`. From 100 ms.
    /// Default: 2 s.
    pub retry_period: Duration,
}

/// What is looked up of the objects that events are about.
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    /// `labels` of the involved object. Default: true.
    pub labels: bool,
    /// `annotations` of the involved object. Default: true.
    pub annotations: bool,
    /// `owners`: its ownerReferences. Default: true.
    pub owners: bool,
    /// `namespaceLabels`: the labels of the event's namespace. Default: false.
    pub namespace_labels: bool,
    /// `nodeLabels`: the labels of the node that reported it. Default: false.
    pub node_labels: bool,
    /// `cache` (or KEE's `cacheSize`): objects that are remembered, from 1 to 1 000 000. Default: 4096.
    pub cache: usize,
    /// `qps` (or KEE's `kubeQPS`): requests a second, from 0.01 to 1 000 000. Default: 20. In KEE's keys 0 is the
    /// default.
    pub qps: f64,
    /// `burst` (or KEE's `kubeBurst`): requests at once, from 1 to 10 000. Default: 40.
    pub burst: u32,
    /// `deadline`: how long an event waits, from 10 ms to 1 min. Default: 2 s.
    pub deadline: Duration,
    /// `onMissing`: what happens to an event that a rule wants looked up, and that could not be. Default: without.
    pub on_missing: OnMissing,
}

/// What happens to an event whose object could not be looked up in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMissing {
    /// It goes on without.
    Without,
    /// It waits until the lookup works, and with it what comes after it.
    Hold,
}

/// Where the position is kept, so that a restart goes on where deliveries were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checkpoint {
    /// Nothing was said: in a cluster a ConfigMap `weir-position`, elsewhere none. With leader election it is in
    /// the lease.
    Default,
    /// `file`: already joined to the folder of the configuration.
    File(PathBuf),
    /// `configMap`: its name, in the namespace of weir's pod (else of the kubeconfig's context).
    ConfigMap(String),
}

/// The listener for probes and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// `listen`: an address and a port, such as `0.0.0.0:2112`. Without an address (`:2112`, `2112`) it is 0.0.0.0,
    /// all of IPv4's; `[::]:2112` has IPv6, too. Port 0 takes a free one, and logs it.
    pub listen: SocketAddr,
    /// `token`: who sends it (`Authorization: Bearer …`) may see the plugins and have the files looked at from anywhere.
    /// Default (`None`): only this machine may.
    pub token: Option<Token>,
    /// `metricsNamePrefix` of the top level: before KEE's own names of metrics. Default: "".
    pub metrics_name_prefix: String,
}

/// A secret as the file has it: in full, or as a reference (`${env:X}`, `${file:/p}`) that is not resolved yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// As it is written, with `$NAME` replaced.
    pub text: String,
    /// Where it stands in the file.
    pub at: Position,
}

// By hand: a `{:?}` ends up in logs.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// Events from a file or from standard input, one JSON object a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// `path`: "-" is standard input. Required.
    pub path: ReplayPath,
    /// `follow`: wait for more at the end of the file. Default: false. Never with `repeat` other than 1.
    pub follow: bool,
    /// `rate`: events a second. Default and 0: no limit (`None`). What was missed while nothing came or
    /// nothing went out is not caught up with. While stopping, what was read already goes out at once.
    pub rate: Option<NonZeroU32>,
    /// `repeat`: how often the file is read. Default: 1. 0 is for ever. Standard input: only 1.
    pub repeat: Repeat,
    /// Where it stands in the file.
    pub at: Position,
}

/// What is replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayPath {
    /// `-`.
    Stdin,
    /// A file; already joined to the folder of the configuration.
    File(PathBuf),
}

/// How often a file is replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// So many times.
    Times(NonZeroU32),
    /// Until it is stopped.
    Forever,
}
