//! The table of all metrics: name, kind, labels, meaning, and where the values come from (`samples`).
//!
//! The order is that of the exposition. KEE's names stand last.

use super::Figures;
use super::samples::*;

/// One metric.
pub(super) struct Family {
    /// As it is queried; a counter's ends with `_total`. KEE's without their prefix.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// One sentence without quotes or line ends, which the OpenMetrics form would need escaped.
    pub help: &'static str,
    /// Its samples. Without any, the metric is not there.
    pub samples: fn(&Figures) -> Vec<Sample>,
}

/// The kinds of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    /// A gauge of KEE's, which takes the configured prefix.
    KeeGauge,
    /// A counter of KEE's. Its name does not end with `_total`, so it cannot be called a counter in OpenMetrics: there KEE itself
    /// calls it unknown.
    KeeCounter,
}

/// All metrics.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "weir_build_info",
        kind: Kind::Gauge,
        labels: &["version"],
        help: "1, with the version of weir.",
        samples: |_| vec![sample([env!("CARGO_PKG_VERSION")], Value::Count(1))],
    },
    Family {
        name: "weir_events_received_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Events read from the source.",
        samples: |figures| one(figures.ledger.received),
    },
    Family {
        name: "weir_events_malformed_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Pieces of input that were no event.",
        samples: |figures| one(figures.ledger.malformed),
    },
    Family {
        name: "weir_events_emitted_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Events that filters added.",
        samples: |figures| one(figures.ledger.emitted),
    },
    Family {
        name: "weir_events_routed_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Events that reached a receiver.",
        samples: |figures| one(figures.ledger.routed),
    },
    Family {
        name: "weir_events_unrouted_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Events that no rule sent anywhere.",
        samples: |figures| one(figures.ledger.unrouted),
    },
    Family {
        name: "weir_events_duplicates_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Events recognised as seen before.",
        samples: |figures| one(figures.ledger.duplicates),
    },
    Family {
        name: "weir_events_too_old_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Events older than the configured age.",
        samples: |figures| one(figures.ledger.too_old),
    },
    Family {
        name: "weir_filter_dropped_total",
        kind: Kind::Counter,
        labels: &["filter", "reason"],
        help: "Events that a filter dropped, by the reason it gave.",
        samples: filter_dropped,
    },
    Family {
        name: "weir_filter_errors_total",
        kind: Kind::Counter,
        labels: &["filter", "action"],
        help: "Failed calls of a filter, by what became of the event: kept or dropped.",
        samples: filter_errors,
    },
    Family {
        name: "weir_receiver_recovered_total",
        kind: Kind::Counter,
        labels: &["receiver"],
        help: "Events that its queue on disk held at the start.",
        samples: |figures| by_receiver(figures, |receiver| receiver.recovered),
    },
    Family {
        name: "weir_receiver_enqueued_total",
        kind: Kind::Counter,
        labels: &["receiver"],
        help: "Events put into its queue.",
        samples: |figures| by_receiver(figures, |receiver| receiver.enqueued),
    },
    Family {
        name: "weir_receiver_delivered_total",
        kind: Kind::Counter,
        labels: &["receiver"],
        help: "Events that its sink accepted.",
        samples: |figures| by_receiver(figures, |receiver| receiver.delivered),
    },
    Family {
        name: "weir_receiver_dead_total",
        kind: Kind::Counter,
        labels: &["receiver"],
        help: "Events that its sink will never accept.",
        samples: |figures| by_receiver(figures, |receiver| receiver.dead),
    },
    Family {
        name: "weir_receiver_dropped_total",
        kind: Kind::Counter,
        labels: &["receiver"],
        help: "Events that its full queue gave up.",
        samples: |figures| by_receiver(figures, |receiver| receiver.dropped),
    },
    Family {
        name: "weir_receiver_retries_total",
        kind: Kind::Counter,
        labels: &["receiver"],
        help: "Calls of its sink that did not deliver all.",
        samples: |figures| by_receiver(figures, |receiver| receiver.retries),
    },
    Family {
        name: "weir_receiver_waiting",
        kind: Kind::Gauge,
        labels: &["receiver"],
        help: "Events in its queue or in the hands of its sink.",
        samples: |figures| by_receiver(figures, |receiver| receiver.waiting),
    },
    Family {
        name: "weir_watch_connected",
        kind: Kind::Gauge,
        labels: &["watch"],
        help: "1 while the stream of the watch is open.",
        samples: |figures| by_watch(figures, |watch| Some(truth(watch.connected))),
    },
    Family {
        name: "weir_watch_last_line_timestamp_seconds",
        kind: Kind::Gauge,
        labels: &["watch"],
        help: "When the last line of any kind came.",
        samples: |figures| by_watch(figures, |watch| watch.last_line.map(seconds)),
    },
    Family {
        name: "weir_watch_resource_version",
        kind: Kind::Gauge,
        labels: &["watch"],
        help: "The last resourceVersion that was seen.",
        samples: |figures| by_watch(figures, |watch| Some(Value::Count(watch.resource_version))),
    },
    Family {
        name: "weir_watch_position",
        kind: Kind::Gauge,
        labels: &["watch", "receiver"],
        help: "The resourceVersion up to which a receiver has settled all.",
        samples: positions,
    },
    Family {
        name: "weir_watch_lag_seconds",
        kind: Kind::Gauge,
        labels: &["watch"],
        help: "The time since the last event that was read, by its own timestamp; it grows while a cluster is silent, too.",
        samples: |figures| {
            by_watch(figures, |watch| {
                watch.last_event.map(|last| elapsed(figures.now, last))
            })
        },
    },
    Family {
        name: "weir_watch_restarts_total",
        kind: Kind::Counter,
        labels: &["watch", "reason"],
        help: "How often the stream was opened anew.",
        samples: |figures| by_class(figures, |watch| &watch.restarts),
    },
    Family {
        name: "weir_watch_failures_total",
        kind: Kind::Counter,
        labels: &["watch", "class"],
        help: "Failed requests and streams.",
        samples: |figures| by_class(figures, |watch| &watch.failures),
    },
    Family {
        name: "weir_watch_gaps_total",
        kind: Kind::Counter,
        labels: &["watch", "class"],
        help: "How often events may have been missed.",
        samples: |figures| by_class(figures, |watch| &watch.gaps),
    },
    Family {
        name: "weir_lookup_hits_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Lookups that the cache answered.",
        samples: |figures| of_lookup(figures, |lookup| lookup.hits),
    },
    Family {
        name: "weir_lookup_misses_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Lookups that the cache did not answer.",
        samples: |figures| of_lookup(figures, |lookup| lookup.misses),
    },
    Family {
        name: "weir_lookup_requests_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Requests to the API server for lookups.",
        samples: |figures| of_lookup(figures, |lookup| lookup.requests),
    },
    Family {
        name: "weir_lookup_failures_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Requests for lookups that failed.",
        samples: |figures| of_lookup(figures, |lookup| lookup.failures),
    },
    Family {
        name: "weir_lookup_without_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Events that went on without what was to be looked up.",
        samples: |figures| of_lookup(figures, |lookup| lookup.without),
    },
    Family {
        name: "weir_leader",
        kind: Kind::Gauge,
        labels: &[],
        help: "1 while this process leads, 0 while it stands by.",
        samples: leader,
    },
    Family {
        name: "weir_checkpoint_saves_total",
        kind: Kind::Counter,
        labels: &[],
        help: "How often positions were stored.",
        samples: |figures| {
            of_checkpoint(figures, |checkpoint| Some(Value::Count(checkpoint.saves)))
        },
    },
    Family {
        name: "weir_checkpoint_failures_total",
        kind: Kind::Counter,
        labels: &[],
        help: "How often storing positions failed.",
        samples: |figures| {
            of_checkpoint(figures, |checkpoint| {
                Some(Value::Count(checkpoint.failures))
            })
        },
    },
    Family {
        name: "weir_checkpoint_last_save_timestamp_seconds",
        kind: Kind::Gauge,
        labels: &[],
        help: "When positions were last stored.",
        samples: |figures| of_checkpoint(figures, |checkpoint| checkpoint.last_save.map(seconds)),
    },
    Family {
        name: "weir_plugin_info",
        kind: Kind::Gauge,
        labels: &["use", "role", "plugin", "version", "digest"],
        help: "1, with the plugin of a use, its version and the start of its file's SHA-256.",
        samples: plugin_info,
    },
    Family {
        name: "weir_plugin_calls_total",
        kind: Kind::Counter,
        labels: &["use", "role"],
        help: "Calls of the plugin.",
        samples: |figures| by_use(figures, |of| Value::Count(of.calls)),
    },
    Family {
        name: "weir_plugin_faults_total",
        kind: Kind::Counter,
        labels: &["use", "role"],
        help: "Calls that broke: a trap, or a limit.",
        samples: |figures| by_use(figures, |of| Value::Count(of.faults)),
    },
    Family {
        name: "weir_plugin_errors_total",
        kind: Kind::Counter,
        labels: &["use", "role"],
        help: "Calls that answered an error.",
        samples: |figures| by_use(figures, |of| Value::Count(of.errors)),
    },
    Family {
        name: "weir_plugin_retries_total",
        kind: Kind::Counter,
        labels: &["use", "role"],
        help: "Events that were tried again in a fresh instance.",
        samples: |figures| by_use(figures, |of| Value::Count(of.retries)),
    },
    Family {
        name: "weir_plugin_replaced_total",
        kind: Kind::Counter,
        labels: &["use", "role"],
        help: "Instances that a fresh one replaced between two calls: they held nearly all memory that they may.",
        samples: |figures| by_use(figures, |of| Value::Count(of.replaced)),
    },
    Family {
        name: "weir_plugin_call_seconds",
        kind: Kind::Gauge,
        labels: &["use", "role", "quantile"],
        help: "The plugin's own processor time in a call; not there before the first.",
        samples: plugin_times,
    },
    Family {
        name: "weir_plugin_memory_bytes",
        kind: Kind::Gauge,
        labels: &["use", "role"],
        help: "Memory of its largest instance.",
        samples: |figures| by_use(figures, |of| Value::Count(of.memory_bytes)),
    },
    Family {
        name: "weir_plugin_slow",
        kind: Kind::Gauge,
        labels: &["use", "role"],
        help: "1 while its calls are slow, though within their limits.",
        samples: |figures| by_use(figures, |of| truth(of.slow)),
    },
    Family {
        name: "weir_plugin_quarantined",
        kind: Kind::Gauge,
        labels: &["use", "role"],
        help: "1 while it is not called for a while, because it broke too often.",
        samples: |figures| by_use(figures, |of| truth(of.quarantine.is_some())),
    },
    Family {
        name: "weir_plugin_counter_total",
        kind: Kind::Counter,
        labels: &["use", "role", "counter"],
        help: "The plugin's own counters.",
        samples: plugin_counters,
    },
    Family {
        name: "weir_reload_pending",
        kind: Kind::Gauge,
        labels: &[],
        help: "1 while a change of the files is not taken; a restart might fail then.",
        samples: |figures| of_reload(figures, |report| truth(report.pending.is_some())),
    },
    Family {
        name: "weir_reload_restart_would_fail",
        kind: Kind::Gauge,
        labels: &[],
        help: "1 while a process that starts with the files as they are would not come up.",
        samples: restart_would_fail,
    },
    Family {
        name: "weir_reload_restart_needed",
        kind: Kind::Gauge,
        labels: &[],
        help: "1 while the file has changes that only a restart takes.",
        samples: |figures| of_reload(figures, |report| truth(!report.restart_needed.is_empty())),
    },
    Family {
        name: "weir_reload_taken_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Changes of the files that were taken.",
        samples: |figures| of_reload(figures, |report| Value::Count(report.taken)),
    },
    Family {
        name: "weir_reload_refused_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Changes of the files that were not taken, each counted once.",
        samples: |figures| of_reload(figures, |report| Value::Count(report.refused)),
    },
    Family {
        name: "process_start_time_seconds",
        kind: Kind::Gauge,
        labels: &[],
        help: "When the process started.",
        samples: |figures| maybe(figures.process.started.map(seconds)),
    },
    Family {
        name: "process_resident_memory_bytes",
        kind: Kind::Gauge,
        labels: &[],
        help: "Memory that is resident.",
        samples: |figures| maybe(figures.process.resident_bytes.map(Value::Count)),
    },
    Family {
        name: "process_cpu_seconds_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Processor time of all threads, user and system.",
        samples: |figures| maybe(Some(Value::Real(figures.process.cpu_seconds))),
    },
    Family {
        name: "process_open_fds",
        kind: Kind::Gauge,
        labels: &[],
        help: "Open file descriptors.",
        samples: |figures| maybe(figures.process.open_files.map(Value::Count)),
    },
    Family {
        name: "build_info",
        kind: Kind::KeeGauge,
        labels: &["version", "revision", "goversion", "goos", "goarch"],
        help: "1, with the version of weir in the labels of kubernetes-event-exporter.",
        samples: kee_build_info,
    },
    Family {
        name: "events_sent",
        kind: Kind::KeeCounter,
        labels: &[],
        help: "Events that were not too old and not seen before.",
        samples: |figures| one(kee_processed(figures)),
    },
    Family {
        name: "events_discarded",
        kind: Kind::KeeCounter,
        labels: &[],
        help: "Events older than the configured age.",
        samples: |figures| one(figures.ledger.too_old),
    },
    Family {
        name: "watch_errors",
        kind: Kind::KeeCounter,
        labels: &[],
        help: "Failed requests and streams of all watches.",
        samples: |figures| one(kee_watch_errors(figures)),
    },
    Family {
        name: "send_event_errors",
        kind: Kind::KeeCounter,
        labels: &[],
        help: "Calls of sinks that did not deliver all, and events that no sink will ever accept.",
        samples: |figures| one(kee_send_errors(figures)),
    },
    Family {
        name: "kube_api_read_cache_hits",
        kind: Kind::KeeCounter,
        labels: &[],
        help: "Lookups that the cache answered.",
        samples: |figures| one(lookup(figures).map_or(0, |lookup| lookup.hits)),
    },
    Family {
        name: "kube_api_read_cache_misses",
        kind: Kind::KeeCounter,
        labels: &[],
        help: "Lookups that the cache did not answer.",
        samples: |figures| one(lookup(figures).map_or(0, |lookup| lookup.misses)),
    },
];
